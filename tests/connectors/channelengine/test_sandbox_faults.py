import asyncio
import json
import logging
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any, cast

import httpx
import pytest
import uvicorn

from connectors.channelengine.sandbox import create_app, parse_fault
from connectors.channelengine.sandbox.faults import FaultPlan
from connectors.channelengine.sandbox.weather import Effect, Kind

API = "/noordzee/api/v2"
KEY = {"X-CE-KEY": "right"}
UPDATE = {"ReturnId": 1, "Lines": [{"MerchantProductNo": "SHOE", "AcceptedQuantity": 1, "RejectedQuantity": 0}]}
CREATE = {
    "MerchantOrderNo": "SO-1",
    "MerchantReturnNo": "M-1",
    "Lines": [{"MerchantProductNo": "SHOE", "Quantity": 1}],
}
SALE = {
    "merchant_order_no": "SO-1",
    "channel_id": 1,
    "global_channel_name": "Kaufland",
    "lines": [{"merchant_product_no": "SHOE", "quantity": 9, "unit_price_incl_vat": "10"}],
}
BACK = {
    "channel_return_no": "C-1",
    "merchant_order_no": "SO-1",
    "lines": [{"merchant_product_no": "SHOE", "quantity": 1}],
}


@asynccontextmanager
async def in_memory(*faults: str) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(tenants={"noordzee": "right", "zuidzee": "right"}, faults=faults)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=cast("Any", app)), base_url="http://sandbox", headers=KEY
    ) as client:
        yield await furnished(client)


@asynccontextmanager
async def on_a_socket(*faults: str) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(tenants={"noordzee": "right"}, faults=faults)
    with socket.create_server(("127.0.0.1", 0)) as door:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, ws="none"))
        serving = asyncio.create_task(server.serve(sockets=[door]))
        address = f"http://127.0.0.1:{door.getsockname()[1]}"
        async with httpx.AsyncClient(base_url=address, headers=KEY) as client:
            yield await furnished(client)
        server.should_exit = True
        await serving


async def furnished(client: httpx.AsyncClient) -> httpx.AsyncClient:
    (await client.post("/_sandbox/noordzee/orders", json=SALE)).raise_for_status()
    (await client.post("/_sandbox/noordzee/channel-returns", json=BACK)).raise_for_status()
    return client


async def refunds(client: httpx.AsyncClient) -> int:
    return len((await client.get("/_sandbox/noordzee/ledger")).json()["entries"])


async def last_call(client: httpx.AsyncClient) -> dict[str, Any]:
    call: dict[str, Any] = (await client.get("/_sandbox/noordzee/calls")).json()["calls"][-1]
    return call


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("settle=500-after/3", (None, Effect.SETTLE, Kind.ERROR_AFTER, 0.0, 3, None)),
        ("settle=429:2/5", (None, Effect.SETTLE, Kind.TOO_MANY, 2.0, 5, None)),
        ("create=drop-after+1", (None, Effect.CREATE, Kind.DROP_AFTER, 0.0, 1, 1)),
        ("noordzee.poll=slow:250", ("noordzee", Effect.POLL, Kind.SLOW, 250.0, 1, None)),
        ("readback=timeout-before", (None, Effect.READBACK, Kind.TIMEOUT_BEFORE, 60.0, 1, None)),
        ("check=timeout-after:0.5+2", (None, Effect.CHECK, Kind.TIMEOUT_AFTER, 0.5, 1, 2)),
        (" orders=malformed ", (None, Effect.ORDERS, Kind.MALFORMED, 0.0, 1, None)),
        ("acknowledge=409/2", (None, Effect.ACKNOWLEDGE, Kind.CONFLICT, 0.0, 2, None)),
    ],
)
def test_a_fault_is_read_from_its_text(text: str, expected: tuple[object, ...]) -> None:
    fault = parse_fault(text)
    assert (fault.tenant, fault.effect, fault.kind, fault.argument, fault.every, fault.next) == expected


@pytest.mark.parametrize(
    "text", ["", "settle", "settle=", "settle=boom", "pay=409", "settle=409/0", "settle=409+0", "settle=409:3", "a=b=c"]
)
def test_a_fault_that_cannot_be_read_says_so(text: str) -> None:
    with pytest.raises(ValueError, match="'"):
        parse_fault(text)


def drawn(plan: FaultPlan, calls: Iterable[tuple[str, Effect]]) -> list[bool]:
    return [plan.draw(tenant, effect) is not None for tenant, effect in calls]


def test_every_nth_call_is_counted_per_tenant_and_effect() -> None:
    plan = FaultPlan(["settle=409/3"])
    mine, theirs, other = ("a", Effect.SETTLE), ("b", Effect.SETTLE), ("a", Effect.POLL)
    calls = [mine, theirs, other, mine, other, mine, theirs, mine, theirs]
    assert drawn(plan, calls) == [False, False, False, False, False, True, False, False, True]


def test_the_next_calls_are_struck_and_then_no_more() -> None:
    plan = FaultPlan(["settle=409+2"])
    assert drawn(plan, [("a", Effect.SETTLE)] * 4) == [True, True, False, False]
    assert [(state.struck, state.left) for state in plan.states()] == [(2, 0)]


