"""All SQL of this room."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from hub.kit import db
from hub.kit.ids import new_id
from hub.operations.queries import MAY_CALL
from hub.reconciliation.messages import REPAIR_WORDS, DifferenceView, Found, Listed, ReconciliationView, Repair, Run

# Whoever does not run a settlement for so long will not do so because a reconciliation waits.
PATIENCE = timedelta(minutes=1)

VIEW = """select id, account_id, connection_id, state, since, compared, found, why, started_by, started_at, next_at,
    finished_at from reconciliations"""


async def start(account_id: UUID, connection_id: UUID, since: datetime, by: str, now: datetime) -> UUID | None:
    """Begin a reconciliation; nothing if one of this connection is running."""
    row = await db.fetch_one(
        """insert into reconciliations (account_id, id, connection_id, state, since, started_by, started_at, next_at)
        values ($1, $2, $3, 'running', $4, $5, $6, $6)
        on conflict (account_id, connection_id) where state = 'running' do nothing returning id""",
        account_id, new_id(), connection_id, since, by, now,
    )  # fmt: skip
    return row["id"] if row else None


async def running(account_id: UUID, connection_id: UUID) -> ReconciliationView | None:
    """Return the reconciliation of a connection that is running, if one is."""
    row = await db.fetch_one(
        f"{VIEW} where account_id = $1 and connection_id = $2 and state = 'running'", account_id, connection_id
    )
    return msgspec.convert(dict(row), ReconciliationView) if row else None


async def reconciliation(account_id: UUID, run_id: UUID) -> ReconciliationView | None:
    """Return one reconciliation."""
    row = await db.fetch_one(f"{VIEW} where account_id = $1 and id = $2", account_id, run_id)
    return msgspec.convert(dict(row), ReconciliationView) if row else None


async def reconciliations(connection_id: UUID, before: UUID | None, limit: int) -> list[ReconciliationView]:
    """List a connection's reconciliations in scope, newest first."""
    rows = await db.fetch(
        f"{VIEW} where connection_id = $1 and ($2::uuid is null or id < $2) order by id desc limit $3",
        connection_id, before, limit,
    )  # fmt: skip
    return [msgspec.convert(dict(row), ReconciliationView) for row in rows]


LIMITED_UNTIL = """greatest(connections.limited_until, (connections.limited -> 'calls' ->> 'history')::timestamptz,
    (connections.limited -> 'calls' ->> 'fetch')::timestamptz)"""
MAY_RUN = f"""reconciliations.state = 'running' and reconciliations.next_at <= $1
    and coalesce(reconciliations.lease_until, '-infinity') <= $1 and connections.state = 'active'
    and coalesce({LIMITED_UNTIL}, '-infinity') <= $1"""


async def due(now: datetime, limit: int) -> list[tuple[UUID, UUID, datetime]]:
    """List reconciliations whose next step is due, with their connections and since when."""
    rows = await db.fetch(
        f"""select reconciliations.id, connection_id, next_at from reconciliations
        join connections on connections.id = connection_id where {MAY_RUN} order by next_at limit $2""",
        now, limit,
    )  # fmt: skip
    return [(row["id"], row["connection_id"], row["next_at"]) for row in rows]


CLAIM = f"""
update reconciliations set lease_until = $3 from connections
where reconciliations.id = $2 and connections.id = reconciliations.connection_id and {MAY_RUN}
returning reconciliations.account_id, reconciliations.id, connection_id, connector, name, settings, sealed, limited,
    connections.created_at as connected_at, since, cursor, failures, lease_until, started_by, started_at
"""


async def claim(run_id: UUID, lease_until: datetime, now: datetime) -> Run | None:
    """Take the right to the next steps; nothing if another worker has it or its time has not come."""
    row = await db.fetch_one(CLAIM, now, run_id, lease_until)
    if row is None:
        return None
    opened = {name: msgspec.json.decode(row[name]) for name in ("settings", "limited")}
    return msgspec.convert({**dict(row), **opened}, Run)


async def advance(run: Run, cursor: str, compared: int) -> bool:
    """Store how far a step came and give the right to the next one back; false if it was lost before."""
    row = await db.fetch_one(
        """update reconciliations set cursor = $4, compared = compared + $5, lease_until = null, failures = 0,
            why = null
        where account_id = $1 and id = $2 and lease_until = $3 returning id""",
        run.account_id, run.id, run.lease_until, cursor, compared,
    )  # fmt: skip
    return row is not None


