"""What a scan at a warehouse finds: a few candidates, each with what to do next."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec


class Next(StrEnum):
    """What to do with a parcel; `say` beside it has the sentence."""

    RECEIVE = "receive"
    CHECK_CONTENTS = "check_contents"
    SET_ASIDE = "set_aside"
    SEND_ON = "send_on"
    REGISTER = "register"
    WAIT = "wait"
    FOLLOW_CLAIM = "follow_claim"
    DONE = "done"


class Matched(StrEnum):
    """By what a scanned code was found."""

    RETURN_NUMBER = "return_number"
    TRACKING = "tracking"
    ORDER = "order"
    SKU = "sku"
    EAN = "ean"
    CONTAINER = "container"
    PARCEL = "parcel"


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a scanned code may be: a return, or a parcel that was registered as unknown.

    `warehouse` is named where the return is another one's of the same party.
    """

    by: Matched
    todo: Next
    say: str
    account: str | None = None
    account_id: UUID | None = None
    return_number: str | None = None
    parcel_id: UUID | None = None
    order_number: str | None = None
    status: str | None = None
    open: bool = False
    warehouse: str | None = None
    created_at: datetime | None = None


class Scanned(msgspec.Struct, frozen=True, kw_only=True):
    """What was scanned and what it may be, the likeliest first; with exactly one match there is nothing to choose.

    Without a match `todo` is to register the parcel; with one it is what that match says.
    """

    scanned: str
    matches: tuple[Match, ...]
    more: bool = False
    todo: Next
    say: str
