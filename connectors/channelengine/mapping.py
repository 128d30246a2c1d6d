"""The pure mapping between ChannelEngine's words and the hub's, both ways."""

from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime

import msgspec

from connectors.channelengine.wire import (
    CANCELLED,
    RECEIVED,
    Acknowledge,
    Collection,
    Create,
    CreateLine,
    Shipment,
    Unreadable,
    Update,
    UpdateLine,
    Vendor,
    VendorOrder,
    VendorOrderLine,
    VendorReturn,
    VendorReturnLine,
    decode,
)
from hub.sdk import ChannelReturn, ChannelReturnLine, Order, OrderLine, Reason, Settlement, SettlementLine

Quantities = Mapping[str, tuple[int, int]]

# The last two are words of v2.1 and of newer versions; should v2 ever say them, they mean that nothing is awaited.
CLOSED = frozenset({RECEIVED, CANCELLED, "HANDLED", "AUTO_CLOSED"})
SENT = frozenset({"SHIPPED", "CLOSED", "RETURNED"})
LONGEST_COMMENT = 4_001


def channel_returns(page: Collection[msgspec.Raw]) -> tuple[list[ChannelReturn], list[tuple[str, str]]]:
    """Map a page; what cannot be read comes second, with its id or place and the reason."""
    items, rejected = [], []
    for place, raw in enumerate(page.content or (), start=1):
        try:
            items.append(channel_return(decode(raw, VendorReturn)))
        except Unreadable as fault:
            rejected.append((_identify(raw, place), str(fault)))
    return items, rejected


def readable_returns(page: Collection[msgspec.Raw]) -> list[VendorReturn]:
    """Return what can be read of a page, for those who look for one of them."""
    found = []
    for raw in page.content or ():
        with suppress(Unreadable):
            found.append(decode(raw, VendorReturn))
    return found


class _Identity(Vendor, frozen=True, kw_only=True):
    id: int | str


def _identify(raw: msgspec.Raw, place: int) -> str:
    try:
        return str(decode(raw, _Identity).id)
    except Unreadable:
        return f"element {place} of the page"


def channel_return(told: VendorReturn) -> ChannelReturn:
    """Map one return; raises `Unreadable` if it lacks what the hub cannot do without.

    A status nobody has heard of counts as open: better one return too many than one too few.
    """
    created = told.created_at or told.return_date
    if created is None:
        raise Unreadable("It has no creation date")
    lines = tuple(_channel_return_line(line) for line in told.lines or () if line.quantity)
    status = told.status or ""
    return ChannelReturn(
        external_id=str(told.id),
        channel_return_number=_text(told.channel_return_no),
        order_number=_text(told.merchant_order_no),
        channel_order_number=_text(told.channel_order_no),
        marketplace=_number(told.channel_id),
        raw_status=status,
        open=status not in CLOSED,
        canceled=status == CANCELLED,
        marketplace_fulfilled=_marketplace_fulfilled(told),
        reason=_reason(told.reason),
        customer_comment=_text(told.customer_comment),
        created_at=_utc(created),
        lines=lines,
        merchant_return_number=_text(told.merchant_return_no),
    )


def _channel_return_line(line: VendorReturnLine) -> ChannelReturnLine:
    if not line.sku:
        # The decision is told per product number, so such a return could be received but never settled.
        raise Unreadable("A line has no MerchantProductNo; link the product in ChannelEngine")
    ordered = line.order_line or VendorOrderLine()
    return ChannelReturnLine(
        sku=line.sku,
        quantity=line.quantity,
        order_line=_number(ordered.id),
        name=_text(ordered.description),
        shipped=ordered.quantity if line.shipment_status == "SHIPPED" and line.order_line else None,
        unit_price=ordered.original_unit_price_incl_vat,
    )


def _marketplace_fulfilled(told: VendorReturn) -> bool:
    # A mixed return counts as the merchant's: a line that never arrives is rejected, and so never paid twice.
    flags = [bool(line.order_line and line.order_line.is_fulfillment_by_marketplace) for line in told.lines or ()]
    return bool(flags) and all(flags)


def matching_orders(orders: Iterable[VendorOrder], field: str, wanted: str) -> list[VendorOrder]:
    """Return the distinct orders that really carry the number; a filter that is ignored answers with all orders."""
    known = {told.id: told for told in orders if _carried(told, field).casefold() == wanted.casefold()}
    return list(known.values())


def _carried(told: VendorOrder, field: str) -> str:
    numbers = {
        "merchantOrderNos": told.merchant_order_no,
        "channelOrderNos": told.channel_order_no,
        "commercialOrderNos": told.commercial_order_no,
    }
    return (numbers[field] or "").strip()


def order(told: VendorOrder, shipments: Iterable[Shipment]) -> Order:
    """Map one order; prices and currency are those that the customer paid in."""
    shipped = _shipped(told, shipments)
    return Order(
        number=told.merchant_order_no or "",
        marketplace=_number(told.channel_id),
        currency=_text(told.currency_code),
        country=_text(told.shipping_address.country_iso) if told.shipping_address else None,
        lines=tuple(_order_line(line, quantity) for line, quantity in zip(told.lines or (), shipped, strict=True)),
    )


def _order_line(line: VendorOrderLine, shipped: int) -> OrderLine:
    # Goods in the marketplace's own warehouses go back there, and without a product number nothing can be declared.
    returnable = line.merchant_product_no and not line.is_fulfillment_by_marketplace
    return OrderLine(
        reference=_number(line.id),
        sku=line.merchant_product_no or line.channel_product_no or "",
        name=_text(line.description),
        shipped=shipped if returnable else 0,
        unit_price=line.original_unit_price_incl_vat,
    )


