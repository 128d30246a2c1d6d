"""Canaries: a vendor's key, a customer's address and words, and every place where they must not turn up."""

import io
from typing import Any

import httpx
import msgspec
import pytest
from litestar.routes import HTTPRoute

from hub import app
from hub.kit.crypto import split
from tenants.messages import Role
from tests.support.judge import rows
from tests.support.judge import stored as returns
from tests.support.world import Shop, World

API = "/api/v1"
WORDS = "canary words about shoes"
MAIL = "canary.bird@example.org"
PERSON = {
    "email": MAIL,
    "first_name": "Canaria",
    "last_name": "Vogel",
    "street_name": "Canarystreet",
    "phone": "+31612345678",
}
PRIVATE = (MAIL, "Canaria", "Vogel", "Canarystreet", "31612345678")
# Where a customer's words belong: on the return, in the message that brought it, and in what the channel is told.
WORDS_BELONG = {"returns", "inbox", "operations"}


class Spied(msgspec.Struct, frozen=True):
    """A shop that everything has happened to, and an operator's key."""

    shop: Shop
    headers: dict[str, str]


@pytest.fixture
async def spied(world: World, api: httpx.AsyncClient, logged: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> Spied:
    """A road with every kind of mishap on it, walked with canaries in all hands."""
    shop = await world.shop("canary")
    headers = {"authorization": f"Bearer {await world.api_key()}"}
    for order in ("SO-1", "SO-2", "SO-3"):
        await world.vendor.sell(shop.tenant, order, {"SHOE": 1}, customer=PERSON)
    await world.vendor.send_back(shop.tenant, "SO-1", {"SHOE": 1}, customer_comment=WORDS)
    await world.poll(shop)
    for order in ("SO-2", "SO-3"):
        body = {
            "channel_id": str(shop.channel), "order_number": order, "comment": WORDS,
            "lines": [{"sku": "SHOE", "quantity": 1}],
        }  # fmt: skip
        answer = await api.post(f"{API}/returns", json=body, headers={**headers, "idempotency-key": order})
        assert answer.status_code == 201, answer.text
    await world.vendor.fail("settle=500-after+1", "create=malformed+1", "acknowledge=409+1", "readback=500-before+1")
    await world.work()
    for each in await returns(shop):
        await world.receive(shop, each.number, [("SHOE", 1, "A"), ("HAT", 1, "A")])
    await world.work_until_quiet()
    await _mishaps(world, api, shop, headers, monkeypatch)
    return Spied(shop, headers)


async def _mishaps(
    world: World, api: httpx.AsyncClient, shop: Shop, headers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connector that breaks with all it knows in its words, a key that is refused, and settings that are no good."""
    connector = world.hub.vendors.connector("channelengine")

    async def breaks(context: Any, message: Any) -> Any:
        raise RuntimeError({"headers": {"X-CE-KEY": context.settings.api_key.reveal()}, "settings": context.settings})

    late = await world.merchant_return(shop, "SO-4", {"SHOE": 1}, customer=PERSON)
    monkeypatch.setattr(connector, "settle", breaks)
    await world.receive(shop, late.number, [("SHOE", 1, "A")])
    await world.work()
    monkeypatch.undo()
    later = await world.merchant_return(shop, "SO-5", {"SHOE": 1}, customer=PERSON)
    await world.receive(shop, later.number, [("SHOE", 1, "A")])
    await world.vendor.control.post("/_sandbox/tenants", json={"name": shop.tenant, "key": "n" * 40})
    await world.work()
    for number, bad in enumerate(({"api_key": shop.key}, {"api_key": 5, "address": shop.key}, {"nest": shop.key})):
        answer = await api.patch(
            f"{API}/connections/{shop.connection}", json=bad, headers={**headers, "idempotency-key": f"bad {number}"}
        )
        assert answer.status_code == 422
        assert shop.key not in answer.text


async def every_answer(world: World, api: httpx.AsyncClient, spied: Spied) -> dict[str, str]:
    """Read every address of the API that can be read, with every id that fits."""
    found = {
        "account_id": [str(spied.shop.account)],
        "channel_id": [str(spied.shop.channel)],
        "warehouse_id": [str(spied.shop.warehouse)],
        "reference": [str(each.id) for each in await returns(spied.shop)],
        "operation_id": [str(each.id) for each in await world.operations(spied.shop)],
    }
    answers = {}
    for route in app.build(world.hub).routes:
        if not isinstance(route, HTTPRoute) or "GET" not in route.methods or not route.path_format.startswith(API):
            continue
        names = [name for name in found if f"{{{name}}}" in route.path_format]
        paths = [route.path_format.format(**{names[0]: each}) for each in found[names[0]]] if names else [route.path]
        for path in paths:
            answer = await api.get(path, headers=spied.headers, params={"account_id": str(spied.shop.account)})
            # A manifest is of the returns that are named, and none is.
            assert answer.status_code == 422 if path.endswith("/manifest.pdf") else answer.status_code in {200, 404}, (
                path
            )
            answers[path] = answer.text
    return answers


async def test_no_answer_of_the_api_shows_a_key_or_a_customer(
    world: World, api: httpx.AsyncClient, spied: Spied
) -> None:
    answers = await every_answer(world, api, spied)
    assert len(answers) > 30
    for path, text in answers.items():
        for canary in (spied.shop.key, *PRIVATE):
            assert canary not in text, path


async def test_a_customers_words_are_shown_on_the_return_only(
    world: World, api: httpx.AsyncClient, spied: Spied
) -> None:
    answers = await every_answer(world, api, spied)
    shown = {path for path, text in answers.items() if WORDS in text}
    views = {f"{API}/returns", *(f"{API}/returns/{each.id}" for each in await returns(spied.shop))}
    assert shown
    assert shown <= views


async def test_no_log_shows_a_canary(spied: Spied, logged: io.StringIO) -> None:
    text = logged.getvalue()
    assert "connector failed" in text
    for canary in (spied.shop.key, WORDS, *PRIVATE):
        assert canary not in text


async def test_the_gauges_show_no_canary(api: httpx.AsyncClient, spied: Spied) -> None:
    text = (await api.get("/metrics")).text
    assert "hub_attempts_total" in text
    for canary in (spied.shop.key, spied.shop.tenant, WORDS, *PRIVATE):
        assert canary not in text


async def test_no_row_of_the_database_holds_a_canary_out_of_its_place(spied: Spied) -> None:
    tables = [row["tablename"] for row in await rows("select tablename from pg_tables where schemaname = 'public'")]
    assert len(tables) > 20
    for table in tables:
        held = [row["text"] for row in await rows(f"select t::text as text from {table} t")]
        for canary in (spied.shop.key, *PRIVATE, *(() if table in WORDS_BELONG else (WORDS,))):
            assert not any(canary in text for text in held), (table, canary)


async def test_attempts_keep_what_was_said_without_what_was_secret(
    world: World, api: httpx.AsyncClient, spied: Spied
) -> None:
    """A redaction that kept nothing would pass the tests above, and help nobody."""
    kept = [row["exchanges"] for row in await rows("select exchanges::text from attempts")]
    assert any("MerchantReturnNo" in text for text in kept)
    assert any('"status": 401' in text for text in kept)


async def test_a_key_is_shown_once_and_lies_sealed_afterwards(world: World, api: httpx.AsyncClient) -> None:
    headers = {"authorization": f"Bearer {await world.api_key()}", "idempotency-key": "one key"}
    body = {"name": "A key", "role": Role.PLATFORM.value}
    first = await api.post(f"{API}/api-keys", json=body, headers=headers)
    again = await api.post(f"{API}/api-keys", json=body, headers=headers)
    shown = first.json()["key"]
    assert (again.json()["key"], again.headers["idempotency-replayed"]) == (shown, "true")
    secret = (split(shown) or ("", ""))[1]
    assert len(secret) > 20
    for table in ("api_keys", "idempotency_keys", "audit"):
        for row in await rows(f"select t::text as text, t.* from {table} t"):
            assert secret not in row["text"]
            raw = b"".join(value for value in row.values() if isinstance(value, bytes))
            assert secret.encode() not in raw
    assert secret not in (await api.get(f"{API}/api-keys", headers=headers)).text
