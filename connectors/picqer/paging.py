"""How Picqer's list of returns is read while it changes: pure."""

from datetime import timedelta
from typing import Self

import msgspec

from connectors.picqer import wire
from hub.sdk import moment

PAGE = 100
# What changed within so long before the newest one that was seen is read again: stamps repeat, and commits are late.
OVERLAP = timedelta(minutes=15)
# Rows move up while pages are turned, so that each page begins within the one before.
ROWS_AGAIN = 5


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """How far the list of changes was read: since when, at which row, and the newest stamp of this walk."""

    since: str | None = None
    offset: int = 0
    newest: str | None = None

    def after(self, rows: int, newest: str | None, zone: str) -> Self:
        """Return where to go on after a page of so many rows; a short page ends the walk."""
        if rows >= PAGE:
            return type(self)(since=self.since, offset=self.offset + rows - ROWS_AGAIN, newest=newest)
        if newest is None:
            return type(self)(since=self.since)
        return type(self)(since=wire.local(moment(newest, zone) - OVERLAP, zone))
