"""ShipBob's words, and the mapping both ways: pure.

Shapes as in ShipBob's OpenAPI description of 2026-01. A status is written with and without spaces; answers are read
leniently, and requests name nothing that the description does not have.
"""

from collections import Counter

import msgspec

from hub.sdk import Announcement, Disposition, Grade, Meaning, Part, Progress, Snapshot, SnapshotLine

# What was done with goods says where they went; only what went back into stock says what they are worth.
WORDS = {
    "restock": Meaning(grade=Grade.A, disposition=Disposition.RESTOCK),
    "quarantine": Meaning(grade=Grade.D, disposition=Disposition.QUARANTINE, sure=False),
    "dispose": Meaning(grade=Grade.D, disposition=Disposition.DESTROY, sure=False),
}
PROGRESS = {
    "awaitingarrival": Progress.ANNOUNCED,
    "arrived": Progress.ARRIVED,
    "processing": Progress.IN_PROCESS,
    "completed": Progress.COMPLETED,
    "cancelled": Progress.CANCELED,
}


class Action(msgspec.Struct):
    """Units with which something was done; the picture is ShipBob's own."""

    action: str | None = None
    action_reason: str | None = None
    image_url: str | None = None
    quantity_processed: int = 0


class Lot(msgspec.Struct):
    """The lot that a product belongs to, where it is kept by lots."""

    number: str | None = None


class Item(msgspec.Struct):
    """One product of a return: how many will come, and what was done with those that came."""

    id: int
    sku: str | None = None
    quantity: int = 0
    lot_information: Lot | None = None
    action_taken: list[Action] | None = None


class Return(msgspec.Struct):
    """One return as it is read."""

    id: int
    reference_id: str | None = None
    status: str = ""
    return_type: str | None = None
    store_order_id: str | None = None
    tracking_number: str | None = None
    inventory: list[Item] | None = None


class Made(msgspec.Struct):
    """What making or changing a return answers: less than reading it does."""

    id: int


class Page(msgspec.Struct):
    """One page of returns, each still unread so that one bad element loses none of its neighbours."""

    items: list[msgspec.Raw]
    next: str | None = None


class Product(msgspec.Struct):
    """One product that ShipBob keeps."""

    inventory_id: int
    sku: str | None = None


class Products(msgspec.Struct):
    """Products that a search found."""

    items: list[Product]


class Channel(msgspec.Struct):
    """One channel that a token opens."""

    id: int
    name: str | None = None


class Channels(msgspec.Struct):
    """The channels that a token opens."""

    items: list[Channel]


class Center(msgspec.Struct):
    """One fulfillment center."""

    id: int
    name: str = ""


class Webhook(msgspec.Struct):
    """A webhook as it is registered."""

    id: str
    url: str
    topics: list[str] = []
    enabled: bool = True


class Webhooks(msgspec.Struct):
    """The webhooks that are registered."""

    items: list[Webhook]


class Fault(msgspec.Struct):
    """What ShipBob says of a request that it does not carry out; it has two shapes for that."""

    message: str | None = None
    errors: list[str] | None = None
    title: str | None = None
    detail: str | None = None

    @property
    def said(self) -> str:
        """All of it in one line."""
        parts = [self.message or self.title, self.detail, *(self.errors or ())]
        return "; ".join(part for part in parts if part) or "no reason given"


class HookBody(msgspec.Struct):
    """Which return a webhook is about; what else it brings is not published, and not needed."""

    id: int


def progress(status: str) -> Progress:
    """Return how far a return is; a status that nobody has heard of is unknown."""
    return PROGRESS.get("".join(status.casefold().replace("_", " ").split()), Progress.UNKNOWN)


def word(action: str | None) -> str | None:
    """Return what was done with goods as the tables have it: in lower case, words joined."""
    return "_".join((action or "").casefold().split()) or None


def snapshot(seen: Return) -> Snapshot:
    """Return what ShipBob holds of a return; it does not tell when that last changed. Raises ValueError."""
    return Snapshot(
        reference=str(seen.id),
        progress=progress(seen.status),
        raw_status=seen.status,
        lines=tuple(_line(item) for item in seen.inventory or []),
        return_number=seen.reference_id or None,
        order_number=seen.store_order_id,
        tracking=(seen.tracking_number,) if seen.tracking_number else (),
    )


def _line(item: Item) -> SnapshotLine:
    taken = [each for each in item.action_taken or [] if each.quantity_processed > 0]
    lot = item.lot_information.number if item.lot_information else None
    return SnapshotLine(
        sku=item.sku or f"inventory {item.id}",
        expected=item.quantity,
        received=sum(each.quantity_processed for each in taken),
        parts=tuple(
            Part(
                quantity=each.quantity_processed,
                word=word(each.action),
                lot=lot,
                note=each.action_reason,
                photos=(each.image_url,) if each.image_url else (),
            )
            for each in taken
        ),
    )


def wanted(message: Announcement) -> Counter[str]:
    """Return how many of each product will come; ShipBob takes each product once."""
    units: Counter[str] = Counter()
    for line in message.lines:
        units[line.sku] += line.quantity
    return units


def expected(seen: Return) -> Counter[str]:
    """Return how many of each product ShipBob expects."""
    return Counter({item.sku or f"inventory {item.id}": item.quantity for item in seen.inventory or []})


def waits(seen: Return) -> bool:
    """Say whether a return can still be changed: nothing of it is there."""
    return progress(seen.status) is Progress.ANNOUNCED


def body(message: Announcement, products: dict[str, int], center: int) -> dict[str, object]:
    """Return an announcement in ShipBob's ids."""
    made: dict[str, object] = {
        "reference_id": message.return_number,
        "fulfillment_center": {"id": center},
        "inventory": [
            {"id": products[sku], "quantity": units, "requested_action": "Default"}
            for sku, units in wanted(message).items()
        ],
    }
    return made | ({"tracking_number": message.tracking[0]} if message.tracking else {})
