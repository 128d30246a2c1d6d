"""All SQL of this room."""

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
