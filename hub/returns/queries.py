"""All SQL of this room; a change of a return is one statement, so that it is one round trip."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from hub.kit import db
from hub.kit.ids import new_id
from hub.returns.case import Case, Event
from hub.returns.messages import Birth, BornLine, Decided, StoredReturn, TimelineEntry
from hub.returns.states import status

LINES = """(select coalesce(jsonb_agg(jsonb_build_object('id', line.id, 'sku', sku, 'name', line.name,
    'order_line', order_line, 'declared', declared, 'received', received, 'accepted', accepted, 'rejected', rejected,
    'settled', settled) order by position), '[]') from return_lines line
    where line.account_id = returns.account_id and line.return_id = returns.id)"""
DEADLINES = """exists (select from deadlines
    where deadlines.account_id = returns.account_id and deadlines.return_id = returns.id)"""
BESIDE = {"lines": LINES, "has_deadlines": DEADLINES}
FIELDS = ", ".join(
    f"{BESIDE[name]} as {name}" if name in BESIDE else f"returns.{name}" for name in StoredReturn.__struct_fields__
)
SELECT = f"select {FIELDS} from returns"


def _stored(row: db.Row) -> StoredReturn:
    return msgspec.convert({**dict(row), "lines": msgspec.json.decode(row["lines"])}, StoredReturn)


async def load(account_id: UUID, return_id: UUID) -> StoredReturn | None:
    """Return one return of an account, as one consistent picture; `change` notices if it is no longer the latest."""
    row = await db.fetch_one(f"{SELECT} where account_id = $1 and id = $2", account_id, return_id)
    return _stored(row) if row else None


async def load_by_external(account_id: UUID, connection_id: UUID, external_id: str) -> StoredReturn | None:
    """Return the return that a channel knows by this id."""
    row = await db.fetch_one(
        f"{SELECT} where account_id = $1 and connection_id = $2 and external_id = $3",
        account_id, connection_id, external_id,
    )  # fmt: skip
    return _stored(row) if row else None


async def of_channel(
    account_id: UUID, connection_id: UUID, *, ids: Sequence[str], numbers: Sequence[str], orders: Sequence[str]
) -> list[StoredReturn]:
    """Return what is known of these ids of the channel, of these numbers of ours, and of these orders."""
    rows = await db.fetch(
        f"""{SELECT} where account_id = $1 and connection_id = $2
        and (external_id = any($3) or number = any($4) or order_number = any($5)) order by id""",
        account_id, connection_id, ids, numbers, orders,
    )  # fmt: skip
    return [_stored(row) for row in rows]


async def load_by_key(account_id: UUID, key: str) -> StoredReturn | None:
    """Return the return that was born by this key."""
    row = await db.fetch_one(f"{SELECT} where account_id = $1 and key = $2", account_id, key)
    return _stored(row) if row else None


# Of one account, of what one partner's warehouses are to receive, or of all in scope.
OF = """($1::uuid is null or account_id = $1) and ($2::uuid is null or warehouse_id in
    (select place.id from warehouses place where place.partner_id = $2))"""


async def find(account_id: UUID | None, text: str, *, partner_id: UUID | None = None) -> StoredReturn | None:
    """Return one return in scope by its number."""
    row = await db.fetch_one(f"{SELECT} where {OF} and number = $3", account_id, partner_id, text)
    return _stored(row) if row else None


async def of_numbers(
    numbers: Sequence[str], *, account_id: UUID | None, partner_id: UUID | None, warehouse_id: UUID | None
) -> list[StoredReturn]:
    """Return those returns in scope that have one of these numbers, in no order."""
    rows = await db.fetch(
        f"{SELECT} where {OF} and ($3::uuid is null or warehouse_id = $3) and number = any($4)",
        account_id, partner_id, warehouse_id, numbers,
    )  # fmt: skip
    return [_stored(row) for row in rows]


async def read(account_id: UUID | None, return_id: UUID, *, partner_id: UUID | None = None) -> StoredReturn | None:
    """Return one return in scope, without holding it."""
    row = await db.fetch_one(f"{SELECT} where {OF} and id = $3", account_id, partner_id, return_id)
    return _stored(row) if row else None


async def page(
    *,
    account_id: UUID | None,
    partner_id: UUID | None = None,
    state: str | None,
    kind: str | None,
    order_number: str | None,
    after: UUID | None,
    limit: int,
) -> list[StoredReturn]:
    """List returns in scope in the order they were born."""
    rows = await db.fetch(
        f"""{SELECT} where {OF} and ($3::text is null or status = $3)
        and ($4::text is null or kind = $4) and ($5::text is null or order_number = $5)
        and ($6::uuid is null or id > $6) order by id limit $7""",
        account_id, partner_id, state, kind, order_number, after, limit,
    )  # fmt: skip
    return [_stored(row) for row in rows]


async def expected(warehouse_id: UUID, after: UUID | None, limit: int) -> list[tuple[str, StoredReturn]]:
    """List what a warehouse may receive, oldest first, each with its account's name."""
    rows = await db.fetch(
        f"""select {FIELDS}, accounts.name as account_name
        from returns join accounts on accounts.id = returns.account_id
        where warehouse_id = $1 and status in ('expected', 'approved', 'partially_received')
        and ($2::uuid is null or returns.id > $2) order by returns.id limit $3""",
        warehouse_id, after, limit,
    )  # fmt: skip
    return [(row["account_name"], _stored(row)) for row in rows]


