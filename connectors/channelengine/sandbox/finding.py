"""Which orders, returns and notifications a list answers with, and in what order: the oldest first, or the newest."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from itertools import product
from typing import Generic, NamedTuple, TypeVar

import msgspec

from connectors.channelengine.sandbox.book import Book
from connectors.channelengine.sandbox.records import (
    Creator,
    Note,
    Order,
    OrderStatus,
    Return,
    ReturnReason,
    ReturnStatus,
)

Entry = tuple[datetime, int]
T = TypeVar("T")


class FulfillmentType(StrEnum):
    """Who ships the order's lines (documented in the Merchant API 2.19.0)."""

    ALL = "ALL"
    ONLY_MERCHANT = "ONLY_MERCHANT"
    ONLY_CHANNEL = "ONLY_CHANNEL"
    MIXED = "MIXED"
    INCLUDES_MERCHANT = "INCLUDES_MERCHANT"
    INCLUDES_CHANNEL = "INCLUDES_CHANNEL"


class Found(NamedTuple, Generic[T]):
    """One page of a list and how many there are in all."""

    items: Sequence[T]
    total: int


class ReturnFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What a list of returns is narrowed by; an empty tuple or None means any."""

    creator: Creator | None = None
    statuses: tuple[ReturnStatus, ...] = ()
    acknowledged: bool | None = None
    created_from: datetime | None = None
    created_until: datetime | None = None
    merchant_order_nos: tuple[str, ...] = ()
    channel_order_nos: tuple[str, ...] = ()
    channel_ids: tuple[int, ...] = ()
    reasons: tuple[ReturnReason, ...] = ()
    fulfillment: FulfillmentType = FulfillmentType.ALL
    updated_from: datetime | None = None
    updated_until: datetime | None = None

    @property
    def needs_reading(self) -> bool:
        """Say whether the returns themselves must be looked at, because no shelf answers this alone."""
        read = (self.merchant_order_nos, self.channel_order_nos, self.reasons, self.updated_from, self.updated_until)
        return any(read) or self.fulfillment is not FulfillmentType.ALL


class OrderFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What a list of orders is narrowed by; an empty tuple or None means any."""

    statuses: tuple[OrderStatus, ...] = ()
    merchant_order_nos: tuple[str, ...] = ()
    channel_order_nos: tuple[str, ...] = ()
    commercial_order_nos: tuple[str, ...] = ()
    email_addresses: tuple[str, ...] = ()
    channel_ids: tuple[int, ...] = ()
    ordered_from: datetime | None = None
    ordered_until: datetime | None = None
    created_from: datetime | None = None
    created_until: datetime | None = None
    acknowledged: bool | None = None
    fulfillment: FulfillmentType = FulfillmentType.ALL
    only_shipped: bool = False


def find_returns(book: Book, wanted: ReturnFilter, page: int) -> Found[Return]:
    """Return one page of the returns that fit; without order, reason or fulfilment filters it reads only that page."""
    entries, low, high = _shelved(book, wanted)
    if wanted.needs_reading:
        entries = [entry for entry in entries[low:high] if _return_fits(book, book.returns[entry[1]], wanted)]
        low, high = 0, len(entries)
    if book.terms.switches.newest_first:
        entries, low, high = entries[low:high][::-1], 0, high - low
    size = book.terms.switches.items_per_page
    start = low + (page - 1) * size
    chosen = entries[start : min(high, start + size)]
    return Found([book.returns[number] for _, number in chosen], high - low)


def find_orders(book: Book, wanted: OrderFilter, page: int) -> Found[Order]:
    """Return one page of the orders that fit; numbers are looked up, anything else is read through."""
    fitting = [order for order in _order_candidates(book, wanted) if _order_fits(order, wanted)]
    return paged(book, fitting, page)


def find_notes(
    book: Book, *, types: Sequence[str], return_ids: set[int] | None, since: datetime | None, until: datetime | None
) -> Iterator[Note]:
    """Yield the notifications that fit, oldest first; None means any."""
    for note in book.notes:
        fits = (not types or note.type in types) and (return_ids is None or note.return_id in return_ids)
        if fits and _within(note.created_at, since, until):
            yield note


def paged(book: Book, items: Sequence[T], page: int) -> Found[T]:
    """Cut one page out of a complete list."""
    size = book.terms.switches.items_per_page
    start = (page - 1) * size
    return Found(items[start : start + size], len(items))


