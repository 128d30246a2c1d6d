"""The receiving desk: what a warehouse process may ask of the hub, whichever app or system speaks for it.

One message tells what arrived, for every receiving option: `ReceiptRequest`. A fact is never edited; a regrade or a
correction is a new fact. What a scan finds is in `scanning`.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Protocol
from uuid import UUID

import msgspec
from msgspec import Meta

from hub.sdk.scanning import Next, Scanned

MOST_UNITS = 9_999
MOST_ITEMS = 500
MOST_PHOTOS = 20
MOST_AT_ONCE = 200

Code = Annotated[str, Meta(min_length=1, max_length=64)]
Number = Annotated[str, Meta(min_length=1, max_length=100)]
Text = Annotated[str, Meta(min_length=1, max_length=500)]
Photos = Annotated[tuple[Number, ...], Meta(max_length=MOST_PHOTOS)]
Moment = Annotated[datetime, Meta(tz=True)]


class Grade(StrEnum):
    """The quality of what arrived, from as new (A) to waste (D)."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"


class Condition(StrEnum):
    """What the operator saw; `unknown` where a system does not say."""

    AS_NEW = "as_new"
    OPENED = "opened"
    USED = "used"
    DAMAGED = "damaged"
    INCOMPLETE = "incomplete"
    WRONG_ITEM = "wrong_item"
    UNKNOWN = "unknown"


class Disposition(StrEnum):
    """Where the goods go next."""

    PENDING = "pending"
    RESTOCK = "restock"
    REFURBISH = "refurbish"
    QUARANTINE = "quarantine"
    RETURN_TO_CUSTOMER = "return_to_customer"
    RECYCLE = "recycle"
    DESTROY = "destroy"


class ReceiptKind(StrEnum):
    """Whether goods arrived, or an earlier receipt saw them in another state, or counted them wrongly."""

    RECEIPT = "receipt"
    REGRADE = "regrade"
    CORRECTION = "correction"


class Level(StrEnum):
    """How closely somebody looked: at each `product`, or at the closed `parcel` only."""

    PRODUCT = "product"
    PARCEL = "parcel"


class Deviation(StrEnum):
    """How what arrived differs from what was announced."""

    SHORT = "short"
    OVER = "over"
    WRONG_ITEM = "wrong_item"
    UNEXPECTED = "unexpected"
    DAMAGED = "damaged"
    MISSING_PARTS = "missing_parts"


class ParcelKind(StrEnum):
    """Why a parcel is here that no return announced: nobody knows, or it never reached its customer."""

    UNKNOWN = "unknown"
    REFUSED = "refused"
    RETURN_TO_SENDER = "return_to_sender"


