"""How the connector behaves towards a vendor, and what it makes of answers that none should give."""

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest

from hub.sdk import (
    ActionRequired,
    Context,
    Done,
    Effect,
    Kind,
    Outcome,
    OutcomeUnknown,
    RateLimited,
    Retry,
    ReturnKey,
    Sent,
    Subscription,
)
from tests.support.channelengine import (
    ACKNOWLEDGEMENT,
    BY_ORDER,
    CHANNEL,
    ENGINE,
    HTML,
    KEY,
    MERCHANT,
    RETURNS,
    Script,
    answer,
    outcome,
    page,
    settlement,
    vendor_return,
)
from tests.support.merchant import Merchant
from tests.support.sandboxed import Sandboxed

Call = Callable[[Context], Awaitable[Outcome]]
HOOK = Subscription(name="hub", url="https://hub.example/knock/s3cret")
WATCHED = (ReturnKey(return_number="RMA-7"),)
SINCE = datetime(2025, 1, 1, tzinfo=UTC)
READS: dict[str, tuple[str, Call]] = {
    "check": ("GET /v2/settings", ENGINE.check),
    "poll": (f"GET {RETURNS}", lambda context: ENGINE.poll(context, None)),
    "find order": ("GET /v2/orders", lambda context: ENGINE.find_order(context, "SO-1001")),
    "fetch": (
        f"GET {BY_ORDER}",
        lambda context: ENGINE.fetch(context, ReturnKey(return_number="RMA-7", order_number="SO-1001")),
    ),
    "history": ("GET /v2/returns", lambda context: ENGINE.history(context, SINCE, None)),
    "refusals": ("GET /v2/notifications", lambda context: ENGINE.refusals(context, None, WATCHED)),
    "subscribe": ("GET /v2/webhooks", lambda context: ENGINE.subscribe(context, HOOK)),
    "look up": (f"GET {BY_ORDER}", lambda context: ENGINE.lookup(context, Effect.SETTLE, MERCHANT)),
    "look before settling": (f"GET {BY_ORDER}", lambda context: ENGINE.settle(context, CHANNEL)),
}
UNREAD = settlement(Kind.CHANNEL, order_number="")
WRITES: dict[str, tuple[str, Call]] = {
    "acknowledge": (f"POST {RETURNS}/acknowledge", lambda context: ENGINE.acknowledge(context, ACKNOWLEDGEMENT)),
    "update": ("PUT /v2/returns", lambda context: ENGINE.settle(context, UNREAD)),
    "create": (f"POST {RETURNS}", lambda context: ENGINE.settle(context, MERCHANT)),
    "unsubscribe": ("DELETE /v2/webhooks/hub", lambda context: ENGINE.unsubscribe(context, HOOK)),
}
reads = pytest.mark.parametrize(("call", "do"), READS.values(), ids=list(READS))
writes = pytest.mark.parametrize(("call", "do"), WRITES.values(), ids=list(WRITES))
STRANGE = {
    "a page for people": HTML,
    "a page for people who are not found": Sent(404, {"content-type": "text/html"}, HTML.body),
    "a page for people who are refused": Sent(400, {}, HTML.body),
    "a page for people during maintenance": Sent(503, {}, HTML.body),
    "half of an answer": Sent(200, {}, page(vendor_return()).body[:-40]),
    "nothing": Sent(200, {}, b""),
    "nothing not found": Sent(404, {}, b""),
    "null": Sent(200, {}, b"null"),
    "a list": Sent(200, {}, b"[]"),
    "no text": Sent(200, {}, b"\xff\xfe\x00"),
    "a deep hole": Sent(200, {}, b"[" * 100_000),
}
strange = pytest.mark.parametrize("given", STRANGE.values(), ids=list(STRANGE))


def script(vendor: Script, call: str, *answers: Sent) -> None:
    if call == f"POST {RETURNS}":
        vendor.on(f"GET {BY_ORDER}", page())
    vendor.on(call, *answers)