def _shelved(book: Book, wanted: ReturnFilter) -> tuple[list[Entry], int, int]:
    """Return a sorted list and the bounds in it that hold every return the shelves can narrow down to."""
    if wanted.merchant_order_nos or wanted.channel_order_nos:
        entries = sorted(_entries_of_orders(book, wanted))
        return entries, 0, len(entries)
    statuses: Iterable[ReturnStatus | None] = set(wanted.statuses)
    if set(wanted.statuses) in (set(), set(ReturnStatus)):
        statuses = (None,)
    keys = product((wanted.creator,), statuses, (wanted.acknowledged,), set(wanted.channel_ids) or (None,))
    shelves = [book.shelf(key) for key in keys]
    windows = [(shelf.entries, *shelf.window(wanted.created_from, wanted.created_until)) for shelf in shelves]
    if len(windows) == 1:
        return windows[0]
    merged = sorted(entry for entries, low, high in windows for entry in entries[low:high])
    return merged, 0, len(merged)


def _entries_of_orders(book: Book, wanted: ReturnFilter) -> Iterator[Entry]:
    orders = _orders_by_merchant_no(book, wanted.merchant_order_nos)
    if not wanted.merchant_order_nos:
        orders = _orders_by(book.orders_by_channel_no, wanted.channel_order_nos)
    return ((found.created_at, found.id) for order in orders for found in book.returns_of(order))


def _orders_by_merchant_no(book: Book, numbers: Sequence[str]) -> set[int]:
    return {book.orders_by_merchant_no[number] for number in numbers if number in book.orders_by_merchant_no}


def _orders_by(index: dict[str, list[int]], numbers: Sequence[str]) -> set[int]:
    return {order for number in numbers for order in index.get(number, ())}


def _return_fits(book: Book, found: Return, wanted: ReturnFilter) -> bool:
    order = book.order_of(found)
    return (
        wanted.creator in (None, found.creator)
        and _among(found.status, wanted.statuses)
        and wanted.acknowledged in (None, found.acknowledged_at is not None)
        and _within(found.created_at, wanted.created_from, wanted.created_until)
        and _within(found.updated_at, wanted.updated_from, wanted.updated_until)
        and _among(order.merchant_order_no, wanted.merchant_order_nos)
        and _among(order.channel_order_no, wanted.channel_order_nos)
        and _among(order.channel_id, wanted.channel_ids)
        and _among(found.reason, wanted.reasons)
        and _fulfilled(order, wanted.fulfillment)
    )


def _order_candidates(book: Book, wanted: OrderFilter) -> Iterator[Order]:
    if wanted.merchant_order_nos:
        chosen = _orders_by_merchant_no(book, wanted.merchant_order_nos)
    elif wanted.channel_order_nos:
        chosen = _orders_by(book.orders_by_channel_no, wanted.channel_order_nos)
    elif wanted.commercial_order_nos:
        chosen = _orders_by(book.orders_by_commercial_no, wanted.commercial_order_nos)
    else:
        low, high = book.order_shelf.window(wanted.created_from, wanted.created_until)
        return (book.orders[number] for _, number in book.order_shelf.entries[low:high])
    return (book.orders[number] for number in sorted(chosen))


def _order_fits(order: Order, wanted: OrderFilter) -> bool:
    hidden = order.status is OrderStatus.AWAITING_PAYMENT and OrderStatus.AWAITING_PAYMENT not in wanted.statuses
    unsent = wanted.only_shipped and not any(line.shipped for line in order.lines)
    return (
        not hidden
        and not unsent
        and _among(order.status, wanted.statuses)
        and _among(order.merchant_order_no, wanted.merchant_order_nos)
        and _among(order.channel_order_no, wanted.channel_order_nos)
        and _among(order.commercial_order_no, wanted.commercial_order_nos)
        and _among(order.customer.email, wanted.email_addresses)
        and _among(order.channel_id, wanted.channel_ids)
        and wanted.acknowledged in (None, order.merchant_order_no is not None)
        and _within(order.order_date, wanted.ordered_from, wanted.ordered_until)
        and _within(order.created_at, wanted.created_from, wanted.created_until)
        and _fulfilled(order, wanted.fulfillment)
    )


def _among(value: T, allowed: Sequence[T]) -> bool:
    return not allowed or value in allowed


def _within(moment: datetime, start: datetime | None, end: datetime | None) -> bool:
    return (start is None or moment >= start) and (end is None or moment < end)


def _fulfilled(order: Order, wanted: FulfillmentType) -> bool:
    if wanted is FulfillmentType.ALL:
        return True
    by = {line.fulfilled_by_marketplace for line in order.lines}
    match wanted:
        case FulfillmentType.ONLY_MERCHANT:
            return by == {False}
        case FulfillmentType.ONLY_CHANNEL:
            return by == {True}
        case FulfillmentType.INCLUDES_MERCHANT:
            return False in by
        case FulfillmentType.INCLUDES_CHANNEL:
            return True in by
    return by == {True, False}
