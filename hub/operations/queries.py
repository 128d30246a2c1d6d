"""All SQL of this room."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from hub.kit import clock, db
from hub.operations.engine import Next
from hub.operations.messages import PHASE_OF, AttemptView, Call, Claimed, OperationView, Plan, State

ADD = """
insert into operations (account_id, id, return_id, kind, connection_id, effect, phase, key, state, next_at, request,
    created_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, 'ready', $9, $10, $9)
on conflict (account_id, key) do update set state = 'ready', next_at = excluded.next_at, request = excluded.request,
    why = null where operations.state = 'withdrawn'
returning id
"""


async def add(plan: Plan, operation_id: UUID, now: datetime) -> UUID | None:
    """Store a planned operation, or plan one anew that was withdrawn; returns its id if there was none of this key."""
    row = await db.fetch_one(
        ADD, plan.account_id, operation_id, plan.return_id, plan.kind, plan.connection_id, plan.effect,
        PHASE_OF[plan.effect], plan.key, now, db.to_json(plan.request),
    )  # fmt: skip
    return row["id"] if row else None


async def withdraw(account_id: UUID, key: str, why: str) -> bool:
    """Withdraw an operation that nobody has begun; false if somebody has, or if there is none."""
    row = await db.fetch_one(
        """update operations set state = 'withdrawn', next_at = null, why = $3
        where account_id = $1 and key = $2 and state = 'ready' and attempt = 0 returning id""",
        account_id, key, why,
    )  # fmt: skip
    return row is not None


# The kind of call that an operation makes next, as a vendor's limits are kept by.
KIND = """case when operations.doubtful_since is not null or operations.state = 'claimed' then 'lookup ' else '' end
    || operations.effect || ' ' || operations.kind"""
LIMITED_UNTIL = f"""greatest(connections.limited_until, (connections.limited -> 'calls' ->> ({KIND}))::timestamptz)"""
MAY_CALL = f"connections.state = 'active' and coalesce({LIMITED_UNTIL}, '-infinity')"

# A claim that ran out belongs to a worker that died: nobody knows how far it came, and its clock is not to be trusted.
CLAIM = f"""
update operations set state = 'claimed', next_at = null, lease_until = $2,
    attempt = attempt + case when doubtful_since is null and operations.state = 'ready' then 1 else 0 end,
    doubtful_since = case when operations.state = 'claimed' then coalesce(doubtful_since, $3)
        else doubtful_since end
from connections
where operations.id = $1 and connections.id = operations.connection_id
    and {MAY_CALL} <= $3
    and (operations.state in ('ready', 'pending', 'unknown') and operations.next_at <= $3
        or operations.state = 'claimed' and operations.lease_until < $3)
returning operations.account_id, operations.id, return_id, connection_id, effect, kind, key, attempt, lookups,
    doubtful_since, lease_until, request, connector, connections.settings, sealed, connections.limited
"""


async def claim(operation_id: UUID, lease_until: datetime, now: datetime) -> Claimed | None:
    """Take an operation that is due and whose connection works; nothing if another worker has it."""
    row = await db.fetch_one(CLAIM, operation_id, lease_until, now)
    return msgspec.convert(dict(row), Claimed) if row else None


# The lease is the fence: a worker that lost it stores nothing.
FINISH = """
with changed as (
    update operations set state = $4, attempt = $5, lookups = $6, doubtful_since = $7, next_at = $8, why = $9,
        result = coalesce($10, result), lease_until = null, finished_at = $11
    where account_id = $1 and id = $2 and state = 'claimed' and lease_until = $3
    returning id
)
insert into attempts (account_id, operation_id, id, number, call, started_at, duration_ms, outcome, why, exchanges)
select $1, id, $12, $13, $14, $15, $16, $17, $9, $18 from changed returning id
"""


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One call that was made."""

    id: UUID
    call: Call
    started_at: datetime
    duration_ms: int
    outcome: str
    exchanges: str


ENDS = frozenset({State.DONE, State.REFUSED, State.DEAD})


async def finish(claimed: Claimed, after: Next, attempt: Attempt, now: datetime) -> bool:
    """Store an attempt and what became of its operation; false if the lease was lost in the meantime."""
    row = await db.fetch_one(
        FINISH, claimed.account_id, claimed.id, claimed.lease_until, after.state, after.attempt, after.lookups,
        after.doubtful_since, after.next_at, after.why, db.to_json(after.result) if after.result else None,
        now if after.state in ENDS else None, attempt.id, claimed.attempt, attempt.call, attempt.started_at,
        attempt.duration_ms, attempt.outcome, attempt.exchanges,
    )  # fmt: skip
    return row is not None


class Due(msgspec.Struct, frozen=True):
    """An operation to ring for, and since when."""

    id: UUID
    connection_id: UUID
    phase: str
    since: datetime


# One per connection first, then the second of each: no connection's backlog hides another's.
DUE = f"""
select id, connection_id, phase, since from (
    select operations.id, operations.connection_id, phase, coalesce(next_at, lease_until) as since,
        row_number() over (partition by operations.connection_id order by coalesce(next_at, lease_until)) as turn
    from operations join connections on connections.id = operations.connection_id
    where (operations.state in ('ready', 'pending', 'unknown') and next_at <= $1
            or operations.state = 'claimed' and lease_until < $1)
        and operations.phase = any($2) and {MAY_CALL} <= $1
) waiting order by turn, since limit $3
"""


