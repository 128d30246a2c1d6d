"""What this room says and hears."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from hub.deadlines.messages import DeadlineView
from hub.operations.messages import State
from hub.returns.messages import ReturnView, StoredReturn
from tenants.messages import ReceivingOption, Rules
from tenants.profiles import Standing


class Actor(StrEnum):
    """Who acts next."""

    ACCOUNT = "account"
    SUPPORT = "support"
    PARTNER = "partner"
    CHANNEL = "channel"
    CUSTOMER = "customer"
    HUB = "hub"


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """Why a return stands where it stands; `actor` is missing once it is over, `action` where no call of ours helps."""

    sentence: str
    actor: Actor | None
    since: datetime
    action: str | None = None


class Effort(msgspec.Struct, frozen=True, kw_only=True):
    """How the settlement's operation stands, with its last attempt."""

    id: UUID
    state: State
    attempt: int
    next_at: datetime | None
    why: str | None
    created_at: datetime
    finished_at: datetime | None
    last_at: datetime | None = None
    last_outcome: str | None = None


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """How the connection stands that the settlement goes through."""

    id: UUID
    paused_why: str | None = None
    paused_at: datetime | None = None
    limited_until: datetime | None = None


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """A work item of the return that is open; `why` is what it says it waits for."""

    kind: str
    opened_at: datetime
    why: str | None = None


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where the goods go."""

    id: UUID
    name: str
    receiving_option: ReceivingOption


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """All that an explanation depends on."""

    now: datetime
    held: StoredReturn
    place: Place
    reach: Reach
    standing: Standing
    rules: Rules
    effort: Effort | None = None
    items: tuple[Item, ...] = ()
    deadlines: tuple[DeadlineView, ...] = ()


class RuledDeadline(DeadlineView, frozen=True, kw_only=True):
    """A deadline with the rule that makes it, as the marketplace's profile or the return's policy version has it."""

    rule: str


class ExplainedReturn(ReturnView, frozen=True, kw_only=True):
    """A return with its deadlines, soonest first, and why it stands where it stands."""

    deadlines: tuple[RuledDeadline, ...]
    why: Explanation