def test_a_fault_of_one_tenant_leaves_the_others_alone() -> None:
    plan = FaultPlan(["a.settle=409"])
    assert drawn(plan, [("b", Effect.SETTLE), ("a", Effect.SETTLE)]) == [False, True]


def test_faults_that_cannot_be_read_leave_the_old_ones_in_place() -> None:
    plan = FaultPlan(["settle=409"])
    with pytest.raises(ValueError, match="boom"):
        plan.replace(["create=409", "settle=boom"])
    assert [state.text for state in plan.states()] == ["settle=409"]


@pytest.mark.parametrize(
    ("fault", "status", "done"),
    [
        ("settle=500-before", 500, 0),
        ("settle=500-after", 500, 1),
        ("settle=409", 409, 0),
        ("settle=429:7", 429, 0),
        ("settle=malformed", 200, 1),
        ("settle=slow:1", 200, 1),
        ("settle=timeout-before:0.01", 504, 0),
        ("settle=timeout-after:0.01", 504, 1),
    ],
)
async def test_a_fault_decides_what_is_told_and_whether_it_was_done(fault: str, status: int, done: int) -> None:
    async with in_memory(fault) as client:
        answer = await client.put(f"{API}/returns", json=UPDATE)
        assert (answer.status_code, await refunds(client)) == (status, done)
        call = await last_call(client)
        assert (call["fault"], call["told"], call["done"]) == (fault, str(status), 200 if done else None)


@pytest.mark.parametrize(("fault", "done"), [("create=drop-before", 0), ("create=drop-after", 1)])
async def test_a_drop_in_memory_raises_and_is_logged(fault: str, done: int) -> None:
    async with in_memory(fault) as client:
        with pytest.raises(ConnectionResetError):
            await client.post(f"{API}/returns/merchant", json=CREATE)
        assert await refunds(client) == done
        assert (await last_call(client))["told"] == "dropped"


async def test_a_429_carries_its_retry_after() -> None:
    async with in_memory("poll=429:7") as client:
        answer = await client.get(f"{API}/returns/merchant")
        assert (answer.headers["retry-after"], answer.json()["StatusCode"]) == ("7", 429)


async def test_a_malformed_answer_is_no_json() -> None:
    async with in_memory("poll=malformed") as client:
        answer = await client.get(f"{API}/returns/merchant/new")
        assert answer.status_code == 200
        with pytest.raises(json.JSONDecodeError):
            answer.json()


@pytest.mark.parametrize(
    ("effect", "method", "path", "body"),
    [
        ("settle", "PUT", "/returns", UPDATE),
        ("create", "POST", "/returns/merchant", CREATE),
        ("acknowledge", "POST", "/returns/merchant/acknowledge", {"ReturnId": 1, "MerchantReturnNo": "M-1"}),
        ("poll", "GET", "/returns", None),
        ("poll", "GET", "/returns/merchant", None),
        ("poll", "GET", "/returns/merchant/new", None),
        ("orders", "GET", "/orders", None),
        ("readback", "GET", "/returns/merchant/SO-1", None),
        ("check", "GET", "/settings", None),
    ],
)
async def test_a_fault_strikes_its_own_effect_only(effect: str, method: str, path: str, body: object) -> None:
    others = [f"{name}=500-before" for name in Effect if name not in {effect, Effect.WEBHOOK}]
    async with in_memory(*others) as client:
        assert (await client.request(method, API + path, json=body)).is_success
    async with in_memory(f"{effect}=500-before") as client:
        assert (await client.request(method, API + path, json=body)).status_code == 500


async def test_a_wrong_key_is_refused_before_any_fault_is_counted() -> None:
    async with in_memory("settle=500-after+1") as client:
        assert (await client.put(f"{API}/returns", json=UPDATE, headers={"X-CE-KEY": "wrong"})).status_code == 401
        assert (await client.put(f"{API}/returns", json=UPDATE)).status_code == 500


@pytest.mark.parametrize(("fault", "done"), [("settle=drop-before", 0), ("settle=drop-after", 1)])
async def test_a_dropped_connection_is_closed_without_a_byte(
    fault: str, done: int, caplog: pytest.LogCaptureFixture
) -> None:
    async with on_a_socket(fault) as client:
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)) as caught:
            await client.put(f"{API}/returns", json=UPDATE)
        assert "incomplete" not in str(caught.value)
        assert (await refunds(client), (await last_call(client))["told"]) == (done, "dropped")
    assert complaints(caplog) == []


@pytest.mark.parametrize(("fault", "done"), [("settle=timeout-before:30", 0), ("settle=timeout-after:30", 1)])
async def test_a_held_call_ends_when_the_caller_leaves(fault: str, done: int, caplog: pytest.LogCaptureFixture) -> None:
    async with on_a_socket(fault) as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.put(f"{API}/returns", json=UPDATE, timeout=0.05)
        await until_logged(client, "held")
        assert await refunds(client) == done
    assert complaints(caplog) == []


def complaints(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno > logging.INFO]


async def until_logged(client: httpx.AsyncClient, told: str) -> None:
    async with asyncio.timeout(5):
        while (await client.get("/_sandbox/noordzee/calls", params={"told": told})).json()["calls"] == []:
            pass
