"""The bodies of all requests that change something, written strictly as the Merchant API 2.19.0 documents them."""

from collections import Counter

import msgspec

from connectors.channelengine.answers import Vendor
from connectors.channelengine.quantities import Quantities
from connectors.channelengine.values import cut, identity, timestamp
from hub.sdk import Settlement, Subscription

LONGEST_COMMENT = 4_001
# What the hub wants to hear of; a knock for anything else would be noise.
EVENTS = ("RETURNS_CHANGE", "NOTIFICATIONS_CREATE")
# Versions before 2.19 know no other.
KNOCKS_WITH = "GET"


class UpdateLine(Vendor, frozen=True, kw_only=True):
    """The decision on one product of a return."""

    merchant_product_no: str
    accepted_quantity: int
    rejected_quantity: int


class Update(Vendor, frozen=True, kw_only=True):
    """The body of `PUT /v2/returns`."""

    return_id: int
    lines: tuple[UpdateLine, ...]


class CreateLine(Vendor, frozen=True, kw_only=True, omit_defaults=True):
    """A quantity of one order line that came back."""

    merchant_product_no: str
    quantity: int
    order_line_id: int | None = None


class Create(Vendor, frozen=True, kw_only=True, omit_defaults=True):
    """The body of `POST /v2/returns/merchant`; an empty text would clear a field, so it is left out."""

    merchant_order_no: str
    merchant_return_no: str
    reason: str
    return_date: str
    lines: tuple[CreateLine, ...]
    merchant_comment: str | None = None


class Acknowledge(Vendor, frozen=True, kw_only=True):
    """The body of `POST /v2/returns/merchant/acknowledge`."""

    return_id: int
    merchant_return_no: str


class Hook(Vendor, frozen=True, kw_only=True):
    """The body of `POST` and of `PUT /v2/webhooks`."""

    name: str
    url: str
    is_active: bool = True
    request_type: str = KNOCKS_WITH
    events: tuple[str, ...] = EVENTS


def update(return_id: int, decided: Quantities) -> bytes:
    """Write the one update of a return: lines are keyed by product alone, so each product stands once."""
    lines = tuple(
        UpdateLine(merchant_product_no=sku, accepted_quantity=accepted, rejected_quantity=rejected)
        for sku, (accepted, rejected) in decided.items()
    )
    return msgspec.json.encode(Update(return_id=return_id, lines=lines))


def create(message: Settlement) -> bytes:
    """Write the one creation of a merchant return: what was accepted, and nothing else."""
    accepted: Counter[tuple[str, str | None]] = Counter()
    for line in message.lines:
        accepted[line.sku, line.order_line] += line.accepted
    lines = tuple(
        CreateLine(merchant_product_no=sku, quantity=quantity, order_line_id=identity(reference))
        for (sku, reference), quantity in accepted.items()
        if quantity
    )
    created = Create(
        merchant_order_no=message.order_number,
        merchant_return_no=message.return_number,
        reason=message.reason.value.upper(),
        return_date=timestamp(message.returned_at),
        lines=lines,
        merchant_comment=cut(message.comment, LONGEST_COMMENT),
    )
    return msgspec.json.encode(created)


def acknowledge(return_id: int, return_number: str) -> bytes:
    """Write the acknowledgement of one return."""
    return msgspec.json.encode(Acknowledge(return_id=return_id, merchant_return_no=return_number))


def hook(wanted: Subscription) -> bytes:
    """Write the webhook that has ChannelEngine knock at an address."""
    return msgspec.json.encode(Hook(name=wanted.name, url=wanted.url))
