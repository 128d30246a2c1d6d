"""What this room says and hears."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from tenants.vendors import Reach


class Door(msgspec.Struct, frozen=True, kw_only=True):
    """What a knock at a connection is compared with."""

    connector: str
    digest: bytes


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A connection whose registration at the vendor is due to be made or checked."""

    id: UUID
    account_id: UUID
    connector: str
    settings: dict[str, Any]
    sealed: bytes
    knock_sealed: bytes | None

    @property
    def reach(self) -> Reach:
        """What calling it needs."""
        return Reach(id=self.id, connector=self.connector, settings=self.settings, sealed=self.sealed)


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """A connection to ring for, and since when."""

    id: UUID
    checked_at: datetime | None
