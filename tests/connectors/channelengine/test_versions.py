"""An account has its returns as v2 or as v2.1, and is never asked as both."""

from collections.abc import Mapping
from typing import Literal

import msgspec
import pytest

from hub.sdk import Acknowledgement, Context, Effect, Interrupted, Kind, ReturnKey, Sent
from hub.sdk.http import NO_KEY
from tests.support.channelengine import ENGINE, KEY, NOW, Script, answer, settlement

ACKNOWLEDGEMENT = Acknowledgement(external_id="71", return_number="RMA-7", order_number="SO-1001")
WANTED = ReturnKey(return_number="RMA-7", external_id="71", order_number="SO-1001", channel_order_number="5551234")
REFUSED_KEY = answer(200, Success=False, StatusCode=401, Message=f"API key is unknown: {KEY}")


class Empty:
    """A ChannelEngine that has nothing, or says one thing to everything, and keeps where it was asked."""

    def __init__(self, said: Sent | None = None) -> None:
        self.said = said or answer(404)
        self.asked: list[str] = []

    async def send(self, method: str, url: str, *, headers: Mapping[str, str] | None = None, **_: object) -> Sent:
        self.asked.append(url)
        return self.said


async def ask_everything(context: Context) -> list[object]:
    """Make every call about returns."""
    calls = [ENGINE.poll(context, None), ENGINE.history(context, NOW, None), ENGINE.fetch(context, WANTED)]
    calls += [ENGINE.fetch(context, msgspec.structs.replace(WANTED, external_id=None))]
    calls += [ENGINE.acknowledge(context, ACKNOWLEDGEMENT), ENGINE.lookup(context, Effect.ACKNOWLEDGE, ACKNOWLEDGEMENT)]
    for kind in Kind:
        message = settlement(kind, ("A", 1, 0, 0))
        calls += [ENGINE.settle(context, message), ENGINE.lookup(context, Effect.SETTLE, message)]
    outcomes: list[object] = []
    for call in calls:
        try:
            outcomes.append(await call)
        except Interrupted as fault:
            outcomes.append(fault.outcome)
    return outcomes


def context_of(vendor: Empty, version: Literal["v2", "v2.1"]) -> Context:
    return msgspec.structs.replace(Script().context(returns_api=version), http=vendor)


@pytest.mark.parametrize(("version", "other"), [("v2", "/v2.1/"), ("v2.1", "/v2/returns")])
async def test_an_account_is_asked_for_its_returns_by_its_own_version_alone(
    version: Literal["v2", "v2.1"], other: str
) -> None:
    vendor = Empty()
    await ask_everything(context_of(vendor, version))
    assert any(f"/{version}/returns" in url for url in vendor.asked)
    assert [url for url in vendor.asked if other in url] == []


@pytest.mark.parametrize("version", ["v2", "v2.1"])
async def test_a_key_that_is_refused_in_the_body_is_for_its_owner_to_repair(version: Literal["v2", "v2.1"]) -> None:
    outcomes = await ask_everything(context_of(Empty(REFUSED_KEY), version))
    assert set(map(str, outcomes)) == {str(NO_KEY)}
