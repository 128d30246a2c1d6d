"""A partner's warehouse management system (WMS): what it is told, and what it tells.

Its hooks are hints, a snapshot is the truth, and what arrived is the difference of two snapshots. A connector passes
on the vendor's own words for the state of goods; what they mean stands in tables that an account can override.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from hub.sdk.messages import Reason
from hub.sdk.receiving import Condition, Disposition, Grade

MOST_UNITS = 9_999_999
Units = Annotated[int, Meta(ge=0, le=MOST_UNITS)]
Word = Annotated[str, Meta(min_length=1, max_length=200)]


class Progress(StrEnum):
    """How far a warehouse is with a return; `unknown` for a word that the connector has not heard of."""

    ANNOUNCED = "announced"
    IN_TRANSIT = "in_transit"
    ARRIVED = "arrived"
    IN_PROCESS = "in_process"
    COMPLETED = "completed"
    CANCELED = "canceled"
    NOT_ARRIVED = "not_arrived"
    UNKNOWN = "unknown"


class Meaning(msgspec.Struct, frozen=True, kw_only=True):
    """What a vendor's word for the state of goods means.

    `sure` is False where the word tells where goods went and not what they are worth: a person settles then.
    """

    grade: Grade
    condition: Condition = Condition.UNKNOWN
    disposition: Disposition = Disposition.PENDING
    sure: bool = True


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Units of one line in one state, by the vendor's own word; no word means that nobody has looked yet."""

    quantity: Annotated[int, Meta(ge=1, le=MOST_UNITS)]
    word: Word | None = None
    lot: str | None = None
    serial: str | None = None
    note: str | None = None
    photos: tuple[str, ...] = ()


class SnapshotLine(msgspec.Struct, frozen=True, kw_only=True):
    """One product as the warehouse holds it now; all quantities are cumulative.

    `line` is ours, where the vendor gives it back. `received` is at least the sum of the parts.
    """

    sku: Annotated[str, Meta(min_length=1, max_length=200)]
    received: Units
    parts: tuple[Part, ...] = ()
    line: str | None = None
    order_line: str | None = None
    expected: int | None = None

    def __post_init__(self) -> None:
        """Refuse parts that are more than what was received."""
        if sum(part.quantity for part in self.parts) > self.received:
            raise ValueError("the parts of a line are more than was received of it")


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """What a warehouse holds of one return now.

    `reference` is the vendor's id, `return_number` ours, where the vendor has it. `complete` is False where the answer
    may hold only part of the lines: what it does not show is then as it was. `updated_at` is by the vendor's clock.
    """

    reference: Annotated[str, Meta(min_length=1, max_length=200)]
    progress: Progress
    raw_status: str
    lines: tuple[SnapshotLine, ...]
    return_number: str | None = None
    order_number: str | None = None
    tracking: tuple[str, ...] = ()
    complete: bool = True
    updated_at: datetime | None = None


class SnapshotKey(msgspec.Struct, frozen=True, kw_only=True):
    """What may help to find one return at the warehouse."""

    reference: str | None = None
    return_number: str | None = None
    order_number: str | None = None


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """One page of what changed; the cursor is the connector's own and opaque to the hub.

    An item is a snapshot, or the key of one that has to be read by itself. `rejected` holds elements that could not be
    read, each with its reason, so that one bad element does not lose its neighbours.
    """

    items: tuple[Snapshot | SnapshotKey, ...]
    cursor: str
    more: bool
    rejected: tuple[tuple[str, str], ...] = ()


class Hook(msgspec.Struct, frozen=True, kw_only=True):
    """One call of a vendor's webhook, byte for byte; the names of headers are in lower case."""

    headers: Mapping[str, str]
    body: bytes
    now: datetime


class Hint(msgspec.Struct, frozen=True, kw_only=True):
    """What a hook is about: one return to read again. `key` is the same for every delivery of the same event."""

    key: Annotated[str, Meta(min_length=1, max_length=300)]
    about: SnapshotKey


class Catalogue(StrEnum):
    """A list of the vendor's own codes, which its account may have changed."""

    REASONS = "reasons"
    STATUSES = "statuses"
    TEMPLATES = "templates"
    WAREHOUSES = "warehouses"


class CatalogueItem(msgspec.Struct, frozen=True, kw_only=True):
    """One code of a vendor's list, with its name for people."""

    code: str
    name: str


class Hooks(StrEnum):
    """Whether a vendor calls when something changed, and how the call proves who made it."""

    NONE = "none"
    SIGNED = "signed"
    TOKEN = "token"  # noqa: S105 - the name of a way, no secret


class Warehousing(msgspec.Struct, frozen=True, kw_only=True):
    """What the hub must know of a vendor's way of receiving.

    `words` says what the vendor's words for the state of goods mean, `reasons` its words for ours; `flags` that the
    state is a flag, so that there is no word that nobody knows. `header` names the header that carries a hook's
    signature or token. `catalogues` are the lists that its account may have changed.
    """

    words: Mapping[str, Meaning]
    reasons: Mapping[Reason, str] = {}
    flags: bool = False
    hooks: Hooks = Hooks.NONE
    header: str | None = None
    catalogues: frozenset[Catalogue] = frozenset()
