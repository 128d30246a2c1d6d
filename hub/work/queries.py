"""All SQL of this room."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from hub.kit import db
from hub.work.messages import Matter, WorkItemView


async def open_item(account_id: UUID, item_id: UUID, matter: Matter, now: datetime) -> bool:
    """Open a work item unless its matter is open already; returns whether it is new."""
    row = await db.fetch_one(
        """insert into work_items (account_id, id, key, kind, owner, return_id, operation_id, summary, detail,
            opened_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        on conflict (account_id, key) where closed_at is null do nothing returning id""",
        account_id, item_id, matter.key, matter.kind, matter.owner, matter.return_id, matter.operation_id,
        matter.summary, db.to_json(matter.detail), now,
    )  # fmt: skip
    return row is not None


async def close_matter(account_id: UUID, key: str, by: str, resolution: str, now: datetime) -> None:
    """Close the open item of a matter, if there is one."""
    await db.execute(
        """update work_items set closed_at = $5, closed_by = $3, resolution = $4
        where account_id = $1 and key = $2 and closed_at is null""",
        account_id, key, by, resolution, now,
    )  # fmt: skip


async def close_of_return(
    account_id: UUID, return_id: UUID, kinds: Sequence[str], by: str, resolution: str, now: datetime
) -> None:
    """Close a return's open items of these kinds."""
    await db.execute(
        """update work_items set closed_at = $6, closed_by = $4, resolution = $5
        where account_id = $1 and return_id = $2 and kind = any($3) and closed_at is null""",
        account_id, return_id, list(kinds), by, resolution, now,
    )  # fmt: skip


async def refresh(account_id: UUID, matter: Matter) -> bool:
    """Say anew what an open item is about; false if its matter is not open."""
    row = await db.fetch_one(
        """update work_items set kind = $3, owner = $4, summary = $5, detail = $6
        where account_id = $1 and key = $2 and closed_at is null returning id""",
        account_id, matter.key, matter.kind, matter.owner, matter.summary, db.to_json(matter.detail),
    )  # fmt: skip
    return row is not None


async def open_now(account_id: UUID, item_id: UUID) -> WorkItemView | None:
    """Return an open item."""
    row = await db.fetch_one(
        "select * from work_items where account_id = $1 and id = $2 and closed_at is null", account_id, item_id
    )
    return _view(row) if row else None


async def close_item(account_id: UUID, item_id: UUID, by: str, resolution: str, now: datetime) -> WorkItemView | None:
    """Close one item; returns it, or nothing if it is not there or closed already."""
    row = await db.fetch_one(
        """update work_items set closed_at = $5, closed_by = $3, resolution = $4
        where account_id = $1 and id = $2 and closed_at is null returning *""",
        account_id, item_id, by, resolution, now,
    )  # fmt: skip
    return _view(row) if row else None


async def items(account_id: UUID | None, after: UUID | None, limit: int) -> list[WorkItemView]:
    """List open items, oldest first; of all accounts in scope if none is named."""
    rows = await db.fetch(
        """select * from work_items where closed_at is null
        and ($1::uuid is null or account_id = $1) and ($2::uuid is null or id > $2) order by id limit $3""",
        account_id, after, limit,
    )  # fmt: skip
    return [_view(row) for row in rows]


async def count_open() -> dict[str, int]:
    """Count open items by owner."""
    rows = await db.fetch("select owner, count(*) as held from work_items where closed_at is null group by owner")
    return {row["owner"]: row["held"] for row in rows}


def _view(row: db.Row) -> WorkItemView:
    return msgspec.convert({**dict(row), "detail": msgspec.json.decode(row["detail"])}, WorkItemView)
