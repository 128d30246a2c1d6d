"""Who decides whether a test passed: the vendor's ledger beside the hub's rows, and the rules that never break."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from hub.kit import db
from hub.returns import queries as returns
from hub.returns import states
from hub.returns.messages import StoredReturn
from tests.support.world import Shop, World

Units = Counter[tuple[str, str]]


async def rows(sql: str, *values: Any) -> list[dict[str, Any]]:
    """Read anything, as the platform may."""
    async with db.transaction(db.PLATFORM):
        return [dict(row) for row in await db.fetch(sql, *values)]


async def one(sql: str, *values: Any) -> Any:
    """Read one value, as the platform may."""
    (row,) = await rows(sql, *values)
    (value,) = row.values()
    return value


async def counts() -> dict[str, int]:
    """Count the rows of every table that a request could have half-written."""
    names = [
        row["tablename"]
        for row in await rows("select tablename from pg_tables where schemaname = current_schema() order by 1")
    ]
    each = " union all ".join(f"select '{name}', count(*) from {name}" for name in names if name not in UNCOUNTED)
    return {row["name"]: row["held"] for row in await rows(f"select * from ({each}) as counted(name, held)")}


# The answer to a refused request is kept, so that its repeat is refused alike.
UNCOUNTED = frozenset({"migrations", "idempotency_keys"})


async def stored(shop: Shop) -> list[StoredReturn]:
    """Return every return of a shop."""
    async with db.transaction(db.account(shop.account)):
        return await returns.page(
            account_id=shop.account, state=None, kind=None, order_number=None, after=None, limit=1000
        )


async def differences(world: World, shop: Shop) -> list[str]:
    """Name every line in which the hub and the vendor's ledger do not agree; none is the only good answer."""
    ledger = await world.vendor.ledger(shop.tenant)
    found = await stored(shop)
    theirs: Units = Counter()
    for entry in ledger:
        theirs[str(entry["return_id"]), entry["sku"]] += entry["quantity"]
    ours: Units = Counter()
    for each in found:
        for line in each.lines:
            ours[each.external_id or each.number, line.sku] += line.settled
    told = [f"{key}: hub {ours[key]}, ledger {theirs[key]}" for key in {*ours, *theirs} if ours[key] != theirs[key]]
    return told + _doubles(ledger) + _wrong_calls(ledger, found)


def _doubles(ledger: list[dict[str, Any]]) -> list[str]:
    paid = Counter((entry["return_id"], entry["order_line_id"]) for entry in ledger)
    return [f"{key} was refunded {times} times" for key, times in paid.items() if times > 1]


def _wrong_calls(ledger: list[dict[str, Any]], found: Iterable[StoredReturn]) -> list[str]:
    kinds = {each.external_id: each.kind.value for each in found}
    # bol pays when a created return is marked as received, which is an update
    fits = {"channel": {"update"}, "merchant": {"create", "update"}}
    return [
        f"return {entry['return_id']}, a {kinds.get(str(entry['return_id']))} return, was paid by {entry['cause']}"
        for entry in ledger
        if entry["cause"] not in fits.get(kinds.get(str(entry["return_id"]), ""), ())
    ]


