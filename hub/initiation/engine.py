"""Which lines of an order, and what is only shown: pure decisions."""

from hub.initiation.messages import NewLine
from hub.kit.errors import Invalid
from hub.returns.case import Informational
from hub.returns.messages import BornLine
from hub.sdk.messages import ChannelReturn, ChannelReturnLine, Order, OrderLine
from hub.sdk.profiles import ChannelReturns, Profile


def match_lines(order: Order, wanted: tuple[NewLine, ...]) -> tuple[BornLine, ...]:
    """Find each wanted line in the order; raises `Invalid` that names the product.

    Quantities are checked against what was shipped here, and against earlier returns when they are reserved.
    """
    lines = tuple(_born(match(order, line.sku, line.order_line), line.quantity) for line in wanted)
    keys = [line.order_line or line.sku for line in lines]
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice:
        raise Invalid("line_twice", f"Order line {twice[0]} is named twice; give it once with the whole quantity.")
    return lines


def match(order: Order, sku: str, reference: str | None) -> OrderLine:
    """Return the one line of an order that is meant; raises `Invalid` that says what there is."""
    same = [each for each in order.lines if each.sku == sku]
    if not same:
        raise Invalid("sku_unknown", f"Order {order.number} has no product {sku!r}.", sku=sku)
    if reference is not None:
        same = [each for each in same if each.reference == reference]
    if len(same) != 1:
        known = ", ".join(str(each.reference) for each in order.lines if each.sku == sku)
        raise Invalid("line_ambiguous", f"Say which order line of {sku!r} comes back: {known}.", sku=sku)
    return same[0]


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


def informational(seen: ChannelReturn, profile: Profile) -> Informational | None:
    """Return why a return that the hub sees for the first time is only shown, if it is."""
    if marketplace_fulfilled(seen):
        return Informational.MARKETPLACE_FULFILLED
    if profile.channel_returns is ChannelReturns.INFORMATIONAL:
        return Informational.MARKETPLACE_REFUNDS
    return Informational.BEFORE_THE_HUB if seen.canceled or not seen.open else None


def marketplace_fulfilled(seen: ChannelReturn) -> bool:
    """Say whether nothing of a return comes here, because the marketplace sent all of it."""
    flags = [line.marketplace_fulfilled for line in seen.lines if line.quantity > 0]
    return seen.marketplace_fulfilled or (bool(flags) and all(flags))


def shown_lines(seen: ChannelReturn) -> tuple[ChannelReturnLine, ...]:
    """Return the lines of a return that is only shown: the merchant's own, unless all are the marketplace's."""
    everything = marketplace_fulfilled(seen)
    return tuple(line for line in seen.lines if line.quantity > 0 and (everything or not line.marketplace_fulfilled))


def shown_line(line: ChannelReturnLine) -> BornLine:
    """Return a line that is only shown; a product that nobody knows goes by the channel's number."""
    return BornLine(
        sku=line.sku or line.channel_sku or line.gtin or "unknown",
        quantity=line.quantity,
        name=line.name,
        order_line=line.order_line,
        unit_price=line.unit_price,
        shipped=line.shipped if line.sku or line.order_line else None,
    )


def came_back(line: ChannelReturnLine) -> int:
    """Return how many units of a line came back at the channel: what it decided on, or else what was declared."""
    if line.accepted is None and line.rejected is None:
        return line.quantity
    return min((line.accepted or 0) + (line.rejected or 0), line.quantity)
