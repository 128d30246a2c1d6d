"""Goods that never arrive, and receiving that nobody finalises: what the policy does when its time is over."""

import asyncio
from datetime import timedelta

import pytest

from hub import persons, timeouts
from hub.deadlines.messages import Due
from hub.returns.case import Ending, Settling, Status
from hub.returns.messages import StoredReturn
from hub.sdk.messages import Kind
from tests.support.deadlines import deadlines_of
from tests.support.judge import broken_rules, differences, events_of, one
from tests.support.world import Shop, World


async def made(world: World, shop: Shop, kind: Kind, order: str = "SO-1") -> StoredReturn:
    make = world.channel_return if kind is Kind.CHANNEL else world.merchant_return
    return await make(shop, order, {"SHOE": 2})


@pytest.mark.parametrize("kind", Kind)
async def test_goods_that_never_arrive_are_asked_about_and_still_awaited(world: World, kind: Kind) -> None:
    shop = await world.shop(arrive_within_days=10)
    stored = await made(world, shop, kind)
    assert (await deadlines_of(stored))[Due.ARRIVE].at == stored.created_at + timedelta(days=10)
    world.watch.forward(days=10)
    await world.beat()
    await world.beat()
    (item,) = await world.work_items(shop)
    assert (item.kind, item.return_id) == ("goods_overdue", stored.id)
    assert "2 units were due by" in item.summary
    told = await world.why(stored)
    assert (told.actor, told.since) == ("account", (await deadlines_of(stored))[Due.ARRIVE].at)
    await world.receive(shop, stored.number, [("SHOE", 2, "A")])
    assert await world.work_items(shop) == []
    await world.work_until_quiet()
    assert (await world.again(stored)).settlement is Settling.SETTLED
    assert await differences(world, shop) == []


async def test_nothing_is_awaited_for_a_time_by_default(world: World) -> None:
    shop = await world.shop()
    stored = await made(world, shop, Kind.MERCHANT)
    assert await deadlines_of(stored) == {}
    world.watch.forward(days=400)
    await world.beat()
    assert await world.work_items(shop) == []
    assert (await world.again(stored)).status is Status.APPROVED


async def test_a_channel_return_of_which_nothing_came_is_told_as_rejected_without_a_receipt(world: World) -> None:
    shop = await world.shop(arrive_within_days=10, when_overdue="settle")
    stored = await made(world, shop, Kind.CHANNEL)
    world.watch.forward(days=10)
    await world.beat()
    await world.work_until_quiet()
    after = await world.again(stored)
    assert (after.settlement, after.status, after.arrived_at) == (Settling.SETTLED, Status.COMPLETED, None)
    assert [(line.received, line.accepted, line.rejected) for line in after.lines] == [(0, 0, 0)]
    (there,) = await world.vendor.returns(shop.tenant)
    assert there["status"] == "RECEIVED"
    assert await world.vendor.ledger(shop.tenant) == []
    assert "return.overdue" in await events_of(stored)
    assert await one("select sum(returned)::int from order_lines") == 0
    assert await deadlines_of(stored) == {}
    assert await broken_rules() == {}


async def test_a_merchant_return_of_which_nothing_came_expires_and_its_units_may_come_back_again(world: World) -> None:
    shop = await world.shop(arrive_within_days=10, when_overdue="settle")
    stored = await made(world, shop, Kind.MERCHANT)
    world.watch.forward(days=10)
    await world.beat()
    after = await world.again(stored)
    assert (after.status, after.ending) == (Status.EXPIRED, Ending.EXPIRED)
    assert (await events_of(stored))[-1] == "return.expired"
    assert await one("select sum(returned)::int from order_lines") == 0
    await world.work_until_quiet()
    assert await world.vendor.returns(shop.tenant) == []
    late = await world.receive(shop, stored.number, [("SHOE", 1, "A")])
    assert late.status == "Canceled"
    assert [item.kind for item in await world.work_items(shop)] == ["late_receipt"]
    again = await world.create(shop, "SO-1", {"SHOE": 2})
    await world.receive(shop, again.number, [("SHOE", 2, "A")])
    await world.work_until_quiet()
    assert await world.vendor.refunded(shop.tenant) == {"SHOE": 2}
    assert await broken_rules() == {}


@pytest.mark.parametrize("kind", Kind)
async def test_a_return_partly_received_is_finalised_by_itself_and_pays_what_came(world: World, kind: Kind) -> None:
    shop = await world.shop(finalise_after_days=3, arrive_within_days=30)
    stored = await made(world, shop, kind)
    await world.receive(shop, stored.number, [("SHOE", 1, "A")], finalise=False)
    partly = await world.again(stored)
    assert partly.arrived_at is not None
    assert {kind: each.at for kind, each in (await deadlines_of(stored)).items()} == {
        Due.FINALISE: partly.arrived_at + timedelta(days=3)
    }
    assert "finalised by itself at" in (await world.why(stored)).sentence
    world.watch.forward(days=3)
    await world.beat()
    await world.work_until_quiet()
    after = await world.again(stored)
    assert after.settlement is Settling.SETTLED
    assert await world.vendor.refunded(shop.tenant) == {"SHOE": 1}
    late = await world.receive(shop, stored.number, [("SHOE", 1, "A")])
    assert late.status == "Completed"
    assert [item.kind for item in await world.work_items(shop)] == ["late_receipt"]
    assert await differences(world, shop) == []
    assert await broken_rules() == {}


