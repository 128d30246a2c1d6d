"""All SQL of marketplaces; each query runs in the caller's scoped transaction."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from hub.kit import db


class HeldMarketplace(msgspec.Struct, frozen=True, kw_only=True):
    """A marketplace that a channel covers, with what the account changed of its profile."""

    connector: str
    connection_id: UUID
    reference: str
    name: str
    family: str
    profile: dict[str, Any]
    confirmed_by: str | None
    confirmed_at: datetime | None


HELD = """
select connections.connector, held.connection_id, held.reference, held.name, held.family, held.profile,
    held.confirmed_by, held.confirmed_at
from channel_marketplaces held join connections on connections.id = held.connection_id
"""


def _held(row: db.Row) -> HeldMarketplace:
    return msgspec.convert({**dict(row), "profile": msgspec.json.decode(row["profile"])}, HeldMarketplace)


async def of_connection(account_id: UUID, connection_id: UUID, reference: str) -> HeldMarketplace | None:
    """Return one marketplace of an account's connection, if a channel covers it."""
    row = await db.fetch_one(
        f"{HELD} where held.account_id = $1 and held.connection_id = $2 and held.reference = $3",
        account_id, connection_id, reference,
    )  # fmt: skip
    return _held(row) if row else None


async def of_channel(account_id: UUID, channel_id: UUID) -> list[HeldMarketplace]:
    """Return the marketplaces of a channel in the order of their references."""
    rows = await db.fetch(
        f"{HELD} where held.account_id = $1 and held.channel_id = $2 order by held.reference", account_id, channel_id
    )
    return [_held(row) for row in rows]


async def hold(account_id: UUID, channel_id: UUID, reference: str) -> HeldMarketplace | None:
    """Return one marketplace of a channel, which nobody else changes until the transaction ends."""
    row = await db.fetch_one(
        f"{HELD} where held.account_id = $1 and held.channel_id = $2 and held.reference = $3 for update of held",
        account_id, channel_id, reference,
    )  # fmt: skip
    return _held(row) if row else None


async def change(
    account_id: UUID, channel_id: UUID, reference: str, profile: dict[str, Any], recompute_at: datetime
) -> None:
    """Store what the account changed of a profile, and when the deadlines of open returns follow once more."""
    await db.execute(
        """update channel_marketplaces set profile = $4, recompute_at = $5
        where account_id = $1 and channel_id = $2 and reference = $3""",
        account_id, channel_id, reference, db.to_json(profile), recompute_at,
    )  # fmt: skip


async def confirm(account_id: UUID, connection_id: UUID, reference: str, by: str, now: datetime) -> bool:
    """Note who let a marketplace settle for the first time; false if somebody did before."""
    row = await db.fetch_one(
        """update channel_marketplaces set confirmed_by = $4, confirmed_at = $5
        where account_id = $1 and connection_id = $2 and reference = $3 and confirmed_at is null returning reference""",
        account_id, connection_id, reference, by, now,
    )  # fmt: skip
    return row is not None


class Recompute(msgspec.Struct, frozen=True, kw_only=True):
    """A marketplace whose profile changed a while ago."""

    account_id: UUID
    connection_id: UUID
    reference: str
    recompute_at: datetime


async def to_recompute(now: datetime, limit: int) -> list[Recompute]:
    """List marketplaces whose deadlines are to follow a changed profile once more."""
    rows = await db.fetch(
        """select account_id, connection_id, reference, recompute_at from channel_marketplaces
        where recompute_at <= $1 order by recompute_at limit $2""",
        now, limit,
    )  # fmt: skip
    return [msgspec.convert(dict(row), Recompute) for row in rows]


async def recomputed(done: Recompute) -> None:
    """Note that deadlines follow the profile, unless it changed again."""
    await db.execute(
        """update channel_marketplaces set recompute_at = null
        where account_id = $1 and connection_id = $2 and reference = $3 and recompute_at = $4""",
        done.account_id, done.connection_id, done.reference, done.recompute_at,
    )  # fmt: skip
