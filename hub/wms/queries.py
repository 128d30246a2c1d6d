"""All SQL of this room; what speaks for many accounts runs in the platform's scope and names each account."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from hub.kit import db
from hub.kit.ids import new_id
from hub.sdk import Effect, Hint, Meaning, Snapshot
from hub.wms.messages import Booked, Claim, Kept, Place, Told, Waiting

# places and words -----------------------------------------------------------------------------------------


async def place(account_id: UUID, warehouse_id: UUID) -> Place | None:
    """Return the system of an account's warehouse, if a partner's own system runs it."""
    row = await db.fetch_one(
        """select warehouses.connection_id from warehouses
        join warehouse_accounts held on held.warehouse_id = warehouses.id and held.account_id = $1
        where warehouses.id = $2 and receiving_option = 'partner_wms'""",
        account_id, warehouse_id,
    )  # fmt: skip
    return Place(connection_id=row["connection_id"]) if row else None


async def words(connection_id: UUID, account_id: UUID, kind: str) -> dict[str, Any]:
    """Return what a system's words mean to an account; what the account says goes before what the partner says."""
    rows = await db.fetch(
        """select word, means from wms_words
        where connection_id = $1 and kind = $3 and (account_id = $2 or account_id is null)
        order by account_id nulls first""",
        connection_id, account_id, kind,
    )  # fmt: skip
    return {row["word"]: msgspec.json.decode(row["means"]) for row in rows}


async def say(
    connection_id: UUID, account_id: UUID | None, kind: str, word: str, means: Any, *, by: str, now: datetime
) -> None:
    """Store what a word means from now on."""
    await db.execute(
        """insert into wms_words (connection_id, account_id, kind, word, means, said_by, said_at)
        values ($1, $2, $3, $4, $5, $6, $7)
        on conflict (connection_id, kind, word, coalesce(account_id, '00000000-0000-0000-0000-000000000000'))
            do update set means = excluded.means, said_by = excluded.said_by, said_at = excluded.said_at""",
        connection_id, account_id, kind, word, db.to_json(means), by, now,
    )  # fmt: skip


async def reread(connection_id: UUID, account_id: UUID | None) -> list[str]:
    """Let what a system holds of returns that are not finalised be news again; returns its references."""
    rows = await db.fetch(
        """update wms_returns set digest = null from returns
        where wms_returns.connection_id = $1 and ($2::uuid is null or wms_returns.account_id = $2)
            and returns.account_id = wms_returns.account_id and returns.id = wms_returns.return_id
            and returns.finalised_at is null
        returning reference""",
        connection_id, account_id,
    )  # fmt: skip
    return [row["reference"] for row in rows]


# announcing -----------------------------------------------------------------------------------------------


async def told(account_id: UUID, return_id: UUID) -> Told | None:
    """Return the last operation that told a warehouse of a return, locked, if there is one."""
    row = await db.fetch_one(
        """select id, effect, state, request, attempt = 0 and doubtful_since is null and state = 'ready' as fresh
        from operations where account_id = $1 and return_id = $2 and effect = any($3)
        order by id desc limit 1 for update""",
        account_id, return_id, [Effect.ANNOUNCE, Effect.AMEND],
    )  # fmt: skip
    return msgspec.convert(dict(row), Told) if row else None


async def call_off(account_id: UUID, operation_id: UUID, now: datetime) -> None:
    """Withdraw an operation that was never tried."""
    await db.execute(
        """update operations set state = 'withdrawn', next_at = null, finished_at = $3, why = 'the return ended first'
        where account_id = $1 and id = $2 and state = 'ready' and attempt = 0""",
        account_id, operation_id, now,
    )  # fmt: skip


# what a system holds --------------------------------------------------------------------------------------

HOLD = """
with held as (
    insert into wms_returns (connection_id, reference) values ($1, $2)
    on conflict (connection_id, reference) do update set reference = excluded.reference
    returning *
)
select connection_id, reference, account_id, return_id, snapshot, booked, digest, doubts, revision, asked_at from held
"""


async def hold(connection_id: UUID, reference: str) -> Kept:
    """Return one return of a system as it was last stored, locked until the transaction ends."""
    row = await db.fetch_one(HOLD, connection_id, reference)
    assert row is not None  # noqa: S101 - the statement returns a row, whether it was there or not
    booked = msgspec.json.decode(row["booked"], type=list[tuple[str, Meaning, int]])
    snapshot = msgspec.json.decode(row["snapshot"], type=Snapshot) if row["snapshot"] else None
    return Kept(
        **{name: row[name] for name in ("connection_id", "reference", "account_id", "return_id", "digest")},
        snapshot=snapshot, booked={(sku, state): units for sku, state, units in booked},
        doubts=tuple(row["doubts"]), revision=row["revision"], asked_at=row["asked_at"],
    )  # fmt: skip


