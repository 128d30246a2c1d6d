"""The world outside the API, pure: shops sell and ship, customers start returns at the marketplace."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated
from zlib import crc32

import msgspec
from msgspec import Meta

from connectors.channelengine.sandbox.book import Book
from connectors.channelengine.sandbox.change import Change
from connectors.channelengine.sandbox.records import (
    Creator,
    Customer,
    Export,
    ExportStatus,
    Note,
    Order,
    OrderLine,
    OrderStatus,
    Return,
    ReturnReason,
    ReturnStatus,
)
from connectors.channelengine.sandbox.refusals import Refusal
from connectors.channelengine.sandbox.tenancy import ChannelReturns
from connectors.channelengine.sandbox.units import take

EXPORTED_BEFORE = Export(status=ExportStatus.SUCCEEDED)
SHIPPED = frozenset({OrderStatus.SHIPPED, OrderStatus.CLOSED, OrderStatus.RETURNED})
Moment = Annotated[datetime, Meta(tz=True)]
Reference = Annotated[str, Meta(min_length=1, max_length=50)]


class Wish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A body of the control API; a misspelt field is refused."""


class SoldLine(Wish, frozen=True):
    """One product to sell; `shipped` defaults to all units of a shipped order and none of any other."""

    merchant_product_no: Annotated[str, Meta(min_length=1, max_length=50)] | None = None
    quantity: Annotated[int, Meta(ge=1)] = 1
    unit_price_incl_vat: Decimal = Decimal(0)
    vat_rate: Decimal = Decimal(21)
    gtin: str | None = None
    description: str | None = None
    channel_product_no: Annotated[str, Meta(max_length=60)] | None = None
    shipped: Annotated[int, Meta(ge=0)] | None = None
    fulfilled_by_marketplace: bool = False


class Sale(Wish, frozen=True):
    """An order to place; without a merchant's number it counts as not acknowledged by the merchant yet."""

    channel_id: int
    global_channel_name: Annotated[str, Meta(min_length=1)]
    lines: Annotated[tuple[SoldLine, ...], Meta(min_length=1)]
    merchant_order_no: Reference | None = None
    channel_order_no: Reference | None = None
    commercial_order_no: Reference | None = None
    channel_name: str | None = None
    global_channel_id: int | None = None
    status: OrderStatus = OrderStatus.SHIPPED
    currency_code: Annotated[str, Meta(min_length=3, max_length=3)] = "EUR"
    customer: Customer = Customer()
    order_date: Moment | None = None
    return_track_trace_no: str | None = None


class SentBackLine(Wish, frozen=True):
    """Units of one product a customer sends back; a product without a merchant's number is named by its order line."""

    quantity: Annotated[int, Meta(ge=1)]
    merchant_product_no: str | None = None
    order_line_id: int | None = None


class SentBack(Wish, frozen=True):
    """A return a customer starts at the marketplace, for an order named by the merchant's or the channel's number."""

    channel_return_no: Reference
    lines: Annotated[tuple[SentBackLine, ...], Meta(min_length=1)]
    merchant_order_no: str | None = None
    channel_order_no: str | None = None
    channel_id: int | None = None
    reason: ReturnReason = ReturnReason.OTHER
    customer_comment: str | None = None
    return_date: Moment | None = None
    extra_data: dict[str, str | None] = {}


class Told(Wish, frozen=True):
    """A notification to put in the tenant's list, such as `CHANNEL_RETURN_EXPORT_FAILED`."""

    return_id: int
    type: str
    subject: str = ""
    message: str = ""


def placed(book: Book, sale: Sale) -> Order | None:
    """Return the order this sale has become before, if it was repeated."""
    if sale.merchant_order_no is not None:
        order_id = book.orders_by_merchant_no.get(sale.merchant_order_no)
        return None if order_id is None else book.orders[order_id]
    return _order_of_channel(book, sale.channel_order_no, sale.channel_id)


