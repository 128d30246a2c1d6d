"""From snapshots to receipts: pure functions of what is stored and what a warehouse holds now."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from hub.sdk import Disposition, Meaning, Progress, ReceiptKind, Snapshot, SnapshotLine
from hub.wms.messages import Booked, Delivery, Expected, Movement, Reading

RANK = {
    Progress.UNKNOWN: 0,
    Progress.ANNOUNCED: 1,
    Progress.IN_TRANSIT: 2,
    Progress.ARRIVED: 3,
    Progress.IN_PROCESS: 4,
    Progress.COMPLETED: 5,
    Progress.CANCELED: 5,
    Progress.NOT_ARRIVED: 5,
}


def digest(snapshot: Snapshot) -> bytes:
    """Return what is equal for snapshots that say the same, in whatever order they list it."""
    lines = sorted(snapshot.lines, key=msgspec.json.encode)
    same = msgspec.structs.replace(snapshot, lines=tuple(lines), updated_at=None)
    return hashlib.sha256(msgspec.json.encode(same, order="deterministic")).digest()


def product(line: SnapshotLine, expected: Sequence[Expected]) -> str:
    """Return the SKU of the return that a warehouse's line is, or the warehouse's own where it is none of them.

    Leading zeros count; spaces around and upper case do not.
    """
    for name, wanted in (("id", line.line), ("order_line", line.order_line)):
        found = [each.sku for each in expected if wanted is not None and getattr(each, name) == wanted]
        if len(set(found)) == 1 and (name == "id" or _alike(found[0], line.sku)):
            return found[0]
    return next((each.sku for each in expected if _alike(each.sku, line.sku)), line.sku.strip())


def _alike(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()


def read(snapshot: Snapshot, expected: Sequence[Expected], words: Mapping[str, Meaning], booked: Booked) -> Reading:
    """Return what of a snapshot can be booked, which words nobody knows, and how many units nobody has looked at yet.

    What an incomplete snapshot does not show stands as it was booked.
    """
    now: Booked = {} if snapshot.complete else _unshown(booked, {product(each, expected) for each in snapshot.lines})
    unknown: set[str] = set()
    unsure: set[str] = set()
    waiting = 0
    for line in snapshot.lines:
        waiting += line.received - sum(part.quantity for part in line.parts)
        for part in line.parts:
            meaning = words.get(part.word or "")
            if meaning is None or meaning.disposition is Disposition.PENDING:
                waiting += part.quantity
                unknown |= {part.word} if part.word is not None and meaning is None else set()
                continue
            bucket = (product(line, expected), msgspec.structs.replace(meaning, sure=True))
            now[bucket] = now.get(bucket, 0) + part.quantity
            unsure |= set() if meaning.sure else {part.word or ""}
    return Reading(booked=now, unknown=tuple(sorted(unknown)), unsure=tuple(sorted(unsure)), waiting=waiting)


def _unshown(booked: Booked, shown: set[str]) -> Booked:
    return {bucket: units for bucket, units in booked.items() if bucket[0] not in shown}


def difference(before: Booked, after: Booked, *, scope: str, revision: int) -> tuple[Movement, ...]:
    """Return what leads from one state of the goods to another: receipts, regrades and corrections, in a fixed order.

    `scope` names the return at its warehouse, `revision` counts its changes: so every movement has a key of its own,
    and the same change has the same key however often it is made out.
    """
    found: list[Movement] = []
    for sku in sorted({bucket[0] for bucket in (*before, *after)}):
        gains = _changes(sku, before, after)
        losses = _changes(sku, after, before)
        found += _of_product(sku, gains, losses)
    return tuple(
        msgspec.structs.replace(each, key=_key(scope, revision, place, each)) for place, each in enumerate(found)
    )


def _changes(sku: str, one: Booked, other: Booked) -> list[tuple[Meaning, int]]:
    more = [(state, units - one.get((sku, state), 0)) for (name, state), units in other.items() if name == sku]
    return sorted(((state, units) for state, units in more if units > 0), key=lambda each: msgspec.json.encode(each[0]))


def _of_product(sku: str, gains: list[tuple[Meaning, int]], losses: list[tuple[Meaning, int]]) -> list[Movement]:
    found: list[Movement] = []
    lost = list(losses)
    for state, units in gains:
        left = units
        while left and lost:
            was, there = lost.pop(0)
            moved = min(left, there)
            found.append(Movement(kind=ReceiptKind.REGRADE, sku=sku, quantity=moved, state=state, was=was))
            left -= moved
            if there > moved:
                lost.insert(0, (was, there - moved))
        if left:
            found.append(Movement(kind=ReceiptKind.RECEIPT, sku=sku, quantity=left, state=state))
    return found + [Movement(kind=ReceiptKind.CORRECTION, sku=sku, quantity=-units, state=was) for was, units in lost]


def _key(scope: str, revision: int, place: int, movement: Movement) -> str:
    said = msgspec.json.encode([scope, revision, place, movement.kind, movement.sku, movement.quantity, movement.state])
    return hashlib.sha256(said).hexdigest()


def is_stale(snapshot: Snapshot, before: Snapshot | None) -> bool:
    """Say whether a snapshot is older than the stored one, by the vendor's clock where both have a time."""
    if before is None or snapshot.updated_at is None or before.updated_at is None:
        return False
    return snapshot.updated_at < before.updated_at


def further(now: Progress, before: Progress) -> Progress:
    """Return the further one of two: what comes late or twice lowers nothing."""
    return now if RANK[now] >= RANK[before] else before


def doubts(reading: Reading, movements: Iterable[Movement]) -> tuple[str, ...]:
    """Return why a person has to look before what arrived is settled."""
    found = [f"the warehouse said {word!r}, which tells not what the goods are worth" for word in reading.unsure]
    found += [
        f"the warehouse took back {-each.quantity} of {each.sku}"
        for each in movements
        if each.kind is ReceiptKind.CORRECTION
    ]
    return tuple(found)


def is_whole(progress: Progress, reading: Reading) -> bool:
    """Say whether nothing more will come: the warehouse is done, and of every unit it is known what it is."""
    return progress is Progress.COMPLETED and not reading.waiting


def nothing(delivery: Delivery) -> bool:
    """Say whether a delivery has nothing to book."""
    return not delivery.movements and not delivery.finalise
