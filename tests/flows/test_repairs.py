"""A repair looks at both sides anew, does what still helps, and is safe to press twice."""

import asyncio

import pytest

from hub.inbox import queries as inbox
from hub.inbox.messages import Incoming
from hub.kit import clock, db
from hub.kit.errors import Conflict, Invalid, Unavailable
from hub.reconciliation import repairs
from hub.reconciliation.messages import Kind, Repair
from tests.support.disorder import (
    Disorder,
    lost_settlement,
)
from tests.support.judge import rows
from tests.support.reconciling import doubles, found, later, reconcile, repair, small
from tests.support.world import World


async def test_of_people_who_press_at_once_one_repairs_and_all_see_what_was_done(world: World) -> None:
    it = await small(world)
    await reconcile(world, it.shop)
    for each in await found(it.shop):
        told = await asyncio.gather(*(repair(world, each, f"person {number}") for number in range(4)))
        assert len({one.repaired_by for one in told}) == 1
        assert len({one.outcome for one in told}) == 1
    written = await rows("select subject from audit where action = 'difference.repaired'")
    assert sorted(each["subject"] for each in written) == sorted(it.expected)
    await world.work_until_quiet()
    ledger = await world.vendor.ledger(it.shop.tenant)
    assert doubles(ledger) == []
    (count,) = await rows("select count(*) as held from returns where external_id is not null")
    assert count["held"] == len(await world.vendor.returns(it.shop.tenant))


async def test_a_settlement_that_the_channel_took_meanwhile_is_not_sent_again(world: World) -> None:
    await world.vendor.set_clock(clock.now())
    it = Disorder(world, await world.shop())
    await lost_settlement(it)
    await later(world, minutes=10)
    await reconcile(world, it.shop)
    (lost,) = await found(it.shop)
    await repair(world, lost)
    # Somebody else settles it in the channel's pages, with other quantities, before the look-up.
    await world.vendor.settle_in_web(it.shop.tenant, int(lost.external_id or 0), {"SHOE": (1, 1)})
    await world.work_until_quiet()
    assert await world.vendor.refunded(it.shop.tenant) == {"SHOE": 1}
    (held,) = await rows("select settlement, sync from returns where id = $1", lost.return_id)
    assert held == {"settlement": "elsewhere", "sync": "conflict"}


async def test_a_repair_looks_anew_and_does_nothing_where_nothing_differs_any_more(world: World) -> None:
    it = await small(world)
    await reconcile(world, it.shop)
    (missing,) = [each for each in await found(it.shop) if each.repair is Repair.IMPORT]
    await world.poll(it.shop)
    await world.work()
    before = await rows("select id, version from returns order by id")
    done = await repair(world, missing)
    assert done.outcome == repairs.GONE
    assert done.closed_at is not None
    assert await rows("select id, version from returns order by id") == before


async def test_while_something_is_on_its_way_nothing_is_repaired(world: World) -> None:
    it = await small(world)
    await reconcile(world, it.shop)
    (missing,) = [each for each in await found(it.shop) if each.repair is Repair.IMPORT]
    async with db.transaction(db.account(it.shop.account)):
        await inbox.store(
            it.shop.account, it.shop.connection,
            [Incoming(key="1", subject=missing.external_id or "", body="null")], clock.now(),
        )  # fmt: skip
    with pytest.raises(Conflict, match="on its way"):
        await repair(world, missing)
    (still,) = [each for each in await found(it.shop) if each.id == missing.id]
    assert still.repaired_at is None


async def test_a_channel_that_cannot_be_asked_leaves_a_difference_as_it_was(world: World) -> None:
    it = await small(world)
    await reconcile(world, it.shop)
    before = await found(it.shop)
    await world.vendor.fail("poll=500-before", "readback=429:5", "orders=500-before")
    for each in before:
        with pytest.raises(Unavailable):
            await repair(world, each)
    assert await found(it.shop) == before


async def test_what_another_system_declared_counts_against_what_was_shipped(world: World) -> None:
    await world.vendor.set_clock(clock.now())
    it = Disorder(world, await world.shop())
    await world.vendor.sell(it.shop.tenant, "SO-X", {"SHOE": 3})
    await it.declare("SO-X", "ERP-1", 2)
    await later(world, minutes=10)
    await reconcile(world, it.shop)
    (extra,) = await found(it.shop)
    done = await repair(world, extra)
    assert (done.outcome or "").startswith("recorded as R")
    (shown,) = await rows("select kind, status, informational from returns")
    assert shown == {"kind": "merchant", "status": "informational", "informational": "created_elsewhere"}
    with pytest.raises(Invalid, match="more would come back than was shipped"):
        await world.create(it.shop, "SO-X", {"SHOE": 2})
    await world.create(it.shop, "SO-X", {"SHOE": 1})


async def test_money_that_moved_otherwise_is_a_persons_to_look_at_and_is_not_taken_back(world: World) -> None:
    it = await small(world)
    await reconcile(world, it.shop)
    (other,) = [each for each in await found(it.shop) if each.kind is Kind.QUANTITY]
    ledger = await world.vendor.ledger(it.shop.tenant)
    done = await repair(world, other)
    assert done.outcome == "a person is asked"
    (item,) = [each for each in await world.work_items(it.shop) if each.kind == "channel_differs"]
    assert item.summary == other.cause
    assert "1 accepted here, 2 there" in other.cause
    assert item.detail["ours"]["lines"][0]["accepted"] == 1
    assert item.detail["theirs"]["lines"][0]["accepted"] == 2
    (held,) = await rows("select sync, settlement from returns where id = $1", other.return_id)
    assert held == {"sync": "conflict", "settlement": "settled"}
    await world.work_until_quiet()
    assert await world.vendor.ledger(it.shop.tenant) == ledger
