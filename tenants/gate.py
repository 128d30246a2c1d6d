"""Where requests leave: a pause that a vendor asked for is kept, and the calls it leaves are not overrun.

What an endpoint is, its connector names; what a vendor counts by is known to nobody else.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta

from hub.kit import clock
from hub.kit.limits import INTERVAL, LONGEST, Meter, Told, Urgency
from hub.sdk import Interrupted, RateLimited
from hub.sdk.http import TOO_MANY_REQUESTS, retry_after_seconds
from tenants.messages import Limited

SERVICE_UNAVAILABLE = 503
# Whoever waits for another call to end must have time left for its own.
PATIENCE_SECONDS = 5.0
NOT_COUNTED = Told(counted=False)

REMAINING = ("x-rate-limit-remaining", "x-ratelimit-remaining", "ratelimit-remaining")
RESET = ("x-rate-limit-reset", "x-ratelimit-reset", "ratelimit-reset")
# ChannelEngine's (help centre, "Merchant API: rate limiting"): the interval in minutes.
MINUTES = "x-rate-limit-limit"
MOST_MINUTES = 60
# A reset beyond this is a moment since 1970, not a number of seconds.
EPOCH = 1_000_000_000


def read(status: int, headers: Mapping[str, str], now: datetime) -> Told:
    """Return what an answer says of its endpoint's limit; what cannot be read is not said."""
    asks = status == TOO_MANY_REQUESTS or (status == SERVICE_UNAVAILABLE and "retry-after" in headers)
    pause = timedelta(seconds=retry_after_seconds(headers, now)) if asks else None
    left = _number(headers, REMAINING)
    if left is None:
        return Told(pause=pause)
    return Told(left=left, interval=_interval(headers, now), pause=pause)


def _interval(headers: Mapping[str, str], now: datetime) -> timedelta:
    reset, minutes = _number(headers, RESET), _number(headers, (MINUTES,))
    if reset is not None:
        seconds = reset - now.timestamp() if reset > EPOCH else float(reset)
        return timedelta(seconds=min(seconds, LONGEST.total_seconds()))
    return timedelta(minutes=minutes) if minutes and minutes <= MOST_MINUTES else INTERVAL


def _number(headers: Mapping[str, str], names: tuple[str, ...]) -> int | None:
    for name in names:
        text = headers.get(name, "").strip()
        if text.isascii() and text.isdecimal():
            # Digits beyond any count or moment say nothing more.
            return int(text[:12])
    return None


class Gate:
    """One connection's gate in this process, with a meter for each endpoint."""

    def __init__(self) -> None:
        self._kinds: dict[str, datetime] = {}
        self._meters: dict[str, Meter] = {}
        self._turned_away: dict[str, list[asyncio.Future[None]]] = {}

    def heed(self, limited: Limited) -> None:
        """Take over until when the vendor asked not to be called, whichever process it asked."""
        for kind, until in limited.calls.items():
            self._kinds[kind] = max(until, self._kinds.get(kind, until))
        for endpoint, until in limited.endpoints.items():
            self._meter(endpoint).pause(until)

    def rest(self, kind: str) -> RateLimited | None:
        """Return how long calls of this kind still wait, if they do."""
        until, now = self._kinds.get(kind), clock.now()
        if until is None or until <= now:
            return None
        # A clock that was set back must not make the pause longer.
        return RateLimited(min(until - now, LONGEST).total_seconds())

    async def enter(self, endpoint: str, urgency: Urgency) -> None:
        """Count a call that goes now; raises `Interrupted` with `RateLimited` if it may not."""
        meter = self._meter(endpoint)
        if not _may(meter, urgency):
            await self._wait(endpoint, meter, urgency)
        meter.begin()

    def leave(self, endpoint: str, began: datetime, told: Told) -> datetime | None:
        """Count a call as over; returns until when nobody may make the next, if it is so."""
        meter, now = self._meters[endpoint], clock.now()
        meter.end(began, now, told)
        self._call_in(endpoint)
        return meter.closed_until(now)

    def _meter(self, endpoint: str) -> Meter:
        return self._meters.get(endpoint) or self._meters.setdefault(endpoint, Meter())

    async def _wait(self, endpoint: str, meter: Meter, urgency: Urgency) -> None:
        meter.wait(urgency)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not _may(meter, urgency):
                    turn = asyncio.get_running_loop().create_future()
                    self._turned_away.setdefault(endpoint, []).append(turn)
                    await turn
        except TimeoutError:
            raise Interrupted(RateLimited(1.0)) from None
        finally:
            meter.wait_no_more(urgency)
            # Who was less urgent than this one may be let in now.
            self._call_in(endpoint)

    def _call_in(self, endpoint: str) -> None:
        for turn in self._turned_away.pop(endpoint, ()):
            if not turn.done():
                turn.set_result(None)


def _may(meter: Meter, urgency: Urgency) -> bool:
    now = clock.now()
    leave = meter.ask(urgency, now)
    if leave.until is not None:
        raise Interrupted(RateLimited((leave.until - now).total_seconds()))
    return leave.granted
