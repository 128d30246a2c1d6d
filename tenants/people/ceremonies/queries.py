"""All SQL of ceremonies; each query runs in the caller's platform transaction."""

from datetime import datetime
from uuid import UUID

from hub.kit import db


async def add(digest: bytes, kind: str, user_id: UUID | None, sealed: bytes, expires_at: datetime) -> None:
    """Store a ceremony."""
    await db.execute(
        "insert into ceremonies (digest, kind, user_id, sealed, expires_at) values ($1, $2, $3, $4, $5)",
        digest, kind, user_id, sealed, expires_at,
    )  # fmt: skip


async def take(digest: bytes, kind: str, user_id: UUID | None, now: datetime) -> bytes | None:
    """Return what was kept and forget it; nothing for another user than it was kept for."""
    row = await db.fetch_one(
        """delete from ceremonies where digest = $1 and kind = $2 and user_id is not distinct from $3
        and expires_at > $4 returning sealed""",
        digest, kind, user_id, now,
    )  # fmt: skip
    return bytes(row["sealed"]) if row else None