class State(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A state in which units were booked before."""

    grade: Grade
    condition: Condition = Condition.UNKNOWN
    disposition: Disposition = Disposition.PENDING


class ReceivedItem(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A quantity of one product that arrived in one state.

    The product is named by its `sku`, its `ean` or the id of a `line`. The grade is given, or follows from the
    `answers` to the account's grading questions, by question. Units with a `serial` are booked one by one. `was` is
    the state before, of a regrade. Only a correction has a quantity below zero.
    """

    quantity: Annotated[int, Meta(ge=-MOST_UNITS, le=MOST_UNITS)]
    sku: Code | None = None
    ean: Code | None = None
    line: UUID | None = None
    grade: Grade | None = None
    answers: Annotated[dict[Code, Code], Meta(max_length=50)] = {}
    condition: Condition = Condition.UNKNOWN
    disposition: Disposition = Disposition.PENDING
    deviation: Deviation | None = None
    serial: Number | None = None
    lot: Number | None = None
    container: Code | None = None
    photos: Photos = ()
    note: Annotated[str, Meta(max_length=500)] | None = None
    was: State | None = None

    def __post_init__(self) -> None:
        """Refuse what no kind of receipt could mean."""
        if self.quantity == 0:
            raise ValueError("an item has a quantity of at least 1; leave it out if nothing arrived")
        if self.sku is None and self.ean is None and self.line is None:
            raise ValueError("an item names its product by sku, ean or line")
        if self.serial is not None and abs(self.quantity) != 1:
            raise ValueError("units with a serial number are booked one by one")


class UnknownParcel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A parcel that no return announced, with every number that is on it."""

    numbers: Annotated[tuple[Number, ...], Meta(max_length=20)]
    kind: ParcelKind = ParcelKind.UNKNOWN
    sender: Text | None = None
    postcode: Code | None = None
    note: Text | None = None


class ReceiptRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One delivery of goods for one return, or of a parcel that nobody announced.

    `key` makes a repeat harmless: the same key is booked once. `finalise` says that nothing more will come. `version`
    is the one that the return had where this was written; if others changed what is received since, nothing is booked.
    `observed_at` is when it was seen, `by` is who saw it where a terminal is shared. `photos` and `container` are the
    parcel's own. `why` gives the reason of a regrade or a correction.
    """

    key: Annotated[str, Meta(min_length=1, max_length=200)]
    return_number: Annotated[str, Meta(min_length=1, max_length=50)] | None = None
    parcel: UnknownParcel | None = None
    items: Annotated[tuple[ReceivedItem, ...], Meta(max_length=MOST_ITEMS)] = ()
    finalise: bool = False
    kind: ReceiptKind = ReceiptKind.RECEIPT
    level: Level = Level.PRODUCT
    version: Code | None = None
    observed_at: Moment | None = None
    by: Number | None = None
    photos: Photos = ()
    container: Code | None = None
    why: Text | None = None

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        if (self.return_number is None) == (self.parcel is None):
            raise ValueError("a receipt is for a return_number or for an unknown parcel, one of the two")
        plain = self.kind is ReceiptKind.RECEIPT
        if self.items and (self.parcel is not None or self.level is Level.PARCEL):
            raise ValueError("the contents of a parcel that stays closed have no items")
        if not plain and (self.parcel is not None or self.level is Level.PARCEL or self.finalise):
            raise ValueError("a regrade or a correction has items, and finalises nothing")
        if not plain and self.why is None:
            raise ValueError("a regrade or a correction says why")
        if self.parcel is not None and self.finalise:
            raise ValueError("an unknown parcel is not finalised; it waits to be claimed")
        for item in self.items:
            _fits(self.kind, item)


def _fits(kind: ReceiptKind, item: ReceivedItem) -> None:
    if item.quantity < 0 and kind is not ReceiptKind.CORRECTION:
        raise ValueError("only a correction takes units back")
    if (item.was is not None) != (kind is ReceiptKind.REGRADE):
        raise ValueError("a regrade, and nothing else, says what state its units were in")


class Deviated(msgspec.Struct, frozen=True, kw_only=True):
    """Some units of one product that differ from what was announced."""

    code: Deviation
    sku: str
    quantity: int


class ReceiptResult(msgspec.Struct, frozen=True, kw_only=True):
    """What the desk made of a delivery; `repeated` if it was booked before.

    A repeat is told what the first one was, with the return's `status` and `version` as they are by now. `todo` and
    `say` tell what to do with the parcel; `late` that nothing was counted, because the return had ended before.
    """

    return_number: str | None
    status: str
    repeated: bool
    deviations: tuple[str, ...] = ()
    found: tuple[Deviated, ...] = ()
    receipt_id: UUID | None = None
    parcel_id: UUID | None = None
    version: str | None = None
    late: bool = False
    todo: Next = Next.DONE
    say: str = ""


class Need(StrEnum):
    """What has to be noted of each unit of a product."""

    SERIAL = "serial"
    LOT = "lot"


class ExpectedLine(msgspec.Struct, frozen=True, kw_only=True):
    """One product of an expected return, with what the merchant wants to be done with it."""

    sku: str
    name: str | None
    expected: int
    received: int
    line: UUID | None = None
    eans: tuple[str, ...] = ()
    needs: Need | None = None
    instructions: str | None = None


class ExpectedReturn(msgspec.Struct, frozen=True, kw_only=True):
    """A return that is routed to a warehouse; once it is not `open`, what arrives for it is late.

    `version` changes whenever something is received. `settles_unchecked` says that a closed parcel may be finalised.
    """

    return_number: str
    account: str
    order_number: str | None
    status: str
    open: bool
    created_at: datetime
    lines: tuple[ExpectedLine, ...]
    account_id: UUID | None = None
    version: str = ""
    settles_unchecked: bool = False
    todo: Next = Next.RECEIVE
    say: str = ""


class ExpectedPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some expected returns, oldest first, and the cursor of the next page."""

    items: tuple[ExpectedReturn, ...]
    next_cursor: str | None


class ReceiptBatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a client kept while it had no connection: receipts, each a `ReceiptRequest`, in the order they were made.

    Each is read by itself, so that one that cannot be read stands in no other's way.
    """

    receipts: Annotated[tuple[Any, ...], Meta(min_length=1, max_length=MOST_AT_ONCE)]


class Outcome(StrEnum):
    """What became of one receipt of several."""

    DONE = "done"
    REPEATED = "repeated"
    CONFLICT = "conflict"
    REFUSED = "refused"


class BatchAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one receipt: its result, or why nothing was booked, and for a conflict what is there now."""

    key: str | None
    outcome: Outcome
    result: ReceiptResult | None = None
    code: str | None = None
    message: str | None = None
    now: ExpectedReturn | None = None


class BatchAnswers(msgspec.Struct, frozen=True, kw_only=True):
    """One answer for each receipt, in the same order."""

    answers: tuple[BatchAnswer, ...]


class ReceivingRefused(Exception):  # noqa: N818 - it states what the desk answered
    """The desk cannot book this, and says in one sentence what to do; nothing was written."""

    def __init__(self, code: str, message: str, **facts: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.facts = facts


class ReceivingDesk(Protocol):
    """The hub's side of every warehouse process, bound to one warehouse and one operator."""

    @property
    def warehouse(self) -> str:
        """The warehouse's name, as its people know it."""
        ...

    async def expected(self, *, cursor: str | None = None, limit: int = 50) -> ExpectedPage:
        """List what this warehouse may receive."""
        ...

    async def find(self, scanned: str) -> ExpectedReturn | None:
        """Find a return of this warehouse by its return number, scanned or typed."""
        ...

    async def scan(self, scanned: str) -> Scanned:
        """Say what a scanned code may be here, and what to do next."""
        ...

    async def receive(self, request: ReceiptRequest) -> ReceiptResult:
        """Book a delivery; safe to repeat with the same key. Raises `ReceivingRefused`."""
        ...

    async def receive_all(self, batch: ReceiptBatch) -> BatchAnswers:
        """Book what was kept without a connection, each receipt by itself; safe to repeat."""
        ...
