"""The verbs of whoever compares a hub with its channels, and a shop with a few differences."""

from collections import Counter
from typing import Any
from uuid import UUID

from hub.kit import clock, db
from hub.reconciliation import queries, repairs, service
from hub.reconciliation.jobs import Reconciler
from hub.reconciliation.messages import DifferenceView, Listed, ReconciliationView
from tenants import queries as tenants
from tests.support.disorder import (
    Disorder,
    declared_elsewhere,
    lost_settlement,
    not_imported,
    other_decision,
)
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


def doubles(ledger: list[dict[str, Any]]) -> list[Any]:
    paid = Counter((entry["return_id"], entry["order_line_id"]) for entry in ledger)
    return [key for key, times in paid.items() if times > 1]


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
