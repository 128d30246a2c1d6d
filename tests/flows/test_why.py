"""Why is this return not settled? Asked along the road, of real returns with real operations and connections."""

from typing import Any

import httpx
import msgspec
import pytest

from hub.kit import db
from hub.returns.case import Settling
from hub.returns.messages import StoredReturn
from hub.sdk.messages import Kind
from hub.why import service as whys
from tenants import service as tenants
from tenants.messages import NewWarehouse, ReceivingOption, Role
from tests.support.caller import Caller, code
from tests.support.judge import stored as all_returns
from tests.support.parties import partner_of
from tests.support.world import ACTOR, Shop, World


async def sending(world: World, shop: Shop) -> StoredReturn:
    stored = await world.channel_return(shop, "SO-1", {"SHOE": 1})
    await world.receive(shop, stored.number, [("SHOE", 1, "A")])
    return stored


async def test_the_answer_changes_hands_along_the_road(world: World) -> None:
    shop = await world.shop()
    stored = await world.merchant_return(shop, "SO-1", {"SHOE": 2})
    told = await world.why(stored)
    assert (told.actor, told.action, told.since) == ("customer", None, stored.created_at)
    await world.receive(shop, stored.number, [("SHOE", 1, "A")], finalise=False)
    told = await world.why(stored)
    assert (told.actor, told.action) == ("support", f"/api/v1/warehouses/{shop.warehouse}/receipts")
    await world.receive(shop, stored.number, [("SHOE", 1, "A")])
    assert (await world.why(stored)).actor == "hub"
    await world.work_until_quiet()
    told, after = await world.why(stored), await world.again(stored)
    assert (told.actor, told.action, told.since) == (None, None, after.settled_at)


async def test_a_paused_connection_is_its_accounts_to_repair(world: World) -> None:
    shop = await world.shop()
    stored = await sending(world, shop)
    revoked = {"name": shop.tenant, "key": "a-new-key-that-the-hub-does-not-know"}
    (await world.vendor.control.post("/_sandbox/tenants", json=revoked)).raise_for_status()
    await world.work()
    (item,) = await world.work_items(shop)
    told = await world.why(stored)
    assert (told.actor, told.action) == ("account", f"/api/v1/connections/{shop.connection}")
    assert told.since == item.opened_at
    assert "paused until it is repaired" in told.sentence


async def test_a_channel_that_asks_for_patience_is_waited_for(world: World) -> None:
    shop = await world.shop()
    stored = await sending(world, shop)
    await world.vendor.fail("settle=429:3600")
    await world.work()
    told = await world.why(stored)
    assert (told.actor, told.action) == ("hub", None)
    assert "asked to wait until" in told.sentence


async def test_what_nobody_knows_is_looked_up_and_says_when(world: World) -> None:
    shop = await world.shop()
    stored = await sending(world, shop)
    await world.vendor.fail("settle=drop-after")
    await world.work()
    (operation,) = [each for each in await world.operations(shop) if each.effect == "settle"]
    told = await world.why(stored)
    assert told.actor == "hub"
    assert operation.next_at is not None
    assert told.sentence == (
        "Nobody knows yet whether the channel took the settlement; "
        f"the hub looks again at {operation.next_at:%Y-%m-%d %H:%M} UTC."
    )


async def test_an_operation_that_gave_up_is_for_support_to_replay(world: World) -> None:
    shop = await world.shop()
    stored = await sending(world, shop)
    await world.vendor.fail("settle=500-before")
    await world.work_until_quiet(hours=2)
    world.watch.forward(days=1)
    for _ in range(12):
        await world.work()
        world.watch.forward(days=2)
    (operation,) = [each for each in await world.operations(shop) if each.effect == "settle"]
    assert operation.state == "dead"
    told = await world.why(stored)
    assert (told.actor, told.action) == ("support", f"/api/v1/operations/{operation.id}/replay")
    assert told.since == operation.finished_at


