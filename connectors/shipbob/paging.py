"""How ShipBob's list of returns is read, which knows no "changed since": pure."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

import msgspec

PAGE = 100
# How far back the first walk goes, and how long a canceled return is looked at.
WINDOW = timedelta(days=90)
# ShipBob does not tell when a return was last changed, so that what was completed within so long is read again.
AGAIN = timedelta(days=7)


class Part(StrEnum):
    """One of the three lists that a walk turns over: what is open, and what ended."""

    OPEN = "open"
    COMPLETED = "completed"
    CANCELED = "canceled"


ORDER = tuple(Part)


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """How far a walk is; `since` is when the walk before it began, `began` when this one did."""

    part: Part = Part.OPEN
    page: int = 1
    since: datetime | None = None
    began: datetime | None = None

    def started(self, now: datetime) -> Self:
        """Return this place in a walk that has begun."""
        return self if self.began else msgspec.structs.replace(self, began=now)

    def query(self, now: datetime) -> dict[str, str]:
        """Return what to ask for."""
        asked = {"Cursor": str(self.page), "Limit": str(PAGE), "SortOrder": "Asc"}
        match self.part:
            case Part.OPEN:
                return asked | {"Status": "AwaitingArrival,Arrived,Processing"}
            case Part.COMPLETED:
                since = (self.since or now - WINDOW + AGAIN) - AGAIN
                return asked | {"Status": "Completed", "CompletedStartDate": written(since)}
        return asked | {"Status": "Cancelled", "StartDate": written(now - WINDOW)}

    def after(self, *, more: bool) -> Self:
        """Return where to go on: the next page, the next list, or the next walk."""
        if more:
            return msgspec.structs.replace(self, page=self.page + 1)
        following = ORDER.index(self.part) + 1
        if following < len(ORDER):
            return msgspec.structs.replace(self, part=ORDER[following], page=1)
        return type(self)(since=self.began)


def written(moment: datetime) -> str:
    """Return a moment as ShipBob writes it."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}Z"
