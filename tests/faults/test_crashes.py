"""A worker that dies anywhere in the middle of an operation: another one finishes it, and the money moves once."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from hub.kit import db
from hub.operations import queries as operations
from hub.operations.messages import OperationView, State
from hub.returns.messages import StoredReturn
from hub.sdk.messages import Kind
from tests.support.crash import Crash
from tests.support.judge import broken_rules, counts, differences, one, rows
from tests.support.storm import leaked, until
from tests.support.world import Shop, World

# More awaits than one run has, so that a last run is one that does not die.
AWAITS = 60


@pytest.fixture
async def sound_pool() -> AsyncIterator[None]:
    """Every connection comes back to the pool, whatever died with it."""
    yield
    assert leaked() == 0


async def due(world: World, shop: Shop, stored: StoredReturn) -> OperationView:
    async with db.transaction(db.account(shop.account)):
        (found,) = await operations.operations(
            account_id=shop.account, state="ready", return_id=stored.id, after=None, limit=2
        )
    return found


async def received(world: World, shop: Shop, kind: Kind, order: str) -> StoredReturn:
    make = world.channel_return if kind is Kind.CHANNEL else world.merchant_return
    stored = await make(shop, order, {"SHOE": 1})
    await world.work()
    await world.receive(shop, stored.number, [("SHOE", 1, "A")])
    return stored


@pytest.mark.parametrize("kind", Kind)
async def test_a_worker_that_dies_at_any_await_of_a_settlement_leaves_one_refund(
    world: World, sound_pool: None, kind: Kind
) -> None:
    shop = await world.shop()
    for at in range(AWAITS):
        stored = await received(world, shop, kind, f"SO-{at}")
        operation = await due(world, shop, stored)
        ended = await Crash(at).run(world.runner.job(operation.phase)(str(operation.id), str(shop.connection)))
        if ended:
            break
        # The next one must not meet this one's leftovers: the lease runs out, and another worker takes over.
        world.watch.forward(seconds=world.runner.lease.total_seconds() + 1)
        await world.work_until_quiet()
    assert ended, "there are more awaits than were tried"
    assert at > 10
    await world.work_until_quiet()
    assert await world.vendor.refunded(shop.tenant) == {"SHOE": at + 1}
    assert await differences(world, shop) == []
    assert await broken_rules() == {}
    assert {each.state for each in await world.operations(shop)} == {State.DONE}


async def test_a_worker_that_dies_at_any_await_of_a_poll_loses_no_return(world: World, sound_pool: None) -> None:
    shop = await world.shop()
    for at in range(AWAITS):
        await world.vendor.sell(shop.tenant, f"SO-{at}", {"SHOE": 1})
        await world.vendor.send_back(shop.tenant, f"SO-{at}", {"SHOE": 1})
        if await Crash(at).run(world.poll(shop)):
            break
        world.watch.forward(minutes=2)
        await world.poll(shop)
        stored = await world.of_order(shop, f"SO-{at}")
        assert len(stored.lines) == 1
    assert 10 < at < AWAITS - 1
    assert (await counts())["returns"] == at + 1
    assert await broken_rules() == {}


async def test_a_receipt_whose_request_dies_anywhere_is_booked_whole_or_not_at_all(
    world: World, sound_pool: None
) -> None:
    shop = await world.shop()
    for at in range(AWAITS):
        stored = await world.merchant_return(shop, f"SO-{at}", {"SHOE": 1})
        ended = await Crash(at).run(world.receive(shop, stored.number, [("SHOE", 1, "A")], key=f"{at}"))
        assert await broken_rules() == {}
        await world.receive(shop, stored.number, [("SHOE", 1, "A")], key=f"{at}")
        if ended:
            break
    assert 5 < at < AWAITS - 1
    await world.work()
    assert await world.vendor.refunded(shop.tenant) == {"SHOE": at + 1}
    assert await differences(world, shop) == []


async def test_a_create_whose_request_dies_anywhere_can_be_repeated(world: World, sound_pool: None) -> None:
    shop = await world.shop()
    await world.vendor.sell(shop.tenant, "SO-1", {"SHOE": AWAITS})
    for at in range(AWAITS):
        ended = await Crash(at).run(world.create(shop, "SO-1", {"SHOE": 1}, key=f"{at}"))
        await world.create(shop, "SO-1", {"SHOE": 1}, key=f"{at}")
        assert await broken_rules() == {}
        if ended:
            break
    assert 5 < at < AWAITS - 1
    assert (await counts())["returns"] == at + 1


async def test_a_worker_that_lost_its_lease_stores_nothing(world: World) -> None:
    shop = await world.shop()
    stored = await received(world, shop, Kind.MERCHANT, "SO-1")
    operation = await due(world, shop, stored)
    run = world.runner.job(operation.phase)
    await world.vendor.fail("create=slow:200+1")
    slow = asyncio.create_task(run(str(operation.id), str(shop.connection)))
    await until(lambda: claimed(operation.id))
    # Time leaps while the first worker still waits for the vendor: a second one takes over and looks.
    world.watch.forward(seconds=world.runner.lease.total_seconds() + 1)
    await run(str(operation.id), str(shop.connection))
    await slow
    assert await rows("select call, outcome from attempts") == [{"call": "lookup", "outcome": "Absent"}]
    assert await one("select state from operations where id = $1", operation.id) == State.UNKNOWN
    await world.work_until_quiet()
    assert await world.vendor.refunded(shop.tenant) == {"SHOE": 1}
    assert len(await world.vendor.calls(shop.tenant, "create")) == 1
    assert await differences(world, shop) == []


async def claimed(operation_id: UUID) -> bool:
    async with db.transaction(db.PLATFORM):
        found = await operations.operation(operation_id)
    return found is not None and found.state is State.CLAIMED


async def test_twenty_workers_with_one_operation_make_one_call(world: World) -> None:
    shop = await world.shop()
    stored = await received(world, shop, Kind.MERCHANT, "SO-1")
    operation = await due(world, shop, stored)
    run = world.runner.job(operation.phase)
    await asyncio.gather(*(run(str(operation.id), str(shop.connection)) for _ in range(20)))
    assert len(await world.vendor.calls(shop.tenant, "create")) == 1
    assert await world.vendor.refunded(shop.tenant) == {"SHOE": 1}


async def test_many_workers_share_many_operations_and_each_is_done_once(world: World) -> None:
    shop = await world.shop()
    found = [await world.merchant_return(shop, f"SO-{number}", {"SHOE": 1}) for number in range(10)]
    for stored in found:
        await world.receive(shop, stored.number, [("SHOE", 1, "A")])
    run = world.runner.job("settlement")
    ids = [str((await due(world, shop, stored)).id) for stored in found]
    await asyncio.gather(*(run(each, str(shop.connection)) for each in ids * 5))
    await world.work()
    assert len(await world.vendor.calls(shop.tenant, "create")) == 10
    assert await world.vendor.refunded(shop.tenant) == {"SHOE": 10}
    assert await differences(world, shop) == []
