"""Which product each line of a channel return is: pure decisions, and candidates where none is certain."""

from collections.abc import Iterable, Mapping, Sequence
from difflib import SequenceMatcher

import msgspec

from hub.initiation.messages import Candidate, Link, Looked
from hub.returns.messages import BornLine
from hub.sdk.messages import ChannelReturn, ChannelReturnLine, Order, OrderLine

NO_PRODUCT = "it has no product"
NOT_ON_THE_ORDER = "its product is not on the order"
# Names that are less alike say nothing.
ALIKE = 0.5
BY_NAME = 0.8
MOST_CANDIDATES = 5


class Unlinked(msgspec.Struct, frozen=True, kw_only=True):
    """A line that nobody knows what it is, counted from 1, and why."""

    position: int
    line: ChannelReturnLine
    why: str


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A line whose product is known; `options` are the order lines it may belong to where the channel does not say."""

    position: int
    line: BornLine
    options: tuple[OrderLine, ...] = ()


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What comes back here of a channel return."""

    parts: tuple[Part, ...]
    unlinked: tuple[Unlinked, ...]


def comes_here(line: ChannelReturnLine) -> bool:
    """Say whether goods of a line are the merchant's to receive."""
    return line.quantity > 0 and not line.marketplace_fulfilled


def read(seen: ChannelReturn, links: Mapping[int, Link], looked: Looked | None = None) -> Reading:
    """Tell each line's product: as the channel shows it, as a person said, or not at all.

    A product is looked for on the order where the order is known and the channel does not tie the line to it.
    """
    order = looked.order if looked else None
    parts: list[Part] = []
    unlinked: list[Unlinked] = []
    for position, line in enumerate(seen.lines, start=1):
        if comes_here(line):
            found = _read_line(position, line, _link(links, position, line), order)
            (parts if isinstance(found, Part) else unlinked).append(found)  # type: ignore[arg-type]  # by its type
    return Reading(parts=tuple(parts), unlinked=tuple(unlinked))


def needs_order(seen: ChannelReturn, links: Mapping[int, Link]) -> bool:
    """Say whether a look at the order may tell more of some line."""
    return any(
        comes_here(line) and _link(links, position, line) is None and not (line.sku and line.shipped is not None)
        for position, line in enumerate(seen.lines, start=1)
    )


def shown(line: ChannelReturnLine) -> str:
    """Return how the channel shows a line's product, as one text to compare."""
    return msgspec.json.encode((line.sku, line.order_line, line.channel_sku, line.gtin)).decode()


def _link(links: Mapping[int, Link], position: int, line: ChannelReturnLine) -> Link | None:
    # The channel may list the lines in another order, so a link is known by what it was made for.
    alike = {each.position: each for each in links.values() if each.shown == shown(line)}
    return alike.get(position) or next(iter(alike.values()), None)


def _read_line(position: int, line: ChannelReturnLine, link: Link | None, order: Order | None) -> Part | Unlinked:
    if link is not None:
        return _part(position, line, link.sku, _meant(order, link.sku, link.order_line), link.order_line)
    if not line.sku:
        return Unlinked(position=position, line=line, why=NO_PRODUCT)
    if order is None or line.shipped is not None:
        return _part(position, line, line.sku, (), line.order_line)
    # What was shipped of it bounds what may come back, so it is looked for on the order line too.
    options = _meant(order, line.sku, line.order_line)
    if not options and line.order_line is None:
        return Unlinked(position=position, line=line, why=NOT_ON_THE_ORDER)
    return _part(position, line, line.sku, options, None)


def _meant(order: Order | None, sku: str, reference: str | None) -> tuple[OrderLine, ...]:
    lines = order.lines if order else ()
    return tuple(each for each in lines if each.sku == sku and reference in {None, each.reference})


def _part(
    position: int, line: ChannelReturnLine, sku: str, options: tuple[OrderLine, ...], order_line: str | None
) -> Part:
    born = BornLine(
        sku=sku, quantity=line.quantity, name=line.name, order_line=order_line or line.order_line,
        unit_price=line.unit_price, shipped=line.shipped,
    )  # fmt: skip
    if len(options) == 1:
        return Part(position=position, line=on_order(born, options[0]))
    return Part(position=position, line=born, options=options)


def on_order(line: BornLine, ordered: OrderLine) -> BornLine:
    """Return a line with what one line of its order says of it."""
    return msgspec.structs.replace(
        line,
        order_line=ordered.reference,
        shipped=ordered.shipped,
        name=line.name or ordered.name,
        unit_price=line.unit_price if line.unit_price is not None else ordered.unit_price,
    )


def candidates(unlinked: Sequence[Unlinked], order: Order | None) -> list[Candidate]:
    """Return what each unlinked line may be, the likeliest first, each with its score and the reason for it."""
    return [found for each in unlinked for found in _candidates(each, order.lines if order else ())]


def _candidates(unlinked: Unlinked, lines: Iterable[OrderLine]) -> list[Candidate]:
    found = [
        Candidate(
            position=unlinked.position, sku=ordered.sku, order_line=ordered.reference, name=ordered.name,
            score=round(score, 2), reason=reason,
        )
        for ordered in lines
        if ordered.sku and ordered.shipped > 0
        for score, reason in [_score(unlinked.line, ordered)]
        if score
    ]  # fmt: skip
    return sorted(found, key=lambda each: (-each.score, each.sku, each.order_line or ""))[:MOST_CANDIDATES]


def _score(line: ChannelReturnLine, ordered: OrderLine) -> tuple[float, str]:
    if line.order_line is not None and line.order_line == ordered.reference:
        return 1.0, "the order line is the same"
    if line.gtin and line.gtin.lstrip("0") == (ordered.gtin or "").lstrip("0"):
        return 0.95, "the GTIN is the same"
    if line.channel_sku and line.channel_sku in {ordered.channel_sku, ordered.sku}:
        return 0.9, "the channel's product number is the same"
    alike = SequenceMatcher(None, (line.name or "").casefold(), (ordered.name or "").casefold()).ratio()
    if line.name and ordered.name and alike >= ALIKE:
        return BY_NAME * alike, "the name is alike"
    return 0.0, ""
