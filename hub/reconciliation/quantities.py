"""What both sides say of each product of a return: pure sums that can be held side by side.

A channel tells of products and not of our lines, so everything is summed per product. What a marketplace sent from its
own stock is none of ours.
"""

from collections import Counter
from collections.abc import Callable

from hub.returns.messages import StoredReturn
from hub.sdk.messages import ChannelReturn, ChannelReturnLine, Kind

# A product that the channel cannot name, and that no line of ours is known to be.
UNKNOWN = ""


def products(ours: StoredReturn | None, theirs: ChannelReturn) -> Counter[str]:
    """Sum what the channel says will come back."""
    return _summed(ours, theirs, lambda line: line.quantity)


def accepted_there(ours: StoredReturn, theirs: ChannelReturn) -> Counter[str] | None:
    """Sum what the channel was told to accept, or None where it does not say.

    A return that was declared to the channel has all of it accepted, unless more is said.
    """
    if _is_told(theirs):
        return _summed(ours, theirs, lambda line: line.accepted or 0)
    return products(ours, theirs) if ours.kind is Kind.MERCHANT else None


def _is_told(theirs: ChannelReturn) -> bool:
    # A decision on nothing at all is none: some lists say 0 where they do not know.
    return any(line.accepted or line.rejected for line in own(theirs))


def own(theirs: ChannelReturn) -> list[ChannelReturnLine]:
    """Return the lines that come back here."""
    return [line for line in theirs.lines if not line.marketplace_fulfilled]


def declared_differs(ours: StoredReturn, theirs: ChannelReturn) -> str | None:
    """Say where the declared quantities differ; None if they do not, or a product of the channel's is not known."""
    there = products(ours, theirs)
    return None if UNKNOWN in there else _difference(_per_product(ours, "declared"), there) or None


def decided_differs(ours: StoredReturn, theirs: ChannelReturn) -> str | None:
    """Say where the decisions differ; empty if they agree, None where the channel does not say.

    What never arrived may have been told as rejected, and of a merchant return only what was accepted is told.
    """
    accepted = accepted_there(ours, theirs)
    if accepted is None or UNKNOWN in accepted:
        return None
    told = _difference(_per_product(ours, "accepted"), accepted, "accepted")
    if told or ours.kind is Kind.MERCHANT:
        return told
    rejected = _summed(ours, theirs, lambda line: line.rejected or 0)
    here = _per_product(ours, "rejected")
    told = _difference(here, rejected, "rejected")
    return told and _difference(here + _missing(ours), rejected, "rejected") and told


def _per_product(ours: StoredReturn, name: str) -> Counter[str]:
    sums: Counter[str] = Counter()
    for line in ours.lines:
        sums[line.sku] += getattr(line, name)
    return sums


def _missing(ours: StoredReturn) -> Counter[str]:
    sums: Counter[str] = Counter()
    for line in ours.case.lines:
        sums[line.sku] += line.missing
    return sums


def _summed(
    ours: StoredReturn | None, theirs: ChannelReturn, units: Callable[[ChannelReturnLine], int]
) -> Counter[str]:
    by_order_line = {line.order_line: line.sku for line in ours.lines if line.order_line} if ours else {}
    sums: Counter[str] = Counter()
    for line in own(theirs):
        sums[line.sku or by_order_line.get(line.order_line or "") or UNKNOWN] += units(line)
    return sums


def _difference(here: Counter[str], there: Counter[str], word: str = "") -> str:
    said = f" {word}" if word else ""
    return "; ".join(
        f"{sku}: {here[sku]}{said} here, {there[sku]} there"
        for sku in sorted({*here, *there})
        if here[sku] != there[sku]
    )
