"""A vendor that asks for patience, and a key that does not work any more: what is meant waits, and nothing is lost."""

import httpx
import pytest

from hub.kit import db
from hub.operations.messages import State
from hub.returns.case import Settling
from hub.returns.messages import StoredReturn
from tenants import queries as tenants
from tests.support.judge import broken_rules, differences, one
from tests.support.world import Shop, World

NEW_KEY = "a-working-key-of-forty-characters-000000"


async def received(world: World, shop: Shop, *orders: str) -> list[StoredReturn]:
    found = [await world.merchant_return(shop, order, {"SHOE": 1}) for order in orders]
    for each in found:
        await world.receive(shop, each.number, [("SHOE", 1, "A")])
    return found


async def test_one_429_slows_all_calls_of_its_kind_and_burns_no_attempt(world: World) -> None:
    shop, other = await world.shop(), await world.shop()
    await received(world, shop, "SO-1", "SO-2", "SO-3")
    await received(world, other, "SO-1")
    await world.vendor.fail(f"{shop.tenant}.create=429:30+1")
    await world.work()
    assert len(await world.vendor.calls(shop.tenant, "create")) == 1
    assert await world.vendor.refunded(other.tenant) == {"SHOE": 1}
    assert {each.attempt for each in await world.operations(shop)} == {0}
    world.watch.forward(seconds=29)
    await world.work()
    assert len(await world.vendor.calls(shop.tenant, "create")) == 1
    world.watch.forward(seconds=2)
    await world.work()
    assert {each.attempt for each in await world.operations(shop)} == {1}
    assert await world.vendor.refunded(shop.tenant) == {"SHOE": 3}
    assert await differences(world, shop) == []


async def test_a_hundred_429s_kill_no_operation(world: World) -> None:
    shop = await world.shop()
    (stored,) = await received(world, shop, "SO-1")
    await world.vendor.fail("create=429:60")
    for _ in range(30):
        await world.work()
        world.watch.forward(seconds=61)
    assert [(each.state, each.attempt) for each in await world.operations(shop)] == [(State.READY, 0)]
    await world.vendor.fail()
    await world.work()
    assert (await world.again(stored)).settlement is Settling.SETTLED


async def test_a_429_to_a_poll_holds_no_settlement(world: World) -> None:
    shop = await world.shop()
    await received(world, shop, "SO-1")
    await world.vendor.fail("poll=429:20+1")
    await world.poll(shop)
    await world.work()
    assert await world.vendor.refunded(shop.tenant) == {"SHOE": 1}
    await world.vendor.send_back(shop.tenant, "FIRST", {"FIRST-SKU": 1})
    polls = await world.vendor.calls(shop.tenant, "poll")
    world.watch.forward(seconds=19)
    await world.poll(shop)
    assert await world.vendor.calls(shop.tenant, "poll") == polls
    world.watch.forward(seconds=2)
    await world.poll(shop)
    assert (await world.of_order(shop, "FIRST")).channel_return_number == "CR-FIRST"
    assert await one("select failures from polls where connection_id = $1", shop.connection) == 0


async def revoke(world: World, shop: Shop) -> None:
    answer = await world.vendor.control.post("/_sandbox/tenants", json={"name": shop.tenant, "key": NEW_KEY})
    answer.raise_for_status()


async def repair(world: World, api: httpx.AsyncClient, shop: Shop, key: str) -> httpx.Response:
    bearer = await world.api_key()
    headers = {"authorization": f"Bearer {bearer}", "idempotency-key": f"repair {key}"}
    return await api.patch(f"/api/v1/connections/{shop.connection}", json={"api_key": key}, headers=headers)


async def test_a_revoked_key_pauses_once_and_everything_resumes_after_the_repair(
    world: World, api: httpx.AsyncClient
) -> None:
    shop, other = await world.shop(), await world.shop()
    await received(world, shop, "SO-1", "SO-2")
    await received(world, other, "SO-1")
    await world.vendor.send_back(shop.tenant, "FIRST", {"FIRST-SKU": 1})
    await revoke(world, shop)
    for _ in range(5):
        await world.work()
        await world.poll(shop)
        world.watch.forward(hours=1)
    assert [call["told"] for call in await world.vendor.calls(shop.tenant, "orders")][-1] == "200"
    refused = [call for call in await calls(world, shop) if call["told"] == "401"]
    assert len(refused) == 1
    assert [item.kind for item in await world.work_items(shop)] == ["connection_paused"]
    assert await world.vendor.refunded(other.tenant) == {"SHOE": 1}
    assert (await repair(world, api, shop, "another-key-that-does-not-work")).status_code == 422
    assert await one("select state from connections where id = $1", shop.connection) == "paused"
    assert (await repair(world, api, shop, NEW_KEY)).status_code == 200
    assert await world.work_items(shop) == []
    await world.poll(shop)
    await world.work()
    assert await world.vendor.refunded(shop.tenant) == {"SHOE": 2}
    assert await one("select count(*) from returns where kind = 'channel' and account_id = $1", shop.account) == 1
    assert {each.attempt for each in await world.operations(shop)} == {1}
    assert await differences(world, shop) == []
    assert await broken_rules() == {}


async def calls(world: World, shop: Shop) -> list[dict[str, object]]:
    found: list[dict[str, object]] = (await world.vendor.control.get(f"/_sandbox/{shop.tenant}/calls")).json()["calls"]
    return found


async def test_a_poll_that_meets_a_revoked_key_pauses_the_settlements(world: World) -> None:
    shop = await world.shop()
    await received(world, shop, "SO-1")
    await revoke(world, shop)
    await world.poll(shop)
    await world.work()
    assert await world.vendor.calls(shop.tenant, "create") == []
    assert [item.kind for item in await world.work_items(shop)] == ["connection_paused"]


async def test_a_call_that_began_with_the_old_key_does_not_pause_the_repaired_connection(world: World) -> None:
    shop = await world.shop()
    async with db.transaction(db.PLATFORM):
        old = await tenants.connection(shop.connection)
        await tenants.replace_settings(shop.connection, db.to_json(old.settings), b"other secrets")
        assert not await tenants.pause(shop.connection, "the old key does not work", old.sealed)
        assert (await tenants.connection(shop.connection)).state == "active"


@pytest.mark.parametrize("fault", ["check=500-before", "check=429:5", "check=malformed", "check=drop-before"])
async def test_a_repair_that_cannot_be_tried_changes_nothing(world: World, api: httpx.AsyncClient, fault: str) -> None:
    shop = await world.shop()
    before = await one("select sealed from connections where id = $1", shop.connection)
    await world.vendor.fail(fault)
    assert (await repair(world, api, shop, shop.key)).status_code in {422, 503}
    assert await one("select sealed from connections where id = $1", shop.connection) == before
