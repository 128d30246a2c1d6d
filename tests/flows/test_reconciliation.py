"""Everything in which the hub and its channels differ is found, explained, and repaired once; nothing else is."""

import asyncio
import itertools
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.inbox import queries as inbox
from hub.inbox.messages import Incoming
from hub.kit import clock, db
from hub.kit.errors import Conflict, Invalid, Unavailable
from hub.reconciliation import queries, repairs, service
from hub.reconciliation.comparing import NIGHTLY
from hub.reconciliation.jobs import Reconciler
from hub.reconciliation.messages import DifferenceView, Kind, Listed, ReconciliationView, Repair
from hub.returns.case import Ending
from hub.sdk import Capability, Refused
from tenants import queries as tenants
from tests.support.crash import Crash
from tests.support.disorder import (
    MENDED_BY_A_POLL,
    SORTS,
    Disorder,
    declared_elsewhere,
    lost_settlement,
    not_imported,
    other_decision,
)
from tests.support.judge import rows, stored
from tests.support.market import Market, Stall, line
from tests.support.world import Shop, World


async def reconcile(world: World, shop: Shop, by: str = "test") -> ReconciliationView:
    """Compare a shop's connection with the channel, as a worker does."""
    async with db.transaction(db.PLATFORM):
        held = await tenants.connection(shop.connection)
    begun = await service.start(held, world.hub.vendors, by=by)
    reconciler = Reconciler(world.hub.vendors)
    while await reconciler.step(begun.id):
        pass
    async with db.transaction(db.account(shop.account)):
        ended = await queries.reconciliation(shop.account, begun.id)
    assert ended is not None
    return ended


async def found(shop: Shop, listed: str = "open") -> list[DifferenceView]:
    async with db.transaction(db.account(shop.account)):
        return await queries.differences(
            account_id=shop.account, connection_id=None, kind=None, listed=Listed(listed), after=None, limit=1000
        )


async def later(world: World, **span: float) -> None:
    """Let time pass on both sides."""
    world.watch.forward(**span)
    await world.vendor.set_clock(clock.now())


async def repair(world: World, each: DifferenceView, by: str = "a person") -> DifferenceView:
    return await repairs.repair(world.hub.vendors, each, actor=by)


# What may change although nothing was repaired: when something was looked at.
LOOKED = {"reconciliations", "comparisons", "connections", "polls", "idempotency_keys", "api_keys", "inbox"}


async def everything() -> dict[str, list[dict[str, Any]]]:
    """Return all that the hub holds."""
    names = [row["tablename"] for row in await rows("select tablename from pg_tables where schemaname = 'public'")]
    return {
        name: await rows(f"select to_jsonb(t) - 'seen_at' as row from {name} t order by 1")
        for name in names
        if name not in LOOKED
    }


def doubles(ledger: list[dict[str, Any]]) -> list[Any]:
    paid = Counter((entry["return_id"], entry["order_line_id"]) for entry in ledger)
    return [key for key, times in paid.items() if times > 1]


@pytest.fixture
async def disorders(world: World) -> list[Disorder]:
    await world.vendor.set_clock(clock.now())
    made = [Disorder(world, await world.shop()) for _ in range(2)]
    for each in made:
        await each.make_all()
    await world.work_until_quiet()
    await later(world, minutes=10)
    return made


async def test_every_difference_is_found_and_nothing_else_and_each_is_repaired_once(
    world: World, disorders: list[Disorder]
) -> None:
    assert sum(len(each.expected) for each in disorders) == 2 * len(SORTS + MENDED_BY_A_POLL) >= 40
    for each in disorders:
        ended = await reconcile(world, each.shop)
        held = await found(each.shop)
        assert {difference.key for difference in held} == each.expected
        assert (ended.state, ended.found) == ("done", len(each.expected))
        assert all(difference.cause and difference.repair_does for difference in held)
    before = {each.shop: await world.vendor.ledger(each.shop.tenant) for each in disorders}
    for each in disorders:
        for difference in await found(each.shop):
            done = await repair(world, difference)
            assert (done.repaired_by, bool(done.outcome)) == ("a person", True)
    await world.work_until_quiet()
    await later(world, minutes=10)
    for each in disorders:
        assert (await reconcile(world, each.shop)).found == 0
        assert await found(each.shop) == []
        ledger = await world.vendor.ledger(each.shop.tenant)
        assert doubles(ledger) == []
        assert ledger[: len(before[each.shop])] == before[each.shop]
    settled = await everything()
    ledgers = [await world.vendor.ledger(each.shop.tenant) for each in disorders]
    for each in disorders:
        for difference in await found(each.shop, "all"):
            await repair(world, difference, "somebody else")
    await world.work_until_quiet()
    for each in disorders:
        assert (await reconcile(world, each.shop)).found == 0
    assert await everything() == settled
    assert [await world.vendor.ledger(each.shop.tenant) for each in disorders] == ledgers