async def release(run: Run, *, next_at: datetime, failures: int, why: str | None) -> None:
    """Give the right to the next steps back, if it is still held."""
    await db.execute(
        """update reconciliations set lease_until = null, next_at = $4, failures = $5, why = $6
        where account_id = $1 and id = $2 and lease_until = $3""",
        run.account_id, run.id, run.lease_until, next_at, failures, why,
    )  # fmt: skip


# What is found is what was seen in this run and is still to be repaired.
END = """
update reconciliations set state = $4, why = $5, lease_until = null, next_at = null, finished_at = $6,
    found = (select count(*) from differences held where held.account_id = $1
        and held.connection_id = reconciliations.connection_id and held.closed_at is null
        and held.repaired_at is null and held.seen_at >= reconciliations.started_at)
where account_id = $1 and id = $2 and lease_until = $3 returning found
"""


async def end(run: Run, state: str, why: str | None, now: datetime) -> int | None:
    """End a reconciliation; returns how much it found, nothing if the right to it was lost."""
    row = await db.fetch_one(END, run.account_id, run.id, run.lease_until, state, why, now)
    return row["found"] if row else None


# Both sides of a return are told apart by what the channel calls it, and by what the hub does.
STORE = """
insert into differences (account_id, id, connection_id, key, kind, cause, return_id, external_id, ours, theirs,
    found_at, seen_at, repair)
select $1, found.id, $2, found.key, found.kind, found.cause, $3, $4, $5, $6, $7, $7, found.repair
from unnest($8::uuid[], $9::text[], $10::text[], $11::text[], $12::text[]) as found(id, key, kind, cause, repair)
on conflict (account_id, connection_id, key) where closed_at is null do update
    set seen_at = excluded.seen_at, cause = excluded.cause, ours = excluded.ours, theirs = excluded.theirs,
        repair = excluded.repair, return_id = excluded.return_id, external_id = excluded.external_id
"""


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """The return that a comparison was about, as both sides show it."""

    account_id: UUID
    connection_id: UUID
    return_id: UUID | None
    external_id: str | None
    ours: dict[str, Any] | None
    theirs: dict[str, Any] | None


# What waits for a person goes on to differ until that person has done something about it.
UNREPAIRED = """
update differences set closed_at = $3, outcome = outcome || '; it did not help'
where account_id = $1 and connection_id = $2 and closed_at is null and key = any($4) and repaired_at is not null
    and repair <> 'ask' and kind <> 'quantity'
"""


async def store(subject: Subject, found: Sequence[Found], now: datetime) -> None:
    """Store what was found of a return; what is stored already is seen once more, unless it was repaired in vain."""
    keys = [each.key for each in found]
    await db.execute(UNREPAIRED, subject.account_id, subject.connection_id, now, keys)
    await db.execute(
        STORE, subject.account_id, subject.connection_id, subject.return_id, subject.external_id,
        db.to_json(subject.ours) if subject.ours else None, db.to_json(subject.theirs) if subject.theirs else None, now,
        [new_id() for _ in found], keys, [each.kind for each in found],
        [each.cause for each in found], [each.repair for each in found],
    )  # fmt: skip


async def differing(account_id: UUID, connection_id: UUID, subjects: Sequence[Subject]) -> set[UUID | str | None]:
    """Return the ids, ours and the channel's, of those returns of which something differed before."""
    rows = await db.fetch(
        """select return_id, external_id from differences where account_id = $1 and connection_id = $2
        and closed_at is null and (return_id = any($3) or external_id = any($4))""",
        account_id, connection_id, [each.return_id for each in subjects if each.return_id],
        [each.external_id for each in subjects if each.external_id],
    )  # fmt: skip
    return {each for row in rows for each in (row["return_id"], row["external_id"]) if each is not None}


async def close_others(subject: Subject, found: Sequence[Found], now: datetime) -> list[str]:
    """Close what differed of a return and does no more; returns the keys."""
    rows = await db.fetch(
        """update differences set closed_at = $5, outcome = coalesce(outcome, 'gone by itself')
        where account_id = $1 and connection_id = $2 and closed_at is null and key <> all($6)
            and (return_id = $3 or external_id = $4) returning key""",
        subject.account_id, subject.connection_id, subject.return_id, subject.external_id, now,
        [each.key for each in found],
    )  # fmt: skip
    return [row["key"] for row in rows]


