"""Rate limits as the vendor counts them: calls per endpoint in a fixed interval of one minute."""

from datetime import datetime

from connectors.channelengine.sandbox.refusals import Refusal

INTERVAL_MINUTES = 1


class TooManyCalls(Refusal):
    """The interval is used up; the vendor says after how many seconds to come back."""

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__(429, "API calls quota exceeded.")
        self.retry_after_seconds = retry_after_seconds


class Meter:
    """The calls left per tenant and endpoint; a limit of one million a minute is as good as none."""

    def __init__(self, calls_per_minute: int = 1_000_000) -> None:
        self.calls_per_minute = calls_per_minute
        self._windows: dict[tuple[str, str], tuple[int, int]] = {}

    def limit(self, calls_per_minute: int) -> None:
        """Set another limit and begin to count anew."""
        self.calls_per_minute = calls_per_minute
        self._windows.clear()

    def count(self, tenant: str, endpoint: str, at: datetime) -> None:
        """Count one call; raises TooManyCalls when none was left."""
        minute, second = divmod(int(at.timestamp()), 60 * INTERVAL_MINUTES)
        since, used = self._windows.get((tenant, endpoint), (minute, 0))
        used = used + 1 if since == minute else 1
        self._windows[(tenant, endpoint)] = (minute, used)
        if used > self.calls_per_minute:
            raise TooManyCalls(60 * INTERVAL_MINUTES - second)

    def left(self, tenant: str, endpoint: str, at: datetime) -> int:
        """Return how many calls are left without counting one."""
        minute = int(at.timestamp()) // (60 * INTERVAL_MINUTES)
        since, used = self._windows.get((tenant, endpoint), (minute, 0))
        return max(0, self.calls_per_minute - used) if since == minute else self.calls_per_minute