# the run ------------------------------------------------------------------------------------------------


async def begun(world: World, shop: Shop, by: str = "test") -> UUID:
    async with db.transaction(db.PLATFORM):
        held = await tenants.connection(shop.connection)
    return (await service.start(held, world.hub.vendors, by=by)).id


async def small(world: World) -> Disorder:
    """A shop with a few differences, whose channel lists two returns to a page."""
    await world.vendor.set_clock(clock.now())
    made = Disorder(world, await world.shop())
    for make in (lost_settlement, other_decision, declared_elsewhere):
        await make(made)
    finish = await not_imported(made)
    await made.settled(await made.channel(2))
    await finish()
    await world.vendor.switch(made.shop.tenant, items_per_page=2)
    await later(world, minutes=10)
    return made


async def test_a_worker_that_dies_at_any_await_of_a_run_loses_and_doubles_nothing(world: World) -> None:
    it = await small(world)
    run, reconciler = await begun(world, it.shop), Reconciler(world.hub.vendors)
    deaths = 0
    for at in itertools.count(3, 7):
        if await Crash(at).run(reconciler.run(str(run))):
            break
        deaths += 1
        await later(world, seconds=61)
    assert deaths > 3
    while await reconciler.step(run):
        pass
    assert {each.key for each in await found(it.shop)} == it.expected
    assert len(await found(it.shop, "all")) == len(it.expected)


async def test_two_workers_take_a_run_together(world: World) -> None:
    it = await small(world)
    run = await begun(world, it.shop)
    await asyncio.gather(*(Reconciler(world.hub.vendors).run(str(run)) for _ in range(4)))
    while await Reconciler(world.hub.vendors).step(run):
        pass
    assert {each.key for each in await found(it.shop)} == it.expected
    (ended,) = await rows("select state, found, lease_until from reconciliations")
    assert ended == {"state": "done", "found": len(it.expected), "lease_until": None}


async def test_a_run_that_is_under_way_is_joined(world: World) -> None:
    it = await small(world)
    assert await begun(world, it.shop) == await begun(world, it.shop)


async def test_a_difference_is_one_row_however_often_it_is_found_and_closes_when_it_is_gone(world: World) -> None:
    it = await small(world)
    await reconcile(world, it.shop)
    first = await found(it.shop)
    await later(world, hours=1)
    await reconcile(world, it.shop)
    second = await found(it.shop)
    assert [each.id for each in second] == [each.id for each in first]
    assert all(one.seen_at < two.seen_at for one, two in zip(first, second, strict=True))
    await world.poll(it.shop)
    await world.work()
    await later(world, hours=1)
    await reconcile(world, it.shop)
    (closed,) = [each for each in await found(it.shop, "closed") if each.kind is Kind.MISSING]
    assert closed.outcome == "gone by itself"
    assert closed.repaired_at is None
    assert len(await found(it.shop)) == len(first) - 1


async def test_a_repair_that_did_not_help_is_a_difference_anew(world: World) -> None:
    it = await small(world)
    await reconcile(world, it.shop)
    (lost,) = [each for each in await found(it.shop) if each.repair is Repair.SETTLE]
    await repair(world, lost)
    await it.alter(
        """update operations set state = 'dead', next_at = null
        where account_id = $1 and return_id = $2 and effect = 'settle'""",
        lost.return_id,
    )
    await later(world, minutes=10)
    await reconcile(world, it.shop)
    (again,) = [each for each in await found(it.shop) if each.repair is Repair.SETTLE]
    assert again.id != lost.id
    assert again.repaired_at is None
    (vain,) = [each for each in await found(it.shop, "closed") if each.id == lost.id]
    assert (vain.outcome or "").endswith("it did not help")


async def test_settlements_that_are_due_go_before_a_run(world: World) -> None:
    it = await small(world)
    await it.decided(await it.channel())
    run, reconciler = await begun(world, it.shop), Reconciler(world.hub.vendors)
    assert not await reconciler.step(run)
    (held,) = await rows("select why, compared from reconciliations")
    assert held == {"why": "settlements go first", "compared": 0}
    await world.work()
    await later(world, seconds=6)
    assert await reconciler.step(run)


async def test_a_channel_that_asks_for_patience_gets_it_and_the_run_goes_on_where_it_was(world: World) -> None:
    it = await small(world)
    run, reconciler = await begun(world, it.shop), Reconciler(world.hub.vendors)
    assert await reconciler.step(run)
    await world.vendor.fail("poll=429:30+1")
    assert not await reconciler.step(run)
    (held,) = await rows("select why, failures, compared from reconciliations")
    assert held == {"why": "waiting for rate limit", "failures": 0, "compared": 2}
    assert not await reconciler.step(run)
    await later(world, seconds=31)
    while await reconciler.step(run):
        pass
    assert {each.key for each in await found(it.shop)} == it.expected


