"""All SQL of this room; each query runs in the caller's scoped transaction."""

from datetime import datetime
from uuid import UUID

import msgspec

from hub.kit import db
from tenants import tables
from tenants.impersonation.messages import ImpersonationView

SELECT = """select impersonations.id, support_id, support_name, account_id, partner_id,
    coalesce(accounts.name, partners.name) as party_name, reason, began_at, ends_at, ended_at
from impersonations left join accounts on accounts.id = account_id left join partners on partners.id = partner_id"""


async def add(row: tables.Impersonation) -> None:
    """Store an impersonation that begins."""
    await tables.Impersonation.insert(row)


async def under_way(impersonation_id: UUID, support_id: UUID, now: datetime) -> ImpersonationView | None:
    """Return an impersonation of this person's that is not over."""
    row = await db.fetch_one(
        f"{SELECT} where impersonations.id = $1 and support_id = $2 and ended_at is null and ends_at > $3",
        impersonation_id, support_id, now,
    )  # fmt: skip
    return msgspec.convert(dict(row), ImpersonationView) if row else None


async def end(impersonation_id: UUID, now: datetime) -> None:
    """End an impersonation; the first end stands."""
    await db.execute(
        "update impersonations set ended_at = $2 where id = $1 and ended_at is null", impersonation_id, now
    )  # fmt: skip


async def impersonations(after: UUID | None, limit: int) -> list[ImpersonationView]:
    """List impersonations, newest first."""
    rows = await db.fetch(
        f"{SELECT} where ($1::uuid is null or impersonations.id < $1) order by impersonations.id desc limit $2",
        after, limit,
    )  # fmt: skip
    return [msgspec.convert(dict(row), ImpersonationView) for row in rows]
