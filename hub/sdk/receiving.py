"""The receiving desk: what a warehouse process may ask of the hub, whichever app or system speaks for it."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Protocol

import msgspec
from msgspec import Meta

MOST_UNITS = 9_999


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


class ReceivedItem(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A quantity of one product that arrived in one state."""

    sku: Annotated[str, Meta(min_length=1, max_length=64)]
    quantity: Annotated[int, Meta(ge=1, le=MOST_UNITS)]
    grade: Grade
    condition: Condition = Condition.UNKNOWN
    disposition: Disposition = Disposition.PENDING
    note: Annotated[str, Meta(max_length=500)] | None = None


class ReceiptRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One delivery of goods for one return.

    `key` makes a repeat harmless: the same key is booked once. `finalise` says that nothing more will come.
    """

    key: Annotated[str, Meta(min_length=1, max_length=200)]
    return_number: Annotated[str, Meta(min_length=1, max_length=50)]
    items: tuple[ReceivedItem, ...] = ()
    finalise: bool = False


class ReceiptResult(msgspec.Struct, frozen=True, kw_only=True):
    """What the desk made of a delivery; `repeated` if it was booked before."""

    return_number: str
    status: str
    repeated: bool
    deviations: tuple[str, ...] = ()


class ExpectedLine(msgspec.Struct, frozen=True, kw_only=True):
    """One product of an expected return."""

    sku: str
    name: str | None
    expected: int
    received: int


class ExpectedReturn(msgspec.Struct, frozen=True, kw_only=True):
    """A return that is routed to a warehouse; once it is not `open`, what arrives for it is late."""

    return_number: str
    account: str
    order_number: str | None
    status: str
    open: bool
    created_at: datetime
    lines: tuple[ExpectedLine, ...]


class ExpectedPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some expected returns, oldest first, and the cursor of the next page."""

    items: tuple[ExpectedReturn, ...]
    next_cursor: str | None


class ReceivingRefused(Exception):  # noqa: N818 - it states what the desk answered
    """The desk cannot book this, and says in one sentence what to do; nothing was written."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


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

    async def receive(self, request: ReceiptRequest) -> ReceiptResult:
        """Book a delivery; safe to repeat with the same key. Raises `ReceivingRefused`."""
        ...
