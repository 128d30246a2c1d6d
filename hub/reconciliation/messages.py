"""What this room says and hears."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from hub.returns.messages import StoredReturn
from hub.sdk.messages import ChannelReturn
from tenants.messages import Limited


class Kind(StrEnum):
    """How the hub and the channel differ."""

    MISSING = "missing"
    EXTRA = "extra"
    QUANTITY = "quantity"
    STATUS = "status"


class Listed(StrEnum):
    """Which differences a list has."""

    OPEN = "open"
    REPAIRED = "repaired"
    CLOSED = "closed"
    ALL = "all"


class Repair(StrEnum):
    """What repairs a difference."""

    IMPORT = "import"
    FOLLOW = "follow"
    ACKNOWLEDGE = "acknowledge"
    SETTLE = "settle"
    RECORD = "record"
    ASK = "ask"


REPAIR_WORDS = {
    Repair.IMPORT: "Import the return, as a poll would have.",
    Repair.FOLLOW: "Follow the channel: the return ends here as it ended there, and nothing more is sent for it.",
    Repair.ACKNOWLEDGE: "Look whether the channel has our number by now, and tell it again if it has none.",
    Repair.SETTLE: "Look up what the channel holds; only if it has no trace of the decision is it told again.",
    Repair.RECORD: "Record it as informational, so that what may still come back of the order is counted right.",
    Repair.ASK: "Ask a person, with what both sides say. No money is moved, and none is taken back.",
}


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """A return of the hub's; `on_its_way` while an operation or a message about it is alive.

    `paid_on_receipt` tells that its marketplace pays a merchant return only once it was marked as received.
    """

    stored: StoredReturn
    on_its_way: bool = False
    paid_on_receipt: bool = False


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """One return from both sides; either may be absent.

    `numbered` is the hub's return whose number the channel's carries, `twin` another return of the hub's that looks the
    same at the channel, `waiting` tells that the hub has a message about it that it did not handle, `covered` that a
    channel of the account covers its marketplace.
    """

    ours: Known | None
    theirs: ChannelReturn | None
    numbered: Known | None = None
    twin: StoredReturn | None = None
    waiting: bool = False
    covered: bool = True


class Manner(msgspec.Struct, frozen=True, kw_only=True):
    """How to compare: since when the hub has the connection, whether it tells its numbers, and what is too young."""

    since: datetime
    acknowledges: bool = True
    young: timedelta | None = timedelta(minutes=5)


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A difference; `key` names it, however often it is found. `money` tells that it may have moved otherwise."""

    key: str
    kind: Kind
    cause: str
    repair: Repair
    money: bool = False


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a comparison found.

    `waits`: something is on its way, so nothing can be said yet. `closer`: the channel has to be asked for this return
    alone. `verified`: both say the same of a decision that cannot change any more.
    """

    found: tuple[Found, ...] = ()
    waits: bool = False
    closer: bool = False
    verified: bool = False


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """The right to take the next step of a reconciliation."""

    account_id: UUID
    id: UUID
    connection_id: UUID
    connector: str
    name: str
    settings: dict[str, Any]
    sealed: bytes
    limited: Limited
    connected_at: datetime
    since: datetime
    cursor: str | None
    failures: int
    lease_until: datetime
    started_by: str
    started_at: datetime


class ReconciliationView(msgspec.Struct, frozen=True, kw_only=True):
    """A reconciliation: how far it is and how much it found; `why` it stands still or failed."""

    id: UUID
    account_id: UUID
    connection_id: UUID
    state: str
    since: datetime
    compared: int
    found: int
    why: str | None
    started_by: str
    started_at: datetime
    next_at: datetime | None
    finished_at: datetime | None


class DifferenceView(msgspec.Struct, frozen=True, kw_only=True):
    """A difference: its cause in a sentence, and what its repair would do."""

    id: UUID
    account_id: UUID
    connection_id: UUID
    key: str
    kind: Kind
    cause: str
    repair: Repair
    repair_does: str
    return_id: UUID | None
    external_id: str | None
    ours: dict[str, Any] | None
    theirs: dict[str, Any] | None
    found_at: datetime
    seen_at: datetime
    repaired_at: datetime | None
    repaired_by: str | None
    outcome: str | None
    closed_at: datetime | None
