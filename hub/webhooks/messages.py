"""What this room says and hears."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

Url = Annotated[str, Meta(min_length=8, max_length=2000, description="where to send, https")]
Description = Annotated[str, Meta(max_length=200)]
Wanted = Annotated[
    tuple[Annotated[str, Meta(min_length=1, max_length=100)], ...],
    Meta(max_length=100, description="types of events such as return.settled, or settlement.*; none means all"),
]


class EndpointState(StrEnum):
    """Whether an endpoint is told anything."""

    ACTIVE = "active"
    DISABLED = "disabled"


class DeliveryState(StrEnum):
    """Where a delivery is; the last two are ends."""

    WAITING = "waiting"
    CLAIMED = "claimed"
    DELIVERED = "delivered"
    FAILED = "failed"


class NewEndpoint(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An endpoint to tell; `since` has it told what happened from then on, too."""

    url: Url
    account_id: UUID | None = None
    partner_id: UUID | None = None
    description: Description = ""
    events: Wanted = ()
    since: Annotated[datetime, Meta(tz=True)] | None = None


class EndpointChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be otherwise; what is left out stays."""

    url: Url | msgspec.UnsetType = msgspec.UNSET
    description: Description | msgspec.UnsetType = msgspec.UNSET
    events: Wanted | msgspec.UnsetType = msgspec.UNSET
    state: EndpointState | msgspec.UnsetType = msgspec.UNSET


class EndpointView(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint, without its secret; `failing_since` is set while nothing arrives."""

    id: UUID
    account_id: UUID | None
    partner_id: UUID | None
    url: str
    description: str
    events: tuple[str, ...]
    state: EndpointState
    why: str | None
    old_until: datetime | None
    failing_since: datetime | None
    created_at: datetime


class EndpointShown(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint with its secret, which no other answer shows."""

    endpoint: EndpointView
    secret: str


class Rotation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For how many hours is signed by the old secret as well."""

    overlap_hours: Annotated[int, Meta(ge=0, le=168)] = 24


class Recovery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From when on what failed is to be sent again."""

    since: Annotated[datetime, Meta(tz=True)]


class Recovered(msgspec.Struct, frozen=True, kw_only=True):
    """How many deliveries are sent again."""

    deliveries: int


class DeliveryView(msgspec.Struct, frozen=True, kw_only=True):
    """One event that one endpoint is told; `id` is its `webhook-id`."""

    id: UUID
    place: int
    type: str
    state: DeliveryState
    attempt: int
    next_at: datetime | None
    why: str | None
    event_at: datetime
    created_at: datetime
    finished_at: datetime | None
    body: dict[str, Any]


class DeliveryAttempt(msgspec.Struct, frozen=True, kw_only=True):
    """One request of a delivery and what came of it, redacted."""

    number: int
    started_at: datetime
    duration_ms: int
    status: int | None
    outcome: str
    why: str | None
    request: str
    response: str


class Claimed(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery that this worker holds until `lease_until`, with all that sending it needs."""

    endpoint_id: UUID
    id: UUID
    account_id: UUID | None
    partner_id: UUID | None
    type: str
    body: str
    attempt: int
    lease_until: datetime
    url: str
    sealed: bytes
    old_sealed: bytes | None
    old_until: datetime | None
