"""Count what comes back against what was shipped, in the caller's transaction: nobody is paid twice for a unit."""

from collections import Counter
from collections.abc import Sequence
from uuid import UUID

import msgspec

from hub.initiation import linking
from hub.initiation.linking import Part
from hub.returns import queries
from hub.returns.messages import BornLine, StoredReturn
from hub.sdk.messages import Order, OrderLine
from hub.work.messages import Matter, Owner
from hub.work.service import raise_matter


class Counted(msgspec.Struct, frozen=True):
    """Lines with what they count as returned, and the order lines that have no room for what they want."""

    lines: tuple[BornLine, ...]
    excess: frozenset[str]


async def count_parts(account_id: UUID, connection_id: UUID, order: str | None, parts: Sequence[Part]) -> Counted:
    """Count lines of a channel return; one that may belong to several order lines takes the first with room."""
    tied = tuple(part.line for part in parts if not part.options)
    counted = await count(account_id, connection_id, order, tied)
    loose = [await _count_loose(account_id, connection_id, order, part) for part in parts if part.options]
    left, chosen = iter(counted.lines), iter([each.lines[0] for each in loose])
    lines = tuple(next(chosen if part.options else left) for part in parts)
    return Counted(lines, counted.excess.union(*(each.excess for each in loose)))


async def _count_loose(account_id: UUID, connection_id: UUID, order: str | None, part: Part) -> Counted:
    tries = [linking.on_order(part.line, option) for option in part.options]
    for line in tries:
        counted = await count(account_id, connection_id, order, (line,))
        if not counted.excess:
            return counted
    return Counted((tries[0],), frozenset({queries.order_line_key(tries[0])}))


async def count(account_id: UUID, connection_id: UUID, order: str | None, lines: tuple[BornLine, ...]) -> Counted:
    """Count each line's quantity as returned where it is known what was shipped and of which order line."""
    known = _merged([line for line in lines if line.shipped is not None and (order or line.order_line)])
    if not known:
        return Counted(lines, frozenset())
    kept = await queries.reserve(account_id, connection_id, order or "", known)
    wanted = frozenset(queries.order_line_key(line) for line in known)
    return Counted(tuple(_counted(line, kept) for line in lines), wanted - kept)


def _counted(line: BornLine, kept: set[str]) -> BornLine:
    if line.shipped is None or queries.order_line_key(line) not in kept:
        return line
    return msgspec.structs.replace(line, counted=line.quantity)


def _merged(lines: list[BornLine]) -> list[BornLine]:
    totals: Counter[str] = Counter()
    for line in lines:
        totals[queries.order_line_key(line)] += line.quantity
    first = {queries.order_line_key(line): line for line in reversed(lines)}
    return [
        BornLine(sku=line.sku, quantity=totals[key], order_line=line.order_line, shipped=line.shipped)
        for key, line in first.items()
    ]


async def returnable(account_id: UUID, connection_id: UUID, order: Order) -> list[tuple[OrderLine, int]]:
    """Return how many units of each line of an order may still come back, as the caller's transaction sees it.

    It is what to offer, not what to rely on: `count` decides, under the line's lock.
    """
    keys = [queries.line_key(line.reference, line.sku) for line in order.lines]
    numbers = ["" if line.reference else order.number for line in order.lines]
    back = await queries.returned(account_id, connection_id, numbers, keys)
    return [
        (line, max(line.shipped - back.get((number, key), 0), 0))
        for line, number, key in zip(order.lines, numbers, keys, strict=True)
    ]


async def ask_about_excess(stored: StoredReturn, excess: frozenset[str]) -> None:
    """Ask a person about a return that has no room on its order."""
    matter = Matter(
        key=f"excess:{stored.id}",
        kind="more_returned_than_shipped",
        owner=Owner.ACCOUNT,
        return_id=stored.id,
        summary=f"{stored.number}: more would come back than was shipped; it will not be settled by itself.",
        detail={"order_lines": sorted(excess), "order_number": stored.order_number},
    )
    await raise_matter(stored.account_id, matter)
