"""Knocks: hints that are durable before they are answered, at addresses that are secrets."""

import asyncio
import io
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from prometheus_client import generate_latest

from hub.inbox import service as inbox
from hub.kit import clock, queue
from hub.knocks.keeper import NO_ADDRESS
from hub.knocks.service import APART
from hub.runtime import Runtime
from hub.sdk import ActionRequired, Done, Refused, Retry, Subscribed
from tenants.messages import Role
from tests.conftest import Clock
from tests.support.caller import Caller, code
from tests.support.judge import counts, one, rows
from tests.support.market import PUBLIC, Stall
from tests.support.storm import no_database, until


@pytest.fixture
async def path(stall: Stall) -> str:
    """Where the vendor was told to knock."""
    await stall.keeper.keep(str(stall.shop.connection))
    (address,) = stall.market.addresses
    return address.removeprefix(PUBLIC)


async def poll_row() -> dict[str, Any]:
    (found,) = await rows("select knocked_at, next_at, refusals_at from polls")
    return found


async def rest(stall: Stall) -> None:
    """Let the connection's poll be long over and the next one far away."""
    await stall.poll()
    stall.watch.forward(minutes=1)


async def test_a_right_knock_is_answered_once_it_is_kept_and_has_the_connection_polled(
    stall: Stall, market_api: httpx.AsyncClient, path: str
) -> None:
    await rest(stall)
    told = stall.market.send_back()
    answer = await market_api.get(path, params={"type": "returns", "tenant": "x", "updatedSince": "1707677959"})
    assert (answer.status_code, answer.content) == (202, b"")
    kept = await poll_row()
    assert kept["knocked_at"] == kept["next_at"] < clock.now()
    await until(lambda: stall.hub.bell.waiting("initiation"))
    await stall.poller.poll(str(stall.shop.connection))
    assert (await stall.of(told)).external_id == told.external_id


async def test_a_wrong_address_is_not_there_and_leaves_nothing(
    stall: Stall, market_api: httpx.AsyncClient, path: str
) -> None:
    await rest(stall)
    before, kept = await counts(), await poll_row()
    _, _, connection, token = path.split("/")
    for wrong in (
        f"/knock/{connection}/{token[:-1]}x",
        f"/knock/{connection}/{token}x",
        f"/knock/{connection}/-",
        f"/knock/{stall.shop.account}/{token}",
        f"/knock/nobody/{token}",
        f"/knock/{connection}/%00",
    ):
        for answer in (await market_api.get(wrong), await market_api.post(wrong, content=b"{}")):
            assert answer.status_code == 404
    assert (await counts(), await poll_row()) == (before, kept)
    assert (await market_api.put(path)).status_code == 405


@pytest.mark.parametrize("query", ["type=%ff%00", "=&=&&", "type", "a=1&" * 500, "type=" + "x" * 5000])
async def test_whatever_stands_in_the_query_a_knock_is_a_knock(
    stall: Stall, market_api: httpx.AsyncClient, path: str, query: str
) -> None:
    assert (await market_api.get(f"{path}?{query}")).status_code == 202
    assert (await poll_row())["knocked_at"] is not None


async def test_a_hundred_knocks_at_once_make_one_poll(stall: Stall, market_api: httpx.AsyncClient, path: str) -> None:
    await rest(stall)
    stall.market.asked.clear()
    answers = await asyncio.gather(*(market_api.post(path) for _ in range(100)))
    assert {answer.status_code for answer in answers} == {202}
    await until(lambda: stall.hub.bell.waiting("initiation"))
    assert await stall.hub.bell.waiting("initiation") == 1
    polls = [stall.poller.poll(str(stall.shop.connection)) for _ in range(20)]
    await asyncio.gather(*polls)
    assert stall.market.asked.count("poll") == 1


async def test_however_often_a_vendor_knocks_it_is_polled_every_few_seconds_at_most(
    stall: Stall, market_api: httpx.AsyncClient, path: str
) -> None:
    await rest(stall)
    stall.market.asked.clear()
    for _ in range(60):
        await market_api.get(path)
        await stall.poller.poll(str(stall.shop.connection))
        stall.watch.forward(seconds=1)
    assert stall.market.asked.count("poll") == 60 / APART.total_seconds()