@reads
@strange
async def test_an_answer_to_a_read_that_is_none_is_asked_for_again(
    vendor: Script, call: str, do: Call, given: Sent
) -> None:
    script(vendor, call, given)
    told = await outcome(do(vendor.context()))
    if call == "GET /v2/settings" and given.status < 500:
        # Who sets a connection up has most likely mistyped the address.
        assert isinstance(told, ActionRequired)
    elif do is READS["look up"][1]:
        assert isinstance(told, Retry | OutcomeUnknown)
    else:
        assert isinstance(told, Retry)


@writes
@strange
async def test_an_answer_to_a_write_that_is_none_leaves_it_in_doubt(
    vendor: Script, call: str, do: Call, given: Sent
) -> None:
    script(vendor, call, given)
    assert isinstance(await outcome(do(vendor.context())), OutcomeUnknown)


@pytest.mark.parametrize(("call", "do"), [*READS.values(), *WRITES.values()], ids=[*READS, *WRITES])
@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (answer(401, Message=f"API key is unknown: {KEY}"), ActionRequired),
        (answer(403, Message=f"no rights for {KEY}"), ActionRequired),
        (answer(429, {"retry-after": "17"}), RateLimited),
        (Sent(302, {"location": "https://elsewhere.example/"}, b"moved"), ActionRequired),
    ],
)
async def test_a_refused_key_a_busy_vendor_and_another_address_are_told_apart_and_no_key_is_told(
    vendor: Script, call: str, do: Call, given: Sent, kind: type
) -> None:
    script(vendor, call, given)
    told = await outcome(do(vendor.context()))
    assert type(told) is kind
    assert KEY not in repr(told)


@pytest.mark.parametrize("content_type", [{}, {"content-type": "text/html"}, {"content-type": "text/plain"}])
async def test_what_can_be_read_is_read_whatever_it_calls_itself(vendor: Script, content_type: dict[str, str]) -> None:
    vendor.on(f"GET {RETURNS}", Sent(200, content_type, page(vendor_return()).body))
    told = await outcome(ENGINE.poll(vendor.context(), None))
    assert isinstance(told, Done)
    assert len(told.result.items) == 1


async def test_ten_megabytes_of_what_nobody_asked_for_do_no_harm(vendor: Script) -> None:
    huge = json.loads(page(vendor_return()).body) | {"Advertisement": "x" * 9_900_000}
    body = json.dumps(huge).encode()
    vendor.on(f"GET {RETURNS}", Sent(200, {}, body))
    vendor.on("PUT /v2/returns", Sent(200, {}, body))
    assert isinstance(await outcome(ENGINE.poll(vendor.context(), None)), Done)
    assert isinstance(await outcome(ENGINE.settle(vendor.context(), UNREAD)), Done)


async def test_numbers_that_make_an_address_too_long_are_not_sent(vendor: Script) -> None:
    found = await outcome(ENGINE.fetch(vendor.context(), ReturnKey(return_number="RMA-7", order_number="ä" * 400)))
    assert not isinstance(found, Done)
    assert vendor.asked == []


class TestAtTheSandbox:
    async def test_a_revoked_key_and_the_key_of_another_account_are_for_the_owner(self, shop: Merchant) -> None:
        way = Sandboxed(shop)
        assert isinstance(await way.ask(ENGINE.check(way.context)), Done)
        _, shop.key = await shop.vendor.tenant()
        told = await way.ask(ENGINE.check(way.context))
        assert isinstance(told, ActionRequired)
        assert shop.key not in told.message
        shop.key = "0" * 40
        await shop.vendor.revoke_key(shop.tenant, shop.key)
        assert isinstance(await way.ask(ENGINE.check(way.context)), Done)

    async def test_a_correct_client_leaves_nothing_to_complain_of_whatever_the_vendor_answers(
        self, shop: Merchant
    ) -> None:
        await shop.vendor.fail(
            *(f"poll={kind}" for kind in ("offset", "unknown-words/2", "unknown-fields/3", "nulls/4"))
        )
        for number in range(5):
            await shop.sent_back("Kaufland", f"SO-{number}")
        way = Sandboxed(shop)
        for _ in range(6):
            told = await way.ask(ENGINE.poll(way.context, None))
            assert isinstance(told, Done)
            assert len(told.result.items) == 5
        assert await shop.vendor.violations(shop.tenant) == []
