"""All SQL of this room."""

from datetime import datetime
from uuid import UUID

import msgspec

from hub.backfills.messages import BackfillView, Claim
from hub.kit import db

VIEW = ", ".join(BackfillView.__struct_fields__)
# A time that far ahead was set by a clock that has been put back since; the longest pause is a day.
DUE = """backfills.state = 'running' and (backfills.next_at <= $1 or backfills.next_at > $1 + interval '2 days')
    and (backfills.lease_until is null or backfills.lease_until <= $1
        or backfills.lease_until > $1 + interval '1 hour')
    and connections.state = 'active' and coalesce(greatest(connections.limited_until,
        (connections.limited -> 'calls' ->> 'history')::timestamptz), '-infinity') <= $1"""


async def start(
    account_id: UUID, backfill_id: UUID, connection_id: UUID, since: datetime, now: datetime
) -> BackfillView:
    """Store a back-fill that is due at once; the database holds one running per connection."""
    (row,) = await db.fetch(
        f"""insert into backfills (account_id, id, connection_id, since, state, next_at, started_at)
        values ($1, $2, $3, $4, 'running', $5, $5) returning {VIEW}""",
        account_id, backfill_id, connection_id, since, now,
    )  # fmt: skip
    return msgspec.convert(dict(row), BackfillView)


async def is_running(account_id: UUID, connection_id: UUID) -> bool:
    """Say whether a back-fill of a connection is running."""
    sql = "select from backfills where account_id = $1 and connection_id = $2 and state = 'running'"
    return await db.fetch_one(sql, account_id, connection_id) is not None


async def of_connection(account_id: UUID, connection_id: UUID) -> list[BackfillView]:
    """List a connection's back-fills, the latest first."""
    rows = await db.fetch(
        f"select {VIEW} from backfills where account_id = $1 and connection_id = $2 order by id desc limit 100",
        account_id, connection_id,
    )  # fmt: skip
    return [msgspec.convert(dict(row), BackfillView) for row in rows]


async def due(now: datetime, limit: int) -> list[tuple[UUID, datetime]]:
    """List back-fills whose next page is due, with since when."""
    rows = await db.fetch(
        f"""select backfills.id, next_at from backfills join connections on connections.id = backfills.connection_id
        where {DUE} order by next_at limit $2""",
        now, limit,
    )  # fmt: skip
    return [(row["id"], row["next_at"]) for row in rows]


async def claim(backfill_id: UUID, lease_until: datetime, now: datetime) -> Claim | None:
    """Take the right to go on with a back-fill that is due; nothing if another worker has it."""
    row = await db.fetch_one(
        f"""update backfills set lease_until = $2, next_at = $2 from connections
        where backfills.id = $3 and connections.id = backfills.connection_id and {DUE}
        returning backfills.account_id, backfills.id, connection_id, connector, settings, sealed, limited, since,
            cursor, failures, lease_until""",
        now, lease_until, backfill_id,
    )  # fmt: skip
    if row is None:
        return None
    opened = {name: msgspec.json.decode(row[name]) for name in ("settings", "limited")}
    return msgspec.convert({**dict(row), **opened}, Claim)


async def money_is_due(claim: Claim, now: datetime) -> bool:
    """Say whether a settlement of the same connection is due: it goes first."""
    row = await db.fetch_one(
        """select from operations where account_id = $1 and connection_id = $2 and phase = 'settlement'
            and state in ('ready', 'pending', 'unknown') and next_at <= $3 limit 1""",
        claim.account_id, claim.connection_id, now,
    )  # fmt: skip
    return row is not None


async def advance(claim: Claim, cursor: str, read: int, total: int | None, lease_until: datetime) -> bool:
    """Store how far a back-fill came; false if the right to it was lost."""
    row = await db.fetch_one(
        """update backfills set cursor = $4, read = read + $5, total = coalesce($6, total), failures = 0, why = null,
            lease_until = $7, next_at = $7
        where account_id = $1 and id = $2 and lease_until = $3 and state = 'running' returning id""",
        claim.account_id, claim.id, claim.lease_until, cursor, read, total, lease_until,
    )  # fmt: skip
    return row is not None


async def release(claim: Claim, *, next_at: datetime, failures: int, why: str | None) -> None:
    """Give the right to a back-fill back, if it is still held; it goes on at `next_at`."""
    await db.execute(
        """update backfills set lease_until = null, next_at = $4, failures = $5, why = $6
        where account_id = $1 and id = $2 and lease_until = $3 and state = 'running'""",
        claim.account_id, claim.id, claim.lease_until, next_at, failures, why,
    )  # fmt: skip


async def end(claim: Claim, state: str, why: str | None, now: datetime) -> bool:
    """End a back-fill, if it is still held."""
    row = await db.fetch_one(
        """update backfills set state = $4, why = $5, lease_until = null, next_at = null, finished_at = $6
        where account_id = $1 and id = $2 and lease_until = $3 and state = 'running' returning id""",
        claim.account_id, claim.id, claim.lease_until, state, why, now,
    )  # fmt: skip
    return row is not None
