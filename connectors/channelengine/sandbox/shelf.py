"""A list kept in the order of creation, so that a page or a period is a slice and not a search."""

from bisect import bisect_left, insort
from datetime import datetime


class Shelf:
    """Entries `(created, id)` in ascending order; adding the newest costs nothing, removing one a binary search."""

    def __init__(self) -> None:
        self.entries: list[tuple[datetime, int]] = []

    def add(self, entry: tuple[datetime, int]) -> None:
        """Put an entry in its place; a clock that went backwards is no harm."""
        if not self.entries or self.entries[-1] < entry:
            self.entries.append(entry)
        else:
            insort(self.entries, entry)

    def remove(self, entry: tuple[datetime, int]) -> None:
        """Take out an entry that is known to be here."""
        del self.entries[bisect_left(self.entries, entry)]

    def window(self, start: datetime | None, end: datetime | None) -> tuple[int, int]:
        """Return the bounds of what was created from `start` (inclusive) until `end` (exclusive)."""
        low = 0 if start is None else bisect_left(self.entries, (start, 0))
        high = len(self.entries) if end is None else bisect_left(self.entries, (end, 0))
        return low, max(low, high)
