"""All SQL of counted tries; each query runs in the caller's platform transaction."""

from datetime import datetime

import msgspec

from hub.kit import db


class Count(msgspec.Struct, frozen=True):
    """How often something was tried in vain."""

    failures: int
    last_at: datetime
    wait_until: datetime


async def hold(key: bytes, now: datetime) -> Count:
    """Return a count and keep it until the transaction ends; one that is new is made."""
    await db.execute(
        "insert into guesses (key, failures, last_at, wait_until) values ($1, 0, $2, $2) on conflict do nothing",
        key,
        now,
    )
    row = await db.fetch_one("select failures, last_at, wait_until from guesses where key = $1 for update", key)
    return msgspec.convert(dict(row or {}), Count)


async def write(key: bytes, count: Count) -> None:
    """Store a count."""
    sql = "update guesses set failures = $2, last_at = $3, wait_until = $4 where key = $1"
    await db.execute(sql, key, count.failures, count.last_at, count.wait_until)


async def take_back(key: bytes, now: datetime) -> None:
    """Count one wrong try less, and wait no longer for it."""
    await db.execute(
        "update guesses set failures = greatest(failures - 1, 0), wait_until = $2 where key = $1", key, now
    )


async def forget(key: bytes) -> None:
    """Count from nothing again."""
    await db.execute("delete from guesses where key = $1", key)
