"""All SQL of links; each query runs in the caller's platform transaction."""

from datetime import datetime
from uuid import UUID

from hub.kit import db
from tenants.people.messages import Purpose


async def add_link(
    digest: bytes, user_id: UUID, purpose: Purpose, now: datetime, expires_at: datetime, *, mailed: bool
) -> None:
    """Store a single-use link."""
    await db.execute(
        """insert into links (digest, user_id, purpose, mailed, created_at, expires_at)
        values ($1, $2, $3, $4, $5, $6)""",
        digest, user_id, purpose, mailed, now, expires_at,
    )  # fmt: skip


async def link(digest: bytes, purpose: Purpose, now: datetime) -> UUID | None:
    """Return whom an unused link is for."""
    sql = "select user_id from links where digest = $1 and purpose = $2 and used_at is null and expires_at > $3"
    row = await db.fetch_one(sql, digest, purpose, now)
    return UUID(bytes=row["user_id"].bytes) if row else None


async def use_link(digest: bytes, purpose: Purpose, now: datetime) -> tuple[UUID, bool] | None:
    """Use a link up and return whom it is for and whether it was mailed; of two who try one gets nothing."""
    row = await db.fetch_one(
        """update links set used_at = $3 where digest = $1 and purpose = $2 and used_at is null and expires_at > $3
        returning user_id, mailed""",
        digest, purpose, now,
    )  # fmt: skip
    return (UUID(bytes=row["user_id"].bytes), row["mailed"]) if row else None


async def drop_links(user_id: UUID, purpose: Purpose, now: datetime) -> None:
    """Let a user's unused links of a purpose stand for nothing any more."""
    sql = "update links set used_at = $3 where user_id = $1 and purpose = $2 and used_at is null"
    await db.execute(sql, user_id, purpose, now)
