"""Picqer's words, and the mapping both ways: pure.

Shapes as in Picqer's API reference (v1), returns and webhooks. Answers are read leniently: a field that is not named
here may come and go.
"""

from collections import Counter
from datetime import datetime

import msgspec

from hub.sdk import (
    Announcement,
    Disposition,
    Grade,
    Meaning,
    Part,
    Progress,
    Snapshot,
    SnapshotLine,
    moment,
    wall,
)

# The support pages name three states in which a line can be put; the API's own strings are not published.
WORDS = {
    "back_in_stock": Meaning(grade=Grade.A, disposition=Disposition.RESTOCK),
    "unsalable": Meaning(grade=Grade.D, disposition=Disposition.QUARANTINE, sure=False),
    "received": Meaning(grade=Grade.D, disposition=Disposition.PENDING, sure=False),
}
TIME = "%Y-%m-%d %H:%M:%S"


class Product(msgspec.Struct):
    """One product of the account."""

    idproduct: int
    productcode: str


class Status(msgspec.Struct):
    """One status of the account; which of them there are is the account's own."""

    idreturn_status: int
    name: str
    default: bool = False
    completed: bool = False


class Reason(msgspec.Struct):
    """One reason of the account."""

    idreturn_reason: int
    name: str


class Row(msgspec.Struct):
    """One line; what was received has a warehouse. A line that arrives in two states is split."""

    idreturn_product: int
    idproduct: int
    amount: int
    status: str | None = None
    idwarehouse: int | None = None
    product: Product | None = None


class Order(msgspec.Struct):
    """The order, where the return has one."""

    reference: str | None = None
    orderid: str | None = None


class Return(msgspec.Struct):
    """One return; a list may leave its lines out."""

    idreturn: int
    returnid: str | None = None
    reference: str | None = None
    received_at: str | None = None
    completed_at: str | None = None
    updated_at: str | None = None
    tracking_code: str | None = None
    return_status: Status | None = None
    order: Order | None = None
    returned_products: list[Row] | None = None


class Webhook(msgspec.Struct):
    """A webhook as it is registered."""

    idhook: int
    event: str
    address: str
    active: bool = True


class Fault(msgspec.Struct):
    """What Picqer says of a request that it does not carry out."""

    error_code: int = 0
    error_message: str = "no reason given"


class HookData(msgspec.Struct):
    """Which return a webhook is about."""

    idreturn: int
    reference: str | None = None


class HookBody(msgspec.Struct):
    """What a webhook brings; no id of the event is among it."""

    idhook: int
    event: str
    event_triggered_at: str
    data: HookData


def word(status: str | None) -> str | None:
    """Return a line's status as the tables have it: in lower case, words joined."""
    return "_".join(status.casefold().replace("-", " ").replace("_", " ").split()) or None if status else None


def snapshot(seen: Return, zone: str) -> Snapshot:
    """Return what Picqer holds of a return; raises ValueError for what cannot be read."""
    rows = [row for row in seen.returned_products or [] if row.amount > 0]
    codes = list(dict.fromkeys(_code(row) for row in rows))
    order = seen.order.reference or seen.order.orderid if seen.order else None
    return Snapshot(
        reference=str(seen.idreturn),
        progress=_progress(seen, rows),
        raw_status=seen.return_status.name if seen.return_status else "",
        lines=tuple(_line(code, [row for row in rows if _code(row) == code]) for code in codes),
        return_number=seen.reference or None,
        order_number=order,
        tracking=(seen.tracking_code,) if seen.tracking_code else (),
        updated_at=moment(seen.updated_at, zone) if seen.updated_at else None,
    )


def _code(row: Row) -> str:
    return row.product.productcode if row.product else f"idproduct {row.idproduct}"


def _line(code: str, rows: list[Row]) -> SnapshotLine:
    # One product stands in as many rows as it has states; which was announced where is the hub's to know.
    there = [row for row in rows if row.idwarehouse is not None]
    return SnapshotLine(
        sku=code,
        expected=sum(row.amount for row in rows),
        received=sum(row.amount for row in there),
        parts=tuple(Part(quantity=row.amount, word=word(row.status)) for row in there),
    )


def _progress(seen: Return, rows: list[Row]) -> Progress:
    if seen.return_status is not None and seen.return_status.completed:
        return Progress.COMPLETED
    if any(row.idwarehouse is not None for row in rows):
        return Progress.IN_PROCESS
    return Progress.ARRIVED if seen.received_at else Progress.ANNOUNCED


def wanted(message: Announcement) -> Counter[str]:
    """Return how many of each product will come; Picqer has one line for each."""
    units: Counter[str] = Counter()
    for line in message.lines:
        units[line.sku] += line.quantity
    return units


def expected(seen: Return) -> Counter[str]:
    """Return how many of each product Picqer expects."""
    units: Counter[str] = Counter()
    for row in seen.returned_products or []:
        units[_code(row)] += row.amount
    return units


def has_arrived(seen: Return) -> bool:
    """Say whether anything of a return is there already."""
    return bool(seen.received_at) or any(row.idwarehouse is not None for row in seen.returned_products or [])


def rows(message: Announcement, products: dict[str, int], reason: int) -> list[dict[str, object]]:
    """Return the lines of an announcement in Picqer's ids, of these products."""
    prices = {line.sku: line.unit_price for line in message.lines}
    return [
        {
            "idreturn_reason": reason,
            "idproduct": products[sku],
            "price": float(prices[sku] or 0),
            "amount": units,
        }
        for sku, units in wanted(message).items()
        if sku in products
    ]


def local(at: datetime, zone: str) -> str:
    """Return a moment as Picqer writes it."""
    return wall(at, zone).strftime(TIME)
