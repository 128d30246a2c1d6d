"""Which warehouse, and which lines of an order: pure decisions."""

from uuid import UUID

from hub.initiation.messages import NewLine
from hub.kit.errors import Invalid
from hub.returns.messages import BornLine
from hub.sdk.messages import ChannelReturn, Order, OrderLine
from tenants.messages import Rules


def route(rules: Rules, country: str | None) -> UUID:
    """Return the warehouse of the first route that names the country, or else of the first that names none.

    Where nothing fits, the first route is taken: goods on their way need a place.
    """
    for each in rules.receiving:
        if country in each.countries:
            return each.warehouse_id
    for each in rules.receiving:
        if not each.countries:
            return each.warehouse_id
    return rules.receiving[0].warehouse_id


def match_lines(order: Order, wanted: tuple[NewLine, ...]) -> tuple[BornLine, ...]:
    """Find each wanted line in the order; raises `Invalid` that names the product.

    Quantities are checked against what was shipped here, and against earlier returns when they are reserved.
    """
    lines = tuple(_match(order, line) for line in wanted)
    keys = [line.order_line or line.sku for line in lines]
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice:
        raise Invalid("line_twice", f"Order line {twice[0]} is named twice; give it once with the whole quantity.")
    return lines


def _match(order: Order, line: NewLine) -> BornLine:
    same = [each for each in order.lines if each.sku == line.sku]
    if not same:
        raise Invalid("sku_unknown", f"Order {order.number} has no product {line.sku!r}.", sku=line.sku)
    if line.order_line is not None:
        same = [each for each in same if each.reference == line.order_line]
    if len(same) != 1:
        known = ", ".join(str(each.reference) for each in order.lines if each.sku == line.sku)
        raise Invalid("line_ambiguous", f"Say which order line of {line.sku!r} comes back: {known}.", sku=line.sku)
    return _born(same[0], line.quantity)


def _born(found: OrderLine, quantity: int) -> BornLine:
    if quantity > found.shipped:
        message = f"{found.sku}: {quantity} cannot come back, {found.shipped} were shipped."
        raise Invalid("more_than_shipped", message, sku=found.sku, shipped=found.shipped)
    return BornLine(
        sku=found.sku,
        quantity=quantity,
        name=found.name,
        order_line=found.reference,
        unit_price=found.unit_price,
        shipped=found.shipped,
    )


def lines_of(channel_return: ChannelReturn) -> tuple[BornLine, ...]:
    """Return the lines of a channel return that come back here and whose product is known."""
    return tuple(
        BornLine(
            sku=line.sku,
            quantity=line.quantity,
            name=line.name,
            order_line=line.order_line,
            unit_price=line.unit_price,
            shipped=line.shipped,
        )
        for line in channel_return.lines
        if line.quantity > 0 and line.sku
    )
