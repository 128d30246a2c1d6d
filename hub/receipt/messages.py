"""What this room says and hears besides the contract of `hub.sdk.receiving`."""

from datetime import datetime
from uuid import UUID

import msgspec

from hub.returns.case import Placed, Step
from hub.returns.messages import StoredReturn
from hub.sdk.receiving import Condition, Deviated, Disposition, Grade, Level, ReceiptKind, ReceivedItem
from hub.sdk.scanning import Next


class Booked(msgspec.Struct, frozen=True, kw_only=True):
    """A receipt that was stored before."""

    id: UUID
    return_id: UUID
    request_digest: bytes
    late: bool
    told: "Told | None"


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One item of a receipt, as it is stored, with the photos that show its state.

    What stayed in a closed parcel has no grade.
    """

    line_id: UUID | None
    sku: str
    quantity: int
    grade: Grade | None
    condition: Condition
    disposition: Disposition
    deviation: str | None
    late: bool
    note: str | None = None
    photos: frozenset[str] = frozenset()


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator was told, kept for a repeat."""

    deviations: tuple[str, ...] = ()
    found: tuple[Deviated, ...] = ()
    todo: Next = Next.DONE
    say: str = ""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Units to be stored: where they were placed, and what was seen of them. A part may take units back."""

    placed: Placed
    seen: ReceivedItem
    grading_version: int | None = None


class Booking(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a delivery: the return before it and the step it made, or a repeat of an earlier one."""

    held: StoredReturn
    step: Step
    receipt_id: UUID
    told: Told
    late: bool
    repeated: bool = False


class ReceiptItemView(msgspec.Struct, frozen=True, kw_only=True):
    """Units of one product that a receipt tells of; a quantity below zero takes back what an earlier one said."""

    line: UUID | None
    sku: str
    quantity: int
    grade: Grade | None
    condition: Condition
    disposition: Disposition
    deviation: str | None
    ean: str | None
    serial: str | None
    lot: str | None
    container: str | None
    photos: tuple[str, ...]
    answers: dict[str, str] | None
    grading_version: int | None
    note: str | None


class ReceiptView(msgspec.Struct, frozen=True, kw_only=True):
    """A receipt as it was booked. `late` says that nothing of it was counted."""

    id: UUID
    return_number: str
    key: str
    kind: ReceiptKind
    level: Level
    late: bool
    finalised: bool
    operator: str
    observed_by: str | None
    observed_at: datetime | None
    received_at: datetime
    container: str | None
    photos: tuple[str, ...]
    why: str | None
    items: tuple[ReceiptItemView, ...]


class Reopening(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why receiving goes on that was finalised before."""

    why: str
