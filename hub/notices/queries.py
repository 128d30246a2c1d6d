"""All SQL of this room, in the platform's scope."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from hub.kit import db
from hub.notices.messages import Choice, Listener, News, Notice

SOURCES = {
    "events": """select id, tx::text::bigint as tx, account_id, type as subject, at,
            coalesce(body ->> 'return_number', '') || ': ' || type as said
        from outbox where (tx, id) > ($1::text::xid8, $2) and tx < pg_snapshot_xmin(pg_current_snapshot())
        order by tx, id limit $3""",
    "work": """select id, opened_tx::text::bigint as tx, account_id, 'work.' || kind as subject, opened_at as at,
            summary as said
        from work_items where (opened_tx, id) > ($1::text::xid8, $2)
        and opened_tx < pg_snapshot_xmin(pg_current_snapshot()) order by opened_tx, id limit $3""",
}


async def choices(membership_id: UUID) -> list[Choice]:
    """List what a member wants to hear of."""
    rows = await db.fetch(
        "select subject, how from notice_choices where membership_id = $1 order by subject", membership_id
    )
    return [msgspec.convert(dict(row), Choice) for row in rows]


async def choose(membership_id: UUID, wanted: Sequence[Choice]) -> None:
    """Put these choices in the place of those of before; what was collected and is not wanted goes too."""
    await db.execute("delete from notice_choices where membership_id = $1", membership_id)
    await db.execute(
        """insert into notice_choices select $1, * from unnest($2::text[], $3::text[])""",
        membership_id, [each.subject for each in wanted], [each.how.value for each in wanted],
    )  # fmt: skip
    if not wanted:
        await db.execute("delete from notices where membership_id = $1", membership_id)


async def read_on(source: str, limit: int) -> list[News] | None:
    """Read on in a source and note how far, in the caller's transaction; nothing if another worker reads it."""
    place = await db.fetch_one(
        """select tx::text as tx, last from notice_places where source = $1 for update skip locked""", source
    )
    if place is None:
        return None
    rows = await db.fetch(SOURCES[source], place["tx"], place["last"], limit)
    found = [msgspec.convert(dict(row), News) for row in rows]
    if found:
        await db.execute(
            "update notice_places set tx = $2::text::xid8, last = $3 where source = $1",
            source, str(found[-1].tx), found[-1].id,
        )  # fmt: skip
    return found


async def listeners(accounts: Sequence[UUID]) -> list[Listener]:
    """List what the members of these accounts want to hear of."""
    rows = await db.fetch(
        """select membership_id, memberships.account_id, subject, how from notice_choices
        join memberships on memberships.id = membership_id where memberships.account_id = any($1)""",
        list(accounts),
    )
    return [msgspec.convert(dict(row), Listener) for row in rows]


async def add(listener: Listener, news: News, due_at: datetime) -> None:
    """Store news for a member."""
    await db.execute(
        """insert into notices (id, membership_id, account_id, subject, said, how, at, due_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing""",
        news.id, listener.membership_id, news.account_id, news.subject, news.said, listener.how, news.at, due_at,
    )  # fmt: skip


async def take(now: datetime, limit: int) -> list[Notice]:
    """Take notices that are due out of the store, in the caller's transaction, which queues their mails."""
    rows = await db.fetch(
        """with taken as (delete from notices where (membership_id, id) in (
                select membership_id, id from notices where due_at <= $1 order by due_at, membership_id, at
                limit $2 for update skip locked) returning *)
        select taken.id, membership_id, said, how, at, email, users.name, locale, time_zone, accounts.name as account
        from taken join memberships on memberships.id = membership_id join users on users.id = user_id
        join accounts on accounts.id = taken.account_id order by membership_id, at, taken.id""",
        now, limit,
    )  # fmt: skip
    return [msgspec.convert(dict(row), Notice) for row in rows]
