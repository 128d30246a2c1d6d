"""What no honest caller sends is refused with a sentence; none of it is a fault of the hub's own."""

import asyncio
import time
from itertools import count
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from litestar.exceptions import HTTPException
from structlog.testing import CapturingLogger

from hub import app
from hub.api import problems
from hub.kit import db
from hub.kit.egress import Allow, Egress
from hub.kit.limits import Urgency
from hub.operations import sweeper
from hub.sdk import ActionRequired, Interrupted
from tenants import queries, vendors
from tenants import service as tenants
from tenants.gate import Gate
from tenants.messages import NewAccount, NewConnection, NewPartner
from tests.support.wms import Wms
from tests.support.world import ACTOR, World

NUL = "a\0b"
_keys = count(1)


@pytest.fixture
async def key(world: World) -> str:
    """A platform key; asking for it empties the hub."""
    return await world.api_key()


def headers(key: str, *, once: str | None = None) -> dict[str, str]:
    return {"authorization": f"Bearer {key}", "idempotency-key": once or f"hostile:{next(_keys)}"}


async def post(api: httpx.AsyncClient, key: str, path: str, body: Any) -> httpx.Response:
    return await api.post(f"/api/v1{path}", json=body, headers=headers(key))


def code(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["title"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/accounts", {"name": NUL}),
        ("/partners", {"name": NUL}),
        ("/api-keys", {"name": NUL, "role": "platform"}),
        ("/warehouses", {"name": NUL, "receiving_option": "return_hub"}),
    ],
)
async def test_a_nul_in_a_name_is_refused_with_what_to_do(
    api: httpx.AsyncClient, key: str, path: str, body: dict[str, str]
) -> None:
    answer = await post(api, key, path, body)
    assert code(answer) == (400, "text_not_storable")
    assert "take it out" in answer.json()["detail"]


async def test_a_nul_in_a_connections_name_is_refused(api: httpx.AsyncClient, world: World, key: str) -> None:
    account = await tenants.create_account(NewAccount(name="Shoes"), actor=ACTOR)
    tenant, secret = await world.vendor.tenant("nul")
    settings = {"address": f"{world.vendor.address}/{tenant}/api", "api_key": secret}
    body = {"connector": "channelengine", "name": NUL, "account_id": str(account.id), "settings": settings}
    assert code(await post(api, key, "/connections", body)) == (400, "text_not_storable")


async def test_a_nul_in_a_return_or_its_receipt_is_refused(api: httpx.AsyncClient, world: World, key: str) -> None:
    shop = await world.shop()
    stored = await world.merchant_return(shop, "SO-1", {"SHOE": 2})
    await world.vendor.sell(shop.tenant, "SO-2", {"SHOE": 1})
    new = {"channel_id": str(shop.channel), "order_number": "SO-2", "lines": [{"sku": "SHOE", "quantity": 1}]}
    assert code(await post(api, key, "/returns", {**new, "comment": NUL})) == (400, "text_not_storable")
    for key_text, note in ((NUL, None), ("1", NUL)):
        item = {"sku": "SHOE", "quantity": 1, "grade": "A", "note": note}
        receipt = {"key": key_text, "return_number": stored.number, "items": [item]}
        answer = await post(api, key, f"/warehouses/{shop.warehouse}/receipts", receipt)
        assert code(answer) == (400, "text_not_storable")


async def test_a_nul_in_a_query_is_refused(api: httpx.AsyncClient, key: str) -> None:
    answer = await api.get("/api/v1/returns?order_number=%00", headers=headers(key))
    assert code(answer) == (400, "text_not_storable")


DEEP = 5_000


@pytest.mark.parametrize(
    "body",
    [
        b'{"name": "\xff\xfe"}',
        b'{"name": "\xed\xa0\x80"}',
        b'{"name": "\\ud800"}',
        b'{"name": "\\udc00"}',
        b'{"name": "\\ud800\\u0041"}',
        b'{"name": ' + b"[" * DEEP + b"]" * DEEP + b"}",
        b'{"a": ' * DEEP + b"1" + b"}" * DEEP,
        b"[" * DEEP,
    ],
    ids=["no utf-8", "a surrogate", "high half", "low half", "high half and a letter", "lists", "objects", "open"],
)
async def test_a_body_nobody_can_read_is_refused(api: httpx.AsyncClient, key: str, body: bytes) -> None:
    sent = {**headers(key), "content-type": "application/json"}
    answer = await api.post("/api/v1/accounts", content=body, headers=sent)
    assert code(answer)[0] == 400
    assert code(answer)[1] in {"request_malformed", "text_not_storable"}


@pytest.mark.parametrize("depth", [100, 900, *range(915, 975, 5), 1_000])
async def test_settings_of_any_depth_are_refused(api: httpx.AsyncClient, key: str, depth: int) -> None:
    body = b'{"connector": "channelengine", "name": "Shop", "account_id": "%s", "settings": {"deep": %s}}' % (
        str(UUID(int=1)).encode(), b"[" * depth + b"]" * depth,
    )  # fmt: skip
    sent = {**headers(key), "content-type": "application/json"}
    answer = await api.post("/api/v1/connections", content=body, headers=sent)
    assert code(answer) in {(400, "request_malformed"), (422, "settings_invalid")}


