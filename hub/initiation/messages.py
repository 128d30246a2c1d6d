"""What this room says and hears."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from hub.returns.messages import StoredReturn
from hub.sdk.messages import Order, Reason
from hub.sdk.receiving import MOST_UNITS
from tenants.policies.rules import Code, Country, Digest


class NewLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One product that a customer sends back; `order_line` is needed when two lines of the order share the product."""

    sku: Annotated[str, Meta(min_length=1, max_length=64)]
    quantity: Annotated[int, Meta(ge=1, le=MOST_UNITS)]
    order_line: str | None = None


class NewReturn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A merchant return to create, against an order that the channel knows.

    `reason_code` is one of the policy's own and goes before `reason`. `customer` is the digest by which the policy
    knows people. `override` says why a return is created that the policy refuses, and by that it is.
    """

    channel_id: UUID
    order_number: Annotated[str, Meta(min_length=1, max_length=50)]
    lines: Annotated[tuple[NewLine, ...], Meta(min_length=1, max_length=200)]
    reason: Reason = Reason.OTHER
    comment: Annotated[str, Meta(max_length=4000)] | None = None
    country: Country | None = None
    reason_code: Code | None = None
    customer: Digest | None = None
    override: Annotated[str, Meta(min_length=1, max_length=1000)] | None = None


class Imported(msgspec.Struct, frozen=True):
    """What became of an imported channel return: born, changed, unchanged, or parked with the reason why.

    `order_needed` changed nothing: it is to be imported again with its order, once that was looked up.
    """

    outcome: str
    stored: StoredReturn | None = None
    why: str | None = None


class Looked(msgspec.Struct, frozen=True):
    """The order of a channel return was looked up; there is none if the channel does not know or tell it."""

    order: Order | None = None


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """Which product a person said a line is; it holds for as long as the channel shows its product as `shown`."""

    position: int
    sku: str
    order_line: str | None
    linked_by: str
    shown: str


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """What an unlinked line may be: a line of its order, with a score between 0 and 1 and the reason for it."""

    position: int
    sku: str
    order_line: str | None
    name: str | None
    score: float
    reason: str


class NewLink(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a line of a parked channel return is; `position` counts its lines from 1."""

    position: Annotated[int, Meta(ge=1)]
    sku: Annotated[str, Meta(min_length=1, max_length=64)]
    order_line: Annotated[str, Meta(min_length=1, max_length=100)] | None = None


class NewLinks(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What some lines of a parked channel return are."""

    lines: Annotated[tuple[NewLink, ...], Meta(min_length=1, max_length=200)]
