"""Skeleton's words, and the mapping both ways: pure, so that it can be tested on recorded answers."""

import msgspec

from hub.sdk import (
    Announcement,
    Condition,
    Disposition,
    Grade,
    Meaning,
    Part,
    Progress,
    Snapshot,
    SnapshotLine,
    moment,
)

# What the vendor's words for the state of goods mean, until an account says otherwise. A word that only tells where
# goods went is not `sure`: a person settles then. A word that is not here is never guessed.
WORDS = {
    "good": Meaning(grade=Grade.A, disposition=Disposition.RESTOCK),
    "broken": Meaning(grade=Grade.D, condition=Condition.DAMAGED, disposition=Disposition.DESTROY),
    "aside": Meaning(grade=Grade.C, disposition=Disposition.QUARANTINE, sure=False),
}
STATUSES = {"open": Progress.ANNOUNCED, "receiving": Progress.IN_PROCESS, "done": Progress.COMPLETED}


class Item(msgspec.Struct):
    """Units of a product; what was received has a state."""

    sku: str
    quantity: int
    state: str | None = None


class Return(msgspec.Struct):
    """One return as Skeleton shows it; unknown fields are ignored."""

    id: str
    status: str
    changed: str
    number: str | None = None
    order: str | None = None
    received: list[Item] = []


class Page(msgspec.Struct):
    """Some returns that changed, each still unread so that one bad element loses none of its neighbours."""

    returns: list[msgspec.Raw]
    next: int
    more: bool


class Fault(msgspec.Struct):
    """What Skeleton says of a request that it does not carry out."""

    error: str = "no reason given"


def announcement(message: Announcement) -> dict[str, object]:
    """Return an announcement in Skeleton's words, with one item for each product."""
    units: dict[str, int] = {}
    for line in message.lines:
        units[line.sku] = units.get(line.sku, 0) + line.quantity
    items = [{"sku": sku, "quantity": many} for sku, many in units.items()]
    return {"order": message.order_number, "items": items}


def snapshot(seen: Return) -> Snapshot:
    """Return what Skeleton holds of a return; raises ValueError for what cannot be read."""
    received = [item for item in seen.received if item.quantity > 0]
    return Snapshot(
        reference=seen.id,
        progress=STATUSES.get(seen.status, Progress.UNKNOWN),
        raw_status=seen.status,
        lines=tuple(_line(sku, received) for sku in dict.fromkeys(item.sku for item in received)),
        return_number=seen.number,
        order_number=seen.order,
        updated_at=moment(seen.changed, "UTC"),
    )


def _line(sku: str, received: list[Item]) -> SnapshotLine:
    of = [item for item in received if item.sku == sku]
    parts = tuple(Part(quantity=item.quantity, word=item.state) for item in of)
    return SnapshotLine(sku=sku, received=sum(item.quantity for item in of), parts=parts)
