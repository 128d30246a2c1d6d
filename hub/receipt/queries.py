"""All SQL of this room."""

from datetime import datetime
from uuid import UUID

import msgspec

from hub.kit import db
from hub.returns.case import Placed
from hub.returns.messages import StoredReturn
from hub.sdk.receiving import Condition, Disposition, Grade, ReceivedItem


class Booked(msgspec.Struct, frozen=True, kw_only=True):
    """A receipt that was stored before."""

    return_id: UUID
    request_digest: bytes


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One item of a receipt, as it is stored; `photos` counts the pictures that show its state."""

    line_id: UUID | None
    sku: str
    quantity: int
    grade: Grade
    condition: Condition
    disposition: Disposition
    deviation: str | None
    late: bool
    note: str | None = None
    photos: int = 0


async def booked(account_id: UUID, warehouse_id: UUID, key: str) -> Booked | None:
    """Return the receipt that a warehouse stored under this key."""
    row = await db.fetch_one(
        "select return_id, request_digest from receipts where account_id = $1 and warehouse_id = $2 and key = $3",
        account_id, warehouse_id, key,
    )  # fmt: skip
    return msgspec.convert(dict(row), Booked) if row else None


BOOK = """
with booked as (
    insert into receipts (account_id, id, return_id, warehouse_id, key, request_digest, operator, late, finalised,
        received_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
)
insert into receipt_items (account_id, receipt_id, position, return_id, line_id, sku, quantity, grade, condition,
    disposition, deviation, note)
select $1, $2, item.position, $3, item.line_id, item.sku, item.quantity, item.grade, item.condition, item.disposition,
    item.deviation, item.note
from unnest($11::uuid[], $12::text[], $13::int[], $14::text[], $15::text[], $16::text[], $17::text[], $18::text[])
    with ordinality as item(line_id, sku, quantity, grade, condition, disposition, deviation, note, position)
"""


async def book(  # noqa: PLR0913 - a receipt's columns
    held: StoredReturn, receipt_id: UUID, *, key: str, digest: bytes, operator: str, late: bool, finalised: bool,
    items: list[tuple[Placed, ReceivedItem]], now: datetime,
) -> None:  # fmt: skip
    """Store a receipt with its items in one statement."""
    await db.execute(
        BOOK, held.account_id, receipt_id, held.id, held.warehouse_id, key, digest, operator, late, finalised, now,
        [placed.line for placed, _ in items], [placed.sku for placed, _ in items],
        [placed.quantity for placed, _ in items], [item.grade for _, item in items],
        [item.condition for _, item in items], [item.disposition for _, item in items],
        [placed.deviation for placed, _ in items], [item.note for _, item in items],
    )  # fmt: skip


async def items(account_id: UUID, return_id: UUID) -> list[Item]:
    """Return everything that arrived for a return, in the order it was booked."""
    rows = await db.fetch(
        """select line_id, sku, quantity, grade, condition, disposition, deviation, note, receipts.late
        from receipt_items join receipts on receipts.account_id = receipt_items.account_id
            and receipts.id = receipt_items.receipt_id
        where receipt_items.account_id = $1 and receipt_items.return_id = $2
        order by receipt_items.receipt_id, position""",
        account_id, return_id,
    )  # fmt: skip
    return [msgspec.convert(dict(row), Item) for row in rows]
