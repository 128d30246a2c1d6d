"""What this room says."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec


class Anchor(msgspec.Struct, frozen=True, kw_only=True):
    """The end of the log at a moment: how many entries there were, and the last one with its digest, hexadecimal."""

    entries: int
    id: UUID
    digest: str
    at: datetime


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """What a look at the whole log found: the first entry that does not follow, and an anchor that it does not meet."""

    entries: int
    broken: UUID | None = None
    missed: Anchor | None = None

    @property
    def sound(self) -> bool:
        """Whether nothing was changed, taken out or cut off."""
        return self.broken is None and self.missed is None


class AuditView(msgspec.Struct, frozen=True, kw_only=True):
    """One deed, and its place in the chain; digests are hexadecimal."""

    id: UUID
    account_id: UUID | None
    at: datetime
    actor: str
    action: str
    subject: str
    before: Any
    after: Any
    previous: str
    digest: str
