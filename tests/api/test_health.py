"""What the hub says of itself when its engines are away."""

import httpx
import msgspec
import pytest
from arq.connections import ArqRedis

from hub import app
from hub.kit import queue
from hub.runtime import Runtime
from tests.support.caller import Caller, code
from tests.support.judge import counts
from tests.support.storm import leaked, no_database
from tests.support.world import World


async def test_without_a_database_the_hub_is_alive_and_not_ready(api: httpx.AsyncClient) -> None:
    async with no_database():
        ready = await api.get("/ready")
        assert ready.status_code == 503
        assert set(ready.json()) == {"database", "queue"}
        assert ready.json()["database"] != "ok"
        assert ready.json()["queue"] == "ok"
        assert (await api.get("/health")).status_code == 200
        assert code(await api.get("/metrics")) == (503, "database_unreachable")
    assert (await api.get("/ready")).json() == {"database": "ok", "queue": "ok"}
    assert (await api.get("/metrics")).status_code == 200
    assert leaked() == 0


async def test_without_a_database_every_call_is_told_to_come_again(api: httpx.AsyncClient, world: World) -> None:
    call = Caller(api, await world.api_key())
    before = await counts()
    async with no_database():
        assert code(await call.get("/returns")) == (503, "database_unreachable")
        assert code(await call.post("/accounts", {"name": "Shoes"}, once="1")) == (503, "database_unreachable")
    assert await counts() == before
    assert (await call.post("/accounts", {"name": "Shoes"}, once="1")).status_code == 201


async def test_without_valkey_the_hub_is_ready_says_so_and_takes_what_comes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = await world.shop()
    stored = await world.merchant_return(shop, "SO-1", {"SHOE": 1})
    nowhere = queue.Bell(ArqRedis(host="127.0.0.1", port=1))
    monkeypatch.setattr(queue, "_bell", nowhere)
    async with without_valkey(world.hub, nowhere) as api:
        ready = await api.get("/ready")
        assert (ready.status_code, ready.json()) == (200, {"database": "ok", "queue": "ConnectionError"})
        call = Caller(api, await world.api_key())
        body = {"key": "1", "return_number": stored.number, "items": [{"sku": "SHOE", "quantity": 1, "grade": "A"}]}
        answer = await call.post(f"/warehouses/{shop.warehouse}/receipts", {**body, "finalise": True})
        assert answer.status_code == 201
    await nowhere.close()
    monkeypatch.undo()
    await world.work()
    assert await world.vendor.refunded(shop.tenant) == {"SHOE": 1}


def without_valkey(hub: Runtime, bell: queue.Bell) -> httpx.AsyncClient:
    """The web process of a hub whose bell rings nowhere."""
    transport = httpx.ASGITransport(app.build(msgspec.structs.replace(hub, bell=bell)), raise_app_exceptions=False)  # type: ignore[arg-type]  # Litestar is one
    return httpx.AsyncClient(transport=transport, base_url="http://hub")
