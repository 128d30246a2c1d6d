"""The vendor's rules for what a merchant asks, pure: from the books, a request and a moment to a change, or a refusal.

Where the public documentation is silent the stricter reading is taken, so that money can leave only once per unit.
"""

from datetime import datetime

from msgspec.structs import replace

from connectors.channelengine.sandbox.book import Book
from connectors.channelengine.sandbox.change import Change
from connectors.channelengine.sandbox.deciding import decided_by_product
from connectors.channelengine.sandbox.exporting import export
from connectors.channelengine.sandbox.records import Creator, Order, Return, ReturnStatus
from connectors.channelengine.sandbox.refusals import Refusal, invalid
from connectors.channelengine.sandbox.tenancy import MerchantReturns
from connectors.channelengine.sandbox.units import take, theirs
from connectors.channelengine.sandbox.wire import AcknowledgeRequest, ReturnRequest, UpdateRequest, in_utc


def create(book: Book, asked: ReturnRequest, at: datetime) -> Change:
    """Create a merchant return of shipped units, and export it unless its marketplace waits for the receipt.

    Refuses an unknown order or product (404), a number that is in use (409), and units that were never shipped or are
    part of another return, as well as any return at a marketplace that takes none (400).
    """
    if min(asked.refund_incl_vat, asked.refund_excl_vat) < 0:
        raise invalid({"RefundInclVat": ["Refund amounts are not negative."]})
    order = _order_of_merchant(book, asked.merchant_order_no)
    if asked.merchant_return_no in book.returns_by_merchant_no:
        raise Refusal(409, f"A return with MerchantReturnNo '{asked.merchant_return_no}' already exists.")
    does = book.terms.manner(order.global_channel_name).merchant_returns
    if does is MerchantReturns.NONE:
        raise invalid({"MerchantOrderNo": [f"{order.global_channel_name} takes no returns of merchants."]})
    made = _made(book, asked, order, at)
    if theirs(order) & {line.order_line_id for line in made.lines}:
        raise invalid({"Lines": ["Items the marketplace shipped are returned to the marketplace."]})
    if does is MerchantReturns.WHEN_RECEIVED:
        return Change(tenant=book.tenant, returns=(made,))
    lines = tuple(replace(line, accepted=line.quantity, rejected=0) for line in made.lines)
    return export(book, replace(made, status=ReturnStatus.RECEIVED, lines=lines), "create", at)


def settle(book: Book, asked: UpdateRequest, at: datetime) -> Change:
    """Accept and reject units of an open return, once, and export that.

    Refuses an unknown return (404), one that is settled, cancelled or handled by the marketplace (409), and
    quantities that do not fit its lines (400). Units neither accepted nor rejected are taken as never arrived.
    """
    found = known_return(book, asked.return_id)
    must_be_open(book, found)
    lines = decided_by_product(book.order_of(found), found.lines, asked.lines)
    return export(book, replace(found, status=ReturnStatus.RECEIVED, lines=lines, updated_at=at), "update", at)


def acknowledge(book: Book, asked: AcknowledgeRequest, at: datetime) -> Change | None:
    """Give a return the merchant's number; the same number again changes nothing and None is returned.

    Refuses an unknown return (404), and another number or a number of another return (409).
    """
    found = known_return(book, asked.return_id)
    if found.merchant_return_no not in (None, asked.merchant_return_no):
        raise Refusal(409, f"Return {found.id} already has MerchantReturnNo '{found.merchant_return_no}'.")
    if book.returns_by_merchant_no.get(asked.merchant_return_no, found.id) != found.id:
        raise Refusal(409, f"MerchantReturnNo '{asked.merchant_return_no}' belongs to another return.")
    if found.acknowledged_at is not None:
        return None
    known = replace(found, merchant_return_no=asked.merchant_return_no, acknowledged_at=at, updated_at=at)
    return Change(tenant=book.tenant, returns=(known,))


def cancel(book: Book, return_id: int, at: datetime) -> Change | None:
    """Cancel an open return, as a marketplace does; None when it is cancelled already, 409 when it is settled."""
    found = known_return(book, return_id)
    if found.status is ReturnStatus.CANCELLED:
        return None
    if found.status is ReturnStatus.RECEIVED:
        raise Refusal(409, f"Return {found.id} is received and cannot be cancelled.")
    closed = replace(found, status=ReturnStatus.CANCELLED, updated_at=at)
    return Change(tenant=book.tenant, returns=(closed,))


def known_return(book: Book, return_id: int) -> Return:
    """Return a return by its id, or refuse with 404."""
    found = book.returns.get(return_id)
    if found is None:
        raise Refusal(404, f"Return with id {return_id} not found.")
    return found


def must_be_open(book: Book, found: Return) -> None:
    """Refuse with 409 what is closed, and what the marketplace handles all by itself."""
    if found.status is not ReturnStatus.IN_PROGRESS:
        raise Refusal(409, f"Return {found.id} is already {found.status} and can be updated only once.")
    if theirs(book.order_of(found)) >= {line.order_line_id for line in found.lines}:
        raise Refusal(409, f"Return {found.id} is handled by the marketplace.")


def _made(book: Book, asked: ReturnRequest, order: Order, at: datetime) -> Return:
    wishes = [(line.merchant_product_no, line.order_line_id, line.quantity) for line in asked.lines]
    return Return(
        id=book.last_return_id + 1,
        order_id=order.id,
        creator=Creator.MERCHANT,
        status=ReturnStatus.IN_PROGRESS,
        lines=take(book, order, wishes),
        created_at=at,
        updated_at=at,
        merchant_return_no=asked.merchant_return_no,
        reason=asked.reason,
        customer_comment=asked.customer_comment,
        merchant_comment=asked.merchant_comment,
        refund_incl_vat=asked.refund_incl_vat,
        refund_excl_vat=asked.refund_excl_vat,
        return_date=None if asked.return_date is None else in_utc(asked.return_date),
        extra_data=asked.extra_data or {},
    )


def _order_of_merchant(book: Book, number: str) -> Order:
    order_id = book.orders_by_merchant_no.get(number)
    if order_id is None:
        raise Refusal(404, f"Order with MerchantOrderNo '{number}' not found.")
    return book.orders[order_id]
