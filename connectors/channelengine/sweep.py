"""Where a poll stands: a walk over all that is open, which loses no return wherever the hub stops. Pure."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple, Self

import msgspec

from connectors.channelengine.answers import Collection
from connectors.channelengine.paging import Paging
from connectors.channelengine.values import timestamp
from hub.sdk import ChannelReturn, Page

Rejected = tuple[tuple[str, str], ...]

# ChannelEngine shows a return some time after the moment it dates it; clocks differ as well.
OVERLAP = timedelta(minutes=10)


class Part(StrEnum):
    """Which of the open returns a request is for."""

    ALL = "all"
    OLDER = "older"
    NEWER = "newer"


class Step(NamedTuple):
    """What follows a page of a walk; at the end of one that saw everything, when it began."""

    following: "Walk"
    more: bool
    all_open_since: datetime | None = None


class Walk(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One walk over the returns in progress; its JSON is the cursor, and it rests while it has no start.

    2.19.0 has no filter on changes, so what is open is read anew each time: a status of today is worth more than a
    date of yesterday. One page is one moment, and often all there is. Where there are more, the returns dated before
    the walk are read first: none is added to those any more, so that their count tells whenever one has left, which
    among all of them a new one could hide. The young ones follow, and only as one page are they known to be whole.
    What the page showed that turned out to be one of several is read again with the rest, and not handed over twice.
    """

    started: datetime | None = None
    part: Part = Part.ALL
    paging: Paging = Paging()
    total: int | None = None
    whole: bool = True

    @classmethod
    def begin(cls, cursor: str | None, now: datetime) -> Self:
        """Go on where the cursor stands, or start the next walk.

        A cursor that is none of this format starts anew: a walk reads all that is open and needs no past.
        """
        try:
            stored = msgspec.json.decode(cursor or "{}", type=cls)
        except ValueError:
            stored = cls()
        return stored if stored.started else cls(started=now)

    @property
    def cursor(self) -> str:
        """The walk as text."""
        return msgspec.json.encode(self).decode()

    @property
    def dates(self) -> list[tuple[str, str]]:
        """Which creation dates to read, as the filters `fromDate`, from it on, and `toDate`, before it."""
        if self.part is Part.ALL or self.started is None:
            return []
        border = timestamp(self.started - OVERLAP)
        return [("toDate", border)] if self.part is Part.OLDER else [("fromDate", border)]

    def page(self, read: Collection[Any], items: tuple[ChannelReturn, ...], rejected: Rejected) -> Page:
        """Return what was read as a page of the poll; what could not be read is open too."""
        step = self.after(read, readable=not rejected)
        read_again = self.part is Part.ALL and step.more
        return Page(
            items=() if read_again else items,
            cursor=step.following.cursor,
            more=step.more,
            rejected=() if read_again else rejected,
            total=read.total_count if self.total is None else self.total,
            all_open_since=step.all_open_since,
        )

    def after(self, read: Collection[Any], *, readable: bool) -> Step:
        """Return what follows a page; where something could not be read, nothing is known to be whole."""
        turned = self.paging.after(read)
        whole = self.whole and turned.calm and readable
        if self.part is Part.ALL:
            if turned.following is None:
                return self._rest(whole=whole)
            return self._go_on(Part.OLDER, Paging(), whole=True, total=read.total_count)
        if turned.following is not None:
            whole = whole and self.part is Part.OLDER
            return self._go_on(self.part, turned.following, whole=whole, total=self.total)
        if self.part is Part.OLDER:
            return self._go_on(Part.NEWER, Paging(), whole=whole, total=self.total)
        return self._rest(whole=whole)

    def _go_on(self, part: Part, paging: Paging, *, whole: bool, total: int | None) -> Step:
        following = Walk(started=self.started, part=part, paging=paging, total=total, whole=whole)
        return Step(following, more=True)

    def _rest(self, *, whole: bool) -> Step:
        return Step(Walk(), more=False, all_open_since=self.started if whole else None)
