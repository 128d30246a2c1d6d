"""All SQL of this room."""

from uuid import UUID

import msgspec

from hub.kit import db
from hub.outbox.messages import EventView


async def events(account_id: UUID | None, after: tuple[int, UUID] | None, limit: int) -> list[EventView]:
    """List events in scope in the order in which their transactions began; later commits never fall behind."""
    tx, last = after or (0, UUID(int=0))
    rows = await db.fetch(
        """select id, account_id, return_id, type, body, at, tx::text::bigint as tx from outbox
        where ($1::uuid is null or account_id = $1) and (tx, id) > ($2::text::xid8, $3)
        and tx < pg_snapshot_xmin(pg_current_snapshot()) order by tx, id limit $4""",
        account_id, str(tx), last, limit,
    )  # fmt: skip
    return [_view(row) for row in rows]


def _view(row: db.Row) -> EventView:
    cursor = f"{row['tx']}-{row['id']}"
    return msgspec.convert({**dict(row), "body": msgspec.json.decode(row["body"]), "cursor": cursor}, EventView)
