"""The vendor's rules, pure: from the books, a request and a moment to the change it causes, or a refusal.

Where the public documentation is silent the stricter reading is taken, so that money can leave only once per unit.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Literal

import msgspec

from connectors.channelengine.sandbox.book import Book
from connectors.channelengine.sandbox.records import (
    Change,
    Creator,
    Order,
    OrderLine,
    Refund,
    Refusal,
    Return,
    ReturnLine,
    ReturnStatus,
    invalid,
)
from connectors.channelengine.sandbox.wire import (
    AcknowledgeRequest,
    ReturnRequest,
    UpdateLineRequest,
    UpdateRequest,
    in_utc,
)

# bol exports a return only once it is marked received, whoever created it (help centre, "bol: returns").
REFUNDS_ON_RECEIPT = frozenset({"bol", "bol.com"})


def create(book: Book, asked: ReturnRequest, at: datetime) -> Change:
    """Create a merchant return of shipped units, refunding it at once unless its marketplace waits for the receipt.

    Refuses an unknown order or product (404), a number that is in use (409) and units that were never shipped or are
    part of another return (400).
    """
    if min(asked.refund_incl_vat, asked.refund_excl_vat) < 0:
        raise invalid({"RefundInclVat": ["Refund amounts are not negative."]})
    order = _order_of_merchant(book, asked.merchant_order_no)
    if asked.merchant_return_no in book.returns_by_merchant_no:
        raise Refusal(409, f"A return with MerchantReturnNo '{asked.merchant_return_no}' already exists.")
    wishes = [(line.merchant_product_no, line.order_line_id, line.quantity) for line in asked.lines]
    lines = take(book, order, wishes)
    if by_marketplace(order, lines):
        raise invalid({"Lines": ["Items the marketplace shipped are returned to the marketplace."]})
    waits = order.global_channel_name.casefold() in REFUNDS_ON_RECEIPT
    made = Return(
        id=book.last_return_id + 1,
        order_id=order.id,
        creator=Creator.MERCHANT,
        status=ReturnStatus.IN_PROGRESS if waits else ReturnStatus.RECEIVED,
        lines=lines if waits else tuple(_settled(line, line.quantity, 0) for line in lines),
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
    return Change(tenant=book.tenant, returns=(made,), refunds=_refunds(book, made, at, "create"))


def settle(book: Book, asked: UpdateRequest, at: datetime) -> Change:
    """Accept and reject units of an open return, once, and refund what is accepted.

    Refuses an unknown return (404), one that is settled, cancelled or handled by the marketplace (409), and
    quantities that do not fit its lines (400). Units neither accepted nor rejected are taken as never arrived.
    """
    found = _return(book, asked.return_id)
    _must_be_open(book, found)
    errors = dict(_misfits(found, asked.lines))
    if errors:
        raise invalid(errors)
    accepted, rejected = Counter[str](), Counter[str]()
    for line in asked.lines:
        accepted[line.merchant_product_no] += line.accepted_quantity
        rejected[line.merchant_product_no] += line.rejected_quantity
    lines = tuple(_spread(found.lines, accepted, rejected))
    settled = msgspec.structs.replace(found, status=ReturnStatus.RECEIVED, lines=lines, updated_at=at)
    return Change(tenant=book.tenant, returns=(settled,), refunds=_refunds(book, settled, at, "update"))


def acknowledge(book: Book, asked: AcknowledgeRequest, at: datetime) -> Change | None:
    """Give a return the merchant's number; the same number again changes nothing and None is returned.

    Refuses an unknown return (404), and another number or a number of another return (409).
    """
    found = _return(book, asked.return_id)
    if found.merchant_return_no not in (None, asked.merchant_return_no):
        raise Refusal(409, f"Return {found.id} already has MerchantReturnNo '{found.merchant_return_no}'.")
    if book.returns_by_merchant_no.get(asked.merchant_return_no, found.id) != found.id:
        raise Refusal(409, f"MerchantReturnNo '{asked.merchant_return_no}' belongs to another return.")
    if found.acknowledged_at is not None:
        return None
    known = msgspec.structs.replace(
        found, merchant_return_no=asked.merchant_return_no, acknowledged_at=at, updated_at=at
    )
    return Change(tenant=book.tenant, returns=(known,))


def cancel(book: Book, return_id: int, at: datetime) -> Change | None:
    """Cancel an open return, as a marketplace does; None when it is cancelled already, 409 when it is settled."""
    found = _return(book, return_id)
    if found.status is ReturnStatus.CANCELLED:
        return None
    if found.status is ReturnStatus.RECEIVED:
        raise Refusal(409, f"Return {found.id} is received and cannot be cancelled.")
    closed = msgspec.structs.replace(found, status=ReturnStatus.CANCELLED, updated_at=at)
    return Change(tenant=book.tenant, returns=(closed,))


def take(book: Book, order: Order, wishes: Sequence[tuple[str, int | None, int]]) -> tuple[ReturnLine, ...]:
    """Find the units asked for, as (product, order line or None, quantity), among those still free to come back."""
    free = free_units(book, order)
    if not any(free_line.shipped for free_line in order.lines):
        raise invalid({"MerchantOrderNo": ["The order has no shipped items to return."]})
    taken = Counter[int]()
    errors: dict[str, list[str]] = {}
    for index, (sku, line_id, quantity) in enumerate(wishes):
        left = quantity
        for line in _lines_for(order, sku, line_id):
            units = min(left, free[line.id] - taken[line.id])
            taken[line.id] += units
            left -= units
        if left:
            errors[f"Lines[{index}].Quantity"] = [f"Only {quantity - left} of {quantity} items can be returned."]
    if not errors and not taken.total():
        errors["Lines"] = ["A return needs at least one item."]
    if errors:
        raise invalid(errors)
    return tuple(
        ReturnLine(order_line_id=line.id, merchant_product_no=line.merchant_product_no or "", quantity=taken[line.id])
        for line in order.lines
        if taken[line.id]
    )


def free_units(book: Book, order: Order) -> Mapping[int, int]:
    """Return, per order line, the units that were shipped and belong to no return yet."""
    free = {line.id: line.shipped for line in order.lines}
    for found in book.returns_of(order.id):
        for line in found.lines:
            free[line.order_line_id] -= _claimed(found, line)
    return free


def by_marketplace(order: Order, lines: Sequence[ReturnLine]) -> bool:
    """Say whether any of these units was shipped, and is therefore taken back, by the marketplace itself."""
    theirs = {line.id for line in order.lines if line.fulfilled_by_marketplace}
    return any(line.order_line_id in theirs for line in lines)


def _claimed(found: Return, line: ReturnLine) -> int:
    if found.status is ReturnStatus.CANCELLED:
        return 0
    if found.status is ReturnStatus.IN_PROGRESS:
        return line.quantity
    return (line.accepted or 0) + (line.rejected or 0)


def _lines_for(order: Order, sku: str, line_id: int | None) -> list[OrderLine]:
    fitting = [line for line in order.lines if line.merchant_product_no == sku and line_id in (None, line.id)]
    if not fitting:
        raise Refusal(404, f"Product '{sku}' is not part of the order.")
    return fitting


def _order_of_merchant(book: Book, number: str) -> Order:
    order_id = book.orders_by_merchant_no.get(number)
    if order_id is None:
        raise Refusal(404, f"Order with MerchantOrderNo '{number}' not found.")
    return book.orders[order_id]


def _return(book: Book, return_id: int) -> Return:
    found = book.returns.get(return_id)
    if found is None:
        raise Refusal(404, f"Return with id {return_id} not found.")
    return found


def _must_be_open(book: Book, found: Return) -> None:
    if found.status is not ReturnStatus.IN_PROGRESS:
        raise Refusal(409, f"Return {found.id} is already {found.status} and can be updated only once.")
    if by_marketplace(book.order_of(found), found.lines):
        raise Refusal(409, f"Return {found.id} is handled by the marketplace.")


def _misfits(found: Return, asked: Sequence[UpdateLineRequest]) -> Iterator[tuple[str, list[str]]]:
    """Yield what does not fit: unknown products, more units than the return has, or nothing at all."""
    room = Counter[str]()
    for known in found.lines:
        room[known.merchant_product_no] += known.quantity
    for index, line in enumerate(asked):
        if line.merchant_product_no not in room:
            yield f"Lines[{index}].MerchantProductNo", [f"'{line.merchant_product_no}' is not part of the return."]
            continue
        room[line.merchant_product_no] -= line.accepted_quantity + line.rejected_quantity
        if room[line.merchant_product_no] < 0:
            yield f"Lines[{index}].AcceptedQuantity", ["Accepted and rejected exceed the quantity of the return."]
    if not any(line.accepted_quantity or line.rejected_quantity for line in asked):
        yield "Lines", ["Nothing is accepted or rejected."]


def _spread(lines: Sequence[ReturnLine], accepted: Counter[str], rejected: Counter[str]) -> Iterator[ReturnLine]:
    """Divide the units per product over its lines in their order, accepted ones first."""
    for line in lines:
        sku = line.merchant_product_no
        good = min(line.quantity, accepted[sku])
        bad = min(line.quantity - good, rejected[sku])
        accepted[sku] -= good
        rejected[sku] -= bad
        yield _settled(line, good, bad)


def _settled(line: ReturnLine, accepted: int, rejected: int) -> ReturnLine:
    return msgspec.structs.replace(line, accepted=accepted, rejected=rejected)


def _refunds(book: Book, found: Return, at: datetime, cause: Literal["update", "create"]) -> tuple[Refund, ...]:
    """Return one ledger line per order line with accepted units, at the price they were sold for."""
    order = book.order_of(found)
    prices = {line.id: line.unit_price_incl_vat for line in order.lines}
    return tuple(
        Refund(
            tenant=book.tenant,
            return_id=found.id,
            merchant_return_no=found.merchant_return_no,
            channel_return_no=found.channel_return_no,
            order_no=order.merchant_order_no,
            sku=line.merchant_product_no,
            order_line_id=line.order_line_id,
            quantity=line.accepted,
            unit_price=prices[line.order_line_id],
            amount=prices[line.order_line_id] * line.accepted,
            currency_code=order.currency_code,
            cause=cause,
            at=at,
        )
        for line in found.lines
        if line.accepted
    )
