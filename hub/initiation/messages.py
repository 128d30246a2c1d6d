"""What this room says and hears."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from hub.returns.messages import StoredReturn
from hub.sdk.messages import Reason
from hub.sdk.receiving import MOST_UNITS


class NewLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One product that a customer sends back; `order_line` is needed when two lines of the order share the product."""

    sku: Annotated[str, Meta(min_length=1, max_length=64)]
    quantity: Annotated[int, Meta(ge=1, le=MOST_UNITS)]
    order_line: str | None = None


class NewReturn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A merchant return to create, against an order that the channel knows."""

    channel_id: UUID
    order_number: Annotated[str, Meta(min_length=1, max_length=50)]
    lines: Annotated[tuple[NewLine, ...], Meta(min_length=1, max_length=200)]
    reason: Reason = Reason.OTHER
    comment: Annotated[str, Meta(max_length=4000)] | None = None
    country: Annotated[str, Meta(pattern="^[A-Z]{2}$")] | None = None


class Imported(msgspec.Struct, frozen=True):
    """What became of an imported channel return: born, changed, unchanged, or parked with the reason why."""

    outcome: str
    stored: StoredReturn | None = None
    why: str | None = None
