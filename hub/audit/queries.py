"""All SQL of this room."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from hub.kit import db

ROOT = bytes(32)
FIRST = UUID(int=0)
# Any number will do; it serialises writers of the chain.
LOCK = 20_261_124


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One deed."""

    id: UUID
    account_id: UUID | None
    at: datetime
    actor: str
    action: str
    subject: str
    before: Any
    after: Any
    previous: bytes


async def lock_last() -> tuple[UUID, bytes]:
    """Hold the end of the chain until the transaction ends, and return its id and digest."""
    await db.execute("select pg_advisory_xact_lock($1)", LOCK)
    row = await db.fetch_one("select id, digest from audit order by id desc limit 1")
    return (UUID(bytes=row["id"].bytes), bytes(row["digest"])) if row else (FIRST, ROOT)


async def append(entry: Entry, digest: bytes) -> None:
    """Store an entry at the end of the chain."""
    await db.execute(
        """insert into audit (id, account_id, at, actor, action, subject, before, after, previous, digest)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)""",
        entry.id, entry.account_id, entry.at, entry.actor, entry.action, entry.subject, db.to_json(entry.before),
        db.to_json(entry.after), entry.previous, digest,
    )  # fmt: skip


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries are looked for; `action` and `subject` may be the beginnings of what is meant."""

    account_id: UUID | None = None
    actor: str | None = None
    action: str | None = None
    subject: str | None = None
    since: datetime | None = None
    until: datetime | None = None


# Whether entries come before a place, newest first, or after it, oldest first.
_SEARCH = """select * from audit where ($1::uuid is null or account_id = $1) and ($2::text is null or actor = $2)
    and ($3::text is null or starts_with(action, $3)) and ($4::text is null or starts_with(subject, $4))
    and ($5::timestamptz is null or at >= $5) and ($6::timestamptz is null or at < $6)"""


async def newest(wanted: Wanted, before: UUID | None, limit: int) -> list[tuple[Entry, bytes]]:
    """List entries in scope, newest first."""
    return await _search("and ($7::uuid is null or id < $7) order by id desc", wanted, before, limit)


async def oldest(wanted: Wanted, after: UUID | None, limit: int) -> list[tuple[Entry, bytes]]:
    """List entries in scope, oldest first."""
    return await _search("and ($7::uuid is null or id > $7) order by id", wanted, after, limit)


async def _search(order: str, wanted: Wanted, place: UUID | None, limit: int) -> list[tuple[Entry, bytes]]:
    rows = await db.fetch(
        f"{_SEARCH} {order} limit $8",
        wanted.account_id, wanted.actor, wanted.action, wanted.subject, wanted.since, wanted.until, place, limit,
    )  # fmt: skip
    return [(_entry(row), bytes(row["digest"])) for row in rows]


async def head() -> tuple[UUID, bytes, int] | None:
    """Return the id and the digest of the last entry, and how many there are; nothing in an empty log."""
    row = await db.fetch_one(
        "select id, digest, (select count(*) from audit) as count from audit order by id desc limit 1"
    )
    return (UUID(bytes=row["id"].bytes), bytes(row["digest"]), row["count"]) if row else None


async def chain() -> list[tuple[Entry, bytes]]:
    """Return every entry with its stored digest, oldest first."""
    rows = await db.fetch("select * from audit order by id")
    return [(_entry(row), bytes(row["digest"])) for row in rows]


def _entry(row: db.Row) -> Entry:
    return Entry(
        id=UUID(bytes=row["id"].bytes),
        account_id=row["account_id"] and UUID(bytes=row["account_id"].bytes),
        at=row["at"].astimezone(UTC),
        actor=row["actor"],
        action=row["action"],
        subject=row["subject"],
        before=msgspec.json.decode(row["before"]),
        after=msgspec.json.decode(row["after"]),
        previous=bytes(row["previous"]),
    )
