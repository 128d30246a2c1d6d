"""What this room says and hears."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from hub.operations.messages import State
from hub.sdk import Announcement, Effect, Meaning, ReceiptKind, Snapshot, SnapshotKey
from tenants.messages import Limited
from tenants.vendors import Reach

# Units by product and what they are; a meaning in it is always a sure one, so that equal states are one bucket.
Booked = dict[tuple[str, Meaning], int]


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a return, as far as a warehouse's line may be it."""

    id: str
    sku: str
    order_line: str | None = None


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What a snapshot says in the hub's words.

    `unknown` are words that no table has, `unsure` those that tell where goods went and not what they are worth,
    `waiting` counts units that nobody has looked at yet.
    """

    booked: Booked
    unknown: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()
    waiting: int = 0


class Movement(msgspec.Struct, frozen=True, kw_only=True):
    """One difference of two snapshots; `was` is the state before, of a regrade. Only a correction is below zero."""

    kind: ReceiptKind
    sku: str
    quantity: int
    state: Meaning
    was: Meaning | None = None
    key: str = ""


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """What one snapshot brings to a return: movements, whether it is all, and why a person has to look."""

    key: str
    operator: str
    movements: tuple[Movement, ...]
    finalise: bool = False
    doubts: tuple[str, ...] = ()


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """One return at a warehouse as it was last stored; `asked_at` is when that was asked for."""

    connection_id: UUID
    reference: str
    account_id: UUID | None
    return_id: UUID | None
    snapshot: Snapshot | None
    booked: Booked
    digest: bytes | None
    doubts: tuple[str, ...]
    revision: int
    asked_at: datetime | None


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """The right to read one warehouse's system for a while: `whole` if it is due, else only what was hinted at."""

    connection_id: UUID
    connector: str
    settings: dict[str, Any]
    sealed: bytes
    limited: Limited
    cursor: str | None
    failures: int
    lease_until: datetime
    hooks_checked_at: datetime | None
    whole: bool

    @property
    def reach(self) -> Reach:
        """What calling it needs."""
        return Reach(
            id=self.connection_id, connector=self.connector, settings=self.settings, sealed=self.sealed,
            limited=self.limited,
        )  # fmt: skip


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """A hint that nobody has followed yet."""

    id: UUID
    key: str
    about: SnapshotKey
    attempt: int


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """The warehouse of a return, where a partner's own system runs it."""

    connection_id: UUID


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """The last operation that told a warehouse of a return; a `fresh` one was never tried."""

    id: UUID
    effect: Effect
    state: State
    request: str
    fresh: bool

    @property
    def message(self) -> Announcement:
        """What the warehouse was, or is to be, told."""
        return msgspec.json.decode(self.request, type=Announcement)
