"""Returns as the closed beta v2.1 of the Merchant API has them (2.19.0): what comes in, and what goes out.

A return is handled line by line and unit by unit; `REFUND` has ChannelEngine refund those units in full.
"""

from collections.abc import Iterable

import msgspec

from connectors.channelengine.answers import Collection, Unreadable, Vendor, decode
from connectors.channelengine.bodies import LONGEST_COMMENT
from connectors.channelengine.returns import Rejected, name_of, reason
from connectors.channelengine.values import Words, cut, identity, moment, number, sku, text, timestamp
from connectors.channelengine.wire import Count
from hub.sdk import ChannelReturn, ChannelReturnLine, Kind, Settlement

OPEN = ("NEW", "IN_PROGRESS")
HANDLED = "HANDLED"
CANCELLED = "CANCELLED"
REFUND = "REFUND"
REJECT = "REJECT"


class Result(Vendor, frozen=True, kw_only=True):
    """What was done with some units of a line."""

    quantity: Count = 0
    action: str | None = None


class BetaLine(Vendor, frozen=True, kw_only=True):
    """One line of a return."""

    id: int
    order_line_id: int | None = None
    quantity: Count
    handling_results: list[Result] | None = None
    merchant_product_no: Words = None
    product_name: Words = None

    def units(self, action: str) -> int:
        """Count the units with which this was done."""
        return sum(result.quantity for result in self.handling_results or () if result.action == action)

    @property
    def others(self) -> int:
        """Count the units with which something else was done: kept, repaired, exchanged."""
        whole = sum(result.quantity for result in self.handling_results or ())
        return whole - self.units(REFUND) - self.units(REJECT)


class BetaReturn(Vendor, frozen=True, kw_only=True):
    """One return; the shop's number of its order is told from 2.22 on."""

    id: int
    status: str | None = None
    reason: str | None = None
    merchant_return_no: Words = None
    channel_return_no: Words = None
    merchant_order_no: Words = None
    channel_order_no: Words = None
    channel_id: int | None = None
    created_by_type: str | None = None
    return_date: Words = None
    created_at: Words = None
    updated_at: Words = None
    deleted_at: Words = None
    lines: list[BetaLine] | None = None

    @property
    def canceled(self) -> bool:
        """Whether nothing of it is to be done any more."""
        return self.status == CANCELLED or moment(self.deleted_at) is not None


class CreateLine(Vendor, frozen=True, kw_only=True):
    """Units of one order line that came back."""

    order_line_identifier: str
    quantity: int


class CreateModel(Vendor, frozen=True, kw_only=True, omit_defaults=True):
    """A merchant return."""

    order_identifier: str
    merchant_return_no: str
    reason: str
    return_date: str
    lines: tuple[CreateLine, ...]
    merchant_comment: str | None = None


class Create(Vendor, frozen=True, kw_only=True):
    """The body of `POST /v2.1/returns/merchant`."""

    line_identifier_type: str
    model: CreateModel
    identifier_type: str = "MERCHANT_ORDER_NO"


class HandleModel(Vendor, frozen=True, kw_only=True):
    """Units of one line, and what is done with them."""

    return_identifier: str
    return_line_identifier: str
    quantity: int
    action: str


class Handle(Vendor, frozen=True, kw_only=True):
    """The body of `POST /v2.1/returns/merchant/handle`."""

    model: HandleModel
    line_identifier_type: str = "RETURN_LINE_ID"
    identifier_type: str = "RETURN_ID"


class AcknowledgeModel(Vendor, frozen=True, kw_only=True):
    """A return, and the hub's number of it."""

    identifier: str
    merchant_return_no: str


class Acknowledge(Vendor, frozen=True, kw_only=True):
    """The body of `POST /v2.1/returns/merchant/acknowledge`."""

    model: AcknowledgeModel
    identifier_type: str = "RETURN_ID"


def create(message: Settlement) -> bytes:
    """Write the one creation of a merchant return: what was accepted, by order line if all of them are known."""
    lines = [line for line in message.lines if line.accepted]
    by_order_line = all(identity(line.order_line) for line in lines)
    units: dict[str, int] = {}
    for line in lines:
        known = (line.order_line if by_order_line else None) or line.sku
        units[known] = units.get(known, 0) + line.accepted
    model = CreateModel(
        order_identifier=message.order_number,
        merchant_return_no=message.return_number,
        reason=message.reason.value.upper(),
        return_date=timestamp(message.returned_at),
        lines=tuple(CreateLine(order_line_identifier=known, quantity=quantity) for known, quantity in units.items()),
        merchant_comment=cut(message.comment, LONGEST_COMMENT),
    )
    kind = "ORDER_LINE_ID" if by_order_line else "MERCHANT_PRODUCT_NO"
    return msgspec.json.encode(Create(line_identifier_type=kind, model=model))


def handle(return_id: int, line_id: int, quantity: int, action: str) -> bytes:
    """Write what is done with some units of one line."""
    model = HandleModel(
        return_identifier=str(return_id), return_line_identifier=str(line_id), quantity=quantity, action=action
    )
    return msgspec.json.encode(Handle(model=model))


def acknowledge(return_id: int, return_number: str) -> bytes:
    """Write the acknowledgement of one return."""
    model = AcknowledgeModel(identifier=str(return_id), merchant_return_no=return_number)
    return msgspec.json.encode(Acknowledge(model=model))


def channel_returns(page: Collection[msgspec.Raw]) -> tuple[tuple[ChannelReturn, ...], Rejected]:
    """Map a page, each return once; what cannot be read comes second, with its id or place and the reason."""
    items: dict[str, ChannelReturn] = {}
    rejected = []
    for place, raw in enumerate(page.content or (), start=1):
        try:
            read = channel_return(decode(raw, BetaReturn))
            items[read.external_id] = read
        except Unreadable as fault:
            rejected.append((name_of(raw, place), str(fault)))
    return tuple(items.values()), tuple(rejected)


def channel_return(told: BetaReturn) -> ChannelReturn:
    """Map one return; raises `Unreadable` without a date. It does not tell which units the marketplace sent itself."""
    created = moment(told.created_at) or moment(told.return_date)
    if created is None:
        raise Unreadable("It has no creation date that can be read")
    return ChannelReturn(
        external_id=str(told.id),
        channel_return_number=text(told.channel_return_no),
        order_number=text(told.merchant_order_no),
        channel_order_number=text(told.channel_order_no),
        marketplace=number(told.channel_id),
        raw_status=told.status or "",
        open=not told.canceled and told.status != HANDLED,
        canceled=told.canceled,
        marketplace_fulfilled=False,
        reason=reason(told.reason),
        customer_comment=None,
        created_at=created,
        lines=tuple(_lines(told.lines or ())),
        merchant_return_number=text(told.merchant_return_no),
        updated_at=moment(told.updated_at),
        created_by=Kind.MERCHANT if told.created_by_type == "MERCHANT" else Kind.CHANNEL,
    )


def _lines(lines: Iterable[BetaLine]) -> Iterable[ChannelReturnLine]:
    for line in lines:
        if line.quantity:
            handled = bool(line.handling_results)
            yield ChannelReturnLine(
                sku=sku(line.merchant_product_no),
                quantity=line.quantity,
                order_line=number(line.order_line_id),
                name=text(line.product_name),
                accepted=line.units(REFUND) if handled else None,
                rejected=line.units(REJECT) if handled else None,
            )
