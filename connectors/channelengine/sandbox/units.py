"""Which units of an order can come back, and whose they are; pure."""

from collections import Counter
from collections.abc import Mapping, Sequence

from connectors.channelengine.sandbox.book import Book
from connectors.channelengine.sandbox.records import Order, OrderLine, Return, ReturnLine, ReturnStatus
from connectors.channelengine.sandbox.refusals import Refusal, invalid

# A product, None for one that is not linked to the merchant's yet; an order line, if one is named; and how many.
Wanted = tuple[str | None, int | None, int]


def take(book: Book, order: Order, wishes: Sequence[Wanted]) -> tuple[ReturnLine, ...]:
    """Find the units asked for among those still free to come back; refuses what is unknown (404) or too much (400)."""
    free = free_units(book, order)
    if not any(line.shipped for line in order.lines):
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
        ReturnLine(order_line_id=line.id, merchant_product_no=line.merchant_product_no, quantity=taken[line.id])
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


def theirs(order: Order) -> set[int]:
    """Return the order lines that the marketplace shipped, and therefore takes back, itself."""
    return {line.id for line in order.lines if line.fulfilled_by_marketplace}


def _claimed(found: Return, line: ReturnLine) -> int:
    if found.status is ReturnStatus.CANCELLED:
        return 0
    if found.status is ReturnStatus.IN_PROGRESS:
        return line.quantity
    return (line.accepted or 0) + (line.rejected or 0)


def _lines_for(order: Order, sku: str | None, line_id: int | None) -> list[OrderLine]:
    fitting = [line for line in order.lines if _fits(line, sku, line_id)]
    if not fitting:
        raise Refusal(404, f"Product '{sku}' is not part of the order.")
    return fitting


def _fits(line: OrderLine, sku: str | None, line_id: int | None) -> bool:
    if line_id is None:
        return line.merchant_product_no == sku
    return line.id == line_id and sku in (None, line.merchant_product_no)
