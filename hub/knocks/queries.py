"""All SQL of this room; it runs in the platform's scope, for a knock comes from nobody."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from hub.kit import db
from hub.knocks.messages import Door, Due, Held


async def door(connection_id: UUID) -> Door | None:
    """Return what a knock at a connection is compared with, if it has an address."""
    row = await db.fetch_one(
        "select connector, knock_digest as digest from connections where id = $1 and knock_digest is not null",
        connection_id,
    )
    return msgspec.convert(dict(row), Door) if row else None


async def knock(
    connection_id: UUID, now: datetime, *, returns: bool, refusals: bool, apart: timedelta
) -> datetime | None:
    """Keep that the vendor knocked, and have the connection polled; returns when, polls being some time `apart`."""
    row = await db.fetch_one(
        """update polls set knocked_at = case when $3 then $2 else knocked_at end,
            refusals_at = case when $4 then $2 else refusals_at end,
            next_at = least(next_at, greatest($2, polled_at + $5::interval))
        where connection_id = $1 returning next_at""",
        connection_id, now, returns, refusals, apart,
    )  # fmt: skip
    return row["next_at"] if row else None


# A registration that stands is checked daily, one that does not is tried again soon; a look from the future was one
# by a clock that has been put back.
DUE = """state = 'active' and account_id is not null and connector = any($1)
    and (subscription_checked_at is null or subscription_checked_at > $2 or subscription_checked_at
        <= $2 - case when subscribed_at is null or subscription_why is not null then $3::interval else $4::interval end)
"""


async def due(connectors: Sequence[str], now: datetime, *, again: timedelta, daily: timedelta) -> list[Due]:
    """List connections whose registration is due to be made or checked."""
    rows = await db.fetch(
        f"select id, subscription_checked_at as checked_at from connections where {DUE} limit 100",
        list(connectors), now, again, daily,
    )  # fmt: skip
    return [msgspec.convert(dict(row), Due) for row in rows]


async def claim(
    connection_id: UUID, connectors: Sequence[str], now: datetime, *, again: timedelta, daily: timedelta
) -> Held | None:
    """Take the right to look at one registration that is due; nothing if somebody else did just now."""
    row = await db.fetch_one(
        f"""update connections set subscription_checked_at = $2 where id = $5 and {DUE}
        returning id, account_id, connector, settings, sealed, knock_sealed""",
        list(connectors), now, again, daily, connection_id,
    )  # fmt: skip
    return msgspec.convert({**dict(row), "settings": msgspec.json.decode(row["settings"])}, Held) if row else None


async def expect_check(connection_id: UUID) -> None:
    """Have a registration looked at as soon as possible."""
    await db.execute("update connections set subscription_checked_at = null where id = $1", connection_id)


async def store_address(connection_id: UUID, digest: bytes, sealed: bytes, before: bytes | None) -> bool:
    """Store the secret of a connection's address in place of the one before; false if somebody else was faster."""
    row = await db.fetch_one(
        """update connections set knock_digest = $2, knock_sealed = $3
        where id = $1 and knock_sealed is not distinct from $4 returning id""",
        connection_id, digest, sealed, before,
    )  # fmt: skip
    return row is not None


async def note(connection_id: UUID, *, stands: bool | None, why: str | None, now: datetime) -> None:
    """Note whether a registration stands; `stands` is None where nobody could tell."""
    await db.execute(
        """update connections set subscription_why = $3, subscribed_at = case when $2::boolean is null
            then subscribed_at when $2 then coalesce(subscribed_at, $4) end where id = $1""",
        connection_id, stands, why, now,
    )  # fmt: skip


async def note_all(connectors: Sequence[str], why: str) -> None:
    """Note that no registration stands, and why."""
    await db.execute(
        """update connections set subscription_why = $2, subscribed_at = null
        where account_id is not null and connector = any($1)
            and (subscription_why is distinct from $2 or subscribed_at is not null)""",
        list(connectors), why,
    )  # fmt: skip