async def at_warehouse(warehouse_id: UUID, number: str) -> tuple[str, StoredReturn] | None:
    """Return one return that is routed to a warehouse, with its account's name."""
    row = await db.fetch_one(
        f"""select {FIELDS}, accounts.name as account_name
        from returns join accounts on accounts.id = returns.account_id where warehouse_id = $1 and number = $2""",
        warehouse_id, number,
    )  # fmt: skip
    return (row["account_name"], _stored(row)) if row else None


async def named(warehouse_id: UUID, keys: Sequence[tuple[UUID, UUID]]) -> list[tuple[str, StoredReturn]]:
    """Return these returns of a warehouse, each named by its account and id, with its account's name; oldest first."""
    # A lateral look-up for each, so that they are never sought among all returns of the warehouse.
    rows = await db.fetch(
        f"""select found.* from unnest($2::uuid[], $3::uuid[]) as wanted(account_id, id) cross join lateral (
            select {FIELDS}, (select name from accounts where accounts.id = returns.account_id) as account_name
            from returns where account_id = wanted.account_id and id = wanted.id and warehouse_id = $1 limit 1
        ) as found order by found.id""",
        warehouse_id, [account_id for account_id, _ in keys], [return_id for _, return_id in keys],
    )  # fmt: skip
    return [(row["account_name"], _stored(row)) for row in rows]


BEAR = """
with born as (
    insert into returns (account_id, id, number, key, kind, channel_id, connection_id, policy_version_id, warehouse_id,
        external_id, channel_return_number, order_number, channel_order_number, marketplace, reason, comment,
        status, ending, sync, settlement, version, created_at, updated_at, informational, started_at, channel_status,
        seen_open_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, 1, $21, $21,
        $34, $35, $36, $37)
), lined as (
    insert into return_lines (account_id, id, return_id, position, sku, name, order_line, unit_price, declared, counted)
    select $1, line.id, $2, line.position, line.sku, line.name, line.order_line, line.unit_price, line.declared,
        line.counted
    from unnest($22::uuid[], $23::text[], $24::text[], $25::text[], $26::numeric[], $27::int[], $33::int[])
        with ordinality as line(id, sku, name, order_line, unit_price, declared, counted, position)
), told as (
    insert into timeline (account_id, id, return_id, at, actor, event, detail)
    values ($1, $28, $2, $21, $29, $30, $31)
), decided as (
    insert into policy_decisions (account_id, return_id, customer, facts, decision, override, decided_at)
    select $1, $2, $39, $38, $40, $41, $21 where $38::jsonb is not null
)
insert into outbox (account_id, id, return_id, type, body, at) values ($1, $28, $2, $30, $32, $21)
"""


async def bear(
    return_id: UUID,
    number: str,
    birth: Birth,
    case: Case,
    line_ids: list[UUID],
    actor: str,
    event: Event,
    now: datetime,
) -> None:
    """Store a new return with its lines, first timeline entry and first outgoing message."""
    lines: tuple[BornLine, ...] = birth.lines
    await db.execute(
        BEAR, birth.account_id, return_id, number, birth.key, birth.kind, birth.channel_id, birth.connection_id,
        birth.policy_version_id, birth.warehouse_id, birth.external_id, birth.channel_return_number,
        birth.order_number, birth.channel_order_number, birth.marketplace, birth.reason, birth.comment,
        status(case), case.ending, case.sync, case.settlement, now, line_ids,
        [line.sku for line in lines], [line.name for line in lines], [line.order_line for line in lines],
        [line.unit_price for line in lines], [line.quantity for line in lines],
        new_id(), actor, event.name, db.to_json(event.detail), db.to_json(_body(number, case, event)),
        [line.counted for line in lines], birth.informational, birth.started_at, birth.channel_status,
        birth.seen_open_at, *_decided(birth.decided),
    )  # fmt: skip