def _shipped(told: VendorOrder, shipments: Iterable[Shipment]) -> list[int]:
    """Count per order line what was sent: by shipments if the order has any, else by the line's own status."""
    lines = told.lines or []
    sent = [line for parcel in shipments if _belongs(parcel, told) for line in parcel.lines or ()]
    if not sent:
        return [line.quantity if line.status in SENT else 0 for line in lines]
    by_line: Counter[int] = Counter()
    by_sku: Counter[str] = Counter()
    for item in sent:
        if item.shipment_status != "SHIPPED":
            continue
        if item.order_line and item.order_line.id:
            by_line[item.order_line.id] += item.quantity
        else:
            by_sku[item.merchant_product_no or ""] += item.quantity
    return [_taken(line, by_line, by_sku) for line in lines]


def _belongs(parcel: Shipment, told: VendorOrder) -> bool:
    return parcel.merchant_order_no == told.merchant_order_no


def _taken(line: VendorOrderLine, by_line: Counter[int], by_sku: Counter[str]) -> int:
    known = min(by_line[line.id or 0], line.quantity)
    sku = line.merchant_product_no or ""
    loose = min(by_sku[sku], line.quantity - known)
    by_sku[sku] -= loose
    return known + loose


def update_body(return_id: int, decided: Quantities) -> bytes:
    """Write the one update of a return: lines are keyed by product alone, so each product stands once."""
    lines = tuple(
        UpdateLine(merchant_product_no=sku, accepted_quantity=accepted, rejected_quantity=rejected)
        for sku, (accepted, rejected) in decided.items()
    )
    return msgspec.json.encode(Update(return_id=return_id, lines=lines))


def create_body(message: Settlement) -> bytes:
    """Write the one creation of a merchant return: what was accepted, and nothing else."""
    accepted: Counter[tuple[str, str | None]] = Counter()
    for line in message.lines:
        accepted[line.sku, line.order_line] += line.accepted
    lines = tuple(
        CreateLine(merchant_product_no=sku, quantity=quantity, order_line_id=_order_line_id(reference))
        for (sku, reference), quantity in accepted.items()
        if quantity
    )
    created = Create(
        merchant_order_no=message.order_number,
        merchant_return_no=message.return_number,
        reason=message.reason.value.upper(),
        return_date=timestamp(message.returned_at),
        lines=lines,
        merchant_comment=_shortened(message.comment),
    )
    return msgspec.json.encode(created)


def acknowledge_body(return_id: int, return_number: str) -> bytes:
    """Write the acknowledgement of one return."""
    return msgspec.json.encode(Acknowledge(return_id=return_id, merchant_return_no=return_number))


def decided(lines: Iterable[SettlementLine]) -> Quantities:
    """Sum the decision per product as (accepted, rejected).

    What never arrived counts as rejected, so that the sum is the declared quantity: whether ChannelEngine takes
    less is not documented.
    """
    return _summed((line.sku, line.accepted, line.rejected + line.missing) for line in lines)


def accepted(lines: Iterable[SettlementLine]) -> Quantities:
    """Sum only what was accepted: all there is of a merchant return."""
    return _summed((line.sku, line.accepted, 0) for line in lines)


def reported(told: VendorReturn) -> Quantities | None:
    """Sum what ChannelEngine says was decided, per product, or None where it does not say."""
    lines = told.lines or []
    if all(line.accepted_quantity is None and line.rejected_quantity is None for line in lines):
        return None
    return _summed((line.sku, line.accepted_quantity or 0, line.rejected_quantity or 0) for line in lines)


def declared(told: VendorReturn) -> Quantities:
    """Sum what was announced, per product, as if all of it were accepted."""
    return _summed((line.sku, line.quantity, 0) for line in told.lines or ())


def _summed(entries: Iterable[tuple[str, int, int]]) -> Quantities:
    sums: dict[str, tuple[int, int]] = {}
    for sku, taken, refused in entries:
        before = sums.get(sku, (0, 0))
        sums[sku] = (before[0] + taken, before[1] + refused)
    return {sku: pair for sku, pair in sums.items() if any(pair)}


def timestamp(moment: datetime) -> str:
    """Write a moment as ChannelEngine's examples do: UTC, milliseconds, `Z`; a `+` would be a space in a URL."""
    return _utc(moment).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _utc(moment: datetime) -> datetime:
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError as fault:
        raise Unreadable("A date is outside of the calendar") from fault


def _reason(told: str | None) -> Reason:
    try:
        return Reason((told or "").lower())
    except ValueError:
        return Reason.OTHER


def _text(told: str | None) -> str | None:
    # PostgreSQL stores no NUL, and an empty text says as little as none.
    return (told or "").replace("\0", "").strip() or None


def _number(told: int | None) -> str | None:
    return str(told) if told else None


def _order_line_id(reference: str | None) -> int | None:
    return int(reference) if reference and reference.isascii() and reference.isdigit() else None


def _shortened(comment: str | None) -> str | None:
    # .NET counts UTF-16 units, two for a character such as an emoji.
    kept = (comment or "").strip().encode("utf-16-le", "replace")[: 2 * LONGEST_COMMENT]
    return kept.decode("utf-16-le", "ignore") or None
