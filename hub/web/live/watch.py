"""One look at the feed for all streams of a process: it rings when something moved, and keeps what moved last."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from hub.kit import db
from hub.kit.telemetry import log
from hub.outbox import queries
from hub.outbox.messages import Cursor, Move
from hub.web.live.streams import Streams

# How often is looked while somebody listens, and how much a look reads.
LOOK_SECONDS = 0.5
MOST_AT_ONCE = 500
# Streams that are not far behind are served from memory.
KEPT = 2_000

_log = log("live")


class Watch:
    """Follows the feed while any stream is open; without one it asks the database nothing."""

    def __init__(self, streams: Streams) -> None:
        self._streams = streams
        self._at: Cursor | None = None
        # `_kept` holds every move behind `_from` up to `_at`.
        self._from: Cursor | None = None
        self._kept: deque[Move] = deque()

    async def run(self) -> None:
        """Look again and again until cancelled; a database that is away is waited for."""
        away = False
        while True:
            try:
                await self.look()
            except db.Lost as lost:
                # Said once, and once more when it is back.
                if not away:
                    _log.warning("the feed is out of reach", fault=type(lost).__name__)
                away = True
            else:
                if away:
                    _log.warning("the feed is back")
                away = False
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Look once, and wake the streams if something moved."""
        if not self._streams.open:
            self._at = None
            return
        async with db.transaction(db.PLATFORM):
            if self._at is None:
                self._begin(await queries.end())
                # Whoever came before the first look may have missed something.
                self._streams.wake()
                return
            found = await queries.moves(self._at, MOST_AT_ONCE)
        if found:
            self._keep(found)
            self._streams.wake()

    def _begin(self, at: Cursor) -> None:
        self._at = self._from = at
        self._kept.clear()

    def _keep(self, found: list[Move]) -> None:
        self._at = found[-1].cursor
        self._kept.extend(found)
        while len(self._kept) > KEPT:
            self._from = self._kept.popleft().cursor

    async def since(self, cursor: Cursor) -> list[Move]:
        """Return what moved after a place, as much as one look reads; from memory where that holds all of it."""
        if self._at is not None and self._from is not None and cursor >= self._from:
            return [move for move in self._kept if move.cursor > cursor][:MOST_AT_ONCE]
        async with db.transaction(db.PLATFORM):
            return await queries.moves(cursor, MOST_AT_ONCE)


@asynccontextmanager
async def watching(watch: Watch) -> AsyncIterator[None]:
    """Look at the feed for as long as the block runs."""
    task = asyncio.create_task(watch.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