async def keep(kept: Kept, progress: str, now: datetime) -> None:
    """Store what a system holds of a return."""
    seen = kept.snapshot
    await db.execute(
        """update wms_returns set account_id = $3, return_id = $4, return_number = $5, snapshot = $6, booked = $7,
            digest = $8, progress = $9, doubts = $10, revision = $11, asked_at = $12, changed_at = $13
        where connection_id = $1 and reference = $2""",
        kept.connection_id, kept.reference, kept.account_id, kept.return_id, seen.return_number if seen else None,
        db.to_json(seen) if seen else None, db.to_json(_listed(kept.booked)), kept.digest, progress,
        list(kept.doubts), kept.revision, kept.asked_at, now,
    )  # fmt: skip


def _listed(booked: Booked) -> list[tuple[str, Meaning, int]]:
    return sorted(((sku, state, units) for (sku, state), units in booked.items()), key=msgspec.json.encode)


async def mark_asked(kept: Kept, asked_at: datetime) -> None:
    """Note when a system was last asked for a return that had not changed."""
    await db.execute(
        "update wms_returns set asked_at = $3 where connection_id = $1 and reference = $2",
        kept.connection_id, kept.reference, asked_at,
    )  # fmt: skip


async def owner(connection_id: UUID, number: str) -> tuple[UUID, UUID] | None:
    """Return the account and the id of the return of this number that a system is to receive."""
    row = await db.fetch_one(
        """select returns.account_id, returns.id from returns join warehouses on warehouses.id = returns.warehouse_id
        where returns.number = $2 and warehouses.connection_id = $1""",
        connection_id, number,
    )  # fmt: skip
    return (row["account_id"], row["id"]) if row else None


async def accounts_of(connection_id: UUID) -> list[UUID]:
    """List the accounts that a system receives for."""
    rows = await db.fetch(
        """select distinct held.account_id from warehouse_accounts held
        join warehouses on warehouses.id = held.warehouse_id where warehouses.connection_id = $1""",
        connection_id,
    )
    return [row["account_id"] for row in rows]


# reading --------------------------------------------------------------------------------------------------

ENSURE = """
insert into wms_readings (connection_id, next_at)
select distinct connection_id, $1::timestamptz from warehouses where receiving_option = 'partner_wms'
on conflict do nothing
"""
DUE = """(least(wms_readings.next_at, wms_readings.hinted_at) <= {now}
    or wms_readings.next_at > {now} + interval '8 days')
    and (wms_readings.lease_until is null or wms_readings.lease_until <= {now}
        or wms_readings.lease_until > {now} + interval '1 hour')
    and connections.state = 'active' and coalesce(connections.limited_until, '-infinity') <= {now}"""


async def due(now: datetime, limit: int) -> list[tuple[UUID, datetime]]:
    """List systems whose reading is due, with since when; each warehouse's system is read from its set-up on."""
    await db.execute(ENSURE, now)
    rows = await db.fetch(
        f"""select connection_id, least(next_at, hinted_at) as since from wms_readings
        join connections on connections.id = wms_readings.connection_id
        where {DUE.format(now="$1")} order by 2 limit $2""",
        now, limit,
    )  # fmt: skip
    return [(row["connection_id"], row["since"]) for row in rows]


CLAIM = f"""
update wms_readings set lease_until = $2, hinted_at = null from connections
where wms_readings.connection_id = $1 and connections.id = wms_readings.connection_id and {DUE.format(now="$3")}
returning wms_readings.connection_id, connector, settings, sealed, connections.limited, cursor, failures,
    wms_readings.lease_until, hooks_checked_at, wms_readings.next_at <= $3 as whole
"""


async def claim(connection_id: UUID, lease_until: datetime, now: datetime) -> Claim | None:
    """Take the right to read a system that is due; nothing if another worker has it."""
    row = await db.fetch_one(CLAIM, connection_id, lease_until, now)
    if row is None:
        return None
    settings, limited = msgspec.json.decode(row["settings"]), msgspec.json.decode(row["limited"])
    return msgspec.convert({**dict(row), "settings": settings, "limited": limited}, Claim)


async def advance(claim: Claim, cursor: str, lease_until: datetime) -> bool:
    """Store how far a system was read; false if the right to read it was lost."""
    row = await db.fetch_one(
        """update wms_readings set cursor = $3, lease_until = $4
        where connection_id = $1 and lease_until = $2 returning connection_id""",
        claim.connection_id, claim.lease_until, cursor, lease_until,
    )  # fmt: skip
    return row is not None


