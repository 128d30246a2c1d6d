"""All SQL of this room."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from hub.kit import db
from hub.kit.errors import NotFound
from hub.receipt import engine as receipt
from hub.receipt.messages import Item
from hub.returns.case import Line
from hub.sdk.messages import Kind
from hub.simulations.messages import Change, ChangeView, Claim, Figures, Past, SimulationView
from tenants.policies.facts import Facts, LineFacts
from tenants.policies.messages import Policy
from tenants.policies.rules import Rules

VIEW = ", ".join(SimulationView.__struct_fields__)
DUE = """simulations.state = 'running' and (simulations.next_at <= $1 or simulations.next_at > $1 + interval '2 days')
    and (simulations.lease_until is null or simulations.lease_until <= $1
        or simulations.lease_until > $1 + interval '1 hour')"""
# Returns that this policy had a say in, born in a span.
OF_POLICY = """returns.account_id = $1 and returns.channel_id = $2 and returns.kind = $3
    and returns.created_at >= $4 and returns.created_at < $5 and returns.informational is null"""


async def start(
    held: Policy, simulation_id: UUID, rules: Rules, *, since: datetime, now: datetime, by: str
) -> SimulationView:
    """Store a simulation that is due at once; the database holds one running per policy."""
    (row,) = await db.fetch(
        f"""insert into simulations (account_id, id, policy_id, rules, since, until, state, next_at, started_by,
            started_at, total)
        values ($1, $6, $7, $8, $4, $5, 'running', $5, $9, $5, (select count(*) from returns where {OF_POLICY}))
        returning {VIEW}""",
        held.account_id, held.channel_id, held.kind, since, now, simulation_id, held.id, db.to_json(rules), by,
    )  # fmt: skip
    return _view(row)


KEPT = "(select id from simulations where account_id = $1 and policy_id = $2 order by id desc offset $3)"


async def forget(held: Policy, keep: int) -> None:
    """Remove all but the last simulations of a policy."""
    await db.execute(
        f"delete from simulated_changes where account_id = $1 and simulation_id in {KEPT}",
        held.account_id, held.id, keep,
    )  # fmt: skip
    await db.execute(f"delete from simulations where account_id = $1 and id in {KEPT}", held.account_id, held.id, keep)


def _decoded(row: db.Row, *names: str) -> dict[str, Any]:
    """Return a row with some of its fields read from JSON."""
    return {**dict(row), **{name: msgspec.json.decode(row[name]) for name in names}}


def _view(row: db.Row) -> SimulationView:
    return msgspec.convert(_decoded(row, "figures"), SimulationView)


async def of_policy(held: Policy) -> list[SimulationView]:
    """List a policy's simulations, the latest first."""
    rows = await db.fetch(
        f"select {VIEW} from simulations where account_id = $1 and policy_id = $2 order by id desc",
        held.account_id, held.id,
    )  # fmt: skip
    return [_view(row) for row in rows]


async def simulation(simulation_id: UUID) -> SimulationView:
    """Return one simulation in scope; raises `NotFound`."""
    row = await db.fetch_one(f"select {VIEW} from simulations where id = $1", simulation_id)
    if row is None:
        raise NotFound("simulation_not_found", "There is no such simulation.")
    return _view(row)


async def changes(simulation_id: UUID, after: UUID | None, limit: int) -> list[ChangeView]:
    """List returns in scope that would have gone another way, oldest first."""
    rows = await db.fetch(
        """select changed.return_id, returns.number as return_number, kinds, before, after
        from simulated_changes changed join returns
            on returns.account_id = changed.account_id and returns.id = changed.return_id
        where simulation_id = $1 and ($2::uuid is null or changed.return_id > $2)
        order by changed.return_id limit $3""",
        simulation_id, after, limit,
    )  # fmt: skip
    return [msgspec.convert(_decoded(row, "before", "after"), ChangeView) for row in rows]


async def due(now: datetime, limit: int) -> list[tuple[UUID, datetime]]:
    """List simulations that are to go on, with since when."""
    rows = await db.fetch(f"select id, next_at from simulations where {DUE} order by next_at limit $2", now, limit)
    return [(row["id"], row["next_at"]) for row in rows]


async def claim(simulation_id: UUID, lease_until: datetime, now: datetime) -> Claim | None:
    """Take the right to go on with a simulation that is due; nothing if another worker has it."""
    row = await db.fetch_one(
        f"""update simulations set lease_until = $2, next_at = $2 from policies
        where simulations.id = $3 and policies.account_id = simulations.account_id
            and policies.id = simulations.policy_id and {DUE}
        returning simulations.account_id, simulations.id, policy_id, channel_id, kind, rules, since, until, cursor,
            figures, failures, lease_until""",
        now, lease_until, simulation_id,
    )  # fmt: skip
    return msgspec.convert(_decoded(row, "rules", "figures"), Claim) if row else None