async def test_a_knock_during_a_poll_has_it_polled_again(
    stall: Stall, market_api: httpx.AsyncClient, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rest(stall)
    poll = stall.market.poll

    async def knocked_at(*words: Any) -> Any:
        told = await poll(*words)
        monkeypatch.undo()
        assert (await market_api.get(path)).status_code == 202
        return told

    monkeypatch.setattr(stall.market, "poll", knocked_at)
    await stall.poll()
    late = stall.market.send_back()
    stall.watch.forward(seconds=APART.total_seconds())
    await stall.poller.poll(str(stall.shop.connection))
    assert (await stall.of(late)).external_id == late.external_id


async def test_a_body_is_ignored_however_long_it_is(stall: Stall, market_api: httpx.AsyncClient, path: str) -> None:
    short = await market_api.post(path, content=b'{"returns": "none of it is read"')
    long = await market_api.post(path, content=b"x" * 2_000_000)

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(200):
            yield b"x" * 100_000

    streamed = await market_api.post(path, content=endless())
    assert [short.status_code, long.status_code, streamed.status_code] == [202, 202, 202]
    assert [answer.headers.get("connection") for answer in (short, long, streamed)] == [None, "close", "close"]


async def test_without_valkey_a_knock_is_kept_and_answered_at_once(
    stall: Stall, market_api: httpx.AsyncClient, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rest(stall)
    hung = asyncio.Event()

    async def hangs(*_: Any, **__: Any) -> None:
        await hung.wait()

    monkeypatch.setattr(queue, "ring", hangs)
    async with asyncio.timeout(1):
        answer = await market_api.get(path)
    hung.set()
    assert answer.status_code == 202
    kept = await poll_row()
    assert kept["knocked_at"] == kept["next_at"]
    monkeypatch.undo()
    assert await inbox.sweep() == 1


async def test_without_postgresql_a_knock_is_not_taken(stall: Stall, market_api: httpx.AsyncClient, path: str) -> None:
    async with no_database():
        assert code(await market_api.get(path)) == (503, "database_unreachable")


async def test_a_knock_about_refusals_has_them_asked_and_one_about_something_else_nothing(
    stall: Stall, market_api: httpx.AsyncClient, path: str
) -> None:
    await rest(stall)
    before = await poll_row()
    assert (await market_api.get(path, params={"type": "orders"})).status_code == 202
    assert await poll_row() == before
    assert (await market_api.get(path, params={"type": "notifications"})).status_code == 202
    after = await poll_row()
    assert (after["knocked_at"], after["refusals_at"]) == (before["knocked_at"], after["next_at"])
    assert after["next_at"] < before["next_at"]


async def test_a_connector_that_breaks_on_a_knock_loses_none(
    stall: Stall, market_api: httpx.AsyncClient, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(_: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(stall.market, "hear", breaks)
    assert (await market_api.get(path)).status_code == 202
    assert (await poll_row())["knocked_at"] is not None


async def test_the_secret_of_an_address_is_nowhere_but_in_the_address(
    stall: Stall,
    market_api: httpx.AsyncClient,
    path: str,
    logged: io.StringIO,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    token = path.rsplit("/", 1)[1]
    assert len(token) == 43
    caller = Caller(market_api, await stall.api_key())
    stall.market.answers["subscribe"] = [Refused("url", f"{PUBLIC}{path} is not good"), Retry(f"see {path}")]
    shown = []
    for _ in range(2):
        await stall.keeper.check_soon(stall.shop.connection)
        shown.append((await caller.get("/connections")).text)

    async def breaks(*_: Any, **__: Any) -> Any:
        raise RuntimeError(path)

    monkeypatch.setattr("hub.knocks.service.queries.knock", breaks)
    failed = await market_api.get(path)
    assert code(failed) == (500, "internal")
    monkeypatch.undo()
    stored = json.dumps(await rows("select to_jsonb(c)::text from connections c"))
    stored += json.dumps(await rows("select to_jsonb(a)::text from audit a"))
    for text in (*shown, failed.text, logged.getvalue(), stored, generate_latest().decode()):
        assert token not in text
    assert "is not good" in shown[0]
    assert "RuntimeError" in logged.getvalue()


async def connection(stall: Stall) -> dict[str, Any]:
    (found,) = await rows("select subscribed_at, subscription_checked_at, subscription_why, state from connections")
    return found


async def test_a_connection_is_registered_when_it_is_made_and_says_so(
    stall: Stall, market_api: httpx.AsyncClient
) -> None:
    caller = Caller(market_api, await stall.api_key(Role.ACCOUNT))
    login = {"connector": "market", "settings": {"api_key": "k"}}
    body = {**login, "name": "Another", "account_id": str(stall.shop.account)}
    made = (await caller.post("/connections", body)).json()
    assert made["subscribed_at"] is not None
    assert made["subscription_why"] is None
    (address,) = stall.market.addresses
    assert re.fullmatch(rf"{PUBLIC}/knock/{made['id']}/[\w-]{{43}}", address)


async def test_a_registration_is_checked_daily_and_put_right_soon(stall: Stall) -> None:
    for hours, checks in ((0, 1), (23, 1), (2, 2), (1, 2)):
        stall.watch.forward(hours=hours)
        rung = await stall.keeper.sweep()
        await stall.keeper.keep(str(stall.shop.connection))
        assert len(stall.market.addresses) == checks
        assert rung == (1 if hours in {0, 2} else 0)
    assert len(set(stall.market.addresses)) == 1, "the address stays what it is"
    since = (await connection(stall))["subscribed_at"]
    stall.market.answers["subscribe"] = [Retry("down"), Done(Subscribed(repaired="it was switched off"))]
    stall.watch.forward(hours=25)
    await stall.keeper.keep(str(stall.shop.connection))
    noted = await connection(stall)
    assert (noted["subscribed_at"], noted["subscription_why"]) == (since, "The registration could not be checked: down")
    stall.watch.forward(minutes=16)
    await stall.keeper.keep(str(stall.shop.connection))
    assert (await connection(stall))["subscription_why"] is None


async def test_a_vendor_that_does_not_take_the_address_is_asked_again_and_the_view_says_why(stall: Stall) -> None:
    stall.market.answers["subscribe"] = [Refused("no", "Webhooks are off"), ZeroDivisionError()]
    await stall.keeper.keep(str(stall.shop.connection))
    noted = await connection(stall)
    assert noted["subscribed_at"] is None
    assert noted["subscription_why"] == "The vendor refused the registration: Webhooks are off"
    for _ in range(2):
        stall.watch.forward(minutes=16)
        await stall.keeper.keep(str(stall.shop.connection))
    assert (await connection(stall))["subscribed_at"] is not None


async def test_a_repaired_connection_is_registered_at_once(stall: Stall, market_api: httpx.AsyncClient) -> None:
    stall.market.answers["subscribe"] = [ActionRequired("The key is revoked")]
    await stall.keeper.keep(str(stall.shop.connection))
    assert (await connection(stall))["state"] == "paused"
    caller = Caller(market_api, await stall.api_key(Role.ACCOUNT))
    answer = await market_api.patch(
        f"/api/v1/connections/{stall.shop.connection}", json={"api_key": "new"}, headers=caller.headers()
    )
    assert answer.json()["state"] == "active"
    assert answer.json()["subscribed_at"] is not None


async def test_another_address_kills_the_one_before(stall: Stall, market_api: httpx.AsyncClient, path: str) -> None:
    await rest(stall)
    caller = Caller(market_api, await stall.api_key(Role.ACCOUNT))
    answer = await caller.post(f"/connections/{stall.shop.connection}/knock/rotate")
    assert (answer.status_code, answer.json()["subscription_why"]) == (200, None)
    before, after = stall.market.addresses
    assert before != after
    assert (await market_api.get(path)).status_code == 404
    assert (await market_api.get(after.removeprefix(PUBLIC))).status_code == 202
    assert await one("select count(*) from audit where action = 'knock.rotated'") == 1
    assert (await poll_row())["next_at"] < clock.now(), "what changed in between is looked for"


async def test_without_a_public_address_nobody_knocks_and_the_view_says_so(hub: Runtime, stopped: Clock) -> None:
    async with Stall.opened(hub, stopped, public_url=None) as stall:
        await stall.keeper.keep(str(stall.shop.connection))
        assert stall.market.asked.count("subscribe") == 0
        assert (await connection(stall))["subscription_why"] == NO_ADDRESS
        told = stall.market.send_back()
        await stall.poll()
        assert (await stall.of(told)).external_id == told.external_id


async def test_a_connection_whose_vendor_does_not_knock_has_no_address_to_change(hub: Runtime, stopped: Clock) -> None:
    async with Stall.opened(hub, stopped, public_url=None) as stall:
        transport = httpx.ASGITransport(application(stall.hub), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://hub") as client:
            caller = Caller(client, await stall.api_key(Role.ACCOUNT))
            answer = await caller.post(f"/connections/{stall.shop.connection}/knock/rotate")
            assert code(answer) == (409, "knocks_not_possible")


def application(hub: Runtime) -> Any:
    from hub import app  # noqa: PLC0415 - only tests of the web process pay for it

    return app.build(hub)
