"""Everything in which the hub and its channels differ is found, explained, and repaired once; nothing else is."""

from collections import Counter
from typing import Any

import pytest

from hub.kit import clock, db
from hub.reconciliation import queries, repairs, service
from hub.reconciliation.jobs import Reconciler
from hub.reconciliation.messages import DifferenceView, ReconciliationView
from tenants import queries as tenants
from tests.support.disorder import MENDED_BY_A_POLL, SORTS, Disorder
from tests.support.judge import rows
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


async def found(shop: Shop, state: str = "open") -> list[DifferenceView]:
    async with db.transaction(db.account(shop.account)):
        return await queries.differences(
            account_id=shop.account, connection_id=None, kind=None, state=state, after=None, limit=1000
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