async def release(claim: Claim, *, next_at: datetime | None, failures: int, ok_at: datetime | None) -> None:
    """Give the right to read back, if it is still held; without `next_at` the next reading is due as before."""
    await db.execute(
        """update wms_readings set lease_until = null, next_at = coalesce($3, next_at), failures = $4,
            last_ok_at = coalesce($5, last_ok_at)
        where connection_id = $1 and lease_until = $2""",
        claim.connection_id, claim.lease_until, next_at, failures, ok_at,
    )  # fmt: skip


async def note_hooks(connection_id: UUID, why: str | None, now: datetime) -> None:
    """Note that a system's hooks were looked at, and what is wrong with them."""
    await db.execute(
        "update wms_readings set hooks_checked_at = $2, hooks_why = $3 where connection_id = $1",
        connection_id, now, why,
    )  # fmt: skip


# hints ----------------------------------------------------------------------------------------------------


async def store_hints(connection_id: UUID, hints: Sequence[Hint], now: datetime) -> int:
    """Store what a hook told, once for each event, and have it followed soon; returns how many were new."""
    rows = await db.fetch(
        """insert into wms_hints (connection_id, id, key, about, state, next_at, received_at)
        select $1, item.id, item.key, item.about::jsonb, 'waiting', $2, $2
        from unnest($3::uuid[], $4::text[], $5::text[]) as item(id, key, about)
        on conflict (connection_id, key) do nothing returning id""",
        connection_id, now, [new_id() for _ in hints], [each.key for each in hints],
        [db.to_json(each.about) for each in hints],
    )  # fmt: skip
    await hint_at(connection_id, now)
    return len(rows)


async def hint_at(connection_id: UUID, at: datetime) -> None:
    """Have a system's hints followed at a moment, or before."""
    await db.execute(
        """insert into wms_readings (connection_id, next_at, hinted_at) values ($1, $2, $2)
        on conflict (connection_id) do update set hinted_at = least(wms_readings.hinted_at, excluded.hinted_at)""",
        connection_id, at,
    )  # fmt: skip


async def hasten(connection_id: UUID, now: datetime) -> None:
    """Have a system read as a whole as soon as possible."""
    await db.execute(
        """insert into wms_readings (connection_id, next_at) values ($1, $2)
        on conflict (connection_id) do update set next_at = least(wms_readings.next_at, excluded.next_at)""",
        connection_id, now,
    )  # fmt: skip


async def waiting(connection_id: UUID, now: datetime, limit: int) -> list[Waiting]:
    """List hints that are to be followed, oldest first."""
    rows = await db.fetch(
        """select id, key, about, attempt from wms_hints
        where connection_id = $1 and state = 'waiting' and next_at <= $2 order by id limit $3""",
        connection_id, now, limit,
    )  # fmt: skip
    return [msgspec.convert({**dict(row), "about": msgspec.json.decode(row["about"])}, Waiting) for row in rows]


async def follow_hint(connection_id: UUID, hint_id: UUID, why: str | None = None) -> None:
    """Note that a hint was followed."""
    await db.execute(
        "update wms_hints set state = 'followed', why = $3 where connection_id = $1 and id = $2",
        connection_id, hint_id, why,
    )  # fmt: skip


async def put_off(connection_id: UUID, hint_id: UUID, next_at: datetime | None, why: str) -> None:
    """Follow a hint later, or give it up where no moment is given."""
    await db.execute(
        """update wms_hints set state = case when $3::timestamptz is null then 'given_up' else 'waiting' end,
            next_at = coalesce($3, next_at), attempt = attempt + 1, why = $4 where connection_id = $1 and id = $2""",
        connection_id, hint_id, next_at, why,
    )  # fmt: skip
    if next_at is not None:
        await hint_at(connection_id, next_at)


async def forget_hints(before: datetime) -> None:
    """Remove followed hints from before a moment; a repeat that late only has a return read again."""
    await db.execute("delete from wms_hints where state <> 'waiting' and received_at < $1", before)


HINTS_KEPT = timedelta(days=30)


async def door(connection_id: UUID) -> Mapping[str, Any] | None:
    """Return what a hook at a connection is verified with, if a warehouse uses it."""
    row = await db.fetch_one(
        """select connector, settings, sealed from connections
        where id = $1 and exists (select from warehouses where warehouses.connection_id = connections.id)""",
        connection_id,
    )
    return dict(row) if row else None