GOOD = {"address": "https://demo.channelengine.net/api", "api_key": "0123456789abcdef"}


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("api_key", "kéy-of-the-shop"),
        ("api_key", "key\nof the shop"),
        ("api_key", "key\0of the shop"),
        ("address", "http://[::1"),
        ("address", "https://[bad]/api"),
        ("address", "https://shop\u2100.example/api"),
    ],
)
async def test_settings_that_no_request_can_be_made_with_are_refused_by_their_name(
    api: httpx.AsyncClient, key: str, field: str, text: str
) -> None:
    account = await tenants.create_account(NewAccount(name="Shoes"), actor=ACTOR)
    new = {"connector": "channelengine", "name": "Shop", "account_id": str(account.id)}
    answer = await post(api, key, "/connections", {**new, "settings": {**GOOD, field: text}})
    assert code(answer) == (422, "settings_invalid")
    assert f": {field} " in answer.json()["detail"]
    assert text not in answer.json()["detail"]


async def test_a_working_connection_keeps_its_settings_when_unusable_ones_are_sent(
    api: httpx.AsyncClient, world: World, key: str
) -> None:
    shop = await world.shop()
    answer = await api.patch(
        f"/api/v1/connections/{shop.connection}", json={"api_key": "kéy-of-the-shop"}, headers=headers(key)
    )
    assert code(answer) == (422, "settings_invalid")
    checked = await api.post(f"/api/v1/connections/{shop.connection}/check", headers=headers(key))
    assert checked.status_code == 200


async def test_what_http_cannot_carry_asks_the_owner_to_repair_the_settings() -> None:
    client = Egress(allow=Allow()).client("https://vendor.example")
    line = vendors._Line(client, Gate(), Urgency.USUAL, asyncio.get_running_loop().time() + 10)
    with pytest.raises(Interrupted) as caught:
        await line.send("GET", "https://vendor.example/", headers={"x-key": "kéy"})
    assert isinstance(caught.value.outcome, ActionRequired)
    assert "Correct the address or the key" in caught.value.outcome.message


def wms(partner: UUID, connection: UUID) -> dict[str, str]:
    option = {"name": "Theirs", "receiving_option": "partner_wms"}
    return {**option, "partner_id": str(partner), "connection_id": str(connection)}


async def test_a_warehouse_with_an_unknown_connection_is_not_found(api: httpx.AsyncClient, key: str) -> None:
    partner = await tenants.create_partner(NewPartner(name="Carriers"), actor=ACTOR)
    answer = await post(api, key, "/warehouses", wms(partner.id, UUID(int=7)))
    assert code(answer) == (404, "connection_not_found")


async def test_a_warehouse_takes_its_own_partners_connection_only(
    api: httpx.AsyncClient, world: World, key: str
) -> None:
    shop = await world.shop()
    own, other = [await tenants.create_partner(NewPartner(name=name), actor=ACTOR) for name in ("Own", "Other")]
    async with Wms.serving("monta") as monta:
        new = NewConnection(connector="monta", name="WMS", partner_id=own.id, settings=monta.settings)
        connection = await tenants.create_connection(new, world.hub.vendors, actor=ACTOR)
    for partner, theirs in ((own.id, shop.connection), (other.id, connection.id)):
        assert code(await post(api, key, "/warehouses", wms(partner, theirs))) == (422, "warehouse_owner")
    assert (await post(api, key, "/warehouses", wms(own.id, connection.id))).status_code == 201


@pytest.mark.parametrize(
    "fault",
    [
        db.Stale(),
        asyncpg.DeadlockDetectedError("deadlock"),
        asyncpg.SerializationError("serialise"),
        asyncpg.QueryCanceledError("too long"),
    ],
    ids=lambda fault: type(fault).__name__,
)
async def test_a_call_that_lost_against_others_is_told_to_come_again(
    api: httpx.AsyncClient, key: str, fault: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lose(*_: Any) -> None:
        raise fault

    body, sent = {"name": "Shoes"}, headers(key)
    with monkeypatch.context() as patch:
        patch.setattr(queries, "add_account", lose)
        assert code(await api.post("/api/v1/accounts", json=body, headers=sent)) == (503, "busy")
    assert (await api.post("/api/v1/accounts", json=body, headers=sent)).status_code == 201


async def test_a_key_stands_for_the_query_too(api: httpx.AsyncClient, key: str) -> None:
    path, body, sent = "/api/v1/accounts", {"name": "Shoes"}, headers(key)
    first = await api.post(f"{path}?a=1", json=body, headers=sent)
    assert first.status_code == 201
    assert (await api.post(f"{path}?a=1", json=body, headers=sent)).json() == first.json()
    for other in (f"{path}?a=2", path):
        assert code(await api.post(other, json=body, headers=sent)) == (422, "idempotency_key_reused")


@pytest.mark.parametrize(("status", "logged"), [(500, 1), (503, 1), (404, 0), (499, 0)])
def test_a_web_servers_own_failure_is_logged(status: int, logged: int, monkeypatch: pytest.MonkeyPatch) -> None:
    log = CapturingLogger()
    monkeypatch.setattr(problems, "_log", log)
    fault = HTTPException(status_code=status, detail="out of order")
    assert problems._http(fault).status_code == status
    assert [call.kwargs["exc_info"] for call in log.calls] == [fault] * logged


async def test_metrics_that_are_asked_for_at_once_are_measured_once(
    api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = count()
    now = 1_000.0
    real = sweeper.measure

    async def measure() -> None:
        next(measured)
        await real()

    monkeypatch.setattr(sweeper, "measure", measure)
    monkeypatch.setattr(time, "monotonic", lambda: now)
    answers = await asyncio.gather(*(api.get("/metrics") for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    now += app.MEASURED_FOR_SECONDS - 0.1
    await api.get("/metrics")
    assert next(measured) == 1
    now += 0.2
    await api.get("/metrics")
    assert next(measured) == 3
    assert "hub_operations" in answers[0].text
