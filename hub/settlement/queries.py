"""All SQL of this room."""

from datetime import datetime
from uuid import UUID

import msgspec

from hub.kit import db
from hub.settlement.messages import MemoLine, MemoView


async def store(
    account_id: UUID, return_id: UUID, version_id: UUID, lines: tuple[MemoLine, ...], now: datetime
) -> None:
    """Store a return's memo; a newer draft takes the place of an older one."""
    await db.execute(
        """insert into memos (account_id, return_id, policy_version_id, lines, drafted_at) values ($1, $2, $3, $4, $5)
        on conflict (account_id, return_id) do update set lines = excluded.lines, drafted_at = excluded.drafted_at""",
        account_id, return_id, version_id, db.to_json(lines), now,
    )  # fmt: skip


async def memo(account_id: UUID, return_id: UUID) -> MemoView | None:
    """Return a return's memo, if it has one."""
    row = await db.fetch_one(
        "select policy_version_id, drafted_at, lines from memos where account_id = $1 and return_id = $2",
        account_id, return_id,
    )  # fmt: skip
    return msgspec.convert({**dict(row), "lines": msgspec.json.decode(row["lines"])}, MemoView) if row else None
