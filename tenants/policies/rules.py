"""What a return policy can say."""

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from hub.sdk.messages import Reason
from hub.sdk.profiles import Days
from hub.sdk.receiving import Condition, Disposition, Grade

Country = Annotated[str, Meta(pattern="^[A-Z]{2}$")]
Currency = Annotated[str, Meta(pattern="^[A-Z]{3}$")]
Language = Annotated[str, Meta(pattern="^[a-z]{2}$")]
Code = Annotated[str, Meta(pattern="^[a-z0-9_]{1,40}$")]
Label = Annotated[str, Meta(min_length=1, max_length=80)]
# A product's number; a star at its start or end stands for anything.
Pattern = Annotated[str, Meta(pattern=r"^(\*?[^*]+|[^*]+\*)$", max_length=64)]
# SHA-256 of what a customer is known by, in hexadecimal: lists of people hold no personal data.
Digest = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
# In the words of each language.
Texts = dict[Language, Annotated[str, Meta(min_length=1, max_length=2000)]]
# msgspec bounds no decimals, so whoever has an amount looks at it after it is read.
MOST_AMOUNT = Decimal(1_000_000)
MOST_PERCENT = Decimal(100)


def require_between(value: Decimal | None, most: Decimal, name: str) -> None:
    """Raise `ValueError` unless a number is between 0 and the most it may be."""
    if value is not None and not (value.is_finite() and 0 <= value <= most):
        message = f"{name} must be between 0 and {most}"
        raise ValueError(message)


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The root of what a policy consists of: an unknown field is a mistake, so it is refused."""


class WhenShort(StrEnum):
    """What to do when less arrived than was declared: settle what came, reject that line, or ask a person."""

    SETTLE = "settle"
    REJECT = "reject"
    ASK = "ask"


class WhenMore(StrEnum):
    """What to do when something arrived that was not declared; it is never refunded by itself."""

    SETTLE = "settle"
    ASK = "ask"


class SettleBy(StrEnum):
    """Whether the settlement goes out by itself or waits for a person."""

    ITSELF = "itself"
    PERSON = "person"


class WhenOverdue(StrEnum):
    """What to do when the time for goods to arrive is over and some have not."""

    ASK = "ask"
    SETTLE = "settle"


class Unchecked(StrEnum):
    """Whether the contents of a closed parcel have to be checked, or are settled as they were declared."""

    CHECK = "check"
    SETTLE = "settle"


class CountedFrom(StrEnum):
    """The moment from which a return window is counted; the one before it stands in where it is not known."""

    ORDER = "order"
    SHIPMENT = "shipment"
    DELIVERY = "delivery"


class AuthoriseBy(StrEnum):
    """Who lets a merchant return begin: nobody has to, the policy's rules do, or a person does."""

    NOBODY = "nobody"
    RULES = "rules"
    PERSON = "person"


class Answer(StrEnum):
    """What a rule says to a return that is asked for."""

    APPROVE = "approve"
    ASK = "ask"
    REFUSE = "refuse"


class FeeKind(StrEnum):
    """What a fee is for; of each kind one is charged at most."""

    SHIPPING = "shipping"
    RESTOCKING = "restocking"
    HANDLING = "handling"


class Payer(StrEnum):
    """Who bears a fee."""

    CUSTOMER = "customer"
    MERCHANT = "merchant"


class Per(StrEnum):
    """How often a fee is charged."""

    RETURN = "return"
    UNIT = "unit"


class QuestionKind(StrEnum):
    """What answers a question."""

    TEXT = "text"
    CHOICE = "choice"
    PHOTO = "photo"


class Season(Part, frozen=True, kw_only=True):
    """Orders from the first to the last of these days, in UTC."""

    first: date
    last: date


class Scoped(Part, frozen=True, kw_only=True):
    """What a rule holds for; an empty field leaves it open. Of several that hold, the most specific one wins."""

    skus: tuple[Pattern, ...] = ()
    tags: tuple[Label, ...] = ()
    reasons: tuple[Code, ...] = ()
    countries: tuple[Country, ...] = ()
    marketplaces: tuple[Label, ...] = ()
    season: Season | None = None


class Route(Scoped, frozen=True, kw_only=True):
    """Where goods of this scope go; one that names products is for returns of nothing else."""

    warehouse_id: UUID


class Group(Part, frozen=True, kw_only=True):
    """A tag that the policy gives to products by their numbers."""

    tag: Label
    skus: tuple[Pattern, ...]


class PolicyReason(Part, frozen=True, kw_only=True):
    """Why goods come back, in the merchant's own list; the channel is told `maps_to`."""

    code: Code
    texts: Texts
    maps_to: Reason | None = None


class Window(Scoped, frozen=True, kw_only=True):
    """How long goods of this scope may come back: some days, until a last day, or the later of both.

    A day is 24 hours; `last_day` ends at midnight in UTC.
    """

    name: Label
    days: Days | None = None
    last_day: date | None = None
    counted_from: CountedFrom = CountedFrom.DELIVERY


class AuthorisationRule(Scoped, frozen=True, kw_only=True):
    """What to say to returns of this scope whose value lies between two amounts, the upper one included."""

    name: Label
    then: Answer
    above: Decimal | None = None
    up_to: Decimal | None = None

    def __post_init__(self) -> None:
        """Refuse what is no amount."""
        require_between(self.above, MOST_AMOUNT, "above")
        require_between(self.up_to, MOST_AMOUNT, "up_to")