async def due(phases: list[str], now: datetime, limit: int) -> list[Due]:
    """List operations that are due, or whose lease ran out, fairly over connections."""
    rows = await db.fetch(DUE, now, phases, limit)
    return [msgspec.convert(dict(row), Due) for row in rows]


VIEW = f"""select id, account_id, return_id, connection_id, effect, phase, state, attempt, lookups, next_at, why,
    created_at, finished_at, case when finished_at is null then (select {LIMITED_UNTIL} from connections
        where connections.id = operations.connection_id) end as limited_until from operations"""


def _view(row: db.Row, now: datetime) -> OperationView:
    limited_until = row["limited_until"]
    waits = limited_until is not None and limited_until > now
    return msgspec.convert({**dict(row), "limited_until": limited_until if waits else None}, OperationView)


async def operations(
    *, account_id: UUID | None, state: str | None, return_id: UUID | None, after: UUID | None, limit: int
) -> list[OperationView]:
    """List operations in scope in the order they were planned."""
    rows = await db.fetch(
        f"""{VIEW} where ($1::uuid is null or account_id = $1) and ($2::text is null or state = $2)
        and ($3::uuid is null or return_id = $3) and ($4::uuid is null or id > $4) order by id limit $5""",
        account_id, state, return_id, after, limit,
    )  # fmt: skip
    now = clock.now()
    return [_view(row, now) for row in rows]


async def operation(operation_id: UUID) -> OperationView | None:
    """Return one operation in scope."""
    row = await db.fetch_one(f"{VIEW} where id = $1", operation_id)
    return _view(row, clock.now()) if row else None


async def attempts(account_id: UUID, operation_id: UUID) -> list[AttemptView]:
    """List an operation's attempts, oldest first."""
    rows = await db.fetch(
        """select number, call, started_at, duration_ms, outcome, why, exchanges from attempts
        where account_id = $1 and operation_id = $2 order by id""",
        account_id, operation_id,
    )  # fmt: skip
    return [
        msgspec.convert({**dict(row), "exchanges": msgspec.json.decode(row["exchanges"])}, AttemptView) for row in rows
    ]


# What ended with an answer is quiet since then. What died may have a request under way for as long as any other.
DOUBT = "case when state = 'dead' then least(coalesce(finished_at, $3), $3) else '2000-01-01Z'::timestamptz end"


async def replay(account_id: UUID, operation_id: UUID, now: datetime) -> dict[str, Any] | None:
    """Make a dead or refused operation due again, to be looked up before it is repeated."""
    row = await db.fetch_one(
        f"""update operations set state = 'unknown', next_at = $3, attempt = 0, lookups = 0, doubtful_since = {DOUBT},
            finished_at = null, why = 'replayed by a person'
        where account_id = $1 and id = $2 and state in ('dead', 'refused')
        returning id, connection_id, phase, effect, return_id, attempt""",
        account_id, operation_id, now,
    )  # fmt: skip
    return dict(row) if row else None


async def again(account_id: UUID, key: str, now: datetime) -> dict[str, Any] | None:
    """Make an operation that ended due again, to be looked up before it is repeated; nothing while it has not ended."""
    row = await db.fetch_one(
        f"""update operations set state = 'unknown', next_at = $3, attempt = 0, lookups = 0, doubtful_since = {DOUBT},
            finished_at = null, why = 'looked up again'
        where account_id = $1 and key = $2 and state in ('done', 'dead', 'refused')
        returning id, connection_id, phase, effect, return_id""",
        account_id, key, now,
    )  # fmt: skip
    return dict(row) if row else None


async def abandon(account_id: UUID, key: str) -> UUID | None:
    """Let an operation that died never run again; nothing if there is none such."""
    row = await db.fetch_one(
        """update operations set state = 'withdrawn', finished_at = null
        where account_id = $1 and key = $2 and state = 'dead' returning id""",
        account_id, key,
    )  # fmt: skip
    return row["id"] if row else None


async def restate(account_id: UUID, operation_id: UUID, request: Any) -> None:
    """Put another request in place of the one that was refused or died."""
    await db.execute(
        "update operations set request = $3 where account_id = $1 and id = $2",
        account_id, operation_id, db.to_json(request),
    )  # fmt: skip


async def id_of(account_id: UUID, key: str) -> UUID | None:
    """Return the operation that was planned by this key."""
    row = await db.fetch_one("select id from operations where account_id = $1 and key = $2", account_id, key)
    return row["id"] if row else None


async def counts() -> dict[str, int]:
    """Count unfinished and dead operations by state."""
    rows = await db.fetch(
        """select state, count(*) as held from operations
        where state not in ('done', 'withdrawn', 'refused') group by state"""
    )
    return {row["state"]: row["held"] for row in rows}


async def oldest_due(now: datetime) -> float:
    """Return the seconds since the oldest waiting operation of a working connection was due, zero if none is."""
    row = await db.fetch_one(
        f"""select extract(epoch from $1 - min(next_at))::float8 as age from operations
        join connections on connections.id = operations.connection_id
        where operations.state in ('ready', 'pending', 'unknown') and next_at <= $1 and {MAY_CALL} <= $1""",
        now,
    )
    return float(row["age"] or 0.0) if row else 0.0


async def count_limited(now: datetime) -> int:
    """Count the operations that wait because the vendor asked for it."""
    row = await db.fetch_one(
        f"""select count(*) as held from operations join connections on connections.id = operations.connection_id
        where operations.state in ('ready', 'pending', 'unknown')
            and (connections.limited -> 'calls' ->> ({KIND}))::timestamptz > $1""",
        now,
    )
    return int(row["held"]) if row else 0
