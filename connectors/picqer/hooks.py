"""Picqer's hooks: which events there are for returns, and which return one is about."""

import msgspec

from connectors.picqer import wire
from hub.sdk import Hint, SnapshotKey

HEADER = "x-picqer-signature"
# What was received does not tell of a status, and a status not of what was received; all are hints alike.
EVENTS = frozenset({"returns.created", "returns.changed", "returns.status_changed", "returns.products_received"})


def hints(body: bytes) -> tuple[Hint, ...]:
    """Return the hint of a verified hook; an event that is none of returns has none. Raises ValueError."""
    told = msgspec.json.decode(body, type=wire.HookBody)
    if not told.event.startswith("returns."):
        return ()
    # Picqer gives events no id of their own.
    key = f"{told.idhook}:{told.event}:{told.event_triggered_at}:{told.data.idreturn}"
    return (Hint(key=key, about=SnapshotKey(reference=str(told.data.idreturn))),)
