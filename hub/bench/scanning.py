"""How fast a scan is answered with many open returns, against how fast with few: a ratio of one run."""

import random
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import click
import msgspec

from hub import process
from hub.bench import cycle, queries, vendor
from hub.engines import reachable
from hub.kit import db
from hub.receipt.desk import Desk
from hub.runtime import Runtime, open_runtime
from hub.settings import Settings

MOST = 1.5
WARM = 100
AT_ONCE = 5_000


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """How long scans took to be answered, in milliseconds, with this many open returns."""

    returns: int
    median: float
    p95: float


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """Few open returns beside many."""

    few: Answered
    many: Answered

    @property
    def ratio(self) -> float:
        """How much slower a scan is among many, by its 95th percentile."""
        return self.many.p95 / self.few.p95


async def run_scans(settings: Settings, *, few: int, many: int, scans: int, as_json: bool) -> int:
    """Measure scans at two sizes; exit status 0 if the answer is about as fast at the greater one."""
    with tempfile.TemporaryDirectory(prefix="hub-bench-") as folder:
        own = msgspec.structs.replace(settings, data=Path(folder), egress_allow="127.0.0.1")
        with reachable(own) as engines:
            await cycle.migrate(engines.database_url)
            async with open_runtime(own, database_url=engines.database_url, redis_url=engines.redis_url) as runtime:
                found = await _compared(runtime, few, many, scans)
    if as_json:
        click.echo(msgspec.json.encode(msgspec.to_builtins(found) | {"ratio": found.ratio}).decode())
    else:
        for each in (found.few, found.many):
            click.echo(f"{each.returns} open returns: median {each.median:.2f} ms, p95 {each.p95:.2f} ms")
        click.echo(f"ratio of the p95: {found.ratio:.2f}, at most {MOST}")
    return 0 if found.ratio <= MOST else 1


async def _compared(runtime: Runtime, few: int, many: int, scans: int) -> Compared:
    async with vendor.sandbox("scans") as http:
        await vendor.fill(http, "scans", 1)
        shop = await cycle.set_up(runtime, http, "scans")
    desk = Desk(warehouse_id=shop.warehouse, warehouse="bench", operator=cycle.ACTOR, receive=process.receive)
    await _fill(shop, 1, few)
    first = await _measure(desk, few, scans)
    click.echo(f"{few} open returns are measured; {many} are being made", err=True)
    await _fill(shop, few + 1, many)
    return Compared(few=first, many=await _measure(desk, many, scans))


async def _fill(shop: cycle.Shop, first: int, last: int) -> None:
    for begin in range(first, last + 1, AT_ONCE):
        end = min(begin + AT_ONCE - 1, last)
        async with db.transaction(db.account(shop.account)):
            await db.execute(
                queries.SCANNED_RETURNS, shop.account, shop.channel, shop.connection, shop.policy_version,
                shop.warehouse, begin, end,
            )  # fmt: skip
            await db.execute(queries.SCANNED_LINES, shop.account, begin, end)
            await db.execute(queries.SCANNED_TRACKINGS, shop.account, begin, end)
    async with db.transaction(db.PLATFORM):
        await db.execute(queries.FRESH_STATISTICS)


async def _measure(desk: Desk, returns: int, scans: int) -> Answered:
    chance = random.Random(returns)  # noqa: S311 - which codes are scanned is no secret
    taken = []
    for number in range(scans + WARM):
        code, matched = _code(chance.randint(1, returns), number)
        begun = time.perf_counter()
        found = await desk.scan(code)
        taken.append(time.perf_counter() - begun)
        if bool(found.matches) is not matched:
            raise click.ClickException(f"{code!r} found {len(found.matches)} returns")
    return Answered(returns=returns, median=_share(taken[WARM:], 0.5), p95=_share(taken[WARM:], 0.95))


def _code(number: int, turn: int) -> tuple[str, bool]:
    """Return a code as a scanner reads it, and whether something has it."""
    kinds = (
        (f"RB{number:09}", True),
        (f"so {number}", True),
        (f"]C13S BENCH {number:09}", True),
        (f"SKU-{number % 200}", True),
        (f"NOBODY-{number}", False),
    )
    return kinds[turn % len(kinds)]


def _share(taken: Sequence[float], share: float) -> float:
    return sorted(taken)[int(len(taken) * share)] * 1000
