"""What this room says and hears."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from tenants.messages import Limited


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """A stored message that nobody handled yet, as it was stored: an older hub may have written it."""

    id: UUID
    body: str


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """The right to poll one connection for a while."""

    account_id: UUID
    connection_id: UUID
    connector: str
    settings: dict[str, Any]
    sealed: bytes
    limited: Limited
    cursor: str | None
    failures: int
    lease_until: datetime


class InboxView(msgspec.Struct, frozen=True, kw_only=True):
    """A message that could not be handled, and why."""

    id: UUID
    account_id: UUID
    connection_id: UUID
    subject: str
    state: str
    why: str | None
    received_at: datetime
