"""The hub beside ChannelEngine as it is: lost webhooks, orders nobody took over yet, products linked late, history."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import msgspec
import pytest
import uvicorn

from hub import app
from hub.backfills import queries as backfill_queries
from hub.backfills import service as backfills
from hub.kit import clock, db
from hub.knocks.keeper import Keeper
from hub.returns.case import Informational, Settling, Status
from tenants import queries as tenants
from tests.support.judge import broken_rules, differences, events_of, one, rows, stored
from tests.support.vendor import _Server
from tests.support.world import ACTOR, Shop, World


@pytest.fixture
async def keeper(world: World) -> AsyncIterator[Keeper]:
    """The hub's web process on loopback, where vendors can knock, and who registers its addresses."""
    config = uvicorn.Config(
        app.build(world.hub), host="127.0.0.1", port=0, log_config=None, timeout_graceful_shutdown=1
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event to wait for
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield Keeper(world.hub.vendors, f"http://127.0.0.1:{port}")
    server.should_exit = True
    await task
    await world.vendor.calm()


async def shop_that_knocks(world: World, keeper: Keeper) -> Shop:
    shop = await world.shop()
    await world.vendor.set_clock(clock.now())
    await keeper.keep(str(shop.connection))
    await world.poll(shop)
    await pass_time(world, seconds=30)
    return shop


async def pass_time(world: World, **span: float) -> None:
    """Let time pass at both."""
    world.watch.forward(**span)
    await world.vendor.set_clock(clock.now())


async def sent_back(world: World, shop: Shop, *orders: str) -> None:
    for order in orders:
        await world.vendor.sell(shop.tenant, order, {"SHOE": 1})
        await world.vendor.send_back(shop.tenant, order, {"SHOE": 1})
    await world.vendor.deliveries(shop.tenant)


async def knocked_at() -> object:
    return await one("select knocked_at from polls")


async def test_a_webhook_has_the_hub_look_at_once(world: World, keeper: Keeper) -> None:
    shop = await shop_that_knocks(world, keeper)
    assert await knocked_at() is None
    await sent_back(world, shop, "SO-1")
    assert await knocked_at() is not None
    await world.poller.poll(str(shop.connection))
    assert (await world.of_order(shop, "SO-1")).status is Status.EXPECTED
    assert await one("select repaired from polls") == 0


async def test_five_lost_webhooks_are_five_repairs_and_an_alarm_and_doubled_or_late_ones_are_none(
    world: World, keeper: Keeper
) -> None:
    shop = await shop_that_knocks(world, keeper)
    await world.vendor.fail("webhook=double")
    await sent_back(world, shop, "SO-0")
    await pass_time(world, minutes=2)
    await world.poll(shop)
    assert await one("select repaired from polls") == 0
    await world.vendor.fail("webhook=lose")
    await sent_back(world, shop, *(f"SO-{number}" for number in range(1, 6)))
    await pass_time(world, minutes=2)
    await world.poll(shop)
    assert len(await stored(shop)) == 6
    assert await one("select repaired from polls") == 5
    assert [item.kind for item in await world.work_items(shop)] == ["knocks_lost"]
    await world.vendor.fail("webhook=late:20")
    await sent_back(world, shop, "SO-6")
    await world.poller.poll(str(shop.connection))
    await world.poll(shop)
    assert await one("select repaired from polls") == 5
    assert await world.work_items(shop) == []


async def test_a_webhook_that_somebody_took_away_or_switched_off_is_put_right_within_a_day(
    world: World, keeper: Keeper
) -> None:
    shop = await shop_that_knocks(world, keeper)
    (there,) = await world.vendor.webhooks(shop.tenant)
    name = there["name"]
    for order in ("SO-1", "SO-2"):
        if order == "SO-1":
            await world.vendor.drop_webhook(shop.tenant, name)
        else:
            await world.vendor.switch_webhook(shop.tenant, name, active=False)
        await pass_time(world, hours=25)
        await keeper.keep(str(shop.connection))
        before = await knocked_at()
        await sent_back(world, shop, order)
        assert await knocked_at() != before


async def test_an_order_that_is_taken_over_late_gives_its_number_to_the_return(world: World) -> None:
    shop = await world.shop()
    placed = await world.vendor.sell(shop.tenant, "", {"SHOE": 1}, merchant_order_no=None, channel_order_no="CH-1")
    await world.vendor.send_back(
        shop.tenant, "", {"SHOE": 1}, merchant_order_no=None, channel_order_no="CH-1", channel_return_no="CR-1"
    )
    await world.poll(shop)
    (found,) = await stored(shop)
    assert (found.order_number, found.channel_order_number) == (None, "CH-1")
    await world.vendor.acknowledge_order(shop.tenant, placed["id"], "SO-1")
    await world.poll(shop)
    linked = await world.of_order(shop, "SO-1")
    assert linked.id == found.id
    assert "return.linked" in await events_of(linked)
    await world.receive(shop, linked.number, [("SHOE", 1, "A")])
    await world.work_until_quiet()
    assert (await world.again(found)).settlement is Settling.SETTLED
    assert await differences(world, shop) == []
    assert await broken_rules() == {}


async def test_a_product_that_is_linked_late_has_the_parked_return_imported(world: World) -> None:
    shop = await world.shop()
    unlinked = {"channel_product_no": "C-1", "quantity": 1}
    placed = {
        "merchant_order_no": "SO-1", "channel_id": 11, "channel_name": "Kaufland DE",
        "global_channel_name": "Kaufland", "lines": [{**unlinked, "unit_price_incl_vat": "10.00"}],
    }  # fmt: skip
    made = await world.vendor.control.post(f"/_sandbox/{shop.tenant}/orders", json=placed)
    line = made.raise_for_status().json()["lines"][0]["id"]
    back = {"channel_return_no": "CR-1", "lines": [{"order_line_id": line, "quantity": 1}], "merchant_order_no": "SO-1"}
    (await world.vendor.control.post(f"/_sandbox/{shop.tenant}/channel-returns", json=back)).raise_for_status()
    await world.poll(shop)
    (item,) = await world.work_items(shop)
    assert (item.kind, item.detail["lines"][0]["channel_sku"]) == ("line_unlinked", "C-1")
    assert await stored(shop) == []
    await world.vendor.link_product(shop.tenant, "HAT", channel_product_no="C-1")
    await world.poll(shop)
    assert await world.work_items(shop) == []
    linked = await world.of_order(shop, "SO-1")
    await world.receive(shop, linked.number, [("HAT", 1, "A")])
    await world.work_until_quiet()
    assert await world.vendor.refunded(shop.tenant) == {"HAT": 1}
    assert await differences(world, shop) == []


async def test_quantities_that_the_channel_changes_before_goods_arrive_are_what_is_settled(world: World) -> None:
    shop = await world.shop()
    await world.vendor.sell(shop.tenant, "SO-1", {"SHOE": 3})
    told = await world.vendor.send_back(shop.tenant, "SO-1", {"SHOE": 1})
    await world.poll(shop)
    await world.vendor.count_again(shop.tenant, told["id"], {"SHOE": 3})
    await world.poll(shop)
    found = await world.of_order(shop, "SO-1")
    assert [line.declared for line in found.lines] == [3]
    await world.receive(shop, found.number, [("SHOE", 3, "A")])
    await world.work_until_quiet()
    assert await world.vendor.refunded(shop.tenant) == {"SHOE": 3}
    assert await differences(world, shop) == []
    assert await broken_rules() == {}


async def test_history_becomes_what_it_is_and_the_hubs_own_returns_are_not_born_again(world: World) -> None:
    shop = await world.shop()
    own = await world.merchant_return(shop, "MO-1", {"SHOE": 1})
    await world.receive(shop, own.number, [("SHOE", 1, "A")])
    await world.work_until_quiet()
    ids = {}
    for order in ("SO-OPEN", "SO-SETTLED", "SO-CANCELED"):
        await world.vendor.sell(shop.tenant, order, {"SHOE": 2})
        ids[order] = (await world.vendor.send_back(shop.tenant, order, {"SHOE": 2}))["id"]
    await world.vendor.settle_in_web(shop.tenant, ids["SO-SETTLED"], {"SHOE": (1, 0)})
    await world.vendor.cancel(shop.tenant, ids["SO-CANCELED"])
    async with db.transaction(db.PLATFORM):
        held = await tenants.connection(shop.connection)
    began = await backfills.start(held, clock.now() - timedelta(days=700), world.hub.vendors, actor=ACTOR)
    backfiller = backfills.Backfiller(world.hub.vendors, world.poller.handler)
    await backfiller.run(str(began.id))
    async with db.transaction(db.account(shop.account)):
        (ended,) = await backfill_queries.of_connection(shop.account, shop.connection)
    assert (ended.state, ended.read, ended.born) == ("done", 4, 3)
    found = {each.order_number: (each.status, each.informational) for each in await stored(shop)}
    assert found == {
        "MO-1": (Status.COMPLETED, None),
        "SO-OPEN": (Status.EXPECTED, None),
        "SO-SETTLED": (Status.INFORMATIONAL, Informational.BEFORE_THE_HUB),
        "SO-CANCELED": (Status.INFORMATIONAL, Informational.BEFORE_THE_HUB),
    }
    # Lists of 2.19 do not say what was decided, so all that was declared counts as having come back.
    assert await rows("select sum(returned)::int as back from order_lines") == [{"back": 1 + 2 + 2}]
    await world.poll(shop)
    assert len(await stored(shop)) == 4
    assert await broken_rules() == {}
    assert msgspec.to_builtins(ended)["total"] == 4
