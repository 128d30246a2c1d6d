"""A reconciliation comes to its end whatever happens to its workers and its channel, and every night there is one."""

import asyncio
import itertools
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from hub.kit import clock, db
from hub.reconciliation import queries, service
from hub.reconciliation.comparing import NIGHTLY
from hub.reconciliation.jobs import Reconciler
from hub.reconciliation.messages import Kind, Repair
from tenants import queries as tenants
from tests.support.crash import Crash
from tests.support.disorder import (
    Disorder,
)
from tests.support.judge import rows
from tests.support.reconciling import begun, found, later, reconcile, repair, small
from tests.support.world import World


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
    run, reconciler = await begun(world, it.shop, NIGHTLY), Reconciler(world.hub.vendors)
    for _ in range(12):
        assert not await reconciler.step(run)
        await later(world, hours=25)
    (ended,) = await rows("select state, why from reconciliations")
    assert ended == {"state": "failed", "why": "the vendor answered 500"}
    asked = [item.summary for item in await world.work_items(it.shop) if item.kind == "reconciliation_failed"]
    assert ["the vendor answered 500" in each for each in asked] == [True]
    await world.vendor.fail()
    assert (await reconcile(world, it.shop)).found == len(it.expected)
    assert "reconciliation_failed" not in {item.kind for item in await world.work_items(it.shop)}


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