def place(book: Book, sale: Sale, at: datetime) -> Change:
    """Sell and, unless its status says otherwise, ship an order."""
    if sale.merchant_order_no is None and sale.channel_order_no is None:
        raise Refusal(400, "An order needs a merchant_order_no or a channel_order_no.")
    if any(min(line.unit_price_incl_vat, line.vat_rate) < 0 for line in sale.lines):
        raise Refusal(400, "Prices and VAT rates are not negative.")
    order_id = len(book.orders) + 1
    channel_order_no = sale.channel_order_no or f"CH-{sale.merchant_order_no}"
    name = sale.global_channel_name
    order = Order(
        id=order_id,
        merchant_order_no=sale.merchant_order_no,
        channel_order_no=channel_order_no,
        commercial_order_no=sale.commercial_order_no or channel_order_no,
        channel_id=sale.channel_id,
        channel_name=sale.channel_name or f"{name} {sale.channel_id}",
        global_channel_id=sale.global_channel_id or crc32(name.casefold().encode()) % 10_000 + 1,
        global_channel_name=name,
        status=sale.status,
        currency_code=sale.currency_code,
        customer=sale.customer,
        order_date=sale.order_date or at,
        created_at=at,
        lines=tuple(_sold(line, book.last_line_id + number, sale) for number, line in enumerate(sale.lines, 1)),
        return_track_trace_no=sale.return_track_trace_no,
        acknowledged_at=None if sale.merchant_order_no is None else at,
        updated_at=at,
    )
    return Change(tenant=book.tenant, orders=(order,))


def send_back(book: Book, wish: SentBack, at: datetime) -> Change:
    """Start a return at the marketplace for units that were shipped and belong to no other return."""
    order = _order(book, wish)
    does = book.terms.manner(order.global_channel_name).channel_returns
    if does is ChannelReturns.NONE:
        raise Refusal(409, f"{order.global_channel_name} tells the vendor of no returns.")
    wishes = [(line.merchant_product_no, line.order_line_id, line.quantity) for line in wish.lines]
    started = Return(
        id=book.last_return_id + 1,
        order_id=order.id,
        creator=Creator.CHANNEL,
        status=ReturnStatus.IN_PROGRESS,
        lines=take(book, order, wishes),
        created_at=at,
        updated_at=at,
        channel_return_no=wish.channel_return_no,
        reason=wish.reason,
        customer_comment=wish.customer_comment,
        return_date=wish.return_date or at,
        extra_data=wish.extra_data,
        export=EXPORTED_BEFORE if does is ChannelReturns.INFORMATIONAL else None,
    )
    return Change(tenant=book.tenant, returns=(started,))


def tell(book: Book, told: Told, at: datetime) -> Change:
    """Add a notification about a return that exists."""
    if told.return_id not in book.returns:
        raise Refusal(404, f"Return with id {told.return_id} not found.")
    note = Note(
        id=len(book.notes) + 1,
        return_id=told.return_id,
        type=told.type,
        subject=told.subject,
        message=told.message,
        created_at=at,
    )
    return Change(tenant=book.tenant, notes=(note,))


def _sold(line: SoldLine, line_id: int, sale: Sale) -> OrderLine:
    shipped = line.quantity if sale.status in SHIPPED else 0
    if line.shipped is not None:
        shipped = min(line.shipped, line.quantity)
    return OrderLine(
        id=line_id,
        merchant_product_no=line.merchant_product_no,
        channel_product_no=line.channel_product_no or line.merchant_product_no or str(line_id),
        quantity=line.quantity,
        shipped=shipped,
        unit_price_incl_vat=line.unit_price_incl_vat,
        vat_rate=line.vat_rate,
        gtin=line.gtin,
        description=line.description or line.merchant_product_no,
        fulfilled_by_marketplace=line.fulfilled_by_marketplace,
    )


def _order(book: Book, wish: SentBack) -> Order:
    if wish.merchant_order_no in book.orders_by_merchant_no:
        return book.orders[book.orders_by_merchant_no[wish.merchant_order_no]]
    order = _order_of_channel(book, wish.channel_order_no, wish.channel_id)
    if order is None:
        raise Refusal(404, f"No such order: {wish.merchant_order_no or wish.channel_order_no}.")
    return order


def _order_of_channel(book: Book, number: str | None, channel_id: int | None) -> Order | None:
    if number is None:
        return None
    orders = (book.orders[order_id] for order_id in book.orders_by_channel_no.get(number, ()))
    return next((order for order in orders if channel_id in (None, order.channel_id)), None)
