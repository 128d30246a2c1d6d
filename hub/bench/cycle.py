"""The full return cycle: import, acknowledge, receive, settle; through the hub's own worker and desk."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from uuid import UUID

import httpx
import msgspec

from hub import migrations, process, worker
from hub.bench import queries, vendor
from hub.inbox import queries as inbox_queries
from hub.inbox import service as inbox
from hub.kit import clock, db
from hub.receipt.desk import Desk
from hub.runtime import Runtime
from hub.sdk.receiving import Condition, Disposition, Grade, ReceiptRequest, ReceivedItem
from tenants import service as tenants
from tenants.messages import (
    NewAccount,
    NewChannel,
    NewConnection,
    NewWarehouse,
    Policies,
    ReceivingOption,
    Route,
    Rules,
)

ACTOR = "bench"
# As many operators as stand at a busy hub; the floor has as many.
OPERATORS = 16
PATIENCE_SECONDS = 300.0


class Shop(msgspec.Struct, frozen=True, kw_only=True):
    """A merchant to run cycles for."""

    account: UUID
    connection: UUID
    channel: UUID
    policy_version: UUID
    warehouse: UUID


async def migrate(url: str) -> None:
    """Bring an empty database into its shape."""
    await db.connect(url, most=2)
    await migrations.migrate()
    await db.disconnect()


async def set_up(runtime: Runtime, http: httpx.AsyncClient, tenant: str) -> Shop:
    """Set a merchant up whose vendor is the sandbox's tenant."""
    account = await tenants.create_account(NewAccount(name=tenant), actor=ACTOR)
    connection = await tenants.create_connection(
        NewConnection(
            connector="channelengine",
            name="ChannelEngine",
            account_id=account.id,
            settings={"address": str(http.base_url.join(f"/{tenant}/api")), "api_key": vendor.KEY},
        ),
        runtime.vendors,
        actor=ACTOR,
    )
    warehouse = await tenants.create_warehouse(
        NewWarehouse(name=f"Hub of {tenant}", receiving_option=ReceivingOption.RETURN_HUB), actor=ACTOR
    )
    rules = Rules(receiving=(Route(warehouse_id=warehouse.id),))
    channel = await tenants.create_channel(
        NewChannel(
            account_id=account.id,
            name="Marketplaces",
            connection_id=connection.id,
            marketplaces=("1",),
            policies=Policies(channel=rules, merchant=rules),
        ),
        runtime.vendors,
        actor=ACTOR,
    )
    async with db.transaction(db.PLATFORM):
        row = await db.fetch_one(queries.CHANNEL_POLICY, channel.id)
    return Shop(
        account=account.id,
        connection=connection.id,
        channel=channel.id,
        policy_version=row["id"] if row else UUID(int=0),
        warehouse=warehouse.id,
    )


@asynccontextmanager
async def working(runtime: Runtime) -> AsyncIterator[None]:
    """Run the hub's worker in this process for as long as the block runs."""
    stop = asyncio.Event()
    task = asyncio.create_task(worker.run(runtime, worker.ALL_PHASES, stop))
    try:
        yield
    finally:
        stop.set()
        await task


async def run(shop: Shop, returns: int) -> float:
    """Take every return from the vendor's list to settled; returns the seconds it took."""
    started = time.perf_counter()
    async with db.transaction(db.account(shop.account)):
        await inbox_queries.ensure_poll(shop.account, shop.connection, clock.now())
    await inbox.hasten(shop.connection)
    await until(lambda: _count(shop, queries.EXPECTED), returns)
    await _receive_all(shop)
    await until(lambda: _count(shop, queries.COMPLETED), returns)
    await until(lambda: _count(shop, queries.ACKNOWLEDGEMENTS), returns)
    return time.perf_counter() - started


async def _receive_all(shop: Shop) -> None:
    desk = Desk(warehouse_id=shop.warehouse, warehouse="bench", operator=ACTOR, receive=process.receive)
    async with db.transaction(db.account(shop.account)):
        rows = await db.fetch("select number from returns where account_id = $1", shop.account)
    await in_parallel([row["number"] for row in rows], lambda number: _receive(desk, number))


async def _receive(desk: Desk, number: str) -> None:
    item = ReceivedItem(
        sku=vendor.SKU,
        quantity=vendor.UNITS,
        grade=Grade.A,
        condition=Condition.AS_NEW,
        disposition=Disposition.RESTOCK,
    )
    await desk.receive(ReceiptRequest(key=number, return_number=number, items=(item,), finalise=True))


async def in_parallel(items: list[str], act: Callable[[str], Awaitable[None]]) -> None:
    """Let the operators work the items off, each one at a time."""
    waiting = iter(items)

    async def operator() -> None:
        for item in waiting:
            await act(item)

    await asyncio.gather(*(operator() for _ in range(OPERATORS)))


async def until(count: Callable[[], Awaitable[int]], wanted: int) -> None:
    """Wait until a count is reached; raises `TimeoutError` if it takes too long."""
    end = time.perf_counter() + PATIENCE_SECONDS
    while await count() < wanted:
        if time.perf_counter() > end:
            raise TimeoutError("the benchmark did not come to its end")
        await asyncio.sleep(0.05)


async def _count(shop: Shop, sql: str) -> int:
    async with db.transaction(db.account(shop.account)):
        row = await db.fetch_one(sql, shop.account)
    return int(row["held"]) if row else 0


TABLES = (
    "inbox", "order_lines", "returns", "return_lines", "timeline", "outbox", "operations", "attempts", "receipts",
    "receipt_items", "memos",
)  # fmt: skip


async def rows(shop: Shop) -> dict[str, int]:
    """Count an account's rows per table, so that two runs can be held against each other."""
    counts = {}
    async with db.transaction(db.account(shop.account)):
        for table in TABLES:
            row = await db.fetch_one(queries.COUNT.format(table=table), shop.account)
            counts[table] = int(row["held"]) if row else 0
    return counts
