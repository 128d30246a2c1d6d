"""Monta's words, and the mapping both ways: pure.

Times have no zone and two or three digits behind the second. Goods are sellable or not, and nothing more is told.
"""

from datetime import date, timedelta

import msgspec

from hub.sdk import (
    Announcement,
    Disposition,
    Grade,
    Meaning,
    Part,
    Progress,
    Reason,
    Snapshot,
    SnapshotLine,
    moment,
)

SELLABLE, NOT_SELLABLE = "sellable", "not_sellable"
WORDS = {
    SELLABLE: Meaning(grade=Grade.A, disposition=Disposition.RESTOCK),
    NOT_SELLABLE: Meaning(grade=Grade.D, disposition=Disposition.QUARANTINE, sure=False),
}
# Monta takes any text as a reason; these are read by the people in its warehouse.
REASONS = {
    Reason.PRODUCT_DEFECT: "Defective",
    Reason.PRODUCT_UNSATISFACTORY: "Not as expected",
    Reason.WRONG_PRODUCT: "Wrong product",
    Reason.TOO_MANY_PRODUCTS: "Too many products",
    Reason.REFUSED: "Refused",
    Reason.REFUSED_DAMAGED: "Refused, damaged",
    Reason.WRONG_ADDRESS: "Wrong address",
    Reason.NOT_COLLECTED: "Not collected",
    Reason.WRONG_SIZE: "Wrong size",
    Reason.OTHER: "Other",
}
# What was changed on the day before the newest change is read again: a date has no time.
DAYS_AGAIN = timedelta(days=1)


class Named(msgspec.Struct, rename="pascal"):
    """The root of what Monta says: names begin with a capital."""


class ForecastLine(Named):
    """One line of a forecast; the order line is the webshop's own id."""

    webshop_order_line_id: str
    return_quantity: int
    return_reason: str | None = None


class Forecast(Named):
    """An announcement, as Monta holds it; its code is ours."""

    code: str
    webshop_order_id: str
    lines: list[ForecastLine] = []
    track_and_trace_code: str | None = None


class Line(Named):
    """Units of one product that came back in one state."""

    sku: str
    returned_quantity: int
    sellable: bool
    webshop_order_line_id: str | None = None
    comment: str | None = None
    batch_code: str | None = None


class Return(Named):
    """What came back; without a code nobody announced it."""

    id: int
    updated_at: str
    webshop_order_id: str | None = None
    forecast_code: str | None = None
    lines: list[Line] = []


class Returns(Named):
    """What changed since a day, each still unread so that one bad element loses none of its neighbours."""

    returns: list[msgspec.Raw]


class ReasonItem(Named):
    """One reason of the account."""

    id: int
    description: str


class Fault(Named):
    """What Monta says of a request that it does not carry out."""

    error_message: str = "no reason given"
    invalid_reasons: list[str] = []


def forecast(message: Announcement) -> dict[str, object]:
    """Return an announcement in Monta's words; raises ValueError where Monta needs to know more."""
    if message.order_number is None:
        raise ValueError("Monta wants the number of the order, and this return has none")
    units: dict[str, int] = {}
    for line in message.lines:
        if line.order_line is None:
            msg = f"Monta wants the order line of {line.sku}, and this return has none"
            raise ValueError(msg)
        units[line.order_line] = units.get(line.order_line, 0) + line.quantity
    reason = message.reason_code or REASONS[message.reason]
    return {
        "Code": message.return_number,
        "WebshopOrderId": message.order_number,
        "Lines": [
            {"WebshopOrderLineId": line, "ReturnQuantity": many, "ReturnReason": reason} for line, many in units.items()
        ],
    }


def announced(seen: Forecast) -> Snapshot:
    """Return a forecast of which nothing came back yet."""
    return Snapshot(
        reference=f"forecast {seen.code}",
        progress=Progress.ANNOUNCED,
        raw_status="forecast",
        lines=(),
        return_number=seen.code,
        order_number=seen.webshop_order_id,
        tracking=(seen.track_and_trace_code,) if seen.track_and_trace_code else (),
    )


def snapshot(seen: Return, zone: str) -> Snapshot:
    """Return what came back; Monta makes a return when it has dealt with it. Raises ValueError."""
    lines = [line for line in seen.lines if line.returned_quantity > 0]
    keys = list(dict.fromkeys((line.sku, line.webshop_order_line_id) for line in lines))
    return Snapshot(
        reference=str(seen.id),
        progress=Progress.COMPLETED,
        raw_status="return",
        lines=tuple(_line(*key, [each for each in lines if (each.sku, each.webshop_order_line_id) == key])
                    for key in keys),
        return_number=seen.forecast_code,
        order_number=seen.webshop_order_id,
        updated_at=moment(seen.updated_at, zone),
    )  # fmt: skip


def _line(sku: str, order_line: str | None, lines: list[Line]) -> SnapshotLine:
    return SnapshotLine(
        sku=sku,
        order_line=order_line,
        received=sum(line.returned_quantity for line in lines),
        parts=tuple(
            Part(
                quantity=line.returned_quantity,
                word=SELLABLE if line.sellable else NOT_SELLABLE,
                lot=line.batch_code,
                note=line.comment,
            )
            for line in lines
        ),
    )


def since(newest: str) -> str:
    """Return the day from which on to read next, given the newest change of this reading."""
    return (date.fromisoformat(newest[:10]) - DAYS_AGAIN).isoformat()
