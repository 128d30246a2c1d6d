"""What this room says and hears."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from hub.inbox.messages import Source
from tenants.messages import Limited
from tenants.vendors import Reach


class BackfillState(StrEnum):
    """How far a back-fill is."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class NewBackfill(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Returns to read: all that were created since a moment."""

    since: Annotated[datetime, Meta(tz=True)]


class BackfillView(msgspec.Struct, frozen=True, kw_only=True):
    """A back-fill; `read` counts elements that were read, of `total` where the channel says so."""

    id: UUID
    connection_id: UUID
    since: datetime
    state: BackfillState
    read: int
    total: int | None
    born: int
    why: str | None
    started_at: datetime
    finished_at: datetime | None


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """The right to read a back-fill's next pages for a while."""

    account_id: UUID
    id: UUID
    connection_id: UUID
    connector: str
    settings: dict[str, Any]
    sealed: bytes
    limited: Limited
    since: datetime
    cursor: str | None
    failures: int
    lease_until: datetime

    @property
    def source(self) -> Source:
        """Where what is read comes from; no knock announces history."""
        reach = Reach(
            id=self.connection_id, connector=self.connector, settings=self.settings, sealed=self.sealed,
            limited=self.limited,
        )  # fmt: skip
        return Source(account_id=self.account_id, reach=reach)