class Authorisation(Part, frozen=True, kw_only=True):
    """Who authorises: by rules, the first that holds says it, and where none holds a person is asked."""

    by: AuthoriseBy = AuthoriseBy.NOBODY
    rules: tuple[AuthorisationRule, ...] = ()


class Fee(Scoped, frozen=True, kw_only=True):
    """What a return of this scope costs, and who bears it; `percent` is of the value of what comes back."""

    name: Label
    kind: FeeKind
    payer: Payer
    amount: Decimal = Decimal(0)
    percent: Decimal = Decimal(0)
    per: Per = Per.RETURN

    def __post_init__(self) -> None:
        """Refuse what is no amount or share."""
        require_between(self.amount, MOST_AMOUNT, "amount")
        require_between(self.percent, MOST_PERCENT, "percent")


class KeepItem(Scoped, frozen=True, kw_only=True):
    """Customers keep goods of this scope if all of a line is worth no more than the ceiling."""

    name: Label
    ceiling: Decimal

    def __post_init__(self) -> None:
        """Refuse what is no amount."""
        require_between(self.ceiling, MOST_AMOUNT, "ceiling")


class Choice(Part, frozen=True, kw_only=True):
    """One answer that a question offers."""

    code: Code
    texts: Texts


class Question(Scoped, frozen=True, kw_only=True):
    """What a customer is asked about goods of this scope; a photo question wants so many `photos`."""

    code: Code
    kind: QuestionKind
    texts: Texts
    required: bool = True
    choices: tuple[Choice, ...] = ()
    photos: Annotated[int, Meta(ge=1, le=10)] = 1


class Limit(Part, frozen=True, kw_only=True):
    """How many returns one customer may begin within some days, and what follows on the next one."""

    name: Label
    returns: Annotated[int, Meta(ge=0, le=10_000)]
    within_days: Days
    then: Answer = Answer.ASK


class Exceptions(Part, frozen=True, kw_only=True):
    """Customers with rules of their own, by digest: those allowed pass window, limits and authorisation."""

    allow: tuple[Digest, ...] = ()
    block: tuple[Digest, ...] = ()
    when_blocked: Answer = Answer.ASK
    limits: tuple[Limit, ...] = ()


class Evidence(Part, frozen=True, kw_only=True):
    """What a rejected part must come with; a rejection without it waits for a person."""

    note: bool = False
    photos: Annotated[int, Meta(ge=0, le=10)] = 0


REASON_TEXTS = {
    Reason.PRODUCT_DEFECT: "The product is defective",
    Reason.PRODUCT_UNSATISFACTORY: "The product is not what I expected",
    Reason.WRONG_PRODUCT: "I received the wrong product",
    Reason.TOO_MANY_PRODUCTS: "I received or ordered too many",
    Reason.REFUSED: "The parcel was refused",
    Reason.REFUSED_DAMAGED: "The parcel was refused because it was damaged",
    Reason.WRONG_ADDRESS: "The address was wrong",
    Reason.NOT_COLLECTED: "The parcel was not collected",
    Reason.WRONG_SIZE: "The size does not fit",
    Reason.OTHER: "Another reason",
}
THE_TEN = tuple(
    PolicyReason(code=reason.value, texts={"en": text}, maps_to=reason) for reason, text in REASON_TEXTS.items()
)


class Rules(Part, frozen=True, kw_only=True):
    """What a return policy says.

    A part is accepted if its grade is and neither its condition nor its disposition is rejected; `rejection_codes` name
    conditions, dispositions, `grade` or `short`. Goods are awaited for `arrive_within_days` after the return's birth,
    and what is still missing then is treated as `when_overdue` says. Once something arrived, receiving is finalised by
    itself `finalise_after_days` later. `unchecked` says whether a parcel that nobody opened may be settled as it was
    declared. `delivery_days` is how long a parcel takes, where a delivery is not known.
    """

    receiving: tuple[Route, ...]
    marketplaces: tuple[Label, ...] = ()
    countries: tuple[Country, ...] = ()
    groups: tuple[Group, ...] = ()
    reasons: tuple[PolicyReason, ...] = msgspec.field(default_factory=lambda: THE_TEN)
    windows: tuple[Window, ...] = ()
    delivery_days: Annotated[int, Meta(ge=0, le=60)] = 0
    authorisation: Authorisation = Authorisation()
    fees: tuple[Fee, ...] = ()
    keep_item: tuple[KeepItem, ...] = ()
    questions: tuple[Question, ...] = ()
    exceptions: Exceptions = Exceptions()
    instructions: Texts = msgspec.field(default_factory=dict)
    accept_grades: frozenset[Grade] = frozenset({Grade.A, Grade.B})
    reject_conditions: frozenset[Condition] = frozenset({Condition.DAMAGED, Condition.INCOMPLETE, Condition.WRONG_ITEM})
    ask_conditions: frozenset[Condition] = frozenset()
    reject_dispositions: frozenset[Disposition] = frozenset()
    rejection_codes: dict[Code, Label] = msgspec.field(default_factory=dict)
    rejection_evidence: Evidence = Evidence()
    when_short: WhenShort = WhenShort.SETTLE
    when_over: WhenMore = WhenMore.SETTLE
    when_unexpected: WhenMore = WhenMore.SETTLE
    settle_by: SettleBy = SettleBy.ITSELF
    arrive_within_days: Days | None = None
    when_overdue: WhenOverdue = WhenOverdue.ASK
    finalise_after_days: Days | None = None
    unchecked: Unchecked = Unchecked.CHECK