async def test_a_channel_that_only_fails_ends_the_run_at_last_and_says_why(world: World) -> None:
    it = await small(world)
    await world.vendor.fail("poll=500-before")
    run, reconciler = await begun(world, it.shop), Reconciler(world.hub.vendors)
    for _ in range(12):
        assert not await reconciler.step(run)
        await later(world, hours=25)
    (ended,) = await rows("select state, why from reconciliations")
    assert ended == {"state": "failed", "why": "the vendor answered 500"}
    await world.vendor.fail()
    assert (await reconcile(world, it.shop)).found == len(it.expected)


async def test_a_revoked_key_pauses_the_connection_and_the_run_waits_for_its_repair(world: World) -> None:
    it = await small(world)
    run, reconciler = await begun(world, it.shop), Reconciler(world.hub.vendors)
    await world.vendor.revoke_key(it.shop.tenant, "another")
    assert not await reconciler.step(run)
    assert [item.kind for item in await world.work_items(it.shop)] == ["connection_paused"]
    await world.vendor.revoke_key(it.shop.tenant, it.shop.key)
    async with db.transaction(db.PLATFORM):
        await tenants.resume(it.shop.connection)
    while await reconciler.step(run):
        pass
    assert {each.key for each in await found(it.shop)} == it.expected


async def test_what_both_were_seen_to_agree_on_is_not_asked_for_every_night(world: World) -> None:
    await world.vendor.set_clock(clock.now())
    it = Disorder(world, await world.shop())
    for _ in range(3):
        await it.settled(await it.channel(2))
    await later(world, minutes=10)
    asked = []
    for by in ("test", NIGHTLY, "test"):
        before = len(await world.vendor.calls(it.shop.tenant, "readback"))
        await reconcile(world, it.shop, by)
        asked.append(len(await world.vendor.calls(it.shop.tenant, "readback")) - before)
        await later(world, hours=1)
    assert asked == [3, 0, 3]


# repairs ------------------------------------------------------------------------------------------------


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


# nights -------------------------------------------------------------------------------------------------