def _decided(decided: Decided | None) -> tuple[str | None, str | None, str | None, str | None]:
    if decided is None:
        return None, None, None, None
    return db.to_json(decided.facts), decided.facts.customer, db.to_json(decided.decision), decided.override


async def begun_by(account_id: UUID, customer: str, since: datetime) -> tuple[datetime, ...]:
    """Return when a customer, known by a digest, began other returns since a moment.

    Until the transaction ends nobody else begins one for that customer, so that two at once cannot both pass a limit.
    """
    await db.execute("select pg_advisory_xact_lock(hashtextextended($1 || $2, 0))", str(account_id), customer)
    rows = await db.fetch(
        """select decided_at from policy_decisions
        where account_id = $1 and customer = $2 and decided_at >= $3 order by decided_at""",
        account_id, customer, since,
    )  # fmt: skip
    return tuple(row["decided_at"] for row in rows)


async def decided(account_id: UUID, return_id: UUID) -> Decided | None:
    """Return what the policy said to a return when it was asked for; nothing for one from before that was kept."""
    row = await db.fetch_one(
        "select facts, decision, override from policy_decisions where account_id = $1 and return_id = $2",
        account_id, return_id,
    )  # fmt: skip
    if row is None:
        return None
    read = {name: msgspec.json.decode(row[name]) for name in ("facts", "decision")}
    return msgspec.convert({**dict(row), **read}, Decided)


CHANGE = """
with changed as (
    update returns set status = $3, ending = $4, sync = $5, settlement = $6, external_id = $7,
        finalised_at = case when $8 then coalesce(finalised_at, $9) end,
        arrived_at = case when $21 then coalesce(arrived_at, $9) end,
        settled_at = case when $6 = 'settled' then coalesce(settled_at, $9)
            when $6 = 'refused' and $5 = 'conflict' then settled_at end,
        refused_at = case when $6 <> 'sending' or settlement = 'sending' then refused_at end,
        version = version + 1, updated_at = $9
    where account_id = $1 and id = $2 and version = $20 returning id
), lined as (
    update return_lines set received = line.received, accepted = line.accepted, rejected = line.rejected,
        settled = line.settled
    from unnest($10::uuid[], $11::int[], $12::int[], $13::int[], $14::int[])
        as line(id, received, accepted, rejected, settled)
    where return_lines.account_id = $1 and return_lines.id = line.id
), told as (
    insert into timeline (account_id, id, return_id, at, actor, event, detail)
    select $1, told.id, $2, $9, $15, told.event, told.detail::jsonb
    from unnest($16::uuid[], $17::text[], $18::text[]) as told(id, event, detail)
), sent as (
    insert into outbox (account_id, id, return_id, type, body, at)
    select $1, told.id, $2, told.event, told.body::jsonb, $9
    from unnest($16::uuid[], $17::text[], $19::text[]) as told(id, event, body)
)
select id from changed
"""


async def change(
    before: StoredReturn, case: Case, events: tuple[Event, ...], external_id: str | None, actor: str, now: datetime
) -> None:
    """Store a return's new case with what to tell of it; only lines that changed are written.

    Raises `db.Stale` if somebody else changed the return since it was loaded.
    """
    old = {line.id: line for line in before.case.lines}
    lines = [line for line in case.lines if line != old[line.id]]
    row = await db.fetch_one(
        CHANGE, before.account_id, before.id, status(case), case.ending, case.sync, case.settlement, external_id,
        case.finalised, now, [line.id for line in lines], [line.received for line in lines],
        [line.accepted for line in lines], [line.rejected for line in lines], [line.settled for line in lines],
        actor, [new_id() for _ in events], [event.name for event in events],
        [db.to_json(event.detail) for event in events],
        [db.to_json(_body(before.number, case, event)) for event in events], before.version, case.arrived,
    )  # fmt: skip
    if row is None:
        raise db.Stale


def _body(number: str, case: Case, event: Event) -> dict[str, object]:
    return {"return_number": number, "kind": case.kind, "status": status(case), **event.detail}


async def note_refusal(account_id: UUID, return_id: UUID, now: datetime) -> None:
    """Note that a marketplace refused what the channel had taken; whoever has loaded the return loads it again."""
    await db.execute(
        "update returns set refused_at = $3, version = version + 1 where account_id = $1 and id = $2",
        account_id, return_id, now,
    )  # fmt: skip


