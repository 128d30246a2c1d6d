"""Every call that came in: what was asked, what was done, and what the caller was told."""

from collections import Counter, deque
from collections.abc import Mapping
from datetime import datetime

import msgspec

KEPT = 100_000


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One call; `done` is the status of the work (None when none was done), `told` what the caller got to know.

    `told` is an HTTP status, or `dropped` (closed without an answer) or `held` (no answer before the caller left).
    """

    at: datetime
    tenant: str
    method: str
    path: str
    query: str
    effect: str | None
    fault: str | None
    done: int | None
    told: str


class CallLog:
    """The latest calls, and counts of all of them since the server was started; it is not kept over a restart."""

    def __init__(self) -> None:
        self._calls: dict[str, deque[Call]] = {}
        self._counts: dict[str, Counter[tuple[str, str]]] = {}

    def add(self, call: Call) -> None:
        """Remember one call."""
        self._calls.setdefault(call.tenant, deque(maxlen=KEPT)).append(call)
        key = (call.effect or f"{call.method} {call.path}", call.told)
        self._counts.setdefault(call.tenant, Counter())[key] += 1

    def of(self, tenant: str) -> list[Call]:
        """Return the tenant's calls that are still kept, oldest first."""
        return list(self._calls.get(tenant, ()))

    def summary(self, tenant: str) -> Mapping[str, Mapping[str, int]]:
        """Count the tenant's calls per effect and what was told."""
        counts: dict[str, dict[str, int]] = {}
        for (effect, told), number in sorted(self._counts.get(tenant, Counter()).items()):
            counts.setdefault(effect, {})[told] = number
        return counts
