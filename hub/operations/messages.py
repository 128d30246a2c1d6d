"""What this room says and hears."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from hub.sdk.messages import (
    Acknowledgement,
    Announcement,
    Effect,
    Kind,
    Phase,
    Settlement,
    VendorReference,
)

PHASE_OF = {
    Effect.ACKNOWLEDGE: Phase.INITIATION,
    Effect.ANNOUNCE: Phase.RECEIPT,
    Effect.AMEND: Phase.RECEIPT,
    Effect.WITHDRAW: Phase.RECEIPT,
    Effect.SETTLE: Phase.SETTLEMENT,
}

REQUEST_OF: dict[Effect, type[msgspec.Struct]] = {
    Effect.ACKNOWLEDGE: Acknowledgement,
    Effect.ANNOUNCE: Announcement,
    Effect.AMEND: Announcement,
    Effect.WITHDRAW: Announcement,
    Effect.SETTLE: Settlement,
}


class State(StrEnum):
    """Where an operation is; the last four are ends."""

    READY = "ready"
    CLAIMED = "claimed"
    PENDING = "pending"
    UNKNOWN = "unknown"
    DONE = "done"
    REFUSED = "refused"
    DEAD = "dead"
    WITHDRAWN = "withdrawn"


class Call(StrEnum):
    """What a claimed operation does next: bring the effect about, or look whether it happened."""

    EFFECT = "effect"
    LOOKUP = "lookup"


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """An effect that must happen; `key` makes planning it twice harmless."""

    account_id: UUID
    return_id: UUID
    kind: Kind
    connection_id: UUID
    effect: Effect
    key: str
    request: Any


class Claimed(msgspec.Struct, frozen=True, kw_only=True):
    """An operation that this worker holds until `lease_until`."""

    account_id: UUID
    id: UUID
    return_id: UUID
    connection_id: UUID
    effect: Effect
    kind: Kind
    key: str
    attempt: int
    lookups: int
    doubtful_since: datetime | None
    lease_until: datetime
    request: str
    connector: str
    settings: str
    sealed: bytes
    limited: str

    @property
    def call_kind(self) -> str:
        """The kind of call that it makes next, as a vendor's limits are kept by."""
        looks = "lookup " if self.doubtful_since is not None else ""
        return f"{looks}{self.effect} {self.kind}"

    @property
    def message(self) -> Any:
        """The request as the connector's message."""
        return msgspec.json.decode(self.request, type=REQUEST_OF[self.effect])


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """How an operation ended, for whoever knows what it means."""

    account_id: UUID
    operation_id: UUID
    return_id: UUID
    effect: Effect
    state: State
    result: VendorReference | None = None
    code: str | None = None
    why: str | None = None


class OperationView(msgspec.Struct, frozen=True, kw_only=True):
    """An operation as people see it; `limited_until` says until when it waits for a rate limit of the vendor."""

    id: UUID
    account_id: UUID
    return_id: UUID
    connection_id: UUID
    effect: Effect
    phase: Phase
    state: State
    attempt: int
    lookups: int
    next_at: datetime | None
    why: str | None
    created_at: datetime
    finished_at: datetime | None
    limited_until: datetime | None = None


class AttemptView(msgspec.Struct, frozen=True, kw_only=True):
    """One call of an operation, with the redacted exchanges it made."""

    number: int
    call: Call
    started_at: datetime
    duration_ms: int
    outcome: str
    why: str | None
    exchanges: list[dict[str, Any]]