async def last_of(account_id: UUID, return_id: UUID, events: Sequence[str]) -> TimelineEntry | None:
    """Return the last entry of a timeline that tells of one of these events."""
    row = await db.fetch_one(
        """select id, at, actor, event, detail from timeline
        where account_id = $1 and return_id = $2 and event = any($3) order by id desc limit 1""",
        account_id, return_id, list(events),
    )  # fmt: skip
    return _entry(row) if row else None


def _entry(row: db.Row) -> TimelineEntry:
    return msgspec.convert({**dict(row), "detail": msgspec.json.decode(row["detail"])}, TimelineEntry)


async def timeline(account_id: UUID, return_id: UUID) -> list[TimelineEntry]:
    """Return what happened to a return, oldest first."""
    rows = await db.fetch(
        "select id, at, actor, event, detail from timeline where account_id = $1 and return_id = $2 order by id",
        account_id, return_id,
    )  # fmt: skip
    return [_entry(row) for row in rows]


RESERVE = """
insert into order_lines (account_id, connection_id, order_number, line, sku, shipped, returned)
select $1, $2, line.order_number, line.reference, line.sku, line.shipped, line.quantity
from unnest($3::text[], $4::text[], $5::text[], $6::int[], $7::int[])
    as line(order_number, reference, sku, shipped, quantity)
where line.quantity <= line.shipped
order by line.order_number, line.reference
on conflict (account_id, connection_id, order_number, line) do update
    set returned = order_lines.returned + excluded.returned,
        shipped = greatest(order_lines.shipped, excluded.shipped)
    where order_lines.returned + excluded.returned <= greatest(order_lines.shipped, excluded.shipped)
returning line
"""


async def reserve(account_id: UUID, connection_id: UUID, order_number: str, lines: list[BornLine]) -> set[str]:
    """Count quantities as returned where enough was shipped; returns the order lines that had room.

    The rows stay locked until the transaction ends, so two returns of the last unit cannot both have it.
    """
    rows = await db.fetch(
        RESERVE, account_id, connection_id, ["" if line.order_line else order_number for line in lines],
        [order_line_key(line) for line in lines],
        [line.sku for line in lines], [line.shipped for line in lines], [line.quantity for line in lines],
    )  # fmt: skip
    return {row["line"] for row in rows}


def order_line_key(line: BornLine) -> str:
    """Return what tells an order's lines apart: the vendor's reference, or the product where there is none."""
    return line_key(line.order_line, line.sku)


def line_key(reference: str | None, sku: str) -> str:
    """Return what tells an order's lines apart: the vendor's reference, or the product where there is none."""
    return reference or sku


async def returned(
    account_id: UUID, connection_id: UUID, orders: Sequence[str], lines: Sequence[str]
) -> dict[tuple[str, str], int]:
    """Return how many units count as returned on each of these lines that is known, by its order and its key."""
    rows = await db.fetch(
        """select order_number, line, returned from order_lines
        join unnest($3::text[], $4::text[]) as wanted(number, reference)
            on wanted.number = order_number and wanted.reference = line
        where account_id = $1 and connection_id = $2""",
        account_id, connection_id, list(orders), list(lines),
    )  # fmt: skip
    return {(row["order_number"], row["line"]): row["returned"] for row in rows}


RELEASE = """
with freed as (
    select line.id, coalesce(line.order_line, line.sku) as reference,
        greatest(line.counted - (line.declared - missing.units), 0) as units,
        case when line.order_line is null then $6 else '' end as order_number
    from return_lines line join unnest($3::uuid[], $4::int[]) as missing(id, units) on missing.id = line.id
    where line.account_id = $1 and line.return_id = $2
), uncounted as (
    update return_lines set counted = counted - freed.units from freed
    where return_lines.account_id = $1 and return_lines.id = freed.id
)
update order_lines set returned = returned - total.units
from (select order_number, reference, sum(units) as units from freed group by order_number, reference) as total
where order_lines.account_id = $1 and connection_id = $5 and order_lines.order_number = total.order_number
    and order_lines.line = total.reference
"""


async def release(before: StoredReturn, missing: dict[UUID, int]) -> None:
    """Count units of lines as returned no longer, as far as they were counted; safe to repeat."""
    order = before.order_number or before.channel_order_number or ""
    await db.execute(
        RELEASE, before.account_id, before.id, list(missing), list(missing.values()), before.connection_id, order
    )
