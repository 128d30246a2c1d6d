"""How many calls of a connection may be under way, and how many a vendor takes: pure state, the moment handed in."""

from collections import Counter, OrderedDict
from collections.abc import Hashable
from datetime import datetime, timedelta
from enum import IntEnum

import msgspec

Ticket = tuple[str, ...]


class Bulkhead:
    """Counts calls in flight per connection and remembers who was turned away.

    It lives in one process; across processes the limit is this number times the workers.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._inside: dict[Hashable, int] = {}
        # In the order of arrival, and each ticket once: what waits is rung for again and again.
        self._waiting: dict[Hashable, OrderedDict[Ticket, None]] = {}

    def enter(self, door: Hashable, ticket: Ticket) -> bool:
        """Take a place, or leave the ticket and be told no; a ticket that waits there already waits once."""
        inside = self._inside.get(door, 0)
        if inside >= self._most:
            self._waiting.setdefault(door, OrderedDict()).setdefault(ticket)
            return False
        self._inside[door] = inside + 1
        return True

    def leave(self, door: Hashable) -> Ticket | None:
        """Give the place back and return the ticket of whoever waited longest, if any."""
        left = self._inside[door] - 1
        if left:
            self._inside[door] = left
        else:
            del self._inside[door]
        waiting = self._waiting.get(door)
        if not waiting:
            return None
        ticket, _ = waiting.popitem(last=False)
        if not waiting:
            del self._waiting[door]
        return ticket


# A vendor that asks for more than an hour is more likely wrong than busy.
LONGEST = timedelta(hours=1)
SHORTEST = timedelta(seconds=1)
# What a vendor that tells how many calls are left, and not for how long, most likely counts by.
INTERVAL = timedelta(minutes=1)
# One call in four is kept for money.
RESERVED = 4


class Urgency(IntEnum):
    """Who goes first where a vendor takes few calls: settlements, then what people wait for, then long reads."""

    MONEY = 0
    USUAL = 1
    BULK = 2


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer says of its endpoint: calls left, until all come back, and the pause it asks for.

    A call that never left the hub was not `counted`.
    """

    left: int | None = None
    interval: timedelta = INTERVAL
    pause: timedelta | None = None
    counted: bool = True


class Leave(msgspec.Struct, frozen=True):
    """Whether a call may go; if not, when to ask again: at a moment, or without one once another call has ended."""

    granted: bool
    until: datetime | None = None


GO, CROWDED = Leave(granted=True), Leave(granted=False)


class _Window(msgspec.Struct, kw_only=True):
    """An interval of the vendor's as far as it is known: it ends at `end` at the latest.

    `left` was told at `seen`, or is `believed` because the interval before had as many: `most`. `doubtful` is a higher
    number in an answer that may be older than `left`, or may belong to the next interval.
    """

    left: int
    seen: datetime
    end: datetime
    most: int
    interval: timedelta
    believed: bool = False
    doubtful: int | None = None

    @property
    def reserve(self) -> int:
        """How many calls are kept for money, and never all of them."""
        return min(max(1, self.most // RESERVED), self.most - 1)

    def next(self, now: datetime) -> "_Window":
        """Return the interval after this one: the vendor is believed to give as much once more."""
        left = self.most if self.doubtful is None else min(self.most, max(1, self.doubtful))
        return _Window(
            left=left, seen=now, end=now + self.interval, most=self.most, interval=self.interval, believed=True
        )


class Meter:
    """One endpoint of one connection: what its answers told of its limit, and the calls under way.

    It lives in one process; a pause that a vendor asked for is told to the others by whoever uses this.
    """

    def __init__(self) -> None:
        self._paused_until: datetime | None = None
        self._window: _Window | None = None
        self._under_way = 0
        self._waiting: Counter[Urgency] = Counter()

    def ask(self, urgency: Urgency, now: datetime) -> Leave:
        """Say whether a call may go now, without counting it."""
        paused = self.paused_until(now)
        if paused is not None:
            return Leave(granted=False, until=paused)
        if any(self._waiting[other] for other in Urgency if other < urgency):
            return CROWDED
        window = self._current(now)
        if window is None:
            return GO
        left = window.left - (window.reserve if urgency is Urgency.BULK else 0)
        if left <= 0:
            return Leave(granted=False, until=window.end)
        return GO if left > self._under_way else CROWDED

    def paused_until(self, now: datetime) -> datetime | None:
        """Return until when the vendor asked not to be called, if that is still to come."""
        if self._paused_until is None or self._paused_until <= now:
            return None
        # A clock that was set back must not make the pause longer.
        return min(self._paused_until, now + LONGEST)

    def closed_until(self, now: datetime) -> datetime | None:
        """Return until when nobody may call: because the vendor asked for it, or because no call is left."""
        paused, window = self.paused_until(now), self._current(now)
        return window.end if paused is None and window is not None and window.left <= 0 else paused

    def pause(self, until: datetime) -> None:
        """Let no call go before a moment; a longer pause is kept."""
        self._paused_until = max(until, self._paused_until or until)

    def wait(self, urgency: Urgency) -> None:
        """Stand in the queue: who is less urgent gets no leave meanwhile."""
        self._waiting[urgency] += 1

    def wait_no_more(self, urgency: Urgency) -> None:
        """Leave the queue."""
        self._waiting[urgency] -= 1

    def begin(self) -> None:
        """Count a call that goes now."""
        self._under_way += 1

    def end(self, began: datetime, now: datetime, told: Told) -> None:
        """Count a call as over and learn from its answer."""
        self._under_way -= 1
        window = self._current(now)
        if told.left is not None:
            self._learn(window, max(0, told.left), told.interval, began, now)
        elif window is not None and told.counted:
            window.left = max(0, window.left - 1)
        if told.pause is not None:
            self._obey(told.pause, now)

    def _obey(self, pause: timedelta, now: datetime) -> None:
        until = now + min(pause, LONGEST)
        self.pause(until)
        if self._window is not None:
            # The vendor's own word for when its interval ends.
            self._window.left, self._window.seen, self._window.end = 0, now, until

    def _learn(self, window: _Window | None, left: int, interval: timedelta, began: datetime, now: datetime) -> None:
        if window is None or (began >= window.seen and (window.believed or left >= window.left)):
            interval = min(max(interval, SHORTEST), LONGEST)
            self._window = _Window(left=left, seen=now, end=now + interval, most=left + 1, interval=interval)
        elif left < window.left:
            window.left, window.seen = left, now
        else:
            # Answers overtake each other: the lower number holds until a call that began after it tells more.
            window.doubtful = left if window.doubtful is None else min(left, window.doubtful)

    def _current(self, now: datetime) -> _Window | None:
        window = self._window
        if window is not None and (now >= window.end or window.end > now + LONGEST):
            self._window = window = window.next(now)
        return window
