"""Stop calling a vendor that only fails, and find out when it is back, as pure state."""

from collections import deque
from datetime import datetime, timedelta

WINDOW = timedelta(minutes=2)
LEAST_CALLS = 10
FAILURE_SHARE = 0.5
PAUSE = timedelta(seconds=60)
CLOSE_AFTER = 5


class Breaker:
    """Opens after half of at least ten calls in two minutes failed; then one probe a minute until five succeed.

    It lives in one process: each worker finds out for itself, which costs a few calls and no coordination.
    """

    def __init__(self) -> None:
        self._calls: deque[tuple[datetime, bool]] = deque()
        self._failures = 0
        self._open_until: datetime | None = None
        self._probes = 0

    def wait(self, now: datetime) -> float:
        """Return the seconds to wait before a call may be made: zero while closed, or for the next probe."""
        if self._open_until is None:
            return 0.0
        # A clock that was set back must not make the pause longer.
        self._open_until = min(self._open_until, now + PAUSE)
        left = (self._open_until - now).total_seconds()
        if left > 0:
            return left
        self._open_until = now + PAUSE
        return 0.0

    def unused(self, now: datetime) -> None:
        """Hand a probe back that no call was made with."""
        if self._open_until is not None:
            self._open_until = now

    def record(self, *, ok: bool, now: datetime) -> None:
        """Count one finished call."""
        if self._open_until is not None:
            self._probe(ok=ok, now=now)
            return
        self._calls.append((now, ok))
        self._failures += not ok
        while self._calls[0][0] < now - WINDOW:
            self._failures -= not self._calls.popleft()[1]
        if len(self._calls) >= LEAST_CALLS and self._failures >= FAILURE_SHARE * len(self._calls):
            self._open_until, self._probes = now + PAUSE, 0

    def _probe(self, *, ok: bool, now: datetime) -> None:
        if not ok:
            self._open_until, self._probes = now + PAUSE, 0
            return
        self._probes += 1
        # A probe that succeeded lets the next one through at once.
        self._open_until = now
        if self._probes >= CLOSE_AFTER:
            self._open_until = None
            self._calls.clear()
            self._failures = 0
