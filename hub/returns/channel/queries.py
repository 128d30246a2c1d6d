"""All SQL of this room."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from hub.kit import db
from hub.kit.ids import new_id
from hub.returns.case import Case, Event
from hub.returns.channel.messages import Redeclared, Shown, Unseen
from hub.returns.messages import StoredReturn
from hub.returns.states import status


async def show(known: StoredReturn, shown: Shown) -> None:
    """Note the channel's own word, and whether it shows the return open; the return's case is not touched."""
    await db.execute(
        """update returns set channel_status = $3, seen_open_at = case when $4::timestamptz is null then null
            else greatest(seen_open_at, $4) end where account_id = $1 and id = $2""",
        known.account_id, known.id, shown.status, shown.open_at,
    )  # fmt: skip


async def seen_open(account_id: UUID, connection_id: UUID, external_ids: Sequence[str], at: datetime) -> None:
    """Note that the channel showed these returns open at a moment; unknown ones are left out."""
    await db.execute(
        """update returns set seen_open_at = greatest(seen_open_at, $4)
        where account_id = $1 and connection_id = $2 and kind = 'channel' and external_id = any($3)""",
        account_id, connection_id, list(external_ids), at,
    )  # fmt: skip


UNSEEN = """
select id, number, external_id, order_number, channel_order_number from returns
where account_id = $1 and connection_id = $2 and kind = 'channel' and seen_open_at is not null
    and status in ('expected', 'partially_received', 'received', 'processed', 'informational')
    and (seen_open_at < $3 and coalesce(fetched_at, '-infinity') < $3
        or seen_open_at < $4 and coalesce(fetched_at, '-infinity') < $4)
order by seen_open_at, id limit $5
"""


async def unseen(
    account_id: UUID, connection_id: UUID, *, walked_at: datetime | None, day_ago: datetime, limit: int
) -> list[Unseen]:
    """List open returns that a whole walk, begun at `walked_at`, did not show, or that nothing showed for a day.

    The longest unseen come first; one that was asked for since is not listed again.
    """
    rows = await db.fetch(UNSEEN, account_id, connection_id, walked_at, day_ago, limit)
    return [msgspec.convert(dict(row), Unseen) for row in rows]


async def mark_fetched(account_id: UUID, return_id: UUID, now: datetime) -> None:
    """Note that the channel is asked for one return now."""
    await db.execute("update returns set fetched_at = $3 where account_id = $1 and id = $2", account_id, return_id, now)


# What was counted under the order's old number is counted under the new one, as far as that has room.
MOVE = """
with counted as (
    select sku as line, sum(counted) as units from return_lines
    where account_id = $1 and return_id = $2 and order_line is null and counted > 0 group by sku
), taken as (
    update order_lines set returned = returned - counted.units from counted
    where account_id = $1 and connection_id = $3 and order_number = $4 and order_lines.line = counted.line
    returning order_lines.line, sku, shipped, counted.units
), kept as (
    insert into order_lines (account_id, connection_id, order_number, line, sku, shipped, returned)
    select $1, $3, $5, line, sku, shipped, units from taken order by line
    on conflict (account_id, connection_id, order_number, line) do update
        set returned = order_lines.returned + excluded.returned,
            shipped = greatest(order_lines.shipped, excluded.shipped)
        where order_lines.returned + excluded.returned <= greatest(order_lines.shipped, excluded.shipped)
    returning line
), lost as (
    update return_lines set counted = 0 from taken
    where account_id = $1 and return_id = $2 and order_line is null and return_lines.sku = taken.line
        and taken.line not in (select line from kept)
    returning return_lines.sku
)
select distinct sku from lost
"""


async def move_counts(known: StoredReturn, order: str) -> set[str]:
    """Count a return's units under another number of its order; returns the products that have no room there."""
    before = known.order_number or known.channel_order_number
    if before is None or before == order:
        return set()
    rows = await db.fetch(MOVE, known.account_id, known.id, known.connection_id, before, order)
    return {row["sku"] for row in rows}


RECORD = """
with changed as (
    update returns set order_number = coalesce(order_number, $4), channel_order_number = coalesce(
        channel_order_number, $5), status = $6, settlement = $7, version = version + 1, updated_at = $8
    where account_id = $1 and id = $2 and version = $3 returning id
), gone as (
    delete from return_lines using changed
    where account_id = $1 and return_id = changed.id and not (return_lines.id = any($9::uuid[])) and $20
), lined as (
    insert into return_lines (account_id, id, return_id, position, sku, name, order_line, unit_price, declared, counted)
    select $1, line.id, changed.id, line.position + (
            select max(position) from return_lines where account_id = $1 and return_id = $2),
        line.sku, line.name, line.order_line, line.unit_price, line.declared, line.counted
    from changed, unnest($9::uuid[], $10::text[], $11::text[], $12::text[], $13::numeric[], $14::int[], $15::int[])
        with ordinality as line(id, sku, name, order_line, unit_price, declared, counted, position)
    on conflict (account_id, id) do update
        set sku = excluded.sku, order_line = excluded.order_line, declared = excluded.declared,
            counted = excluded.counted
), told as (
    insert into timeline (account_id, id, return_id, at, actor, event, detail)
    select $1, told.id, changed.id, $8, $16, told.event, told.detail::jsonb
    from changed, unnest($17::uuid[], $18::text[], $19::text[]) as told(id, event, detail)
), sent as (
    insert into outbox (account_id, id, return_id, type, body, at)
    select $1, told.id, changed.id, told.event, told.body::jsonb || told.detail::jsonb, $8
    from changed, unnest($17::uuid[], $18::text[], $19::text[], $21::text[]) as told(id, event, detail, body)
)
select id from changed
"""


async def record(
    known: StoredReturn, case: Case, events: Sequence[Event], *, order_number: str | None,
    channel_order_number: str | None, lines: Sequence[Redeclared] | None, actor: str, now: datetime,
) -> None:  # fmt: skip
    """Store numbers of the order, and the lines if they are given, with what to tell of it.

    Raises `db.Stale` if somebody else changed the return since it was loaded.
    """
    held = lines or ()
    body = db.to_json({"return_number": known.number, "kind": case.kind, "status": status(case)})
    row = await db.fetch_one(
        RECORD, known.account_id, known.id, known.version, order_number, channel_order_number, status(case),
        case.settlement, now, [each.id for each in held], [each.line.sku for each in held],
        [each.line.name for each in held], [each.line.order_line for each in held],
        [each.line.unit_price for each in held], [each.line.quantity for each in held],
        [each.line.counted for each in held], actor, [new_id() for _ in events], [event.name for event in events],
        [db.to_json(event.detail) for event in events], lines is not None, [body for _ in events],
    )  # fmt: skip
    if row is None:
        raise db.Stale


async def last_told(account_id: UUID, return_id: UUID, event: str) -> dict[str, object] | None:
    """Return what the latest entry of this name on a return's timeline says."""
    row = await db.fetch_one(
        """select detail from timeline where account_id = $1 and return_id = $2 and event = $3
        order by id desc limit 1""",
        account_id, return_id, event,
    )  # fmt: skip
    return dict(msgspec.json.decode(row["detail"])) if row else None
