"""What this room says and hears."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from hub.returns.case import Case, Ending, Informational, Line, Settling, Status, Sync
from hub.sdk.messages import Kind, Reason
from tenants.policies.facts import Decision, Facts


class Birth(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is fixed when a return is born."""

    account_id: UUID
    key: str
    kind: Kind
    channel_id: UUID
    connection_id: UUID
    policy_version_id: UUID
    warehouse_id: UUID
    order_number: str | None
    reason: Reason
    lines: tuple["BornLine", ...]
    external_id: str | None = None
    channel_return_number: str | None = None
    channel_order_number: str | None = None
    marketplace: str | None = None
    comment: str | None = None
    informational: Informational | None = None
    started_at: datetime | None = None
    channel_status: str | None = None
    seen_open_at: datetime | None = None
    decided: "Decided | None" = None


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """What a policy said to a return that was asked for, by which facts; `override` is why it was born all the same."""

    facts: Facts
    decision: Decision
    override: str | None = None


class BornLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line at its birth; `counted` units of it count as returned on their order line."""

    sku: str
    quantity: int
    counted: int = 0
    name: str | None = None
    order_line: str | None = None
    unit_price: Decimal | None = None
    shipped: int | None = None


class StoredLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line as it is stored."""

    id: UUID
    sku: str
    name: str | None
    order_line: str | None
    declared: int
    received: int
    accepted: int
    rejected: int
    settled: int


class StoredReturn(msgspec.Struct, frozen=True, kw_only=True):
    """A return as it is stored, held by the transaction that loaded it for a change.

    `has_deadlines` says whether there is anything to keep up to date beside it.
    """

    account_id: UUID
    id: UUID
    number: str
    kind: Kind
    channel_id: UUID
    connection_id: UUID
    policy_version_id: UUID
    warehouse_id: UUID
    external_id: str | None
    channel_return_number: str | None
    order_number: str | None
    channel_order_number: str | None
    marketplace: str | None
    reason: Reason
    comment: str | None
    status: Status
    ending: Ending
    sync: Sync
    settlement: Settling
    finalised_at: datetime | None
    version: int
    created_at: datetime
    updated_at: datetime
    lines: tuple[StoredLine, ...]
    informational: Informational | None = None
    started_at: datetime | None = None
    arrived_at: datetime | None = None
    settled_at: datetime | None = None
    refused_at: datetime | None = None
    channel_status: str | None = None
    has_deadlines: bool = False

    @property
    def case(self) -> Case:
        """The return on its axes."""
        lines = tuple(
            Line(
                id=line.id,
                sku=line.sku,
                declared=line.declared,
                received=line.received,
                accepted=line.accepted,
                rejected=line.rejected,
                settled=line.settled,
            )
            for line in self.lines
        )
        return Case(
            kind=self.kind,
            lines=lines,
            sync=self.sync,
            ending=self.ending,
            settlement=self.settlement,
            informational=self.informational,
            finalised=self.finalised_at is not None,
            # Before version 2 nobody noted when; and what the policy gave up on is finalised although nothing arrived.
            arrived=self.arrived_at is not None
            or self.status is Status.PARTIALLY_RECEIVED
            or any(line.received for line in self.lines),
        )


class ReturnView(msgspec.Struct, frozen=True, kw_only=True):
    """A return as the API shows it; `display` is its phase and state in the words people know."""

    id: UUID
    account_id: UUID
    number: str
    kind: Kind
    status: Status
    display: str
    settlement: Settling
    sync: Sync
    channel_id: UUID
    warehouse_id: UUID
    policy_version_id: UUID
    order_number: str | None
    channel_return_number: str | None
    marketplace: str | None
    reason: Reason
    comment: str | None
    created_at: datetime
    updated_at: datetime
    finalised_at: datetime | None
    lines: tuple[StoredLine, ...]
    informational: Informational | None = None
    started_at: datetime | None = None
    arrived_at: datetime | None = None
    settled_at: datetime | None = None
    refused_at: datetime | None = None
    channel_status: str | None = None


class TimelineEntry(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened to a return."""

    id: UUID
    at: datetime
    actor: str
    event: str
    detail: dict[str, Any]
