"""What was decided of each product, in the hub and at ChannelEngine: pure sums that can be compared.

ChannelEngine takes a decision per product and not per line, so everything is summed per product. Lines that the
marketplace sent from its own stock are none of ours and never counted.
"""

from collections.abc import Iterable, Mapping

from connectors.channelengine.values import number, sku
from connectors.channelengine.wire import VendorReturn, VendorReturnLine
from hub.sdk import Settlement, SettlementLine

Quantities = Mapping[str, tuple[int, int]]


def decided(lines: Iterable[SettlementLine]) -> Quantities:
    """Sum the decision per product as (accepted, rejected).

    What never arrived counts as rejected, so that the sum is the declared quantity: whether ChannelEngine takes
    less is not documented.
    """
    return _summed((line.sku, line.accepted, line.rejected + line.missing) for line in lines)


def accepted(lines: Iterable[SettlementLine]) -> Quantities:
    """Sum only what was accepted: all there is of a merchant return."""
    return _summed((line.sku, line.accepted, 0) for line in lines)


def reported(told: VendorReturn, message: Settlement) -> Quantities | None:
    """Sum what ChannelEngine says was decided, per product, or None where it does not say."""
    lines = _own(told)
    if all(line.accepted_quantity is None and line.rejected_quantity is None for line in lines):
        return None
    return _summed(
        (_product(line, message), line.accepted_quantity or 0, line.rejected_quantity or 0) for line in lines
    )


def declared(told: VendorReturn, message: Settlement) -> Quantities:
    """Sum what was announced, per product, as if all of it were accepted."""
    return _summed((_product(line, message), line.quantity, 0) for line in _own(told))


def decided_of(told: VendorReturn, message: Settlement) -> Quantities:
    """Sum the decision without products of which this return has only units that the marketplace takes back itself."""
    theirs = {_product(line, message) for line in told.filled if line.marketplace_fulfilled}
    ours = {_product(line, message) for line in _own(told)}
    return {each: pair for each, pair in decided(message.lines).items() if each not in theirs - ours}


def difference(found: Quantities, wanted: Quantities) -> str:
    """Say where two decisions differ, product by product."""
    differing = sorted(each for each in {*found, *wanted} if found.get(each) != wanted.get(each))
    return "; ".join(f"{each}: {_pair(found, each)} there, {_pair(wanted, each)} here" for each in differing)


def _pair(quantities: Quantities, product: str) -> str:
    taken, refused = quantities.get(product, (0, 0))
    return f"{taken} accepted and {refused} rejected"


def _own(told: VendorReturn) -> list[VendorReturnLine]:
    return [line for line in told.filled if not line.marketplace_fulfilled]


def _product(line: VendorReturnLine, message: Settlement) -> str:
    """Return the product of a line; one that ChannelEngine cannot name is known to the hub by its order line."""
    named = sku(line.merchant_product_no) or sku(line.ordered.merchant_product_no)
    by_order_line = {each.order_line: each.sku for each in message.lines}
    return named or by_order_line.get(number(line.ordered.id) or "") or ""


def _summed(entries: Iterable[tuple[str, int, int]]) -> Quantities:
    sums: dict[str, tuple[int, int]] = {}
    for product, taken, refused in entries:
        before = sums.get(product, (0, 0))
        sums[product] = (before[0] + taken, before[1] + refused)
    return {product: pair for product, pair in sums.items() if any(pair)}
