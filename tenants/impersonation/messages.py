"""What callers of this room say and hear."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta

from tenants.messages import Request, View


class NewImpersonation(Request, frozen=True):
    """With whose eyes to look, one account's or one partner's, and why; the reason is kept."""

    reason: Annotated[str, Meta(min_length=3, max_length=500)]
    account_id: UUID | None = None
    partner_id: UUID | None = None


class ImpersonationView(View, frozen=True):
    """Who looks, or looked, with which party's eyes; it is over at `ends_at`, or at `ended_at` if that is earlier."""

    id: UUID
    support_id: UUID
    support_name: str
    account_id: UUID | None
    partner_id: UUID | None
    party_name: str
    reason: str
    began_at: datetime
    ends_at: datetime
    ended_at: datetime | None
