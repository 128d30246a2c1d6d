"""What goes wrong under the hub: connections cut, the pool closed, Valkey out of reach."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import asyncpg

from hub.kit import db


async def sever() -> int:
    """Cut every connection to the database, as a restart of PostgreSQL does; returns how many there were."""
    own = await asyncpg.connect(db.ENGINE.config["dsn"])
    try:
        cut = await own.fetch(
            """select pg_terminate_backend(pid) from pg_stat_activity
            where pid <> pg_backend_pid() and datname = current_database() and usename = current_user
                and backend_type = 'client backend'"""
        )
    finally:
        await own.close()
    await asyncio.sleep(0.02)
    return len(cut)


@asynccontextmanager
async def no_database() -> AsyncIterator[None]:
    """Let the hub have no database for as long as the block runs."""
    url = db.ENGINE.config["dsn"]
    pool = db.ENGINE.pool
    assert pool is not None
    await pool.close()
    try:
        yield
    finally:
        db.ENGINE.pool = None
        await db.connect(url, most=20)


def leaked() -> int:
    """Return how many connections of the pool are held by nobody who works."""
    pool = db.ENGINE.pool
    assert pool is not None
    return int(pool.get_size() - pool.get_idle_size())


async def until(true: Callable[[], Awaitable[object]], *, seconds: float = 15.0) -> None:
    """Wait for something that only asking can tell."""
    async with asyncio.timeout(seconds):
        while not await true():  # noqa: ASYNC110 - nobody else can set an event for it
            await asyncio.sleep(0.01)
