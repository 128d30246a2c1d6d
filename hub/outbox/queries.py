"""All SQL of this room."""

from datetime import datetime
from uuid import UUID

import msgspec

from hub.kit import db
from hub.outbox.messages import BEGIN, Cursor, EventView, Move, written


async def events(account_id: UUID | None, after: Cursor | None, limit: int) -> list[EventView]:
    """List events in scope in the order in which their transactions began; later commits never fall behind."""
    tx, last = after or BEGIN
    rows = await db.fetch(
        """select id, account_id, return_id, type, body, at, tx::text::bigint as tx from outbox
        where ($1::uuid is null or account_id = $1) and (tx, id) > ($2::text::xid8, $3)
        and tx < pg_snapshot_xmin(pg_current_snapshot()) order by tx, id limit $4""",
        account_id, str(tx), last, limit,
    )  # fmt: skip
    return [_view(row) for row in rows]


def _view(row: db.Row) -> EventView:
    cursor = written((row["tx"], row["id"]))
    return msgspec.convert({**dict(row), "body": msgspec.json.decode(row["body"]), "cursor": cursor}, EventView)


async def end() -> Cursor:
    """Return the place behind everything that can be read of the feed now; what commits later stands after it."""
    row = await db.fetch_one(
        """select tx::text::bigint as tx, id from outbox where tx < pg_snapshot_xmin(pg_current_snapshot())
        order by tx desc, id desc limit 1"""
    )
    return (row["tx"], row["id"]) if row else BEGIN


async def moves(after: Cursor, limit: int) -> list[Move]:
    """List what moved after a place in the feed, of all accounts, without what was said of it: platform's scope."""
    rows = await db.fetch(
        """select id, tx::text::bigint as tx, return_id, type, at from outbox
        where (tx, id) > ($1::text::xid8, $2) and tx < pg_snapshot_xmin(pg_current_snapshot())
        and return_id is not null order by tx, id limit $3""",
        str(after[0]), after[1], limit,
    )  # fmt: skip
    return [msgspec.convert(dict(row), Move) for row in rows]


async def numbers(
    returns: list[UUID], *, account_id: UUID | None, partner_id: UUID | None, warehouse_id: UUID | None
) -> dict[UUID, str]:
    """Return the numbers of those of these returns that are in scope, by id."""
    rows = await db.fetch(
        """select id, number from returns where id = any($1::uuid[]) and ($2::uuid is null or account_id = $2)
        and ($3::uuid is null or warehouse_id in (select place.id from warehouses place where place.partner_id = $3))
        and ($4::uuid is null or warehouse_id = $4)""",
        returns, account_id, partner_id, warehouse_id,
    )  # fmt: skip
    return {row["id"]: row["number"] for row in rows}


class StoredMail(msgspec.Struct, frozen=True, kw_only=True):
    """A mail that a sender has taken on, sealed."""

    id: UUID
    attempt: int
    sealed: bytes


async def add_mail(mail_id: UUID, template: str, sealed: bytes, now: datetime) -> None:
    """Store a mail that is to be sent."""
    await db.execute(
        """insert into mails (id, template, sealed, state, next_at, created_at)
        values ($1, $2, $3, 'waiting', $4, $4)""",
        mail_id, template, sealed, now,
    )  # fmt: skip


async def claim_mails(now: datetime, lease_until: datetime, limit: int) -> list[StoredMail]:
    """Take on mails that are due, those of senders that died included; no two senders take the same."""
    rows = await db.fetch(
        """update mails set state = 'claimed', attempt = attempt + 1, next_at = null, lease_until = $2
        where id in (select id from mails
            where (state = 'waiting' and next_at <= $1) or (state = 'claimed' and lease_until <= $1)
            order by id limit $3 for update skip locked)
        returning id, attempt, sealed""",
        now, lease_until, limit,
    )  # fmt: skip
    return [msgspec.convert(dict(row), StoredMail) for row in rows]


async def finish_mail(mail_id: UUID, attempt: int, state: str, now: datetime, why: str | None = None) -> None:
    """Note that a mail was sent or given up, and keep nothing of what it said; a later attempt's end stands."""
    await db.execute(
        """update mails set state = $3, finished_at = $4, why = $5, sealed = null, lease_until = null
        where id = $1 and attempt = $2 and state = 'claimed'""",
        mail_id, attempt, state, now, why,
    )  # fmt: skip


async def retry_mail(mail_id: UUID, attempt: int, next_at: datetime, why: str) -> None:
    """Note that a mail is to be tried again."""
    await db.execute(
        """update mails set state = 'waiting', next_at = $3, why = $4, lease_until = null
        where id = $1 and attempt = $2 and state = 'claimed'""",
        mail_id, attempt, next_at, why,
    )  # fmt: skip


async def count_mails() -> dict[str, int]:
    """Count the mails that are not sent, by state."""
    rows = await db.fetch("select state, count(*) as count from mails where state <> 'sent' group by state")
    return {row["state"]: row["count"] for row in rows}