@given(st.uuids(), st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - hypothesis adds the zone
def test_every_connection_has_its_own_moment_of_every_night(connection: UUID, now: datetime) -> None:
    at = service.next_night(connection, now)
    assert now < at <= now + timedelta(days=1)
    assert 1 <= at.hour < 5
    assert service.next_night(connection, at) == at + timedelta(days=1)


async def test_a_night_compares_every_connection_once_and_asks_about_what_differs(world: World) -> None:
    it = await small(world)
    assert await service.nightly(world.hub.vendors) == 0
    await later(world, days=1)
    assert await service.nightly(world.hub.vendors) == 1
    assert await service.nightly(world.hub.vendors) == 0
    ((run, _, _),) = await due()
    while await Reconciler(world.hub.vendors).step(run):
        pass
    (item,) = [each for each in await world.work_items(it.shop) if each.kind == "differences_found"]
    assert item.detail["found"] == len(it.expected)
    for each in await found(it.shop):
        await repair(world, each)
    await world.work_until_quiet()
    await later(world, days=1)
    assert await service.nightly(world.hub.vendors) == 1
    ((run, _, _),) = await due()
    while await Reconciler(world.hub.vendors).step(run):
        pass
    assert not [each for each in await world.work_items(it.shop) if each.kind == "differences_found"]


async def due() -> list[tuple[UUID, UUID, datetime]]:
    async with db.transaction(db.PLATFORM):
        return await queries.due(clock.now(), 10)


# a channel that forgets ---------------------------------------------------------------------------------


async def compared(stall: Stall) -> list[DifferenceView]:
    stall.watch.forward(minutes=10)
    async with db.transaction(db.PLATFORM):
        held = await tenants.connection(stall.shop.connection)
    begun = await service.start(held, stall.vendors, by="test")
    while await Reconciler(stall.vendors).step(begun.id):
        pass
    return await found(stall.shop)


async def test_an_open_return_that_the_channel_knows_no_more_ends_when_somebody_says_so(stall: Stall) -> None:
    told = stall.market.send_back(line("SHOE", 2))
    await stall.poll()
    await stall.work()
    stall.market.returns[told.external_id] = msgspec.structs.replace(
        told, merchant_return_number=(await stall.of(told)).number
    )
    assert await compared(stall) == []
    held = await stall.of(told)
    del stall.market.returns[told.external_id]
    (gone,) = await compared(stall)
    assert (gone.kind, gone.repair, gone.return_id) == (Kind.MISSING, Repair.FOLLOW, held.id)
    assert (
        gone.cause == f"{held.number} is open here, and the channel does not know return {told.external_id} any more."
    )
    done = await repairs.repair(stall.vendors, gone, actor="a person")
    assert done.outcome == "followed: it is channel_canceled here"
    assert (await stall.of(told)).ending is Ending.CHANNEL_CANCELED
    assert await compared(stall) == []


async def test_a_settled_return_that_the_channel_knows_no_more_is_asked_about_and_never_sent_again(
    stall: Stall,
) -> None:
    told = stall.market.send_back(line("SHOE", 1))
    await stall.poll()
    await stall.work()
    await stall.receive((await stall.of(told)).number, ("SHOE", 1, "A"))
    await stall.work()
    del stall.market.returns[told.external_id]
    (gone,) = await compared(stall)
    assert gone.repair is Repair.ASK
    await repairs.repair(stall.vendors, gone, actor="a person")
    await stall.work()
    assert stall.market.asked.count("settle") == 1
    assert [item.kind for item in await stall.work_items()] == ["channel_differs"]


async def test_a_page_that_cannot_be_stored_or_read_loses_no_neighbour(stall: Stall) -> None:
    good, bad = stall.market.send_back(line("SHOE", 1)), stall.market.send_back(line("NUL\0", 1))
    stall.market.hidden = {good.external_id, bad.external_id}
    (missing,) = await compared(stall)
    assert missing.external_id == good.external_id
    assert [item.kind for item in await stall.work_items()] == ["message_unreadable"]


async def test_a_return_that_cannot_be_asked_for_is_neither_there_nor_gone(stall: Stall) -> None:
    told = stall.market.send_back(line("SHOE", 1))
    await stall.poll()
    await stall.work()
    del stall.market.returns[told.external_id]
    stall.market.answers["fetch"] = [Refused("too_many", "The list has too many pages.")]
    assert await compared(stall) == []
    assert len(await compared(stall)) == 1


async def test_a_connector_with_a_bug_ends_the_run_with_a_word_about_it(stall: Stall) -> None:
    stall.market.answers["history"] = [ZeroDivisionError() for _ in range(20)]
    async with db.transaction(db.PLATFORM):
        held = await tenants.connection(stall.shop.connection)
    begun = await service.start(held, stall.vendors, by="test")
    for _ in range(12):
        await Reconciler(stall.vendors).step(begun.id)
        stall.watch.forward(hours=25)
    (ended,) = await rows("select state, why from reconciliations")
    assert ended == {"state": "failed", "why": "the hub failed on it (ZeroDivisionError)"}


async def test_a_connection_whose_vendor_lists_nothing_is_not_compared(stall: Stall) -> None:
    async with db.transaction(db.PLATFORM):
        held = await tenants.connection(stall.shop.connection)
    no_list = msgspec.structs.replace(Market.manifest, capabilities=Market.manifest.capabilities - {Capability.HISTORY})
    stall.market.manifest = no_list
    with pytest.raises(Invalid, match="does not list"):
        await service.start(held, stall.vendors, by="test")
    assert await service.nightly(stall.vendors) == 0


# a made-up world ----------------------------------------------------------------------------------------


async def received_and_settled(world: World, shop: Shop) -> None:
    """Let everything that waits for goods get them, in shifting states, and settle."""
    for number, each in enumerate(await stored(shop)):
        if each.case.over or each.finalised_at is not None:
            continue
        arrived = [(line.sku, line.declared, "ABD"[number % 3]) for line in each.lines if number % 5]
        await world.receive(shop, each.number, arrived or [(each.lines[0].sku, 1, "A")])
    await world.work_until_quiet()


async def test_in_a_world_that_was_followed_nothing_differs_but_what_was_over_before_anybody_saw_it(
    world: World,
) -> None:
    await world.vendor.set_clock(clock.now())
    shop = await world.shop()
    made = await world.vendor.world(
        11, tenants=[{"name": shop.tenant, "key": shop.key}], marketplaces=["Kaufland", "bol"], returns=60,
        merchant_orders=0,
    )  # fmt: skip
    for _ in range(16):
        await later(world, minutes=10)
        await world.poll(shop)
        await world.work()
    await received_and_settled(world, shop)
    await later(world, minutes=10)
    await world.poll(shop)
    await world.work_until_quiet()
    await later(world, minutes=10)
    (tenant,) = made["tenants"]
    unseen = {each["return_id"] for each in tenant["returns"] if "settled_in_web_before" in each["twists"]}
    assert unseen
    ended = await reconcile(world, shop)
    assert ended.state == "done"
    assert {each.key for each in await found(shop)} == {f"missing:here:{each}" for each in unseen}
    for each in await found(shop):
        await repair(world, each)
    await later(world, minutes=10)
    assert (await reconcile(world, shop)).found == 0
    assert (await world.vendor.judgement(shop.tenant))["double_refunds"] == []
