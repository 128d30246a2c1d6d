"""What this room says and hears."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from hub.sdk.messages import Kind


class Due(StrEnum):
    """What happens at a deadline."""

    CANCEL = "cancel"
    DECIDE = "decide"
    ARRIVE = "arrive"
    FINALISE = "finalise"
    CONFIRM = "confirm"


class Moments(msgspec.Struct, frozen=True, kw_only=True):
    """What deadlines are counted from: the customer's start, the birth here, the first receipt, the last late refusal.

    `refused_at` is set while the return waits for a payment that the marketplace refused after the channel had taken
    the decision.
    """

    kind: Kind
    started_at: datetime
    born_at: datetime
    arrived_at: datetime | None = None
    refused_at: datetime | None = None
    finalised: bool = False
    over: bool = False


class Deadline(msgspec.Struct, frozen=True, kw_only=True):
    """Something happens at `at`; from `warn_at` on people should hear of it."""

    kind: Due
    at: datetime
    warn_at: datetime


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """A return as far as its deadlines go."""

    account_id: UUID
    return_id: UUID
    connection_id: UUID
    marketplace: str | None
    policy_version_id: UUID
    moments: Moments


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A stored deadline, with what its return is called and where it was sold."""

    account_id: UUID
    return_id: UUID
    return_number: str
    return_kind: Kind
    connection_id: UUID
    marketplace: str | None
    policy_version_id: UUID
    kind: Due
    at: datetime
    warn_at: datetime


class DeadlineView(msgspec.Struct, frozen=True, kw_only=True):
    """A deadline of a return; `passed_at` is when the hub acted on it."""

    kind: Due
    at: datetime
    warn_at: datetime
    warned_at: datetime | None
    passed_at: datetime | None


class QueuedDeadline(msgspec.Struct, frozen=True, kw_only=True):
    """A deadline in the queue of all."""

    account_id: UUID
    return_id: UUID
    return_number: str
    status: str
    marketplace: str | None
    kind: Due
    at: datetime
    warn_at: datetime
    warned_at: datetime | None
    passed_at: datetime | None