@pytest.mark.parametrize("kind", Kind)
async def test_what_came_is_all_that_came_once_the_time_to_arrive_is_over(world: World, kind: Kind) -> None:
    shop = await world.shop(arrive_within_days=10, when_overdue="settle")
    stored = await made(world, shop, kind)
    await world.receive(shop, stored.number, [("SHOE", 1, "A")], finalise=False)
    world.watch.forward(days=10)
    await world.beat()
    await world.work_until_quiet()
    assert (await world.again(stored)).settlement is Settling.SETTLED
    assert await world.vendor.refunded(shop.tenant) == {"SHOE": 1}
    assert await broken_rules() == {}


async def test_a_time_out_asks_a_person_where_the_policy_or_the_marketplace_wants_one(world: World) -> None:
    asks = await world.shop("asks", arrive_within_days=10, when_overdue="settle", when_short="ask")
    by_hand = await world.shop("byhand", arrive_within_days=10, when_overdue="settle")
    await world.profile(by_hand, full_rejection="by_hand")
    for shop in (asks, by_hand):
        stored = await made(world, shop, Kind.CHANNEL)
        world.watch.forward(days=10)
        await world.beat()
        assert (await world.again(stored)).settlement is Settling.HELD
        (item,) = await world.work_items(shop)
        assert item.kind == "settlement_held"
    assert await one("select count(*) from operations where effect = 'settle'") == 0
    assert await broken_rules() == {}


async def test_a_return_that_waits_for_its_excess_to_be_seen_is_overdue_without_being_settled(world: World) -> None:
    shop = await world.shop(arrive_within_days=10, when_overdue="settle")
    await world.merchant_return(shop, "SO-1", {"SHOE": 1})
    await world.vendor.send_back(shop.tenant, "SO-1", {"SHOE": 1})
    await world.poll(shop)
    excess = await one("select id from returns where settlement = 'held'")
    world.watch.forward(days=10)
    await world.beat()
    assert await one("select settlement from returns where id = $1", excess) == "held"
    assert await one("select count(*) from operations where effect = 'settle'") == 0
    assert await broken_rules() == {}


async def test_two_workers_and_many_beats_act_once(world: World) -> None:
    shop = await world.shop(arrive_within_days=10, when_overdue="settle")
    for number in range(6):
        await made(world, shop, Kind.CHANNEL if number % 2 else Kind.MERCHANT, f"SO-{number}")
    world.watch.forward(days=10)
    acted = await asyncio.gather(*(timeouts.sweep() for _ in range(4)))
    assert sum(acted) == 6
    assert await timeouts.sweep() == 0
    assert await one("select count(*) from timeline where event in ('return.overdue', 'return.expired')") == 6
    assert await one("select count(*) from operations where effect = 'settle'") == 3
    assert await broken_rules() == {}


async def test_a_time_out_that_meets_a_receipt_ends_in_one_of_the_two(world: World) -> None:
    shop = await world.shop(arrive_within_days=10, when_overdue="settle")
    stored = await made(world, shop, Kind.CHANNEL)
    world.watch.forward(days=10)
    await asyncio.gather(timeouts.sweep(), world.receive(shop, stored.number, [("SHOE", 2, "A")]))
    await world.work_until_quiet()
    after = await world.again(stored)
    assert after.settlement is Settling.SETTLED
    came = after.lines[0].received
    assert await world.vendor.refunded(shop.tenant) == ({"SHOE": 2} if came else {})
    assert await differences(world, shop) == []
    assert await broken_rules() == {}


async def test_a_time_out_that_the_hub_fails_on_is_for_support_and_keeps_no_other_waiting(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = await world.shop(arrive_within_days=10, when_overdue="settle")
    bad, good = [await made(world, shop, Kind.MERCHANT, order) for order in ("SO-1", "SO-2")]
    give_up = timeouts.give_up

    async def fails(held: StoredReturn) -> None:
        if held.id == bad.id:
            raise RuntimeError
        await give_up(held)

    monkeypatch.setattr(timeouts, "give_up", fails)
    world.watch.forward(days=10)
    assert await timeouts.sweep() == 1
    assert (await world.again(good)).status is Status.EXPIRED
    assert (await world.again(bad)).status is Status.APPROVED
    (item,) = await world.work_items(shop)
    assert (item.kind, item.owner, item.return_id) == ("deadline_failed", "support", bad.id)
    assert await timeouts.sweep() == 0


async def test_a_person_who_is_asked_about_overdue_goods_can_end_the_wait(world: World) -> None:
    shop = await world.shop(arrive_within_days=10)
    ours, theirs = await made(world, shop, Kind.MERCHANT), await made(world, shop, Kind.CHANNEL, "SO-2")
    world.watch.forward(days=10)
    await world.beat()
    assert len(await world.work_items(shop)) == 2
    assert (await world.why(ours)).action == f"/api/v1/returns/{ours.number}/cancel"
    assert (await world.why(theirs)).action == f"/api/v1/returns/{theirs.number}/settled-elsewhere"
    await persons.cancel(shop.account, ours.id, actor="Ada")
    await persons.settled_elsewhere(shop.account, theirs.id, "canceled with the marketplace", actor="Ada")
    assert await world.work_items(shop) == []
    assert await one("select count(*) from deadlines") == 0
