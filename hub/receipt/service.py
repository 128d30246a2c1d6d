"""Book what arrived; every function runs in the caller's transaction of the account's scope."""

import hashlib
from uuid import UUID

import msgspec

from hub.evidence import service as evidence
from hub.kit import clock
from hub.kit.errors import Conflict, Invalid
from hub.kit.ids import new_id
from hub.receipt import drafting, engine, queries
from hub.receipt.drafting import Draft
from hub.receipt.messages import Booked, Booking, Told
from hub.returns import receiving, states
from hub.returns import service as returns
from hub.returns.case import Step
from hub.returns.messages import StoredReturn
from hub.sdk.receiving import Level, ReceiptKind, ReceiptRequest
from hub.sdk.scanning import Next
from hub.work.messages import Matter, Owner
from hub.work.service import raise_matter
from tenants import queries as tenants
from tenants.messages import Unchecked


async def book(
    account_id: UUID, return_id: UUID, request: ReceiptRequest, *, operator: str, strictly: bool = True
) -> Booking:
    """Store a delivery and what it does to the return's lines; the caller applies the step.

    A repeat with the same key changes nothing; the same key with other content raises `Conflict`, and so does a
    `version` after which somebody else received something. Without `strictly`, what the account demands of each unit
    may lack, and `doubts` says so.
    """
    held = await returns.load(account_id, return_id)
    digest = _digest(request)
    earlier = await queries.booked(account_id, held.warehouse_id, request.key)
    if earlier is not None:
        return _repeat(held, earlier, digest)
    await _require_current(held, request, operator)
    if not request.items and not request.finalise and request.level is Level.PRODUCT:
        raise Invalid("nothing_received", "Say what arrived, or that nothing more will come.")
    await _require_photos(held, request)
    draft = _finalised(await _drafted(held, request, strictly=strictly), request)
    late = not states.still_counts(held.case)
    closed = request.level is Level.PARCEL
    told = engine.told(draft.parts, draft.step.case, late=late, closed=closed)
    fresh = queries.Stored(
        id=new_id(), request=request, digest=digest, operator=operator, late=late,
        finalised=draft.step.case.finalised and not late, version_before=receiving.version(held.case),
        version_after=receiving.version(draft.step.case), told=told, parts=draft.parts,
    )  # fmt: skip
    await queries.book(held, fresh, clock.now())
    if late:
        await _ask_about_late(held, request, told)
    elif any(part.placed.deviation for part in draft.parts):
        await _ask_about_surplus(held, draft)
    return Booking(held=held, step=draft.step, receipt_id=fresh.id, told=told, late=late)


async def _require_photos(held: StoredReturn, request: ReceiptRequest) -> None:
    named = evidence.ids(name for names in (request.photos, *(each.photos for each in request.items)) for name in names)
    if named:
        await evidence.require(held.account_id, held.id, named)


async def doubts(held: StoredReturn) -> tuple[str, ...]:
    """Say of which units that were booked the account demands what nobody told."""
    items = [item for each in await queries.receipts(held.account_id, held.id) for item in each.items]
    return drafting.doubts(items, await queries.demands(held.account_id, [item.sku for item in items], []))


async def _drafted(held: StoredReturn, request: ReceiptRequest, *, strictly: bool) -> Draft:
    if request.level is Level.PARCEL:
        rules = await tenants.rules_of(held.account_id, held.policy_version_id)
        settles = request.finalise and rules.unchecked is Unchecked.SETTLE
        return drafting.closed(held.case, settles=settles)
    items = await drafting.understood(held, request, strictly=strictly)
    if request.kind is ReceiptKind.RECEIPT:
        return drafting.arrived(held.case, items)
    stock = engine.stock(await queries.items(held.account_id, held.id))
    change = drafting.corrected if request.kind is ReceiptKind.CORRECTION else drafting.regraded
    return change(held.case, items, stock, request.why or "")


def _finalised(draft: Draft, request: ReceiptRequest) -> Draft:
    case = draft.step.case
    unchecked = request.level is Level.PARCEL and not draft.parts
    if not request.finalise or unchecked or case.finalised or not states.still_counts(case):
        return draft
    return msgspec.structs.replace(draft, step=returns.then(draft.step, states.finalise(case)))


async def _require_current(held: StoredReturn, request: ReceiptRequest, operator: str) -> None:
    now = receiving.version(held.case)
    if request.version in {None, now}:
        return
    own = await queries.own_versions(held.account_id, held.id, operator)
    if not receiving.is_current(request.version or now, now, own):
        message = f"{held.number} changed since this was written: look at what is there now, then book it again."
        raise Conflict("return_changed", message, version=now)


def _digest(request: ReceiptRequest) -> bytes:
    # What it was written against is no content: after a conflict the same delivery is booked against what is there now.
    return hashlib.sha256(msgspec.json.encode(msgspec.structs.replace(request, version=None))).digest()


def _repeat(held: StoredReturn, earlier: Booked, digest: bytes) -> Booking:
    if earlier.return_id != held.id or earlier.request_digest != digest:
        raise Conflict("key_reused", "This key booked another delivery before; use a new key for a new delivery.")
    return Booking(
        held=held, step=Step(held.case, ()), receipt_id=earlier.id, told=earlier.told or Told(), late=earlier.late,
        repeated=True,
    )  # fmt: skip


WORDS = {ReceiptKind.RECEIPT: "goods arrived", ReceiptKind.REGRADE: "units were regraded"}


async def _ask_about_late(held: StoredReturn, request: ReceiptRequest, told: Told) -> None:
    what = WORDS.get(request.kind, "a count was corrected")
    matter = Matter(
        key=f"late:{held.id}:{request.key}",
        kind="late_receipt",
        owner=Owner.ACCOUNT,
        return_id=held.id,
        summary=f"{held.number}: {what} although the return is {held.status.replace('_', ' ')}.",
        detail={"items": msgspec.to_builtins(request.items), "kind": request.kind, "level": request.level,
            "why": request.why, "todo": told.todo if told.todo is not Next.DONE else Next.SET_ASIDE},
    )  # fmt: skip
    await raise_matter(held.account_id, matter)


async def _ask_about_surplus(held: StoredReturn, draft: Draft) -> None:
    surplus = [
        {"sku": part.placed.sku, "quantity": part.placed.quantity, "deviation": part.placed.deviation}
        for part in draft.parts
        if part.placed.deviation
    ]
    matter = Matter(
        key=f"surplus:{held.id}",
        kind="unexpected_goods",
        owner=Owner.ACCOUNT,
        return_id=held.id,
        summary=f"{held.number}: more arrived than was announced; it is kept and not refunded.",
        detail={"items": surplus},
    )
    await raise_matter(held.account_id, matter)
