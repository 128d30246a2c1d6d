"""What is known of a return that is asked for, and what was decided on it."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from hub.sdk.messages import Kind, Reason
from tenants.policies.rules import MOST_AMOUNT, Answer, FeeKind, Payer, QuestionKind, require_between

FIRST_YEAR, LAST_YEAR = 1970, 2200
MOMENTS = ("ordered_at", "shipped_at", "delivered_at")


def usable(at: datetime) -> bool:
    """Say whether a moment is one to reckon with: it knows its offset, and lies in our time."""
    return at.tzinfo is not None and FIRST_YEAR <= at.year <= LAST_YEAR


def require_usable(at: datetime | None, name: str) -> None:
    """Raise `ValueError` unless a moment is one to reckon with."""
    if at is not None and not usable(at):
        message = f"{name} must have an offset and lie between the years {FIRST_YEAR} and {LAST_YEAR}"
        raise ValueError(message)


class Fact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The root of what is known."""


class LineFacts(Fact, frozen=True, kw_only=True):
    """One product that is to come back; `photos` counts what was handed in, `answers` are by question."""

    sku: str
    quantity: Annotated[int, Meta(ge=1)]
    order_line: str | None = None
    unit_price: Decimal | None = None
    tags: tuple[str, ...] = ()
    answers: dict[str, str] = msgspec.field(default_factory=dict)
    photos: dict[str, int] = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what is no price."""
        require_between(self.unit_price, MOST_AMOUNT, "unit_price")


class Facts(Fact, frozen=True, kw_only=True):
    """A return that is asked for, with all that a policy may look at; what is not known is missing.

    `reason` is one of the policy's own codes or of the ten. `customer` is the digest by which a policy knows people,
    `earlier` when that customer began other returns.
    """

    kind: Kind
    lines: Annotated[tuple[LineFacts, ...], Meta(min_length=1)]
    marketplace: str | None = None
    country: str | None = None
    currency: str | None = None
    reason: str | None = None
    ordered_at: datetime | None = None
    shipped_at: datetime | None = None
    delivered_at: datetime | None = None
    customer: str | None = None
    earlier: tuple[datetime, ...] = ()

    def __post_init__(self) -> None:
        """Refuse moments that cannot be reckoned with."""
        for name in MOMENTS:
            require_usable(getattr(self, name), name)
        for each in self.earlier:
            require_usable(each, "earlier")


class Finding(Fact, frozen=True, kw_only=True):
    """One thing that a policy found: by which rule, what it answers, and the inputs that decided it.

    `rule` is the place in the policy, as `windows[2]`; `code` names the sentences that `words` has for it.
    """

    code: str
    rule: str
    answer: Answer = Answer.APPROVE
    inputs: dict[str, str] = msgspec.field(default_factory=dict)


class Charge(Fact, frozen=True, kw_only=True):
    """A fee of this return, in the order's currency."""

    name: str
    kind: FeeKind
    payer: Payer
    amount: Decimal
    rule: str


class Asked(Fact, frozen=True, kw_only=True):
    """A question that is still to be answered on one line."""

    line: int
    code: str
    kind: QuestionKind
    required: bool
    photos: int
    texts: dict[str, str]
    choices: dict[str, dict[str, str]]


class LineDecision(Fact, frozen=True, kw_only=True):
    """What holds for one line: until when it may come back, nothing if there is no end, and whether it may be kept."""

    sku: str
    until: datetime | None
    keep: bool


class Decision(Fact, frozen=True, kw_only=True):
    """What a policy says to a return that is asked for, and why.

    `answer` approves it, wants a person to authorise it, or refuses it. `until` is the end of the shortest window of
    its lines. `instructions` are in the words of each language.
    """

    answer: Answer
    version: int
    decided_at: datetime
    reason: Reason
    warehouse_id: UUID | None
    until: datetime | None
    customer_pays: Decimal
    fees: tuple[Charge, ...]
    lines: tuple[LineDecision, ...]
    ask: tuple[Asked, ...]
    instructions: dict[str, str]
    findings: tuple[Finding, ...]
