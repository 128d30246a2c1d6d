"""What this room says and hears."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec


class Owner(StrEnum):
    """Whose turn it is."""

    ACCOUNT = "account"
    SUPPORT = "support"
    PARTNER = "partner"


class Matter(msgspec.Struct, frozen=True, kw_only=True):
    """Something to decide; `key` names the matter, so that it is opened once."""

    key: str
    kind: str
    owner: Owner
    summary: str
    detail: dict[str, Any] = {}
    return_id: UUID | None = None
    operation_id: UUID | None = None


class WorkItemView(msgspec.Struct, frozen=True, kw_only=True):
    """A work item."""

    id: UUID
    account_id: UUID
    kind: str
    owner: Owner
    return_id: UUID | None
    operation_id: UUID | None
    summary: str
    detail: dict[str, Any]
    opened_at: datetime
    closed_at: datetime | None
    resolution: str | None
