"""Book what arrived; every function runs in the caller's transaction of the account's scope."""

import hashlib
from uuid import UUID

import msgspec

from hub.kit import clock
from hub.kit.errors import Invalid
from hub.kit.ids import new_id
from hub.receipt import queries
from hub.returns import service as returns
from hub.returns import states
from hub.returns.case import Arrival, Placed, Step
from hub.returns.messages import StoredReturn
from hub.sdk.receiving import ReceiptRequest, ReceivedItem
from hub.work.messages import Matter, Owner
from hub.work.service import raise_matter


class Booking(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a delivery: the return before it and the step it made, or a repeat of an earlier one."""

    held: StoredReturn
    step: Step
    deviations: tuple[str, ...]
    repeated: bool = False


async def book(account_id: UUID, return_id: UUID, request: ReceiptRequest, *, operator: str) -> Booking:
    """Store a delivery and what it does to the return's lines; the caller applies the step.

    A repeat with the same key changes nothing; the same key with other content raises `Invalid`.
    """
    held = await returns.load(account_id, return_id)
    digest = _digest(request)
    earlier = await queries.booked(account_id, held.warehouse_id, request.key)
    if earlier is not None:
        return _repeat(held, earlier, digest)
    if not request.items and not request.finalise:
        raise Invalid("nothing_received", "Say what arrived, or that nothing more will come.")
    items = _placed(held, request)
    step = states.receive(held.case, tuple(placed for placed, _ in items)) if items else Step(held.case, ())
    late = any(event.name == "return.received_late" for event in step.events)
    if request.finalise and not late and not step.case.finalised:
        step = returns.then(step, states.finalise(step.case))
    await queries.book(
        held, new_id(), key=request.key, digest=digest, operator=operator, late=late, finalised=request.finalise,
        items=items, now=clock.now(),
    )  # fmt: skip
    deviations = _deviations(items, step)
    if late:
        await _ask_about_late(held, request)
    elif deviations:
        await _ask_about_surplus(held, items)
    return Booking(held=held, step=step, deviations=deviations)


def _digest(request: ReceiptRequest) -> bytes:
    return hashlib.sha256(msgspec.json.encode(request)).digest()


def _repeat(held: StoredReturn, earlier: queries.Booked, digest: bytes) -> Booking:
    if earlier.return_id != held.id or earlier.request_digest != digest:
        raise Invalid("key_reused", "This key booked another delivery before; use a new key for a new delivery.")
    return Booking(held=held, step=Step(held.case, ()), deviations=(), repeated=True)


def _placed(held: StoredReturn, request: ReceiptRequest) -> list[tuple[Placed, ReceivedItem]]:
    # One item at a time, because one item may be spread over several lines of the same product.
    case, items = held.case, []
    for item in request.items:
        for placed in states.place(case, (Arrival(item.sku, item.quantity),)):
            items.append((placed, item))
            case = states.receive(case, (placed,)).case
    return items


def _deviations(items: list[tuple[Placed, ReceivedItem]], step: Step) -> tuple[str, ...]:
    found = [f"{placed.deviation}:{placed.sku}" for placed, _ in items if placed.deviation]
    if step.case.finalised:
        found += [f"short:{line.sku}" for line in step.case.lines if line.missing]
    return tuple(dict.fromkeys(found))


async def _ask_about_late(held: StoredReturn, request: ReceiptRequest) -> None:
    matter = Matter(
        key=f"late:{held.id}:{request.key}",
        kind="late_receipt",
        owner=Owner.ACCOUNT,
        return_id=held.id,
        summary=f"{held.number}: goods arrived although the return is {held.status.replace('_', ' ')}.",
        detail={"items": msgspec.to_builtins(request.items)},
    )
    await raise_matter(held.account_id, matter)


async def _ask_about_surplus(held: StoredReturn, items: list[tuple[Placed, ReceivedItem]]) -> None:
    surplus = [
        {"sku": placed.sku, "quantity": placed.quantity, "deviation": placed.deviation}
        for placed, _ in items
        if placed.deviation
    ]
    if not surplus:
        return
    matter = Matter(
        key=f"surplus:{held.id}",
        kind="unexpected_goods",
        owner=Owner.ACCOUNT,
        return_id=held.id,
        summary=f"{held.number}: more arrived than was announced; it is kept and not refunded.",
        detail={"items": surplus},
    )
    await raise_matter(held.account_id, matter)
