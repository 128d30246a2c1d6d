"""Real workers on real queues: Valkey forgets, rings are lost, workers come and go, and every return is paid once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from arq.connections import ArqRedis

from hub import worker
from hub.kit import clock, db, queue
from hub.kit.telemetry import RINGS_LOST
from hub.operations import sweeper
from hub.reconciliation import service as reconciliation
from hub.returns.messages import StoredReturn
from hub.runtime import Runtime
from hub.sdk import Phase
from hub.sdk.messages import Kind
from tenants import queries as tenants
from tests.support.judge import broken_rules, differences, one
from tests.support.storm import sever, until
from tests.support.vendor import Vendor
from tests.support.world import Shop, World


class Wall:
    """The real clock, which nobody moves."""

    def forward(self, **span: float) -> None:
        raise AssertionError(span)


class Ahead:
    """A clock that runs a minute ahead, or more."""

    def __init__(self) -> None:
        self._span = timedelta(minutes=1)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self._span

    def forward(self, **span: float) -> None:
        self._span += timedelta(**span)


@pytest.fixture
async def live(hub: Runtime, vendor: Vendor) -> AsyncIterator[World]:
    """A world in which time passes by itself."""
    async with World.opened(hub, vendor, Wall()) as opened:
        yield opened


@asynccontextmanager
async def working(hub: Runtime, workers: int = 1) -> AsyncIterator[None]:
    """Let workers work for as long as the block runs, and stop them as SIGTERM does."""
    quick = msgspec.structs.replace(hub, settings=msgspec.structs.replace(hub.settings, sweep_seconds=0.05))
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for _ in range(workers):
            group.create_task(worker.run(quick, worker.ALL_PHASES, stop))
        try:
            yield
        finally:
            stop.set()


async def received(world: World, shop: Shop, many: int) -> list[StoredReturn]:
    found = []
    for number in range(many):
        make = world.channel_return if number % 2 else world.merchant_return
        stored = await make(shop, f"SO-{number}", {"SHOE": 1})
        await world.receive(shop, stored.number, [("SHOE", 1, "A")])
        found.append(stored)
    return found


async def all_done(many: int) -> bool:
    return bool(await one("select count(*) from returns where settlement = 'settled'") == many)


async def test_a_worker_takes_the_whole_road_by_itself(live: World) -> None:
    shop = await live.shop()
    await live.vendor.sell(shop.tenant, "SO-1", {"SHOE": 1})
    await live.vendor.send_back(shop.tenant, "SO-1", {"SHOE": 1})
    async with working(live.hub):
        await until(lambda: one("select count(*) from returns where sync = 'acknowledged'"))
        stored = await live.of_order(shop, "SO-1")
        await live.receive(shop, stored.number, [("SHOE", 1, "A")])
        await until(lambda: all_done(1))
    assert await live.vendor.refunded(shop.tenant) == {"SHOE": 1}


async def test_valkey_flushed_again_and_again_loses_and_doubles_nothing(live: World) -> None:
    shop = await live.shop()
    await received(live, shop, 20)
    async with working(live.hub, workers=2):
        while not await all_done(20):
            await live.hub.bell.forget_everything()
            await asyncio.sleep(0.03)
    assert await live.vendor.refunded(shop.tenant) == {"SHOE": 20}
    assert await differences(live, shop) == []
    assert await broken_rules() == {}


async def test_a_flushed_queue_is_rung_for_again_by_the_sweeper(live: World) -> None:
    shop = await live.shop()
    await received(live, shop, 6)
    await live.hub.bell.forget_everything()
    assert await live.hub.bell.waiting("settlement") == 0
    assert await sweeper.sweep([phase.value for phase in Phase]) == 9
    assert await live.hub.bell.waiting("settlement") == 6
    await sweeper.sweep([phase.value for phase in Phase])
    assert await live.hub.bell.waiting("settlement") == 6
    async with working(live.hub):
        await until(lambda: all_done(6))
    assert await differences(live, shop) == []


async def test_a_ring_that_valkey_does_not_take_is_counted_and_swept(
    live: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = await live.shop()
    stored = await live.merchant_return(shop, "SO-1", {"SHOE": 1})
    nowhere = ArqRedis(host="127.0.0.1", port=1)
    monkeypatch.setattr(queue, "_bell", queue.Bell(nowhere))
    lost = RINGS_LOST.labels("settlement")._value.get()
    await live.receive(shop, stored.number, [("SHOE", 1, "A")])
    assert RINGS_LOST.labels("settlement")._value.get() == lost + 1
    monkeypatch.undo()
    await nowhere.aclose()
    async with working(live.hub):
        await until(lambda: all_done(1))
    assert await live.vendor.refunded(shop.tenant) == {"SHOE": 1}


async def test_what_was_committed_and_never_rung_for_is_found(live: World, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = await live.shop()
    stored = await live.merchant_return(shop, "SO-1", {"SHOE": 1})
    monkeypatch.setattr(queue, "_bell", None)
    await live.receive(shop, stored.number, [("SHOE", 1, "A")])
    monkeypatch.undo()
    assert await live.hub.bell.waiting("settlement") == 0
    async with working(live.hub):
        await until(lambda: all_done(1), seconds=5)


async def test_workers_that_are_told_to_stop_leave_nothing_claimed_and_nothing_lost(live: World) -> None:
    shop = await live.shop()
    await received(live, shop, 16)
    await live.vendor.fail("settle=slow:60", "create=slow:60")
    async with working(live.hub):
        await until(lambda: one("select count(*) from returns where settlement = 'settled'"))
    assert await one("select count(*) from operations where state = 'claimed'") == 0
    await live.vendor.fail()
    async with working(live.hub):
        await until(lambda: all_done(16))
    assert await live.vendor.refunded(shop.tenant) == {"SHOE": 16}
    assert await differences(live, shop) == []


async def test_a_database_that_restarts_under_the_workers_loses_and_doubles_nothing(live: World) -> None:
    shop = await live.shop()
    await received(live, shop, 12)
    async with working(live.hub, workers=2):
        for _ in range(3):
            await sever()
            await asyncio.sleep(0.05)
        await until(lambda: one("select count(*) = 0 from operations where state = 'ready' and next_at < now()"))
    # What was claimed when its connection went waits for its lease.
    await later(live)
    assert await live.vendor.refunded(shop.tenant) == {"SHOE": 12}
    assert await differences(live, shop) == []
    assert await broken_rules() == {}


async def later(world: World) -> None:
    """Let time leap ahead, and finish what waits for its moment."""
    ahead = Ahead()
    with clock.driven_by(ahead):
        await World(world.hub, world.vendor, ahead).work_until_quiet()


@pytest.mark.parametrize("kind", Kind)
async def test_one_slow_connection_does_not_hold_the_others(live: World, kind: Kind) -> None:
    slow, quick = await live.shop("slow"), await live.shop("quick")
    for shop, many in ((slow, 12), (quick, 3)):
        for number in range(many):
            make = live.channel_return if kind is Kind.CHANNEL else live.merchant_return
            stored = await make(shop, f"SO-{number}", {"SHOE": 1})
            await live.receive(shop, stored.number, [("SHOE", 1, "A")])
    await live.vendor.fail(f"{slow.tenant}.settle=slow:400", f"{slow.tenant}.create=slow:400")
    async with working(live.hub):
        await until(
            lambda: one(
                "select count(*) = 3 from returns where settlement = 'settled' and account_id = $1", quick.account
            )
        )
        done = await one("select count(*) from returns where settlement = 'settled' and account_id = $1", slow.account)
        assert done < 12
    async with working(live.hub):
        await until(lambda: all_done(15))
    assert await differences(live, slow) == []


async def test_workers_run_a_reconciliation_to_its_end_though_its_ring_was_lost(live: World) -> None:
    shop = await live.shop()
    await received(live, shop, 4)
    async with db.transaction(db.PLATFORM):
        held = await tenants.connection(shop.connection)
    await reconciliation.start(held, live.hub.vendors, by="test")
    await live.hub.bell.forget_everything()
    async with working(live.hub, workers=2):
        await until(is_reconciled)
    assert await one("select compared from reconciliations") >= 4


async def is_reconciled() -> bool:
    return bool(await one("select state from reconciliations") == "done")