COMPARED = """
insert into comparisons (account_id, return_id, compared_at, closer, verified)
select $1, held.id, $2, held.closer, held.verified from unnest($3::uuid[], $4::bool[], $5::bool[])
    as held(id, closer, verified)
on conflict (account_id, return_id) do update set compared_at = excluded.compared_at, closer = excluded.closer,
    verified = comparisons.verified or excluded.verified
"""


async def compared(account_id: UUID, at: datetime, held: Sequence[tuple[UUID, bool, bool]]) -> None:
    """Note which returns a run has seen: whether each needs a closer look, and whether it is verified for good."""
    unique = {return_id: (closer, verified) for return_id, closer, verified in held}
    await db.execute(
        COMPARED, account_id, at, list(unique), [closer for closer, _ in unique.values()],
        [verified for _, verified in unique.values()],
    )  # fmt: skip


async def verified(account_id: UUID, return_ids: Sequence[UUID]) -> set[UUID]:
    """Return those of which both sides said the same of a decision that cannot change any more."""
    rows = await db.fetch(
        "select return_id from comparisons where account_id = $1 and return_id = any($2) and verified",
        account_id, return_ids,
    )  # fmt: skip
    return {row["return_id"] for row in rows}


# The returns that the channel's list should have shown, or of which it did not say enough.
TO_LOOK_AT = """
select returns.id from returns
left join comparisons on comparisons.account_id = returns.account_id and comparisons.return_id = returns.id
where returns.account_id = $1 and connection_id = $2 and returns.id > $3 and informational is null
    and (comparisons.compared_at = $4 and comparisons.closer
        or coalesce(comparisons.compared_at, '-infinity') < $4 and (
            kind = 'channel' and status in ('expected', 'partially_received', 'received', 'processed')
            or kind = 'channel' and settlement = 'settled' and coalesce(started_at, returns.created_at) >= $5
            or kind = 'merchant' and settlement = 'settled' and coalesce(settled_at, updated_at) >= $5
            or kind = 'merchant' and settlement = 'sending'))
order by returns.id limit $6
"""


async def to_look_at(run: Run, after: UUID, limit: int) -> list[UUID]:
    """List returns that the channel has to be asked for one by one."""
    rows = await db.fetch(TO_LOOK_AT, run.account_id, run.connection_id, after, run.started_at, run.since, limit)
    return [row["id"] for row in rows]


async def unseen(run: Run, after: UUID, limit: int) -> list[DifferenceView]:
    """List open differences that this run has not come by."""
    rows = await db.fetch(
        f"""{DIFFERENCE} where account_id = $1 and connection_id = $2 and id > $3 and closed_at is null
        and seen_at < $4 order by id limit $5""",
        run.account_id, run.connection_id, after, run.started_at, limit,
    )  # fmt: skip
    return [_difference(row) for row in rows]


DIFFERENCE = """select id, account_id, connection_id, key, kind, cause, repair, return_id, external_id, ours, theirs,
    found_at, seen_at, repaired_at, repaired_by, outcome, closed_at from differences"""


def _difference(row: db.Row) -> DifferenceView:
    sides = {name: row[name] and msgspec.json.decode(row[name]) for name in ("ours", "theirs")}
    return msgspec.convert({**dict(row), **sides, "repair_does": REPAIR_WORDS[Repair(row["repair"])]}, DifferenceView)


async def difference(difference_id: UUID) -> DifferenceView | None:
    """Return one difference in scope."""
    row = await db.fetch_one(f"{DIFFERENCE} where id = $1", difference_id)
    return _difference(row) if row else None


async def differences(
    *,
    account_id: UUID | None,
    connection_id: UUID | None,
    kind: str | None,
    listed: Listed,
    after: UUID | None,
    limit: int,
) -> list[DifferenceView]:
    """List differences in scope, oldest first; open are those that nobody repaired and that are not gone."""
    rows = await db.fetch(
        f"""{DIFFERENCE} where ($1::uuid is null or account_id = $1) and ($2::uuid is null or connection_id = $2)
        and ($3::text is null or kind = $3) and ($5::uuid is null or id > $5)
        and case $4 when 'open' then closed_at is null and repaired_at is null
            when 'repaired' then repaired_at is not null when 'closed' then closed_at is not null else true end
        order by id limit $6""",
        account_id, connection_id, kind, listed, after, limit,
    )  # fmt: skip
    return [_difference(row) for row in rows]


