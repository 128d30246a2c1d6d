"""Idempotency keys when things go wrong: what failed on our side may be sent again, and nothing happens twice."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest

from hub import app
from hub.api import idempotency
from hub.kit import db
from hub.runtime import Runtime
from tenants import service as tenants
from tests.support.caller import API, Caller, code
from tests.support.judge import counts, one
from tests.support.storm import no_database
from tests.support.world import Shop, World


@pytest.fixture
async def call(api: httpx.AsyncClient, world: World) -> Caller:
    """An operator."""
    return Caller(api, await world.api_key())


def new_return(shop: Shop, order: str = "FIRST", sku: str = "FIRST-SKU") -> dict[str, Any]:
    return {"channel_id": str(shop.channel), "order_number": order, "lines": [{"sku": sku, "quantity": 1}]}


async def test_a_call_that_failed_on_our_side_may_be_made_again_with_its_key(
    call: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def breaks(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(tenants, "create_account", breaks)
    before = await counts()
    answer = await call.post("/accounts", {"name": "Shoes"}, once="1")
    assert code(answer) == (500, "internal")
    assert "ZeroDivision" not in answer.text
    assert await counts() == before
    monkeypatch.undo()
    answer = await call.post("/accounts", {"name": "Shoes"}, once="1")
    assert answer.status_code == 201
    assert "idempotency-replayed" not in answer.headers


@pytest.mark.parametrize("kind", ["500-before", "drop-before", "429:2", "malformed"])
async def test_a_return_whose_order_could_not_be_asked_for_may_be_sent_again_with_its_key(
    call: Caller, world: World, kind: str
) -> None:
    shop = await world.shop()
    await world.vendor.fail(f"orders={kind}+1")
    before = await counts()
    told = "connection_limited" if kind.startswith("429") else "channel_unreachable"
    assert code(await call.post("/returns", new_return(shop), once="1")) == (503, told)
    assert await counts() == before
    world.watch.forward(seconds=2)
    assert (await call.post("/returns", new_return(shop), once="1")).status_code == 201


async def test_a_refusal_is_kept_and_told_again(call: Caller, world: World) -> None:
    shop = await world.shop()
    body = new_return(shop, "SO-1", "SHOE")
    assert code(await call.post("/returns", body, once="1")) == (422, "order_unknown")
    await world.vendor.sell(shop.tenant, "SO-1", {"SHOE": 1})
    again = await call.post("/returns", body, once="1")
    assert code(again) == (422, "order_unknown")
    assert again.headers["idempotency-replayed"] == "true"
    assert (await call.post("/returns", body, once="2")).status_code == 201


async def test_an_answer_that_could_not_be_kept_is_told_and_its_repeat_does_nothing_again(
    call: Caller, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database goes between the effect and the note of its answer."""

    async def dies(*_: Any) -> None:
        raise ConnectionResetError

    shop = await world.shop()
    monkeypatch.setattr(idempotency.Idempotency, "_store", dies)
    first = await call.post("/returns", new_return(shop), once="1")
    assert first.status_code == 201
    monkeypatch.undo()
    assert code(await call.post("/returns", new_return(shop), once="1")) == (409, "idempotency_key_busy")
    world.watch.forward(seconds=61)
    again = await call.post("/returns", new_return(shop), once="1")
    assert (again.status_code, again.json()["number"]) == (201, first.json()["number"])
    assert await one("select count(*) from returns") == 1


async def test_a_call_whose_database_goes_midway_is_told_to_come_again(
    call: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with AsyncExitStack() as gone:

        async def goes(*_: Any, **__: Any) -> None:
            await gone.enter_async_context(no_database())
            async with db.transaction(db.PLATFORM):
                raise AssertionError

        monkeypatch.setattr(tenants, "create_account", goes)
        answer = await call.post("/accounts", {"name": "Shoes"}, once="1")
        assert code(answer) == (503, "database_unreachable")


async def test_a_key_whose_answer_was_forgotten_still_makes_no_second_return(call: Caller, world: World) -> None:
    shop = await world.shop()
    first = await call.post("/returns", new_return(shop), once="1")
    world.watch.forward(days=6)
    assert await idempotency.prune() == 0
    world.watch.forward(days=2)
    assert await idempotency.prune() == 1
    again = await call.post("/returns", new_return(shop), once="1")
    assert again.json()["number"] == first.json()["number"]
    assert await one("select count(*) from returns") == 1


async def test_one_return_asked_for_ten_times_at_once_is_made_once(call: Caller, world: World) -> None:
    shop = await world.shop()
    answers = await asyncio.gather(*(call.post("/returns", new_return(shop), once="1") for _ in range(10)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert await one("select count(*) from returns") == 1
    assert (await call.post("/returns", new_return(shop), once="1")).headers["idempotency-replayed"] == "true"


async def test_a_receipt_sent_twice_is_booked_once_under_whatever_key(call: Caller, world: World) -> None:
    shop = await world.shop()
    stored = await world.merchant_return(shop, "SO-1", {"SHOE": 2})
    body = {"key": "1", "return_number": stored.number, "items": [{"sku": "SHOE", "quantity": 1, "grade": "A"}]}
    path = f"/warehouses/{shop.warehouse}/receipts"
    told = [(await call.post(path, body, once=once)).json()["repeated"] for once in ("1", "1", "2")]
    assert told == [False, False, True]
    assert await one("select count(*) from receipts") == 1


async def test_a_key_that_is_none_is_refused(call: Caller, api: httpx.AsyncClient) -> None:
    for key, why in (("", "missing"), ("   ", "missing"), ("x" * 256, "too_long")):
        headers = {**call.headers(), "idempotency-key": key}
        answer = await api.post(f"{API}/accounts", json={"name": "Shoes"}, headers=headers)
        assert code(answer) == (400, f"idempotency_key_{why}")


async def test_a_request_that_was_cut_off_does_not_use_its_key_up(call: Caller, hub: Runtime) -> None:
    """The caller's line breaks in the middle of the body; the repeat must not be taken for another request."""
    before = await counts()
    head = {"type": "http.request", "body": b'{"na', "more_body": True}
    status = await by_hand(hub, call.headers("1"), [head, {"type": "http.disconnect"}])
    assert status == 400
    assert await counts() == before
    assert (await call.post("/accounts", {"name": "Shoes"}, once="1")).status_code == 201


async def by_hand(hub: Runtime, headers: dict[str, str], messages: list[dict[str, Any]]) -> int:
    """Send a request message by message, and return the status of its answer."""
    scope: dict[str, Any] = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
        "path": f"{API}/accounts", "raw_path": f"{API}/accounts".encode(), "root_path": "", "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1), "server": ("hub", 80), "state": {},
    }  # fmt: skip
    sent: list[Any] = []

    async def receive() -> Any:
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    await app.build(hub)(scope, receive, send)  # type: ignore[arg-type]  # a scope by hand
    return int(sent[0]["status"])
