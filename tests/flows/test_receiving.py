"""What arrives: in parts, short, over, wrong, and what of it is paid."""

import asyncio

import pytest

from hub.returns.case import Settling, Status
from hub.sdk import ReceivingRefused
from hub.sdk.messages import Kind
from tests.support.judge import broken_rules, differences, events_of
from tests.support.world import World


async def test_parts_that_arrive_over_days_are_settled_together_once_nothing_more_comes(world: World) -> None:
    shop = await world.shop()
    stored = await world.channel_return(shop, "SO-1", {"SHOE": 3, "SHIRT": 2})
    await world.receive(shop, stored.number, [("SHOE", 1, "A")], finalise=False)
    world.watch.forward(days=1)
    await world.receive(shop, stored.number, [("SHIRT", 2, "B"), ("SHOE", 1, "D")], finalise=False)
    await world.work()
    part = await world.again(stored)
    assert (part.status, part.settlement) == (Status.PARTIALLY_RECEIVED, Settling.NONE)
    assert await world.vendor.ledger(shop.tenant) == []
    world.watch.forward(days=2)
    await world.receive(shop, stored.number, [("SHOE", 1, "A")], finalise=True)
    await world.work()
    assert await world.vendor.refunded(shop.tenant) == {"SHOE": 2, "SHIRT": 2}
    assert len(await world.vendor.calls(shop.tenant, "settle")) == 1
    assert (await world.again(stored)).status is Status.COMPLETED
    assert await differences(world, shop) == []


async def test_a_delivery_that_is_booked_twice_counts_once(world: World) -> None:
    shop = await world.shop()
    stored = await world.channel_return(shop, "SO-1", {"SHOE": 2})
    first = await world.receive(shop, stored.number, [("SHOE", 1, "A")], finalise=False, key="parcel 1")
    again = await world.receive(shop, stored.number, [("SHOE", 1, "A")], finalise=False, key="parcel 1")
    assert (first.repeated, again.repeated) == (False, True)
    assert [line.received for line in (await world.again(stored)).lines] == [1]
    with pytest.raises(ReceivingRefused) as refused:
        await world.receive(shop, stored.number, [("SHOE", 2, "A")], finalise=False, key="parcel 1")
    assert refused.value.code == "key_reused"
    assert [line.received for line in (await world.again(stored)).lines] == [1]


async def test_a_key_that_booked_one_return_books_no_other(world: World) -> None:
    shop = await world.shop()
    first = await world.channel_return(shop, "SO-1", {"SHOE": 1})
    second = await world.channel_return(shop, "SO-2", {"SHOE": 1})
    await world.receive(shop, first.number, [("SHOE", 1, "A")], key="parcel 1")
    with pytest.raises(ReceivingRefused):
        await world.receive(shop, second.number, [("SHOE", 1, "A")], key="parcel 1")
    assert (await world.again(second)).status is Status.EXPECTED


@pytest.mark.parametrize("kind", Kind)
async def test_what_never_arrived_is_not_paid(world: World, kind: Kind) -> None:
    shop = await world.shop()
    make = world.channel_return if kind is Kind.CHANNEL else world.merchant_return
    stored = await make(shop, "SO-1", {"SHOE": 3, "SHIRT": 1})
    told = await world.receive(shop, stored.number, [("SHOE", 2, "A")])
    assert set(told.deviations) == {"short:SHOE", "short:SHIRT"}
    await world.work()
    assert await world.vendor.refunded(shop.tenant) == {"SHOE": 2}
    assert {line.sku: line.settled for line in (await world.again(stored)).lines} == {"SHOE": 2, "SHIRT": 0}
    assert await differences(world, shop) == []
    assert await broken_rules() == {}


async def test_what_never_arrived_may_come_back_with_another_return(world: World) -> None:
    shop = await world.shop()
    stored = await world.merchant_return(shop, "SO-1", {"SHOE": 3})
    await world.receive(shop, stored.number, [("SHOE", 2, "A")])
    await world.work()
    late = await world.create(shop, "SO-1", {"SHOE": 1})
    await world.receive(shop, late.number, [("SHOE", 1, "A")])
    await world.work()
    assert await world.vendor.refunded(shop.tenant) == {"SHOE": 3}
    assert await differences(world, shop) == []


