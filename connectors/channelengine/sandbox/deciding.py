"""What is accepted and rejected of each line of a return, from what was asked; pure."""

from collections import Counter
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from connectors.channelengine.sandbox.records import Order, ReturnLine
from connectors.channelengine.sandbox.refusals import invalid
from connectors.channelengine.sandbox.units import theirs
from connectors.channelengine.sandbox.wire import UpdateLineRequest

Sums = Counter[str | None]


def decided_by_product(
    order: Order, lines: Sequence[ReturnLine], asked: Sequence[UpdateLineRequest]
) -> tuple[ReturnLine, ...]:
    """Divide what is asked per product over the lines in their order, accepted units first; refuses misfits with 400.

    Of the units that the marketplace handles itself none can be accepted, only left out or rejected.
    """
    not_ours = theirs(order)
    errors = dict(_misfits(lines, asked, not_ours))
    if errors:
        raise invalid(errors)
    accepted, rejected = Sums(), Sums()
    for line in asked:
        accepted[line.merchant_product_no] += line.accepted_quantity
        rejected[line.merchant_product_no] += line.rejected_quantity
    decided = {line.order_line_id: line for line in _spread(_ours_first(lines, not_ours), accepted, rejected)}
    return tuple(decided[line.order_line_id] for line in lines)


def _misfits(
    lines: Sequence[ReturnLine], asked: Sequence[UpdateLineRequest], not_ours: set[int]
) -> Iterator[tuple[str, list[str]]]:
    """Yield what does not fit: unknown products, more units than the return has or the merchant decides on, nothing."""
    room, acceptable = Sums(), Sums()
    for known in lines:
        room[known.merchant_product_no] += known.quantity
        acceptable[known.merchant_product_no] += 0 if known.order_line_id in not_ours else known.quantity
    for index, line in enumerate(asked):
        sku = line.merchant_product_no
        if sku not in room:
            yield f"Lines[{index}].MerchantProductNo", [f"'{sku}' is not part of the return."]
            continue
        room[sku] -= line.accepted_quantity + line.rejected_quantity
        acceptable[sku] -= line.accepted_quantity
        if room[sku] < 0:
            yield f"Lines[{index}].AcceptedQuantity", ["Accepted and rejected exceed the quantity of the return."]
        elif acceptable[sku] < 0:
            yield f"Lines[{index}].AcceptedQuantity", ["Items the marketplace shipped cannot be accepted."]
    if not any(line.accepted_quantity or line.rejected_quantity for line in asked):
        yield "Lines", ["Nothing is accepted or rejected."]


def _ours_first(lines: Sequence[ReturnLine], not_ours: set[int]) -> list[ReturnLine]:
    return sorted(lines, key=lambda line: line.order_line_id in not_ours)


def _spread(lines: Sequence[ReturnLine], accepted: Sums, rejected: Sums) -> Iterator[ReturnLine]:
    for line in lines:
        sku = line.merchant_product_no
        good = min(line.quantity, accepted[sku])
        bad = min(line.quantity - good, rejected[sku])
        accepted[sku] -= good
        rejected[sku] -= bad
        yield replace(line, accepted=good, rejected=bad)
