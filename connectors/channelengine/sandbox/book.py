"""One tenant's books: what was sold, what came back and what was refunded, indexed the way the API asks."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import product

import msgspec

from connectors.channelengine.sandbox.change import Change
from connectors.channelengine.sandbox.records import Creator, Note, Order, Refund, Return, ReturnStatus
from connectors.channelengine.sandbox.shelf import Shelf
from connectors.channelengine.sandbox.terms import Terms

ShelfKey = tuple[Creator | None, ReturnStatus | None, bool | None, int | None]


class Book:
    """The state of one tenant, changed only by `apply` and therefore rebuilt exactly from a journal."""

    def __init__(self, tenant: str) -> None:
        self.tenant = tenant
        self.terms = Terms()
        self.orders: dict[int, Order] = {}
        self.order_shelf = Shelf()
        self.orders_by_merchant_no: dict[str, int] = {}
        self.orders_by_channel_no: dict[str, list[int]] = defaultdict(list)
        self.orders_by_commercial_no: dict[str, list[int]] = defaultdict(list)
        self.returns: dict[int, Return] = {}
        self.shelves: dict[ShelfKey, Shelf] = defaultdict(Shelf)
        self.returns_by_order: dict[int, list[int]] = defaultdict(list)
        self.returns_by_merchant_no: dict[str, int] = {}
        self.returns_by_channel_no: dict[str, int] = {}
        self.ledger: list[Refund] = []
        self.notes: list[Note] = []
        self.drawn_lines: dict[int, msgspec.Raw] = {}
        self.last_line_id = 0
        self.last_return_id = 0

    def apply(self, change: Change) -> None:
        """Fold one change into the books; it has been judged already and cannot fail."""
        self.terms.apply(change)
        for order in change.orders:
            self._put_order(order)
        for found in change.returns:
            self._put_return(found)
        self.ledger.extend(change.refunds)
        self.notes.extend(change.notes)

    def order_of(self, found: Return) -> Order:
        """Return the order a return belongs to."""
        return self.orders[found.order_id]

    def returns_of(self, order_id: int) -> Iterator[Return]:
        """Yield all returns of one order, oldest first."""
        return (self.returns[number] for number in self.returns_by_order.get(order_id, ()))

    def shelf(self, key: ShelfKey) -> Shelf:
        """Return the returns of one creator, status, acknowledgement and channel; None means any."""
        return self.shelves.get(key) or Shelf()

    def count(self, status: ReturnStatus) -> int:
        """Return how many returns stand in this status."""
        return len(self.shelf((None, status, None, None)).entries)

    def _put_order(self, order: Order) -> None:
        before = self.orders.get(order.id)
        self.orders[order.id] = order
        if order.merchant_order_no is not None:
            self.orders_by_merchant_no[order.merchant_order_no] = order.id
        if before is not None:
            self._forget_drawings(before)
            return
        self.order_shelf.add((order.created_at, order.id))
        self.orders_by_channel_no[order.channel_order_no].append(order.id)
        self.orders_by_commercial_no[order.commercial_order_no].append(order.id)
        self.last_line_id = max((line.id for line in order.lines), default=self.last_line_id)

    def _forget_drawings(self, order: Order) -> None:
        for line in order.lines:
            self.drawn_lines.pop(line.id, None)

    def _put_return(self, found: Return) -> None:
        before = self.returns.get(found.id)
        self.returns[found.id] = found
        self._reshelve(before, found)
        if before is None:
            self.returns_by_order[found.order_id].append(found.id)
        if found.merchant_return_no is not None:
            self.returns_by_merchant_no[found.merchant_return_no] = found.id
        if found.channel_return_no is not None:
            self.returns_by_channel_no[found.channel_return_no] = found.id
        self.last_return_id = max(self.last_return_id, found.id)

    def _reshelve(self, before: Return | None, found: Return) -> None:
        entry = (found.created_at, found.id)
        old, new = self._keys(before), self._keys(found)
        for key in old - new:
            self.shelves[key].remove(entry)
        for key in new - old:
            self.shelves[key].add(entry)

    def _keys(self, found: Return | None) -> set[ShelfKey]:
        """Return every shelf a return stands on: one per combination of what a list may ask or leave open."""
        if found is None:
            return set()
        known, channel = found.acknowledged_at is not None, self.order_of(found).channel_id
        return set(product((found.creator, None), (found.status, None), (known, None), (channel, None)))
