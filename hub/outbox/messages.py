"""What this room says."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec


class EventView(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened, as others are told of it."""

    id: UUID
    cursor: str
    account_id: UUID
    return_id: UUID | None
    type: str
    body: dict[str, Any]
    at: datetime
