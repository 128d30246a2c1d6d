"""A changed window, simulated over many returns by the hub's own worker, and held against what is known of them."""

import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import click
import msgspec

from hub import migrations, process
from hub.bench import cycle, vendor
from hub.engines import reachable
from hub.initiation.messages import NewLine, NewReturn
from hub.kit import clock, db
from hub.runtime import Runtime, open_runtime
from hub.sdk.messages import Kind, Order, OrderLine
from hub.settings import Settings
from hub.simulations import queries
from hub.simulations import service as simulations
from hub.simulations.messages import NewSimulation, SimulationState, SimulationView
from tenants import queries as tenants
from tenants.policies import service as policies
from tenants.policies.messages import NewDraft
from tenants.policies.rules import CountedFrom, Route, Rules, Window

NAME, DAYS, SPREAD = "simulated", 14, 40


async def run(settings: Settings, *, returns: int, as_json: bool) -> int:
    """Simulate a draft over so many returns; exit status 0 if it finds exactly those that the draft refuses."""
    with tempfile.TemporaryDirectory(prefix="hub-bench-") as folder:
        own = msgspec.structs.replace(settings, data=Path(folder), egress_allow="127.0.0.1")
        with reachable(own) as engines:
            await db.connect(engines.database_url, most=2)
            await migrations.migrate()
            await db.disconnect()
            async with open_runtime(own, database_url=engines.database_url, redis_url=engines.redis_url) as runtime:
                return await _measure(runtime, returns, as_json=as_json)


async def _measure(runtime: Runtime, returns: int, *, as_json: bool) -> int:
    async with vendor.sandbox(NAME) as http:
        await vendor.fill(http, NAME, 1)
        shop = await cycle.set_up(runtime, http, NAME)
    now = clock.now()
    refused = sum(_days_ago(number) >= DAYS for number in range(returns))
    click.echo(f"creating {returns} returns", err=True)
    await cycle.in_parallel([str(number) for number in range(returns)], lambda each: _create(shop, int(each), now))
    began = time.perf_counter()
    done = await _simulate(runtime, shop)
    seconds = time.perf_counter() - began
    agrees = done.figures.answers == {"approve>refuse": refused} and done.compared == returns
    told = {"returns": done.compared, "seconds": round(seconds, 2), "per_second": round(returns / seconds)}
    click.echo(msgspec.json.encode({**told, "agrees": agrees}).decode() if as_json else f"{told}, agrees: {agrees}")
    return 0 if agrees else 1


def _days_ago(number: int) -> int:
    return number % SPREAD


async def _create(shop: cycle.Shop, number: int, now: datetime) -> None:
    """Create a return of an order that was made some whole days ago."""
    order = Order(
        number=f"SO-{number}", marketplace="1", currency="EUR", country="NL",
        ordered_at=now - timedelta(days=_days_ago(number)),
        lines=(OrderLine(reference=None, sku=vendor.SKU, name=None, shipped=1),),
    )  # fmt: skip
    line = NewLine(sku=vendor.SKU, quantity=1)
    new = NewReturn(channel_id=shop.channel, order_number=order.number, lines=(line,))
    await process.create_merchant_return(shop.account, new, order, key=str(number), actor=cycle.ACTOR)


async def _simulate(runtime: Runtime, shop: cycle.Shop) -> SimulationView:
    async with db.transaction(db.account(shop.account)):
        channel = await tenants.channel(shop.channel)
    (policy,) = [each for each in channel.policies if each.kind is Kind.MERCHANT]
    held = await policies.find(policy.id, db.account(shop.account))
    window = Window(name="All", days=DAYS, counted_from=CountedFrom.ORDER)
    rules = Rules(receiving=(Route(warehouse_id=shop.warehouse),), windows=(window,))
    await policies.save_draft(held, NewDraft(rules=rules), actor=cycle.ACTOR)
    begun = await simulations.start(held, NewSimulation(revision=1), actor=cycle.ACTOR)
    async with cycle.working(runtime):
        await cycle.until(lambda: _ended(shop.account, begun.id), 1)
    return await _shown(shop.account, begun.id)


async def _ended(account_id: UUID, simulation_id: UUID) -> int:
    shown = await _shown(account_id, simulation_id)
    click.echo(f"\r{shown.compared} of {shown.total}", nl=False, err=True)
    return int(shown.state is not SimulationState.RUNNING)


async def _shown(account_id: UUID, simulation_id: UUID) -> SimulationView:
    async with db.transaction(db.account(account_id)):
        return await queries.simulation(simulation_id)
