"""How a list is read that may change while it is read: pure."""

import math
from typing import Any, NamedTuple, Self

import msgspec

from connectors.channelengine.answers import Collection


class Turned(NamedTuple):
    """What follows a page: the next one, or None at the end; and whether nothing showed that the list moved."""

    following: "Paging | None"
    calm: bool


class Paging(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A place in a list whose pages are numbered; `total` and `seen` count its elements and those already read.

    Where a return leaves the list, all that follow move up: what stood first on the next page is then on a page that
    was already read. Where one is added in front, all move down, and some are read twice.
    """

    page: int = 1
    total: int | None = None
    seen: int = 0
    calm: bool = True

    @property
    def params(self) -> list[tuple[str, str]]:
        """The query of the page to read."""
        return [("page", str(self.page))]

    def after(self, read: Collection[Any]) -> Turned:
        """Return where to go on after a page: a step back by as much as the list became shorter, else forwards."""
        here = len(read.content or ())
        seen, total = self.seen + here, read.total_count
        moved = self.page > 1 and total != self.total
        calm = self.calm and not moved
        if moved and total is not None and total < (self.total or 0):
            return Turned(self._back(total, read.size), calm=False)
        if not here or (total is not None and seen >= total):
            return Turned(None, calm=calm and seen == total)
        return Turned(Paging(page=self.page + 1, total=total, seen=seen, calm=calm), calm)

    def _back(self, total: int, size: int) -> Self:
        page = max(1, self.page - math.ceil(((self.total or 0) - total) / size))
        return type(self)(page=page, total=total, seen=(page - 1) * size, calm=False)
