"""What this room says and hears."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from hub.sdk.receiving import Code, Disposition, ParcelKind, Text


class ParcelState(StrEnum):
    """How far an unknown parcel is."""

    OPEN = "open"
    CLAIMED = "claimed"
    TIMED_OUT = "timed_out"


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A return that a parcel may be, with a score up to 100 and the reason for it."""

    account_id: UUID
    return_number: str
    score: int
    reason: str


class ParcelView(msgspec.Struct, frozen=True, kw_only=True):
    """An unknown parcel with every number on it. Who may not see a candidate's account is not told of it.

    Once claimed, `return_number` says which return it is, or `disposition` where it goes; a parcel that timed out has
    the warehouse's own disposition.
    """

    id: UUID
    warehouse_id: UUID
    kind: ParcelKind
    state: ParcelState
    numbers: tuple[str, ...]
    sender: str | None
    postcode: str | None
    note: str | None
    container: str | None
    photos: tuple[str, ...]
    operator: str
    observed_by: str | None
    observed_at: datetime | None
    registered_at: datetime
    due_at: datetime
    candidates: tuple[Candidate, ...]
    account_id: UUID | None
    return_number: str | None
    disposition: Disposition | None
    claimed_by: str | None
    claimed_at: datetime | None
    claim_note: str | None


class Claim(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose parcel it is: the return that it belongs to, or of an account without one, where it goes.

    Support names the account where there is no return; a merchant is the account itself.
    """

    return_number: Code | None = None
    disposition: Disposition | None = None
    account_id: UUID | None = None
    note: Text | None = None

    def __post_init__(self) -> None:
        """Refuse a claim that says neither or both."""
        if (self.return_number is None) == (self.disposition is None):
            raise ValueError("a claim names a return_number or a disposition, one of the two")
        if self.disposition is Disposition.PENDING:
            raise ValueError("a claim says where the parcel goes; pending is nowhere")


class Clue(msgspec.Struct, frozen=True, kw_only=True):
    """A return that shares something with a parcel: a number that is on both, or its products."""

    account_id: UUID
    return_id: UUID
    return_number: str
    by: str
    key: str
    open: bool
