"""From a receipt to what it does: its items understood, then placed on lines; pure but for what an account demands."""

from collections.abc import Sequence

import msgspec

from hub.kit.errors import Conflict, Invalid
from hub.receipt import engine, queries
from hub.receipt.grading import engine as grading
from hub.receipt.messages import Part
from hub.receipt.queries import Demands
from hub.returns import receiving, states
from hub.returns import service as returns
from hub.returns.case import Arrival, Case, Placed, Step
from hub.returns.messages import StoredReturn
from hub.sdk.receiving import Condition, Disposition, Need, ReceiptRequest, ReceivedItem


class Understood(msgspec.Struct, frozen=True, kw_only=True):
    """An item with its product known and its grade worked out; `grading_version` is the set that did."""

    sku: str
    seen: ReceivedItem
    grading_version: int | None = None


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What a receipt stores, and the step it makes."""

    parts: Sequence[Part]
    step: Step


# understanding ------------------------------------------------------------------------------------------


async def understood(held: StoredReturn, request: ReceiptRequest) -> list[Understood]:
    """Return the items as the account's products and questions have them; raises `Invalid` that says what lacks."""
    lines = {line.id: line.sku for line in held.lines}
    for item in request.items:
        if item.line is not None and (item.line not in lines or item.sku not in {None, lines[item.line]}):
            raise Invalid("line_unknown", f"This return has no line {item.line} of this product.")
    named = [item.sku or (lines[item.line] if item.line else None) for item in request.items]
    eans = [item.ean for item, sku in zip(request.items, named, strict=True) if sku is None and item.ean]
    demands = await queries.demands(held.account_id, [sku for sku in named if sku], eans)
    found = [
        _understood(item, sku or demands.skus.get(item.ean or "") or item.ean or "", demands)
        for item, sku in zip(request.items, named, strict=True)
    ]
    await _require_new_serials(held, found)
    return found


def _understood(item: ReceivedItem, sku: str, demands: Demands) -> Understood:
    if item.quantity < 0:
        return Understood(sku=sku, seen=item)
    seen, version = _graded(item, sku, demands)
    need = demands.needs.get(sku)
    if need is Need.SERIAL and seen.serial is None:
        raise Invalid("serial_missing", f"{sku}: scan the serial number of each unit.", sku=sku)
    if need is Need.LOT and seen.lot is None:
        raise Invalid("lot_missing", f"{sku}: scan or type the lot of these units.", sku=sku)
    if demands.grading and seen.grade in demands.grading.photo_grades and not seen.photos:
        raise Invalid("photo_missing", f"{sku}: the merchant wants a photo of units of grade {seen.grade}.", sku=sku)
    return Understood(sku=sku, seen=seen, grading_version=version)


def _graded(item: ReceivedItem, sku: str, demands: Demands) -> tuple[ReceivedItem, int | None]:
    if not item.answers:
        if item.grade is None:
            raise Invalid("grade_missing", f"{sku}: give a grade, or answer the grading questions.", sku=sku)
        return item, None
    graded = grading.grade(demands.grading or grading.DEFAULT, item.answers)
    seen = msgspec.structs.replace(
        item,
        grade=item.grade or graded.grade,
        condition=graded.condition if item.condition is Condition.UNKNOWN else item.condition,
        disposition=graded.disposition if item.disposition is Disposition.PENDING else item.disposition,
    )
    return seen, demands.version or 0


async def _require_new_serials(held: StoredReturn, found: Sequence[Understood]) -> None:
    fresh = [each.seen.serial for each in found if each.seen.serial and each.seen.quantity > 0 and not each.seen.was]
    if not fresh:
        return
    here = await queries.serials_here(held.account_id, held.id, fresh)
    twice = here | {serial for serial in fresh if fresh.count(serial) > 1}
    if twice:
        message = f"The serial number {min(twice)} is booked already; each unit has its own."
        raise Conflict("serial_booked", message, serial=min(twice))


# placing ------------------------------------------------------------------------------------------------


def arrived(case: Case, items: Sequence[Understood]) -> Draft:
    """Place what arrived, one item at a time, because one may be spread over several lines of the same product."""
    parts, now = _placed(case, items)
    return Draft(parts=parts, step=states.receive(case, _places(parts)) if parts else Step(now, ()))


def closed(case: Case, *, settles: bool) -> Draft:
    """Let a closed parcel arrive; where it `settles` as it was declared, all that is missing counts as arrived."""
    step = receiving.arrive_closed(case)
    if not settles or not states.still_counts(case):
        return Draft(parts=(), step=step)
    parts = [
        Part(
            placed=Placed(line.sku, line.missing, line.id, None),
            seen=ReceivedItem(quantity=line.missing, sku=line.sku, line=line.id),
        )
        for line in case.lines
        if line.missing
    ]
    return Draft(parts=parts, step=returns.then(step, states.receive(step.case, _places(parts))))


def corrected(case: Case, items: Sequence[Understood], stock: dict[engine.Bucket, int], why: str) -> Draft:
    """Take back what was not there, and count what was overlooked."""
    held, parts = dict(stock), []
    for item in items:
        if item.seen.quantity < 0:
            parts += _noted(engine.taken_back(item.seen, item.sku, held), held)
    step = receiving.correct(case, _places(parts), why) if parts else Step(case, ())
    more, _ = _placed(step.case, [item for item in items if item.seen.quantity > 0])
    return Draft(parts=[*parts, *more], step=receiving.correct(case, _places([*parts, *more]), why))


def regraded(case: Case, items: Sequence[Understood], stock: dict[engine.Bucket, int], why: str) -> Draft:
    """Move units from the state they were booked in to the one they are in."""
    held: dict[engine.Bucket, int] = dict(stock)
    parts: list[Part] = []
    for item in items:
        parts += _noted(engine.regraded(item.seen, item.sku, held, item.grading_version), held)
    return Draft(parts=parts, step=receiving.regrade(case, _places(parts), why))


def _placed(case: Case, items: Sequence[Understood]) -> tuple[list[Part], Case]:
    parts = []
    for item in items:
        for placed in states.place(case, (Arrival(item.sku, item.seen.quantity, item.seen.line),)):
            parts.append(Part(placed=placed, seen=item.seen, grading_version=item.grading_version))
            case = states.receive(case, (placed,)).case
    return parts, case


def _places(parts: Sequence[Part]) -> tuple[Placed, ...]:
    return tuple(part.placed for part in parts)


def _noted(parts: list[Part], held: dict[engine.Bucket, int]) -> list[Part]:
    """Take parts off, or add them to, what is in stock for the items after them."""
    for part in parts:
        seen = part.seen
        bucket = engine.Bucket(part.placed.line, part.placed.sku, seen.grade, seen.condition, seen.disposition)
        held[bucket] = held.get(bucket, 0) + part.placed.quantity
    return parts
