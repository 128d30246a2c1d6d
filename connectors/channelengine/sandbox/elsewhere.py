"""What others do to orders and returns, in the vendor's own pages or in the shop; pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, TypeVar

from msgspec import Meta
from msgspec.structs import replace

from connectors.channelengine.sandbox.book import Book
from connectors.channelengine.sandbox.change import Change
from connectors.channelengine.sandbox.exporting import export
from connectors.channelengine.sandbox.records import Order, OrderLine, Return, ReturnLine, ReturnStatus
from connectors.channelengine.sandbox.refusals import Refusal, invalid
from connectors.channelengine.sandbox.rules import known_return, must_be_open
from connectors.channelengine.sandbox.selling import Reference, Wish
from connectors.channelengine.sandbox.units import free_units

Units = Annotated[int, Meta(ge=0)]
Line = TypeVar("Line", bound="NamedLine")


class NamedLine(Wish, frozen=True, kw_only=True):
    """A line of a return, named by its product or its order line."""

    merchant_product_no: str | None = None
    order_line_id: int | None = None


class DecidedLine(NamedLine, frozen=True, kw_only=True):
    """What somebody decided on a line."""

    accepted: Units
    rejected: Units = 0


class Decision(Wish, frozen=True):
    """What somebody decided in the vendor's pages; without lines everything is accepted."""

    lines: tuple[DecidedLine, ...] | None = None


class CountedLine(NamedLine, frozen=True, kw_only=True):
    """How many units a line now has."""

    quantity: Annotated[int, Meta(ge=1)]


class Counted(Wish, frozen=True):
    """The quantities an open return has from now on."""

    lines: Annotated[tuple[CountedLine, ...], Meta(min_length=1)]


class OrderNumber(Wish, frozen=True):
    """The number under which the merchant takes an order over."""

    merchant_order_no: Reference


class Link(Wish, frozen=True):
    """A product that gets a merchant's number, by its order line or by the marketplace's number for it."""

    merchant_product_no: Reference
    order_line_id: int | None = None
    channel_product_no: str | None = None


def settle_in_web(book: Book, return_id: int, decision: Decision, at: datetime) -> Change:
    """Accept and reject in the vendor's pages, where reasons can be told; lines left out never arrived."""
    found = known_return(book, return_id)
    must_be_open(book, found)
    lines = tuple(replace(line, accepted=line.quantity, rejected=0) for line in found.lines)
    if decision.lines is not None:
        lines = tuple(_decided(line, found.lines, decision.lines) for line in found.lines)
    settled = replace(found, status=ReturnStatus.RECEIVED, lines=lines, updated_at=at)
    return export(book, settled, "web", at)


def count_again(book: Book, return_id: int, counted: Counted, at: datetime) -> Change:
    """Change how many units an open return has, up to what was shipped and belongs to no other return."""
    found = known_return(book, return_id)
    if found.status is not ReturnStatus.IN_PROGRESS:
        raise Refusal(409, f"Return {found.id} is {found.status}.")
    free = free_units(book, book.order_of(found))
    lines = []
    for line in found.lines:
        wanted = _named(line, found.lines, counted.lines)
        quantity = line.quantity if wanted is None else wanted.quantity
        if quantity > line.quantity + free[line.order_line_id]:
            raise invalid({"quantity": [f"Order line {line.order_line_id} has no {quantity} items to return."]})
        lines.append(replace(line, quantity=quantity))
    return Change(tenant=book.tenant, returns=(replace(found, lines=tuple(lines), updated_at=at),))


def acknowledge_order(book: Book, order_id: int, number: str, at: datetime) -> Change | None:
    """Give an order the merchant's number; None when it has it already, 409 when that cannot be."""
    order = book.orders.get(order_id)
    if order is None:
        raise Refusal(404, f"Order with id {order_id} not found.")
    if order.merchant_order_no == number:
        return None
    if order.merchant_order_no is not None or number in book.orders_by_merchant_no:
        raise Refusal(409, f"Order {order_id} cannot get the MerchantOrderNo '{number}'.")
    known = replace(order, merchant_order_no=number, acknowledged_at=at, updated_at=at)
    return Change(tenant=book.tenant, orders=(known,))


def link_product(book: Book, link: Link, at: datetime) -> Change:
    """Give every line of this product that has none a merchant's product number, in orders and in their returns."""
    orders = [order for order in book.orders.values() if any(_linked(line, link) for line in order.lines)]
    if not orders:
        raise Refusal(404, "No order line without a MerchantProductNo is of this product.")
    returns = [found for order in orders for found in book.returns_of(order.id)]
    lines = {line.id for order in orders for line in order.lines if _linked(line, link)}
    return Change(
        tenant=book.tenant,
        orders=tuple(_with_number(order, lines, link.merchant_product_no, at) for order in orders),
        returns=tuple(
            _returned_with_number(found, lines, link.merchant_product_no)
            for found in returns
            if any(line.order_line_id in lines for line in found.lines)
        ),
    )


def _with_number(order: Order, lines: set[int], sku: str, at: datetime) -> Order:
    told = tuple(replace(line, merchant_product_no=sku) if line.id in lines else line for line in order.lines)
    return replace(order, lines=told, updated_at=at)


def _returned_with_number(found: Return, lines: set[int], sku: str) -> Return:
    # The date of the update stays: nothing of the return itself has changed.
    told = (replace(line, merchant_product_no=sku) if line.order_line_id in lines else line for line in found.lines)
    return replace(found, lines=tuple(told))


def _linked(line: OrderLine, link: Link) -> bool:
    named = line.id == link.order_line_id or line.channel_product_no == link.channel_product_no
    return line.merchant_product_no is None and named


def _decided(line: ReturnLine, lines: Sequence[ReturnLine], decided: Sequence[DecidedLine]) -> ReturnLine:
    wanted = _named(line, lines, decided)
    if wanted is None:
        return replace(line, accepted=0, rejected=0)
    if wanted.accepted + wanted.rejected > line.quantity:
        raise invalid({"lines": [f"Order line {line.order_line_id} has only {line.quantity} items in this return."]})
    return replace(line, accepted=wanted.accepted, rejected=wanted.rejected)


def _named(line: ReturnLine, lines: Sequence[ReturnLine], wanted: Sequence[Line]) -> Line | None:
    """Return what is said of this line, by its order line or by its product; each must name exactly one."""
    for each in wanted:
        if sum(_is(each, known) for known in lines) != 1:
            name = each.order_line_id or each.merchant_product_no
            raise invalid({"lines": [f"Not exactly one line of the return is {name}; name its order line."]})
    return next((each for each in wanted if _is(each, line)), None)


def _is(named: NamedLine, line: ReturnLine) -> bool:
    if named.order_line_id is not None:
        return named.order_line_id == line.order_line_id
    return named.merchant_product_no == line.merchant_product_no
