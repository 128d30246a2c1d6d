"""The open streams of one web process: few for each visitor, bounded together, and all ended before it stops."""

import asyncio
from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import contextmanager

from hub.kit.errors import HubError

MOST = 500
# A warehouse's terminals may share one key.
MOST_EACH = 20


class TooMany(HubError):  # noqa: N818 - it says the fact
    """A visitor has as many streams open as one may have."""

    status = 429


class Streams:
    """Counts streams, wakes them when something moved, and ends them."""

    def __init__(self, *, most: int = MOST, most_each: int = MOST_EACH) -> None:
        self._most = most
        self._most_each = most_each
        self._held: Counter[Hashable] = Counter()
        self._bell = asyncio.Event()
        self._turn = 0
        self.ending = False

    @property
    def open(self) -> int:
        """How many streams are open."""
        return self._held.total()

    @property
    def turn(self) -> int:
        """How often something moved; a stream notes it before it looks, so that it misses nothing while it does."""
        return self._turn

    @contextmanager
    def enter(self, visitor: Hashable) -> Iterator[None]:
        """Count a stream for as long as the block runs; raises `TooMany`."""
        if self._held[visitor] >= self._most_each or self.open >= self._most:
            raise TooMany("too_many_streams", "Too many pages follow events at once: close some, or wait a little.")
        self._held[visitor] += 1
        try:
            yield
        finally:
            self._held[visitor] -= 1
            # Whoever has none any more is forgotten.
            self._held += Counter()

    def wake(self) -> None:
        """Let every stream look for what moved."""
        self._turn += 1
        bell, self._bell = self._bell, asyncio.Event()
        bell.set()

    async def moved(self, since: int, seconds: float) -> bool:
        """Wait until something moved since a turn, at most so long; says whether to look. The end wakes, too."""
        if self._turn == since and not self.ending:
            # One bell for all: a wait that is cut off leaves nothing behind.
            try:
                await asyncio.wait_for(self._bell.wait(), seconds)
            except TimeoutError:
                return False
        return self._turn != since

    def end(self) -> None:
        """End every stream; one that begins later ends at once."""
        self.ending = True
        self._bell.set()