@pytest.mark.parametrize("kind", Kind)
async def test_what_arrives_beyond_the_declared_is_kept_for_a_person_and_not_paid(world: World, kind: Kind) -> None:
    shop = await world.shop()
    make = world.channel_return if kind is Kind.CHANNEL else world.merchant_return
    stored = await make(shop, "SO-1", {"SHOE": 1})
    told = await world.receive(shop, stored.number, [("SHOE", 3, "A")])
    assert told.deviations == ("over:SHOE",)
    await world.work()
    assert await world.vendor.refunded(shop.tenant) == {"SHOE": 1}
    (line,) = (await world.again(stored)).lines
    assert (line.received, line.accepted, line.settled) == (3, 1, 1)
    assert [item.kind for item in await world.work_items(shop)] == ["unexpected_goods"]
    assert await differences(world, shop) == []


async def test_a_product_nobody_announced_becomes_a_work_item_and_pays_nothing(world: World) -> None:
    shop = await world.shop()
    stored = await world.merchant_return(shop, "SO-1", {"SHOE": 1})
    told = await world.receive(shop, stored.number, [("HAT", 1, "A")])
    assert set(told.deviations) == {"unexpected:HAT", "short:SHOE"}
    await world.work()
    assert (await world.again(stored)).settlement is Settling.NOTHING
    (item,) = await world.work_items(shop)
    assert (item.kind, item.return_id) == ("unexpected_goods", stored.id)
    assert item.detail["items"] == [{"sku": "HAT", "quantity": 1, "deviation": "unexpected"}]
    assert await world.vendor.ledger(shop.tenant) == []


async def test_all_rejected_is_told_to_the_channel_in_one_update_that_pays_nothing(world: World) -> None:
    shop = await world.shop()
    stored = await world.channel_return(shop, "SO-1", {"SHOE": 2})
    await world.receive(shop, stored.number, [("SHOE", 2, "D")])
    await world.work()
    (theirs,) = await world.vendor.returns(shop.tenant)
    assert [(line["accepted"], line["rejected"]) for line in theirs["lines"]] == [(0, 2)]
    assert await world.vendor.ledger(shop.tenant) == []
    assert len(await world.vendor.calls(shop.tenant, "settle")) == 1
    assert (await world.again(stored)).settlement is Settling.SETTLED


async def test_a_merchant_return_with_all_rejected_makes_no_call_at_all(world: World) -> None:
    shop = await world.shop()
    stored = await world.merchant_return(shop, "SO-1", {"SHOE": 2})
    await world.receive(shop, stored.number, [("SHOE", 2, "D")])
    await world.work_until_quiet()
    assert (await world.again(stored)).settlement is Settling.NOTHING
    assert [op.effect for op in await world.operations(shop)] == []
    assert await world.vendor.calls(shop.tenant, "create") == []
    assert await world.vendor.returns(shop.tenant) == []
    assert (await events_of(stored))[-2:] == ["return.decided", "settlement.nothing_to_pay"]


async def test_two_deliveries_booked_at_the_same_moment_both_count(world: World) -> None:
    shop = await world.shop()
    stored = await world.channel_return(shop, "SO-1", {"SHOE": 9})
    await asyncio.gather(
        *(world.receive(shop, stored.number, [("SHOE", 1, "A")], finalise=False) for _ in range(6)),
    )
    assert [line.received for line in (await world.again(stored)).lines] == [6]
    assert await broken_rules() == {}


async def test_one_delivery_sent_ten_times_at_once_is_booked_once(world: World) -> None:
    shop = await world.shop()
    stored = await world.channel_return(shop, "SO-1", {"SHOE": 2})
    told = await asyncio.gather(
        *(world.receive(shop, stored.number, [("SHOE", 2, "A")], key="once") for _ in range(10))
    )
    assert sorted(each.repeated for each in told) == [False] + [True] * 9
    await world.work()
    assert await world.vendor.refunded(shop.tenant) == {"SHOE": 2}
    assert await differences(world, shop) == []
