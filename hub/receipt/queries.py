"""All SQL of this room."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from hub.kit import db
from hub.receipt.engine import deviation_of
from hub.receipt.messages import Booked, Item, Part, ReceiptView, Told
from hub.returns.messages import StoredReturn
from hub.sdk.grading import GradingSet
from hub.sdk.receiving import Need, ReceiptRequest


async def booked(account_id: UUID, warehouse_id: UUID, key: str) -> Booked | None:
    """Return the receipt that a warehouse stored under this key."""
    row = await db.fetch_one(
        """select id, return_id, request_digest, late, told from receipts
        where account_id = $1 and warehouse_id = $2 and key = $3""",
        account_id, warehouse_id, key,
    )  # fmt: skip
    if row is None:
        return None
    told = msgspec.json.decode(row["told"], type=Told) if row["told"] else None
    return msgspec.convert({**dict(row), "told": told}, Booked)


BOOK = """
with booked as (
    insert into receipts (account_id, id, return_id, warehouse_id, key, request_digest, operator, late, finalised,
        received_at, kind, level, observed_at, observed_by, container, photos, why, version_before, version_after, told)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
)
insert into receipt_items (account_id, receipt_id, position, return_id, line_id, sku, quantity, grade, condition,
    disposition, deviation, note, ean, serial, lot, container, answers, photos, grading_version)
select $1, $2, item.position, $3, item.line_id, item.sku, item.quantity, item.grade, item.condition, item.disposition,
    item.deviation, item.note, item.ean, item.serial, item.lot, item.container, item.answers::jsonb,
    array(select jsonb_array_elements_text(item.photos::jsonb)), item.grading_version
from unnest($21::uuid[], $22::text[], $23::int[], $24::text[], $25::text[], $26::text[], $27::text[], $28::text[],
    $29::text[], $30::text[], $31::text[], $32::text[], $33::text[], $34::text[], $35::int[])
    with ordinality as item(line_id, sku, quantity, grade, condition, disposition, deviation, note, ean, serial, lot,
        container, answers, photos, grading_version, position)
"""


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """A receipt to store: what was sent, and what it came to."""

    id: UUID
    request: ReceiptRequest
    digest: bytes
    operator: str
    late: bool
    finalised: bool
    version_before: str
    version_after: str
    told: Told
    parts: Sequence[Part]


async def book(held: StoredReturn, fresh: Stored, now: datetime) -> None:
    """Store a receipt with its items in one statement."""
    said, seen = fresh.request, [part.seen for part in fresh.parts]
    placed = [part.placed for part in fresh.parts]
    await db.execute(
        BOOK, held.account_id, fresh.id, held.id, held.warehouse_id, said.key, fresh.digest, fresh.operator,
        fresh.late, fresh.finalised, now, said.kind, said.level, said.observed_at, said.by, said.container,
        list(said.photos), said.why, fresh.version_before, fresh.version_after, db.to_json(fresh.told),
        [each.line for each in placed], [each.sku for each in placed], [each.quantity for each in placed],
        [each.grade for each in seen], [each.condition for each in seen], [each.disposition for each in seen],
        [deviation_of(part) for part in fresh.parts], [each.note for each in seen], [each.ean for each in seen],
        [each.serial for each in seen], [each.lot for each in seen], [each.container for each in seen],
        [db.to_json(each.answers) if each.answers else None for each in seen],
        [db.to_json(each.photos) for each in seen], [part.grading_version for part in fresh.parts],
    )  # fmt: skip


async def items(account_id: UUID, return_id: UUID) -> list[Item]:
    """Return everything that arrived for a return, in the order it was booked."""
    rows = await db.fetch(
        """select line_id, sku, quantity, grade, condition, disposition, deviation, note,
            receipt_items.photos, receipts.late
        from receipt_items join receipts on receipts.account_id = receipt_items.account_id
            and receipts.id = receipt_items.receipt_id
        where receipt_items.account_id = $1 and receipt_items.return_id = $2
        order by receipt_items.receipt_id, position""",
        account_id, return_id,
    )  # fmt: skip
    return [msgspec.convert(dict(row), Item) for row in rows]


async def own_versions(account_id: UUID, return_id: UUID, operator: str) -> list[tuple[str, str]]:
    """Return the versions before and after each receipt that one operator booked for a return, in their order."""
    rows = await db.fetch(
        """select version_before, version_after from receipts where account_id = $1 and return_id = $2
            and operator = $3 and version_before is not null order by id""",
        account_id, return_id, operator,
    )  # fmt: skip
    return [(row["version_before"], row["version_after"]) for row in rows]


async def serials_here(account_id: UUID, return_id: UUID, serials: Sequence[str]) -> set[str]:
    """Return which of these serial numbers are booked for a return and were not taken back."""
    rows = await db.fetch(
        """select serial from receipt_items where account_id = $1 and return_id = $2 and serial = any($3)
        group by serial having sum(quantity) > 0""",
        account_id, return_id, list(serials),
    )  # fmt: skip
    return {row["serial"] for row in rows}


class Demands(msgspec.Struct, frozen=True, kw_only=True):
    """What an account wants of a receipt: its grading set, what is noted of each unit, which code is which SKU."""

    version: int | None
    grading: GradingSet | None
    needs: dict[str, Need]
    skus: dict[str, str]


DEMANDS = """
with said as (
    select code.ean, codes.sku from unnest($3::text[]) as code(ean) join product_codes codes
        on codes.account_id = $1 and codes.key = ltrim(hub_scan_key(code.ean), '0')
), latest as (
    select version, body from grading_sets where account_id = $1 order by version desc limit 1
)
select (select version from latest) as version, (select body from latest) as grading,
    (select coalesce(jsonb_object_agg(sku, needs), '{}') from products where account_id = $1 and needs is not null
        and (sku = any($2) or sku in (select sku from said))) as needs,
    (select coalesce(jsonb_object_agg(ean, sku), '{}') from said) as skus
"""


async def demands(account_id: UUID, skus: Sequence[str], eans: Sequence[str]) -> Demands:
    """Return what an account wants of a receipt of these products."""
    row = await db.fetch_one(DEMANDS, account_id, list(skus), list(eans))
    if row is None:
        raise LookupError("a query without rows answered without one")
    read = {name: msgspec.json.decode(row[name]) for name in ("grading", "needs", "skus") if row[name] is not None}
    return msgspec.convert({"version": row["version"], "grading": None, **read}, Demands)


RECEIPTS = """
select receipts.id, returns.number as return_number, receipts.key, receipts.kind, level, late, finalised, operator,
    observed_by, observed_at, received_at, container, photos, why,
    (select coalesce(jsonb_agg(jsonb_build_object('line', line_id, 'sku', sku, 'quantity', quantity, 'grade', grade,
        'condition', condition, 'disposition', disposition, 'deviation', deviation, 'ean', ean, 'serial', serial,
        'lot', lot, 'container', item.container, 'photos', item.photos, 'answers', answers,
        'grading_version', grading_version, 'note', note) order by position), '[]') from receipt_items item
        where item.account_id = receipts.account_id and item.receipt_id = receipts.id) as items
from receipts join returns on returns.account_id = receipts.account_id and returns.id = receipts.return_id
where receipts.account_id = $1 and receipts.return_id = $2 order by receipts.id
"""


async def receipts(account_id: UUID, return_id: UUID) -> list[ReceiptView]:
    """Return what was booked for a return, in the order it was booked."""
    rows = await db.fetch(RECEIPTS, account_id, return_id)
    return [msgspec.convert({**dict(row), "items": msgspec.json.decode(row["items"])}, ReceiptView) for row in rows]
