"""The vendor's clock: a real one, ahead of it, or standing still."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from connectors.channelengine.sandbox.change import ClockHands


class Clock:
    """Tells the vendor's time; its hands are part of the journal."""

    def __init__(self, real: Callable[[], datetime]) -> None:
        self._real = real
        self.hands = ClockHands()

    def now(self) -> datetime:
        """Return the moment it is for the vendor, in UTC."""
        return self.hands.stopped_at or self._ahead(self.hands.ahead_seconds)

    def forward(self, seconds: float) -> ClockHands:
        """Return the hands that show a later moment, standing still if they stand still now."""
        stopped = self.hands.stopped_at
        if stopped is not None:
            return replace(self.hands, stopped_at=stopped + timedelta(seconds=seconds))
        return replace(self.hands, ahead_seconds=self.hands.ahead_seconds + seconds)

    def at(self, moment: datetime, *, stopped: bool) -> ClockHands:
        """Return the hands that show this moment, and go on from there or stand still."""
        moment = moment.astimezone(UTC)
        if stopped:
            return ClockHands(stopped_at=moment)
        return ClockHands(ahead_seconds=(moment - self._ahead(0)).total_seconds())

    def _ahead(self, seconds: float) -> datetime:
        return self._real().astimezone(UTC) + timedelta(seconds=seconds)
