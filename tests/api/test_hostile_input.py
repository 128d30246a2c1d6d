"""What no honest caller sends is refused with a sentence; none of it is a fault of the hub's own."""

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import asyncpg
import httpx
import pytest
import structlog
from litestar.exceptions import InternalServerException

from hub import app, process
from hub.api import setup
from hub.kit import db
from tenants import service as tenants
from tenants.messages import NewAccount, NewConnection, NewKey, NewPartner, Role
from tests.support.world import ACTOR, Shop, World

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
        ("/keys", {"name": NUL, "role": "platform"}),
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
    new = {"channel_id": str(shop.channel), "order_number": "SO-1", "lines": [{"sku": "SHOE", "quantity": 1}]}
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


@pytest.mark.parametrize("depth", [*range(300, 1_000, 20)])
async def test_settings_of_any_depth_are_refused_by_name(api: httpx.AsyncClient, key: str, depth: int) -> None:
    account = await tenants.create_account(NewAccount(name="Shoes"), actor=ACTOR)
    body = b'{"connector": "channelengine", "name": "Shop", "account_id": "%s", "settings": {"deep": %s}}' % (
        str(account.id).encode(), b"[" * depth + b"]" * depth,
    )  # fmt: skip
    sent = {**headers(key), "content-type": "application/json"}
    answer = await api.post("/api/v1/connections", content=body, headers=sent)
    assert code(answer) in {(400, "request_malformed"), (422, "settings_invalid")}
