"""PostgreSQL goes away in the middle: nothing is half-written, nobody is told a success, and the hub comes back."""

import asyncio

import asyncpg
import httpx
import pytest

from hub import worker
from hub.kit import db
from hub.operations import sweeper
from tests.support.judge import broken_rules, counts, differences, rows
from tests.support.storm import leaked, no_database, sever, until
from tests.support.world import World


async def test_connections_that_were_cut_while_idle_are_replaced(world: World) -> None:
    shop = await world.shop()
    # More often than there are connections in the pool, so that one that leaks each time would be missed.
    for number in range(22):
        await sever()
        for _ in range(3):
            try:
                await world.merchant_return(shop, f"SO-{number}", {"SHOE": 1})
                break
            except db.Lost:
                continue
    assert leaked() == 0
    assert (await counts())["returns"] == 22
    assert await broken_rules() == {}


async def test_a_transaction_that_is_cut_leaves_nothing_and_its_task_can_go_on(world: World) -> None:
    shop = await world.shop()
    before = await counts()

    async def write() -> None:
        async with db.transaction(db.account(shop.account)):
            await db.execute(
                "insert into order_lines values ($1, $2, 'SO-1', '1', 'SHOE', 1, 1)", shop.account, shop.connection
            )
            await sever()
            await db.execute("update order_lines set returned = 0")

    with pytest.raises(db.Lost):
        await write()
    assert await counts() == before
    assert leaked() == 0


async def test_a_commit_that_is_cut_gives_its_connection_back(world: World) -> None:
    async def cut() -> None:
        async with db.transaction(db.PLATFORM):
            await db.execute("select 1")
            await sever()

    for _ in range(22):
        with pytest.raises(db.Lost):
            await cut()
        assert db.ENGINE.current_transaction.get() is None
    assert leaked() == 0
    assert await rows("select 1 as one") == [{"one": 1}]


async def test_a_receipt_that_waits_while_the_database_restarts_answers_503_and_books_nothing(
    world: World, api: httpx.AsyncClient
) -> None:
    shop = await world.shop()
    stored = await world.merchant_return(shop, "SO-1", {"SHOE": 1})
    key = await world.api_key()
    before = await counts()
    blocker = await asyncpg.connect(db.ENGINE.config["dsn"])
    await blocker.execute("begin; set local hub.platform = 'on'; lock table returns in access exclusive mode")
    body = {"key": "1", "return_number": stored.number, "items": [{"sku": "SHOE", "quantity": 1, "grade": "A"}]}
    request = asyncio.create_task(
        api.post(
            f"/api/v1/warehouses/{shop.warehouse}/receipts", json={**body, "finalise": True},
            headers={"authorization": f"Bearer {key}", "idempotency-key": "1"},
        )
    )  # fmt: skip
    await until(lambda: blocker.fetchval("select count(*) from pg_locks where not granted"))
    await sever()
    answer = await request
    assert (answer.status_code, answer.json()["title"]) == (503, "database_unreachable")
    assert answer.headers["content-type"] == "application/problem+json"
    assert {**await counts(), "api_keys": 0} == {**before, "api_keys": 0}
    assert leaked() == 0


async def test_a_sweeper_that_misses_a_beat_beats_again(world: World) -> None:
    stop, beats = asyncio.Event(), 0

    async def beat() -> None:
        nonlocal beats
        beats += 1
        if beats < 4:
            async with db.transaction(db.PLATFORM):
                await sever()
        await sweeper.sweep(["settlement"])
        if beats > 5:
            stop.set()

    await asyncio.wait_for(worker._every(0.001, beat, stop), 10)
    assert beats == 6


async def test_a_settlement_whose_outcome_could_not_be_stored_is_looked_up(world: World) -> None:
    shop = await world.shop()
    stored = await world.merchant_return(shop, "SO-1", {"SHOE": 1})
    await world.receive(shop, stored.number, [("SHOE", 1, "A")])
    await world.vendor.fail("create=slow:100+1")
    work = asyncio.create_task(world.work())
    await until(lambda: world.vendor.calls(shop.tenant, "readback"))
    async with no_database():
        with pytest.raises(db.Lost):
            await work
    assert await world.vendor.refunded(shop.tenant) == {"SHOE": 1}
    world.watch.forward(seconds=60)
    await world.work_until_quiet()
    assert len(await world.vendor.calls(shop.tenant, "create")) == 1
    assert await differences(world, shop) == []
