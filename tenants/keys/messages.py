"""What callers of this room say and hear."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta

from tenants.messages import Name, Request, Role, View

# The roles that keys may have; the others are people's. One bad role is refused with this list, so it is checked later.
KEY_ROLES = (Role.PLATFORM, Role.ACCOUNT, Role.PARTNER, Role.WAREHOUSE)
KeyRole = Annotated[str, Meta(extra_json_schema={"enum": [role.value for role in KEY_ROLES]})]
Moment = Annotated[datetime, Meta(tz=True)]
LONGEST_OVERLAP_HOURS = 30 * 24


class NewKey(Request, frozen=True):
    """A key to make, with the id of the party it acts for; `scopes` are the actions it is narrowed to."""

    name: Name
    role: KeyRole
    account_id: UUID | None = None
    partner_id: UUID | None = None
    warehouse_id: UUID | None = None
    scopes: tuple[str, ...] | None = None
    expires_at: Moment | None = None


class Rotation(Request, frozen=True):
    """How long a replaced key goes on working, in hours."""

    overlap_hours: Annotated[int, Meta(ge=0, le=LONGEST_OVERLAP_HOURS)] = 24


class KeyView(View, frozen=True):
    """A key without its secret; `replaces` is the key that it was rotated from."""

    id: UUID
    name: str
    role: Role
    account_id: UUID | None
    partner_id: UUID | None
    warehouse_id: UUID | None
    scopes: frozenset[str] | None
    prefix: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None
    replaces: UUID | None


class KeyShown(View, frozen=True):
    """A new key, shown this once."""

    id: UUID
    key: str
    prefix: str


class KeyRotated(KeyShown, frozen=True):
    """The key that takes over, shown this once, and until when the old one works beside it."""

    expires_at: datetime | None
    replaces: UUID
    replaced_ends_at: datetime
