"""Which endpoints a tenant was asked to leave alone for a while, and whether it did."""

from datetime import datetime, timedelta
from typing import NamedTuple

# What was under way already when the answer was given is nobody's fault.
GRACE_SECONDS = 0.25
# A longer time than an hour is a slip of the vendor's; a client may take it for a minute.
LONGEST_SECONDS = 3600
INSTEAD_SECONDS = 60


class Asked(NamedTuple):
    """Until when, by the vendor's clock, and when that was said, in seconds of a clock that never jumps."""

    until: datetime
    said_at: float


class Patience:
    """The `retry-after` answers that are in force, per tenant and endpoint."""

    def __init__(self) -> None:
        self._asked: dict[tuple[str, str], Asked] = {}

    def ask(self, tenant: str, endpoint: str, seconds: float, now: datetime, said_at: float) -> None:
        """Remember that a tenant was told to wait."""
        wait = INSTEAD_SECONDS if seconds > LONGEST_SECONDS else seconds
        self._asked[tenant, endpoint] = Asked(now + timedelta(seconds=wait), said_at)

    def tried(self, tenant: str, endpoint: str, now: datetime, arrived_at: float) -> bool:
        """Say whether a call that arrives now should have waited."""
        asked = self._asked.get((tenant, endpoint))
        return asked is not None and now < asked.until and arrived_at - asked.said_at > GRACE_SECONDS
