"""Where a poll stands: pure cursor maths that lose no return, wherever the hub stops."""

import math
from datetime import datetime, timedelta
from typing import Any, Self

import msgspec

from connectors.channelengine.mapping import timestamp
from connectors.channelengine.wire import IN_PROGRESS, Collection

# ChannelEngine shows a return some time after the moment it dates it; clocks differ as well.
OVERLAP = timedelta(minutes=10)
# 2.19.0 filters on creation only, so a change of an older return is seen by reading it again. No marketplace is known
# to leave a return open for longer than 60 days.
DEEP = timedelta(days=90)
DEEP_EVERY = timedelta(days=1)


class Sweep(msgspec.Struct, frozen=True, kw_only=True):
    """One walk over the returns created since a moment, page by page; its JSON is the cursor.

    The first sweep has no `since` and reads all that are open. Every later one reads each return whatever its
    status, because a filter on a status would drop returns from the list while it is being read. Once a day a
    sweep is deep. `total` is what the vendor counted at the page before.
    """

    since: datetime | None
    started: datetime
    deep: datetime
    page: int = 1
    total: int | None = None

    @classmethod
    def begin(cls, cursor: str | None, now: datetime) -> Self:
        """Go on where the cursor stands, or start the next sweep; raises ValueError for a cursor of someone else."""
        if cursor is None:
            return cls(since=None, started=now, deep=now)
        stored = msgspec.json.decode(cursor, type=cls)
        # A sweep that had to step back to its first page is still under way: its start must not move.
        if stored.page > 1 or stored.total is not None:
            return stored
        fresh = msgspec.structs.replace(stored, started=now, total=None)
        if stored.since is None or now - stored.deep < DEEP_EVERY:
            return fresh
        return msgspec.structs.replace(fresh, since=min(stored.since, now - DEEP), deep=now)

    @property
    def cursor(self) -> str:
        """The sweep as text."""
        return msgspec.json.encode(self).decode()

    @property
    def params(self) -> list[tuple[str, str]]:
        """The query of the page to read."""
        chosen = ("statuses", IN_PROGRESS) if self.since is None else ("fromDate", timestamp(self.since))
        return [chosen, ("page", str(self.page))]

    def after(self, read: Collection[Any]) -> tuple[Self, bool]:
        """Return where to go on after a page, and whether this sweep has more to read.

        If the list became shorter meanwhile, what was still unread moved up into pages already read: step back by
        as much. Only after its last page does a sweep hand its start time, less the overlap, to the next one.
        """
        gone = max(0, self.total - read.total_count) if self.total and read.total_count is not None else 0
        if gone:
            back = max(1, self.page - math.ceil(gone / read.size))
            return msgspec.structs.replace(self, page=back, total=read.total_count), True
        if not read.ends(self.page):
            return msgspec.structs.replace(self, page=self.page + 1, total=read.total_count), True
        rested = msgspec.structs.replace(self, since=self.started - OVERLAP, page=1, total=None)
        return rested, False
