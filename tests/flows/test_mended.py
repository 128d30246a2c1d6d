"""What a review found, each as the story that would have gone wrong."""

import asyncio

import pytest

from hub import persons, process
from hub.kit import db
from hub.kit.errors import Conflict, Invalid
from hub.operations.messages import Ended, State
from hub.operations.runner import Runner
from hub.returns.case import Settling, Status
from tenants import service as tenants
from tenants.messages import (
    ChannelView,
    NewAccount,
    NewChannel,
    NewConnection,
    NewWarehouse,
    Policies,
    ReceivingOption,
    Route,
    Rules,
)
from tests.support.world import World


async def test_what_arrives_while_a_short_return_is_held_is_paid_when_it_is_let_go(world: World) -> None:
    shop = await world.shop(when_short="ask")
    stored = await world.channel_return(shop, "SO-1", {"SHOE": 2})
    await world.receive(shop, stored.number, [("SHOE", 1, "A")])
    assert (await world.again(stored)).settlement is Settling.HELD
    await world.receive(shop, stored.number, [("SHOE", 1, "A")], finalise=False)
    (line,) = (await world.again(stored)).lines
    assert (line.received, line.accepted) == (2, 2)
    await persons.settle(shop.account, stored.id, actor="test")
    await world.work()
    assert await world.vendor.refunded(shop.tenant) == {"SHOE": 2}


async def test_an_outcome_that_cannot_be_stored_becomes_a_dead_letter_and_is_not_asked_for_again(world: World) -> None:
    async def broken(_: Ended) -> None:
        await db.execute("select 1 / 0")

    shop = await world.shop()
    stored = await world.merchant_return(shop, "SO-1", {"SHOE": 1})
    await world.receive(shop, stored.number, [("SHOE", 1, "A")])
    world.runner = Runner(world.hub.vendors, broken)
    await world.work()
    (operation,) = [each for each in await world.operations(shop) if each.effect == "settle"]
    assert operation.state is State.DEAD
    assert [item.kind for item in await world.work_items(shop)] == ["settle_dead"]
    world.runner = Runner(world.hub.vendors, process.conclude)
    await persons.replay(shop.account, operation.id, actor="test")
    await world.work()
    assert (await world.again(stored)).status is Status.COMPLETED
    assert await world.vendor.refunded(shop.tenant) == {"SHOE": 1}


async def test_a_connection_in_use_is_not_pointed_at_another_account_of_the_vendor(world: World) -> None:
    shop = await world.shop()
    other, key = await world.vendor.tenant("other")
    moved = {"address": f"{world.vendor.address}/{other}/api", "api_key": key}
    with pytest.raises(Conflict, match="make a new connection"):
        await tenants.change_settings(shop.connection, moved, world.hub.vendors, actor="test")


async def test_one_account_at_the_vendor_has_its_channels_behind_one_connection_only(world: World) -> None:
    tenant, key = await world.vendor.tenant("twice")
    await world.vendor.sell(tenant, "SO-1", {"SHOE": 1})
    await world.vendor.sell(
        tenant, "SO-2", {"SHOE": 1}, channel_id=12, channel_name="bol NL", global_channel_name="bol"
    )
    account = await tenants.create_account(NewAccount(name="twice"), actor="test")
    place = NewWarehouse(name="Hub for twice", receiving_option=ReceivingOption.RETURN_HUB)
    rules = Rules(receiving=(Route(warehouse_id=(await tenants.create_warehouse(place, actor="test")).id),))

    async def channel(name: str, address: str, marketplace: str) -> ChannelView:
        settings = {"address": address, "api_key": key}
        login = NewConnection(connector="channelengine", name=name, account_id=account.id, settings=settings)
        made = await tenants.create_connection(login, world.hub.vendors, actor="test")
        new = NewChannel(
            account_id=account.id, name=name, connection_id=made.id, marketplaces=(marketplace,),
            policies=Policies(channel=rules, merchant=rules),
        )  # fmt: skip
        return await tenants.create_channel(new, world.hub.vendors, actor="test")

    address = f"{world.vendor.address}/{tenant}/api"
    made = await asyncio.gather(
        channel("one", address, "11"), channel("two", f" {address}/", "12"), return_exceptions=True
    )
    (refused,) = [each for each in made if isinstance(each, Conflict)]
    assert refused.code == "vendor_account_taken"
    assert len([each for each in made if isinstance(each, ChannelView)]) == 1


async def test_a_connection_in_use_keeps_the_returns_it_has_and_may_say_so(world: World) -> None:
    shop = await world.shop()
    with pytest.raises(Conflict, match="returns_api"):
        await tenants.change_settings(shop.connection, {"returns_api": "v2.1"}, world.hub.vendors, actor="test")
    # The setting came later than many connections, which stand at its default.
    same = await tenants.change_settings(shop.connection, {"returns_api": "v2"}, world.hub.vendors, actor="test")
    assert same.settings["returns_api"] == "v2"


async def test_a_key_that_made_a_return_long_ago_does_not_stand_for_another(world: World) -> None:
    shop = await world.shop()
    await world.merchant_return(shop, "SO-1", {"SHOE": 1})
    first = await world.create(shop, "FIRST", {"FIRST-SKU": 1}, key="mine")
    assert (await world.create(shop, "FIRST", {"FIRST-SKU": 1}, key="mine")).id == first.id
    with pytest.raises(Invalid, match="another return"):
        await world.create(shop, "SO-1", {"SHOE": 1}, key="mine")


async def test_a_message_that_this_hub_cannot_read_does_not_stop_its_neighbours(world: World) -> None:
    shop = await world.shop()
    await world.vendor.sell(shop.tenant, "SO-1", {"SHOE": 1})
    async with db.transaction(db.account(shop.account)):
        await db.execute(
            """insert into inbox (account_id, id, connection_id, key, subject, body, state, received_at)
            values ($1, gen_random_uuid(), $2, 'old', 'old', '{"reason": "unheard of"}', 'received', now())""",
            shop.account, shop.connection,
        )  # fmt: skip
    await world.vendor.send_back(shop.tenant, "SO-1", {"SHOE": 1})
    await world.poll(shop)
    assert (await world.of_order(shop, "SO-1")).status is Status.EXPECTED
    assert [item.kind for item in await world.work_items(shop)] == ["message_quarantined"]
