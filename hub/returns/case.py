"""A return on all its axes, and what a command on it takes and gives: data only.

The axes are independent; what may happen to them is in `states`.
"""

from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from hub.sdk.messages import Kind


class Ending(StrEnum):
    """Whether the return was called off, and by whom."""

    OPEN = "open"
    CANCELED = "canceled"
    CHANNEL_CANCELED = "channel_canceled"
    EXPIRED = "expired"


class Informational(StrEnum):
    """Why a return is only shown: nothing of it is received or settled here. Fixed at birth."""

    MARKETPLACE_FULFILLED = "marketplace_fulfilled"
    MARKETPLACE_REFUNDS = "marketplace_refunds"
    BEFORE_THE_HUB = "before_the_hub"
    CREATED_ELSEWHERE = "created_elsewhere"


class Sync(StrEnum):
    """What the channel knows of the return."""

    NOT_REQUIRED = "not_required"
    LINKED = "linked"
    ACKNOWLEDGED = "acknowledged"
    CONFIRMED = "confirmed"
    CONFLICT = "conflict"


class Settling(StrEnum):
    """How far the money is; `held` waits for a person, `nothing` has nobody to pay."""

    NONE = "none"
    HELD = "held"
    SENDING = "sending"
    SETTLED = "settled"
    REFUSED = "refused"
    NOTHING = "nothing"
    ELSEWHERE = "elsewhere"


class Status(StrEnum):
    """The roll-up of all axes."""

    EXPECTED = "expected"
    APPROVED = "approved"
    PARTIALLY_RECEIVED = "partially_received"
    RECEIVED = "received"
    PROCESSED = "processed"
    COMPLETED = "completed"
    CANCELED = "canceled"
    CHANNEL_CANCELED = "channel_canceled"
    EXPIRED = "expired"
    INFORMATIONAL = "informational"


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line's quantities, in units: accepted + rejected <= received, settled <= accepted."""

    id: UUID
    sku: str
    declared: int
    received: int = 0
    accepted: int = 0
    rejected: int = 0
    settled: int = 0

    @property
    def missing(self) -> int:
        """What was declared and has not arrived."""
        return max(self.declared - self.received, 0)

    @property
    def surplus(self) -> int:
        """What arrived beyond what was declared."""
        return max(self.received - self.declared, 0)


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A return on all its axes."""

    kind: Kind
    lines: tuple[Line, ...]
    sync: Sync
    ending: Ending = Ending.OPEN
    settlement: Settling = Settling.NONE
    finalised: bool = False
    arrived: bool = False
    informational: Informational | None = None

    @property
    def over(self) -> bool:
        """Whether nothing more is to happen by itself."""
        return self.informational is not None or self.ending is not Ending.OPEN or self.settlement in FINISHED


FINISHED = frozenset({Settling.SETTLED, Settling.NOTHING, Settling.ELSEWHERE})


class Event(msgspec.Struct, frozen=True):
    """Something that happened to a return, in the past tense."""

    name: str
    detail: dict[str, Any] = {}


class Step(msgspec.Struct, frozen=True):
    """The case after a command, and what to tell of it."""

    case: Case
    events: tuple[Event, ...]


class Illegal(Exception):  # noqa: N818 - it says the fact
    """The command may not happen to the case as it is."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Arrival(msgspec.Struct, frozen=True):
    """A quantity of one product at the door; it may be unknown to the return, or be said to be of one line."""

    sku: str
    quantity: int
    line: UUID | None = None


class Placed(msgspec.Struct, frozen=True):
    """Where an arrival went: its line if it has one, and how it deviates."""

    sku: str
    quantity: int
    line: UUID | None
    deviation: str | None


class Verdict(msgspec.Struct, frozen=True):
    """The decision on one line, in units."""

    line: UUID
    accepted: int
    rejected: int
