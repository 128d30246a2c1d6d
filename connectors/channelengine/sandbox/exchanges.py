"""The latest requests and their answers, word by word, so that they can be held against the vendor's description."""

from collections import deque
from datetime import datetime
from typing import Any

import msgspec

KEPT = 100
MOST_BYTES = 1_000_000


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """One request and its answer; `status` is None where the caller got none, and a fault may have spoilt it."""

    at: datetime
    method: str
    path: str
    query: str
    request: bytes
    status: int | None
    response: bytes
    fault: str | None

    def shown(self) -> dict[str, Any]:
        """Return it with the bodies as JSON where they are that, and as text where they are not."""
        fields = msgspec.structs.asdict(self)
        return {**fields, "request": _read(self.request), "response": _read(self.response)}


class Exchanges:
    """The latest exchanges of each tenant; they are not kept over a restart."""

    def __init__(self) -> None:
        self._kept: dict[str, deque[Exchange]] = {}

    def add(self, tenant: str, exchange: Exchange) -> None:
        """Remember one."""
        self._kept.setdefault(tenant, deque(maxlen=KEPT)).append(exchange)

    def of(self, tenant: str) -> list[Exchange]:
        """Return what is kept, oldest first."""
        return list(self._kept.get(tenant, ()))


def _read(body: bytes) -> Any:
    if not body:
        return None
    try:
        return msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return body.decode("utf-8", "replace")
