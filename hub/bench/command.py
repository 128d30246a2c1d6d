"""`hub bench`: run a benchmark and print figures that can be trusted: ratios of one run."""

import cProfile
import pstats
import statistics
import tempfile
from pathlib import Path

import click
import httpx
import msgspec

from hub.bench import cycle, vendor
from hub.bench.floor import floor
from hub.engines import reachable
from hub.runtime import Runtime, open_runtime
from hub.settings import Settings


class Round(msgspec.Struct, frozen=True):
    """Full returns per second of the hub and of the floor, measured one after the other."""

    hub: float
    floor: float

    @property
    def ratio(self) -> float:
        """How much of the floor the hub reaches."""
        return self.hub / self.floor

    @property
    def words(self) -> str:
        """The round in words."""
        return f"hub {self.hub:.0f} returns/s, floor {self.floor:.0f} returns/s, ratio {self.ratio:.2f}"


async def run_cycle(settings: Settings, *, returns: int, rounds: int, as_json: bool, profile: bool) -> int:
    """Measure full return cycles; exit status 0 if the vendor's ledger agrees with both."""
    with tempfile.TemporaryDirectory(prefix="hub-bench-") as folder:
        own = msgspec.structs.replace(settings, data=Path(folder), egress_allow="127.0.0.1")
        with reachable(own) as engines:
            await cycle.migrate(engines.database_url)
            async with open_runtime(own, database_url=engines.database_url, redis_url=engines.redis_url) as runtime:
                results = await _rounds(runtime, engines.database_url, returns, rounds, profile=profile)
    middle = statistics.median(each.ratio for each in results)
    if as_json:
        click.echo(msgspec.json.encode({"returns": returns, "rounds": results, "ratio": middle}).decode())
    else:
        click.echo(f"median ratio hub / floor: {middle:.2f}")
    return 0


async def _rounds(runtime: Runtime, database_url: str, returns: int, rounds: int, *, profile: bool) -> list[Round]:
    results = []
    for number in range(rounds):
        names = (f"hub{number}", f"floor{number}")
        async with vendor.sandbox(*names) as http:
            for name in names:
                await vendor.fill(http, name, returns)
            shops = [await cycle.set_up(runtime, http, name) for name in names]
            hub_seconds = await _hub(runtime, shops[0], returns, profile=profile)
            async with floor(
                database_url, runtime.redis_url, str(http.base_url), shops[1], names[1],
                pool_size=runtime.settings.pool_size, max_jobs=runtime.settings.max_jobs,
            ) as by_hand:  # fmt: skip
                floor_seconds = await by_hand.run(returns)
            await _verify(http, shops, names, returns)
        result = Round(returns / hub_seconds, returns / floor_seconds)
        click.echo(f"round {number + 1}: {result.words}", err=True)
        results.append(result)
    return results


async def _hub(runtime: Runtime, shop: cycle.Shop, returns: int, *, profile: bool) -> float:
    profiler = cProfile.Profile()
    async with cycle.working(runtime):
        if profile:
            profiler.enable()
        seconds = await cycle.run(shop, returns)
        profiler.disable()
    if profile:
        pstats.Stats(profiler).sort_stats("tottime").print_stats(25)
    return seconds


async def _verify(http: httpx.AsyncClient, shops: list[cycle.Shop], names: tuple[str, str], returns: int) -> None:
    """Hold both against the vendor's ledger and against each other's rows."""
    for name in names:
        units = await vendor.refunded(http, name)
        if units != returns * vendor.UNITS:
            raise click.ClickException(f"{name}: the vendor refunded {units} units, not {returns * vendor.UNITS}")
    hub_rows, floor_rows = [await cycle.rows(shop) for shop in shops]
    different = {
        table: (hub_rows[table], floor_rows[table]) for table in hub_rows if hub_rows[table] != floor_rows[table]
    }
    if different:
        raise click.ClickException(f"the rows differ (hub, floor): {different}")
