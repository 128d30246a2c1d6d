"""How a return of ChannelEngine's is read as one of the hub's: pure."""

from collections.abc import Iterable

import msgspec

from connectors.channelengine.answers import Collection, Unreadable, Vendor, decode
from connectors.channelengine.values import moment, number, sku, text
from connectors.channelengine.wire import CANCELLED, RECEIVED, VendorReturn, VendorReturnLine
from hub.sdk import ChannelReturn, ChannelReturnLine, Kind, Reason

# The last two are words of v2.1 and of newer versions; should v2 ever say them, they mean that nothing is awaited.
CLOSED = frozenset({RECEIVED, CANCELLED, "HANDLED", "AUTO_CLOSED"})
Rejected = tuple[tuple[str, str], ...]


def channel_returns(
    page: Collection[msgspec.Raw], created_by: Kind | None = None
) -> tuple[tuple[ChannelReturn, ...], Rejected]:
    """Map a page, each return once; what cannot be read comes second, with its id or place and the reason."""
    items: dict[str, ChannelReturn] = {}
    rejected = []
    for place, raw in enumerate(page.content or (), start=1):
        try:
            read = channel_return(decode(raw, VendorReturn), created_by)
            items[read.external_id] = read
        except Unreadable as fault:
            rejected.append((name_of(raw, place), str(fault)))
    return tuple(items.values()), tuple(rejected)


class _Identity(Vendor, frozen=True, kw_only=True):
    id: int | str


def name_of(raw: msgspec.Raw, place: int) -> str:
    """Return the id of an element that cannot be read, or its place."""
    try:
        return str(decode(raw, _Identity).id)
    except Unreadable:
        return f"element {place} of the page"


def channel_return(told: VendorReturn, created_by: Kind | None = None) -> ChannelReturn:
    """Map one return; raises `Unreadable` if it lacks what the hub cannot do without.

    A status nobody has heard of counts as open: better one return too many than one too few.
    """
    created = moment(told.created_at) or moment(told.return_date)
    if created is None:
        raise Unreadable("It has no creation date that can be read")
    status = told.status or ""
    return ChannelReturn(
        external_id=str(told.id),
        channel_return_number=text(told.channel_return_no),
        order_number=text(told.merchant_order_no),
        channel_order_number=text(told.channel_order_no),
        marketplace=number(told.channel_id),
        raw_status=status,
        open=status not in CLOSED,
        canceled=status == CANCELLED,
        marketplace_fulfilled=_by_marketplace_alone(told.filled),
        reason=reason(told.reason),
        customer_comment=text(told.customer_comment),
        created_at=created,
        lines=tuple(_line(line) for line in told.filled if line.quantity),
        merchant_return_number=text(told.merchant_return_no),
        updated_at=moment(told.updated_at),
        family=text(told.global_channel_name),
        created_by=created_by or _creator(told),
    )


def _creator(told: VendorReturn) -> Kind:
    """Say who declared it: a return of the merchant's has no number of the channel's (2.19.0, `ChannelReturnNo`)."""
    own = text(told.merchant_return_no) and not text(told.channel_return_no)
    return Kind.MERCHANT if own else Kind.CHANNEL


def _line(line: VendorReturnLine) -> ChannelReturnLine:
    ordered = line.ordered
    return ChannelReturnLine(
        sku=sku(line.merchant_product_no) or sku(ordered.merchant_product_no),
        quantity=line.quantity,
        order_line=number(ordered.id),
        name=text(ordered.description),
        shipped=ordered.quantity if line.shipment_status == "SHIPPED" and line.order_line else None,
        unit_price=ordered.original_unit_price_incl_vat,
        channel_sku=text(ordered.channel_product_no),
        gtin=text(ordered.gtin),
        marketplace_fulfilled=line.marketplace_fulfilled,
        accepted=line.accepted_quantity,
        rejected=line.rejected_quantity,
    )


def _by_marketplace_alone(lines: Iterable[VendorReturnLine]) -> bool:
    flags = [line.marketplace_fulfilled for line in lines]
    return bool(flags) and all(flags)


def reason(told: str | None) -> Reason:
    """Return why goods come back; a word nobody has heard of is `OTHER`."""
    try:
        return Reason((told or "").lower())
    except ValueError:
        return Reason.OTHER