BROKEN = {
    "rule 1, money before goods": """
        select r.number from returns r where r.settlement in ('sending', 'settled') and (r.finalised_at is null
            or exists (select from return_lines l where l.account_id = r.account_id and l.return_id = r.id
                and l.accepted > 0 and not exists (select from receipts t
                    where t.account_id = r.account_id and t.return_id = r.id)))""",
    "rule 2, two settlements": """
        select return_id from operations where effect = 'settle' and state <> 'withdrawn'
        group by account_id, return_id having count(*) > 1""",
    "rule 2, an operation of another kind": """
        select o.id from operations o join returns r on r.account_id = o.account_id and r.id = o.return_id
        where o.kind <> r.kind or o.request ->> 'kind' <> r.kind""",
    "rule 3, quantities of a line": """
        select id from return_lines where settled > accepted or accepted + rejected > least(received, declared)""",
    "rule 3, received without a receipt": """
        select l.id from return_lines l where l.received <> (select coalesce(sum(i.quantity), 0)
            from receipt_items i join receipts t on t.account_id = i.account_id and t.id = i.receipt_id
            where i.account_id = l.account_id and i.line_id = l.id and not t.late)""",
    "rule 3, more returned than shipped": "select line from order_lines where returned > shipped or returned < 0",
    "rule 3, returned is what the returns say": """
        select o.line from order_lines o where o.returned <> (select coalesce(sum(l.counted), 0)
            from return_lines l join returns r on r.account_id = l.account_id and r.id = l.return_id
            where r.account_id = o.account_id and r.connection_id = o.connection_id
                and case when l.order_line is null then coalesce(r.order_number, r.channel_order_number) else '' end
                    = o.order_number
                and coalesce(l.order_line, l.sku) = o.line)""",
    "rule 4, paid without an operation": """
        select r.number from returns r where r.settlement = 'settled' and not exists (select from operations o
            where o.account_id = r.account_id and o.return_id = r.id and o.effect = 'settle' and o.state = 'done')""",
    "rule 4, done without an attempt": """
        select o.id from operations o where o.state = 'done' and not exists (select from attempts a
            where a.account_id = o.account_id and a.operation_id = o.id)""",
    "rule 8, a late receipt nobody is told of": """
        select t.id from receipts t where t.late and not exists (select from work_items w
            where w.account_id = t.account_id and w.return_id = t.return_id and w.kind = 'late_receipt')""",
    "rule 8, held without a work item": """
        select r.number from returns r where r.settlement = 'held' and r.ending = 'open' and not exists (
            select from work_items w
            where w.account_id = r.account_id and w.return_id = r.id and w.closed_at is null)""",
    "rule 8, refused without a work item": """
        select r.number from returns r where r.settlement = 'refused' and r.ending = 'open' and not exists (
            select from work_items w
            where w.account_id = r.account_id and w.return_id = r.id and w.closed_at is null)""",
    "a deadline of a return that is over": """
        select r.number from returns r join deadlines d on d.account_id = r.account_id and d.return_id = r.id
        where r.status in ('completed', 'canceled', 'channel_canceled', 'expired', 'informational')""",
    "rule 8, a message nobody handles": "select id from inbox where state = 'received'",
    "rule 9, decided without a memo": """
        select r.number from returns r where r.settlement in ('sending', 'settled', 'nothing') and not exists (
            select from memos m where m.account_id = r.account_id and m.return_id = r.id
                and m.policy_version_id = r.policy_version_id)""",
    "rule 9, the timeline differs from the feed": """
        select coalesce(t.id, o.id) from timeline t full join outbox o on o.account_id = t.account_id and o.id = t.id
        where t.id is null or o.id is null or t.event <> o.type or t.return_id <> o.return_id""",
    "an end that is not an end": """
        select id from operations where (finished_at is not null) <> (state in ('done', 'refused', 'dead'))""",
}


async def broken_rules() -> dict[str, list[Any]]:
    """Name every rule of the architecture that a row of the database breaks, with the rows; none is good."""
    found = {name: [next(iter(row.values())) for row in await rows(sql)] for name, sql in BROKEN.items()}
    return {name: broken for name, broken in found.items() if broken}


async def wrong_statuses(shop: Shop) -> list[str]:
    """Name every return whose status is not the one that its axes say."""
    return [each.number for each in await stored(shop) if each.status is not states.status(each.case)]


async def events_of(found: StoredReturn) -> list[str]:
    """Return a return's timeline as the names of its events."""
    async with db.transaction(db.account(found.account_id)):
        return [entry.event for entry in await returns.timeline(found.account_id, found.id)]