LINES = """(select jsonb_agg(jsonb_build_object('id', line.id, 'sku', sku, 'declared', declared, 'received', received,
    'price', unit_price::text) order by position)
    from return_lines line where line.account_id = returns.account_id and line.return_id = returns.id)"""
PARTS = """(select coalesce(jsonb_agg(jsonb_build_object('line_id', line_id, 'sku', sku, 'quantity', quantity,
    'grade', grade, 'condition', condition, 'disposition', disposition, 'deviation', item.deviation, 'late', late,
    'note', note, 'photos', item.photos) order by receipt_id, position), '[]')
    from receipt_items item join receipts on receipts.account_id = item.account_id and receipts.id = item.receipt_id
    where item.account_id = returns.account_id and item.return_id = returns.id and not receipts.late)"""
PAST = f"""
select returns.id, number, returns.kind, returns.policy_version_id as version_id, connection_id, marketplace,
    coalesce(decisions.decided_at, returns.created_at) as asked_at, decisions.facts, reason,
    finalised_at is not null as finalised, {LINES} as lines, {PARTS} as parts
from returns left join policy_decisions decisions
    on decisions.account_id = returns.account_id and decisions.return_id = returns.id
where {OF_POLICY} and ($6::uuid is null or returns.id > $6)
order by returns.id limit $7
"""


async def past(claim: Claim, limit: int) -> list[Past]:
    """Return the next returns of a simulation, in the order they were born."""
    rows = await db.fetch(
        PAST, claim.account_id, claim.channel_id, claim.kind, claim.since, claim.until, claim.cursor, limit
    )
    return [_past(row) for row in rows]


def _past(row: db.Row) -> Past:
    lines = msgspec.json.decode(row["lines"])
    read = {
        "facts": msgspec.json.decode(row["facts"]) if row["facts"] else msgspec.to_builtins(_facts(row, lines)),
        "kept": row["facts"] is not None,
        "lines": [{name: line[name] for name in Line.__struct_fields__ if name in line} for line in lines],
        "prices": [line["price"] for line in lines],
        "parts": receipt.parts(msgspec.json.decode(row["parts"], type=list[Item])),
    }
    shown = {name: value for name, value in row.items() if name != "reason"}
    return msgspec.convert({**shown, **read}, Past)


def _facts(row: db.Row, lines: list[dict[str, Any]]) -> Facts:
    """Return what is still known of a return of which the facts were not kept; of its order that is not much."""
    return Facts(
        kind=Kind(row["kind"]),
        lines=tuple(LineFacts(sku=each["sku"], quantity=each["declared"]) for each in lines),
        marketplace=row["marketplace"],
        reason=row["reason"],
    )


async def advance(
    claim: Claim, found: list[Change], figures: Figures, cursor: UUID, compared: int, lease_until: datetime
) -> bool:
    """Store a step of a simulation; false if the right to it was lost."""
    row = await db.fetch_one(
        """update simulations set cursor = $4, compared = compared + $5, changed = changed + $6, figures = $7,
            failures = 0, why = null, lease_until = $8, next_at = $8
        where account_id = $1 and id = $2 and lease_until = $3 and state = 'running' returning id""",
        claim.account_id, claim.id, claim.lease_until, cursor, compared, len(found), db.to_json(figures), lease_until,
    )  # fmt: skip
    if row is None:
        return False
    await db.execute(
        """insert into simulated_changes (account_id, simulation_id, return_id, kinds, before, after)
        select $1, $2, change.id, string_to_array(change.kinds, ','), change.before::jsonb, change.after::jsonb
        from unnest($3::uuid[], $4::text[], $5::text[], $6::text[]) as change(id, kinds, before, after)""",
        claim.account_id, claim.id, [each.past.id for each in found], [",".join(each.kinds) for each in found],
        [db.to_json(each.before) for each in found], [db.to_json(each.after) for each in found],
    )  # fmt: skip
    return True


async def release(claim: Claim, *, next_at: datetime, failures: int, why: str | None) -> None:
    """Give the right to a simulation back, if it is still held; it goes on at `next_at`."""
    await db.execute(
        """update simulations set lease_until = null, next_at = $4, failures = $5, why = $6
        where account_id = $1 and id = $2 and lease_until = $3 and state = 'running'""",
        claim.account_id, claim.id, claim.lease_until, next_at, failures, why,
    )  # fmt: skip


async def end(claim: Claim, state: str, why: str | None, now: datetime) -> None:
    """End a simulation, if it is still held."""
    await db.execute(
        """update simulations set state = $4, why = $5, lease_until = null, next_at = null, finished_at = $6
        where account_id = $1 and id = $2 and lease_until = $3 and state = 'running'""",
        claim.account_id, claim.id, claim.lease_until, state, why, now,
    )  # fmt: skip
