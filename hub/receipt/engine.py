"""What receipts come to, as pure functions: deviations, what is in stock of a return, and what to do with a parcel."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

import msgspec

from hub.receipt.messages import Item, Part, Told
from hub.returns.case import Case, Ending, Illegal, Placed
from hub.returns.states import still_counts
from hub.sdk.receiving import Condition, Deviated, Deviation, Disposition, Grade, ReceivedItem
from hub.sdk.scanning import Next

OF_CONDITION = {
    Condition.WRONG_ITEM: Deviation.WRONG_ITEM,
    Condition.DAMAGED: Deviation.DAMAGED,
    Condition.INCOMPLETE: Deviation.MISSING_PARTS,
}


class Bucket(NamedTuple):
    """Units of a return that are alike: they can be taken back or regraded together."""

    line: UUID | None
    sku: str
    grade: Grade | None
    condition: Condition
    disposition: Disposition


def stock(items: Iterable[Item]) -> dict[Bucket, int]:
    """Return how many units of a return are in each state by now, late ones left out."""
    held: Counter[Bucket] = Counter()
    for item in items:
        if not item.late:
            held[bucket_of(item)] += item.quantity
    return {bucket: units for bucket, units in held.items() if units}


def bucket_of(item: Item) -> Bucket:
    """Return the state that units were booked in."""
    return Bucket(item.line_id, item.sku, item.grade, item.condition, item.disposition)


def parts(items: Iterable[Item]) -> list[Item]:
    """Return what is to be decided on: one part for the units in each state, after all corrections.

    Each comes with the notes and all the photos of whoever booked units in that state.
    """
    booked = list(items)
    told: dict[Bucket, list[Item]] = {}
    for item in booked:
        if not item.late and item.quantity > 0:
            told.setdefault(bucket_of(item), []).append(item)
    return [_net(bucket, units, told.get(bucket, [])) for bucket, units in stock(booked).items()]


def _net(bucket: Bucket, units: int, told: Sequence[Item]) -> Item:
    notes = dict.fromkeys(item.note for item in told if item.note)
    return Item(
        line_id=bucket.line, sku=bucket.sku, quantity=units, grade=bucket.grade, condition=bucket.condition,
        disposition=bucket.disposition, deviation=None, late=False, note="; ".join(notes) or None,
        photos=frozenset().union(*(item.photos for item in told)),
    )  # fmt: skip


class Wanted(NamedTuple):
    """Which units are to be taken back: `unknown` conditions and `pending` dispositions stand for any."""

    sku: str
    line: UUID | None
    grade: Grade | None
    condition: Condition
    disposition: Disposition


def take_back(held: dict[Bucket, int], wanted: Wanted, units: int) -> list[tuple[Bucket, int]]:
    """Choose units to take back, those on no line first, then those booked last; raises `Illegal` if too few."""
    fitting = [bucket for bucket in reversed(held) if _fits(bucket, wanted) and held[bucket] > 0]
    taken, left = [], units
    for bucket in sorted(fitting, key=lambda each: each.line is not None):
        some = min(left, held[bucket])
        if some:
            taken.append((bucket, some))
            left -= some
    if left:
        message = f"{wanted.sku}: only {units - left} of {units} units were booked in this state and can be taken back."
        raise Illegal("more_than_booked", message)
    return taken


def _fits(bucket: Bucket, wanted: Wanted) -> bool:
    return (
        bucket.sku == wanted.sku
        and wanted.line in {None, bucket.line}
        and wanted.grade in {None, bucket.grade}
        and wanted.condition in {Condition.UNKNOWN, bucket.condition}
        and wanted.disposition in {Disposition.PENDING, bucket.disposition}
    )


def taken_back(item: ReceivedItem, sku: str, held: dict[Bucket, int]) -> list[Part]:
    """Return the parts of an item with a quantity below zero, each in the state that its units were booked in."""
    wanted = Wanted(sku, item.line, item.grade, item.condition, item.disposition)
    return [_part(item, bucket, -units) for bucket, units in take_back(held, wanted, -item.quantity)]


def regraded(item: ReceivedItem, sku: str, held: dict[Bucket, int], grading_version: int | None) -> list[Part]:
    """Return the parts of a regrade: units leave the state they were in and are in another one, on the same lines."""
    was = item.was
    if was is None:
        raise Illegal("state_missing", f"{sku}: say in which state these units were.")
    found = take_back(held, Wanted(sku, item.line, was.grade, was.condition, was.disposition), item.quantity)
    made = []
    for bucket, units in found:
        made.append(_part(item, bucket, -units))
        made.append(Part(placed=Placed(sku, units, bucket.line, None), seen=item, grading_version=grading_version))
    return made


def _part(item: ReceivedItem, bucket: Bucket, units: int) -> Part:
    seen = msgspec.structs.replace(
        item, grade=bucket.grade, condition=bucket.condition, disposition=bucket.disposition, answers={}, photos=(),
        deviation=None,
    )  # fmt: skip
    return Part(placed=Placed(bucket.sku, units, bucket.line, None), seen=seen)


def deviations(made: Sequence[Part], case: Case) -> tuple[Deviated, ...]:
    """Return every way in which these parts, and what is missing once finalised, differ from what was announced."""
    found: Counter[tuple[Deviation, str]] = Counter()
    for part in made:
        for code in _codes(part):
            found[code, part.placed.sku] += part.placed.quantity
    if case.finalised:
        for line in case.lines:
            found[Deviation.SHORT, line.sku] += line.missing
    return tuple(
        Deviated(code=code, sku=sku, quantity=units) for (code, sku), units in sorted(found.items()) if units > 0
    )


def _codes(part: Part) -> set[Deviation]:
    seen = {OF_CONDITION.get(part.seen.condition), part.seen.deviation}
    if part.placed.deviation is not None:
        seen.add(Deviation(part.placed.deviation))
    return {code for code in seen if code is not None}


def deviation_of(part: Part) -> str | None:
    """Return the deviation that a part is stored with: that it was not announced goes before the state it is in."""
    return part.placed.deviation or part.seen.deviation or OF_CONDITION.get(part.seen.condition)


def on_arrival(case: Case) -> tuple[Next, str]:
    """Say what to do with a parcel of this return that is at the door."""
    if still_counts(case):
        if case.arrived and not any(line.received for line in case.lines):
            return Next.CHECK_CONTENTS, "The parcel is here already, and its contents have to be checked: open it."
        return Next.RECEIVE, "Open the return and book what is in the parcel."
    return Next.SET_ASIDE, f"{_over(case)} Book what came and put it into quarantine; the merchant decides."


def _over(case: Case) -> str:
    if case.informational is not None:
        return "The marketplace handles this return itself."
    if case.ending is Ending.OPEN:
        return "This return is settled, or its settlement was sent."
    return "This return was called off."


def after_booking(case: Case, found: Sequence[Deviated], *, late: bool, closed: bool) -> tuple[Next, str]:
    """Say where a parcel goes after it was booked."""
    if late:
        return (
            Next.SET_ASIDE,
            f"{_over(case)} It is booked, not counted: put it into quarantine; the merchant decides.",
        )
    if closed and not case.finalised:
        return Next.CHECK_CONTENTS, "It is booked closed. Its contents have to be checked before it is settled."
    surplus = [each for each in found if each.code in {Deviation.OVER, Deviation.UNEXPECTED}]
    if surplus:
        products = ", ".join(f"{each.quantity} of {each.sku}" for each in surplus)
        return Next.SET_ASIDE, f"Set aside what nobody announced: {products}. The merchant decides."
    return Next.DONE, "Nothing more to do." if case.finalised else "More may come for this return."


def told(made: Sequence[Part], case: Case, *, late: bool, closed: bool) -> Told:
    """Return what an operator is told of a delivery; the case is the one after it."""
    found = deviations(made, case)
    old = [f"{part.placed.deviation}:{part.placed.sku}" for part in made if part.placed.deviation]
    old += [f"{each.code}:{each.sku}" for each in found if each.code is Deviation.SHORT]
    todo, say = after_booking(case, found, late=late, closed=closed)
    return Told(deviations=tuple(dict.fromkeys(old)), found=found, todo=todo, say=say)