async def hold(account_id: UUID, difference_id: UUID) -> DifferenceView | None:
    """Return a difference that is to be repaired, and let whoever else wants that wait for this transaction."""
    row = await db.fetch_one(
        f"{DIFFERENCE} where account_id = $1 and id = $2 for no key update", account_id, difference_id
    )
    return _difference(row) if row else None


async def repaired(held: DifferenceView, by: str, outcome: str, *, closes: bool, now: datetime) -> None:
    """Note who repaired a difference and what came of it; one that is repaired at once is closed."""
    await db.execute(
        """update differences set repaired_at = $3, repaired_by = $4, outcome = $5,
            closed_at = case when $6 then $3 else closed_at end where account_id = $1 and id = $2""",
        held.account_id, held.id, now, by, outcome, closes,
    )  # fmt: skip


async def count_open() -> dict[str, int]:
    """Count the differences that nobody has repaired, by kind."""
    rows = await db.fetch(
        "select kind, count(*) as held from differences where closed_at is null and repaired_at is null group by kind"
    )
    return {row["kind"]: row["held"] for row in rows}


async def money_is_due(run: Run, now: datetime) -> bool:
    """Say whether a settlement of the same connection is due; one that is not run for long is waited for no longer."""
    row = await db.fetch_one(
        f"""select from operations join connections on connections.id = operations.connection_id
        where operations.account_id = $1 and connection_id = $2 and phase = 'settlement'
            and operations.state in ('ready', 'pending', 'unknown') and next_at between $4 and $3
            and {MAY_CALL} <= $3 limit 1""",
        run.account_id, run.connection_id, now, now - PATIENCE,
    )  # fmt: skip
    return row is not None


ALIVE = "('ready', 'claimed', 'pending', 'unknown')"


async def alive(account_id: UUID, connection_id: UUID, return_ids: Sequence[UUID]) -> set[UUID]:
    """Return those returns about which an operation is under way or a message was not handled."""
    rows = await db.fetch(
        f"""select return_id from operations where account_id = $1 and return_id = any($3) and state in {ALIVE}
        union select returns.id from returns join inbox on inbox.account_id = returns.account_id
            and inbox.connection_id = returns.connection_id and inbox.subject = returns.external_id
        where returns.account_id = $1 and returns.id = any($3) and inbox.connection_id = $2
            and inbox.state = 'received'""",
        account_id, connection_id, return_ids,
    )  # fmt: skip
    return {row["return_id"] for row in rows}


async def waiting(account_id: UUID, connection_id: UUID, subjects: Sequence[str]) -> set[str]:
    """Return those of the channel's returns about which a message waits: to be handled, or for somebody."""
    rows = await db.fetch(
        """select distinct subject from inbox where account_id = $1 and connection_id = $2 and subject = any($3)
        and state <> 'handled'""",
        account_id, connection_id, subjects,
    )  # fmt: skip
    return {row["subject"] for row in rows}


class Nightly(msgspec.Struct, frozen=True, kw_only=True):
    """A connection that is reconciled every night; without a time it has just become one."""

    account_id: UUID
    connection_id: UUID
    reconcile_at: datetime | None


async def nightly(connectors: Sequence[str], now: datetime) -> list[Nightly]:
    """List connections whose night has come, or that have none yet."""
    rows = await db.fetch(
        """select polls.account_id, connection_id, reconcile_at from polls
        join connections on connections.id = connection_id
        where connector = any($1) and state = 'active' and coalesce(reconcile_at, '-infinity') <= $2 limit 200""",
        list(connectors), now,
    )  # fmt: skip
    return [msgspec.convert(dict(row), Nightly) for row in rows]


async def next_night(each: Nightly, at: datetime) -> bool:
    """Set when a connection is reconciled next; false if another worker did."""
    row = await db.fetch_one(
        """update polls set reconcile_at = $3 where connection_id = $1 and reconcile_at is not distinct from $2
        returning connection_id""",
        each.connection_id, each.reconcile_at, at,
    )  # fmt: skip
    return row is not None
