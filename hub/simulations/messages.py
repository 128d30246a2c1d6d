"""What this room says and hears."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

import msgspec

from hub.receipt.messages import Item
from hub.returns.case import Line
from hub.sdk.messages import Kind
from hub.sdk.profiles import Days
from tenants.policies.facts import Facts
from tenants.policies.rules import Answer, Rules


class SimulationState(StrEnum):
    """How far a simulation is."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class ChangeKind(StrEnum):
    """What would have been different about a return."""

    ANSWER = "answer"
    WINDOW = "window"
    COST = "cost"
    KEEP = "keep"
    ROUTE = "route"
    REASON = "reason"
    ACCEPTANCE = "acceptance"
    HOLD = "hold"


class NewSimulation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A draft's revision to run against the returns of the last days."""

    revision: int
    days: Days = 90


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """A simulation in numbers: how many returns changed by kind, and totals as they are and as they would have been.

    `answers` counts what became of answers, as `approve>refuse`. Values are units times their price, where it is known.
    `guessed` counts returns of which the facts at their birth were not kept, so that their windows are unknown.
    """

    kinds: dict[ChangeKind, int] = msgspec.field(default_factory=dict)
    answers: dict[str, int] = msgspec.field(default_factory=dict)
    accepted_before: int = 0
    accepted_after: int = 0
    value_before: Decimal = Decimal(0)
    value_after: Decimal = Decimal(0)
    paid_before: Decimal = Decimal(0)
    paid_after: Decimal = Decimal(0)
    held_before: int = 0
    held_after: int = 0
    guessed: int = 0


class SimulationView(msgspec.Struct, frozen=True, kw_only=True):
    """A simulation: how many of `total` returns were `compared`, how many `changed`, and the figures so far."""

    id: UUID
    policy_id: UUID
    state: SimulationState
    since: datetime
    until: datetime
    total: int
    compared: int
    changed: int
    figures: Figures
    why: str | None
    started_by: str
    started_at: datetime
    finished_at: datetime | None


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a policy makes of one return; quantities are by line, and missing while nothing was decided."""

    answer: Answer
    until: datetime | None
    customer_pays: Decimal
    keep: tuple[bool, ...]
    warehouse_id: UUID | None
    reason: str
    accepted: tuple[int, ...] | None
    rejected: tuple[int, ...] | None
    held: str | None


class ChangeView(msgspec.Struct, frozen=True, kw_only=True):
    """A return that would have gone another way."""

    return_id: UUID
    return_number: str
    kinds: tuple[ChangeKind, ...]
    before: Outcome
    after: Outcome


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """A return as it was: the facts when it was asked for, and what arrived of it."""

    id: UUID
    number: str
    kind: Kind
    version_id: UUID
    connection_id: UUID
    marketplace: str | None
    asked_at: datetime
    facts: Facts
    kept: bool
    finalised: bool
    lines: tuple[Line, ...]
    prices: tuple[Decimal | None, ...]
    parts: tuple[Item, ...]


class Change(msgspec.Struct, frozen=True):
    """What a draft changes of a return; no kinds if nothing."""

    past: Past
    kinds: tuple[ChangeKind, ...]
    before: Outcome
    after: Outcome


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """The right to go on with a simulation for a while."""

    account_id: UUID
    id: UUID
    policy_id: UUID
    channel_id: UUID
    kind: Kind
    rules: Rules
    since: datetime
    until: datetime
    cursor: UUID | None
    figures: Figures
    failures: int
    lease_until: datetime
