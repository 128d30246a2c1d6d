"""What this room says and hears."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from tenants.messages import Limited
from tenants.vendors import Reach


class Told(StrEnum):
    """What a stored message is: a return as the channel shows it, or a late refusal."""

    RETURN = "return"
    REFUSAL = "refusal"


class Incoming(msgspec.Struct, frozen=True, kw_only=True):
    """One element to store; `why` is set for one that could not be read."""

    key: str
    subject: str
    body: str
    why: str | None = None
    kind: Told = Told.RETURN


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """A stored message that nobody handled yet, as it was stored: an older hub may have written it.

    One that is tried again was parked or failed before.
    """

    id: UUID
    kind: Told
    subject: str
    body: str
    received_at: datetime
    backfill_id: UUID | None
    again: bool


class Sibling(msgspec.Struct, frozen=True, kw_only=True):
    """Another message about the same return; `updated_at` is by the vendor's clock, as its body says."""

    id: UUID
    state: str
    received_at: datetime
    updated_at: str | None


class Knocks(msgspec.Struct, frozen=True, kw_only=True):
    """How well the vendor's knocks work: since when there are any, the last one, and what was lost of late."""

    subscribed_at: datetime | None = None
    knocked_at: datetime | None = None
    lost_lately: int = 0


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Where messages came from: one account's connection; `knocks` where news are asked for, not history."""

    account_id: UUID
    reach: Reach
    knocks: Knocks | None = None


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """The right to poll one connection for a while."""

    account_id: UUID
    connection_id: UUID
    connector: str
    settings: dict[str, Any]
    sealed: bytes
    limited: Limited
    cursor: str | None
    failures: int
    lease_until: datetime
    walked_at: datetime | None
    refusals_cursor: str | None
    refusals_at: datetime | None
    subscribed_at: datetime | None
    knocked_at: datetime | None
    repaired_lately: int

    @property
    def source(self) -> Source:
        """Where what is polled comes from."""
        reach = Reach(
            id=self.connection_id, connector=self.connector, settings=self.settings, sealed=self.sealed,
            limited=self.limited,
        )  # fmt: skip
        knocks = Knocks(subscribed_at=self.subscribed_at, knocked_at=self.knocked_at, lost_lately=self.repaired_lately)
        return Source(account_id=self.account_id, reach=reach, knocks=knocks)


class Marketplace(msgspec.Struct, frozen=True, kw_only=True):
    """A marketplace behind a connection, with what the account changed of its profile."""

    reference: str
    family: str
    profile: dict[str, Any]


class InboxView(msgspec.Struct, frozen=True, kw_only=True):
    """A message that could not be handled, and why; `subject` is the return's id at the channel."""

    id: UUID
    account_id: UUID
    connection_id: UUID
    subject: str
    state: str
    why: str | None
    received_at: datetime


class LinkedView(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a parked channel return once its lines were linked."""

    state: str
    why: str | None
    return_id: UUID | None
    return_number: str | None
