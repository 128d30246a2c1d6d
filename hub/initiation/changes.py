"""What the channel changed of a return's lines since it was born: a pure comparison."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

import msgspec

from hub.initiation import linking
from hub.initiation.linking import Part, Reading
from hub.returns.messages import BornLine, StoredLine


class Declared(msgspec.Struct, frozen=True):
    """A line as the channel declares it now; one that the hub knows has its id."""

    id: UUID | None
    part: Part


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A product of which the channel now declares another number of units."""

    sku: str | None
    before: int
    after: int


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """The lines as they are declared now, and what is other than before; `whole` if every line's product is known."""

    declared: tuple[Declared, ...]
    changes: tuple[Change, ...]
    whole: bool


def compare(stored: Sequence[StoredLine], reading: Reading) -> Comparison:
    """Match lines by their order line, or else by their product, each once; what matches no other is new or gone."""
    left, declared = list(stored), []
    for part in sorted(reading.parts, key=lambda each: each.line.order_line is None):
        found = max((line for line in left if _same(line, part)), key=partial(_alike, part), default=None)
        if found is not None:
            left.remove(found)
        declared.append((found, part))
    changes = [
        Change(sku=part.line.sku, before=found.declared if found else 0, after=part.line.quantity)
        for found, part in declared
        if found is None or found.declared != part.line.quantity
    ]
    changes += [Change(sku=each.line.sku, before=0, after=each.line.quantity) for each in reading.unlinked]
    changes += [Change(sku=line.sku, before=line.declared, after=0) for line in left]
    lines = sorted(((found, part) for found, part in declared), key=lambda pair: pair[1].position)
    return Comparison(
        declared=tuple(Declared(found.id if found else None, _meant(part, found)) for found, part in lines),
        changes=tuple(changes),
        whole=bool(reading.parts) and not reading.unlinked,
    )


def _same(line: StoredLine, part: Part) -> bool:
    if line.sku != part.line.sku:
        return False
    return part.line.order_line is None or line.order_line in {None, part.line.order_line}


def _alike(part: Part, line: StoredLine) -> tuple[bool, bool]:
    return line.order_line == part.line.order_line, line.declared == part.line.quantity


def _meant(part: Part, found: StoredLine | None) -> Part:
    """Tie a line that may belong to several order lines to the one it belonged to before."""
    if found is None or found.order_line is None or part.line.order_line is not None:
        return part
    option = next((each for each in part.options if each.reference == found.order_line), None)
    line = linking.on_order(part.line, option) if option else _kept(part.line, found)
    return msgspec.structs.replace(part, line=line, options=())


def _kept(line: BornLine, found: StoredLine) -> BornLine:
    return msgspec.structs.replace(line, order_line=found.order_line)