@pytest.mark.parametrize("kind", Kind)
async def test_a_partner_is_named_where_a_partner_runs_the_warehouse(world: World, kind: Kind) -> None:
    shop = await world.shop()
    make = world.channel_return if kind is Kind.CHANNEL else world.merchant_return
    stored = await make(shop, "SO-1", {"SHOE": 2})
    own = NewWarehouse(
        name=f"Own of {shop.tenant}", receiving_option=ReceivingOption.MERCHANT_WAREHOUSE, account_id=shop.account
    )
    warehouse = await tenants.create_warehouse(own, actor=ACTOR)
    async with db.transaction(db.PLATFORM):
        await db.execute("insert into warehouse_accounts values ($1, $2)", shop.account, warehouse.id)
        await db.execute("update returns set warehouse_id = $2 where id = $1", stored.id, warehouse.id)
    moved = Shop(
        account=shop.account, tenant=shop.tenant, key=shop.key, connection=shop.connection, channel=shop.channel,
        warehouse=warehouse.id,
    )  # fmt: skip
    await world.receive(moved, stored.number, [("SHOE", 1, "A")], finalise=False)
    told = await world.why(stored)
    assert told.actor == "account"
    assert f"arrived at Own of {shop.tenant}" in told.sentence


async def test_a_page_of_returns_is_explained_by_one_query(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = await world.shop(settle_by="person", arrive_within_days=30)
    for number in range(6):
        make = world.channel_return if number % 2 else world.merchant_return
        stored = await make(shop, f"SO-{number}", {"SHOE": 1})
        if number > 2:
            await world.receive(shop, stored.number, [("SHOE", 1, "A")])
    page = await all_returns(shop)
    asked: list[str] = []
    fetch = db.fetch

    async def counted(sql: str, *values: Any) -> list[db.Row]:
        asked.append(sql)
        return await fetch(sql, *values)

    async with db.transaction(db.account(shop.account)):
        monkeypatch.setattr(db, "fetch", counted)
        told = await whys.why(page)
        assert len(asked) == 1
        shown = await whys.explained(page)
        assert len(asked) == 2
    assert {each.id for each in page} == set(told)
    assert {each.id: each.why for each in shown} == told
    assert [len(each.deadlines) for each in shown] == [1, 1, 1, 0, 0, 0]
    assert {told[each.id].actor for each in page if each.settlement is Settling.HELD} == {"account"}


async def test_a_list_shows_of_each_return_why_it_is_not_settled(world: World, api: httpx.AsyncClient) -> None:
    shop = await world.shop()
    await world.merchant_return(shop, "SO-1", {"SHOE": 1})
    await sending(world, await world.shop())
    account = Caller(api, await world.api_key(Role.ACCOUNT, account_id=shop.account))
    (shown,) = (await account.get("/returns")).json()["items"]
    assert shown["why"]["actor"] == "customer"
    assert (await account.get(f"/returns/{shown['number']}/why")).json() == shown["why"]
    assert (await account.get(f"/returns/{shown['id']}/why")).json() == shown["why"]
    platform = Caller(api, await world.api_key())
    everything = (await platform.get("/returns")).json()["items"]
    assert [each["why"]["actor"] for each in everything] == ["customer", "hub"]
    assert code(await account.get(f"/returns/{everything[1]['number']}/why")) == (404, "return_not_found")


async def test_a_partner_hears_what_is_its_own_to_do_and_nothing_of_the_accounts_money(
    world: World, api: httpx.AsyncClient
) -> None:
    shop = await world.shop()
    partner = await partner_of(world, "Lager", shop)
    there, number = msgspec.structs.replace(shop, warehouse=partner.warehouse), partner.numbers[shop.tenant]
    caller = Caller(api, partner.key)
    (shown,) = (await caller.get("/returns")).json()["items"]
    assert shown["why"]["actor"] == "partner"
    assert shown["why"]["action"] == f"/api/v1/warehouses/{partner.warehouse}/receipts"
    await world.profile(shop, full_rejection="by_hand", partial="all_or_nothing")
    await world.receive(there, number, [("SHOE", 1, "D")])
    kinds = {item.kind for item in await world.work_items(shop)}
    account = Caller(api, await world.api_key(Role.ACCOUNT, account_id=shop.account))
    assert "all or nothing" in (await account.get(f"/returns/{number}/why")).json()["sentence"]
    told = (await caller.get(f"/returns/{number}/why")).json()
    assert told["sentence"] == "Receiving is finalised; what follows is not the warehouse's to do."
    assert (told["actor"], told["action"]) == ("account", None)
    assert "settlement_held" in kinds
