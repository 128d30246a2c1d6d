"""What this room says."""

import re
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from hub.kit.errors import Malformed

# A place in the feed: a transaction, and an event of it.
Cursor = tuple[int, UUID]
BEGIN: Cursor = (0, UUID(int=0))
# A number that PostgreSQL can have given to a transaction, and an id.
_CURSOR = re.compile(r"([0-9]{1,18})-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")


def written(cursor: Cursor) -> str:
    """Return a place as readers of the feed keep it."""
    return f"{cursor[0]}-{cursor[1]}"


def read(text: str) -> Cursor:
    """Return the place that a reader kept; raises `Malformed`."""
    found = _CURSOR.fullmatch(text)
    if found is None:
        raise Malformed("cursor_invalid", "This cursor is not one that the hub gave.")
    return int(found[1]), UUID(found[2])


class EventView(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened, as others are told of it."""

    id: UUID
    cursor: str
    account_id: UUID
    return_id: UUID | None
    type: str
    body: dict[str, Any]
    at: datetime


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """That something happened to a return, without what: a place in the feed."""

    tx: int
    id: UUID
    return_id: UUID
    type: str
    at: datetime

    @property
    def cursor(self) -> Cursor:
        """Where in the feed it stands."""
        return self.tx, self.id
