"""The verbs of this room; each is one transaction, and a parcel is the platform's to write."""

import hashlib
from datetime import timedelta
from uuid import UUID

import msgspec

from hub.audit.service import record
from hub.evidence import service as evidence
from hub.kit import clock, db
from hub.kit.errors import Conflict, Invalid, NotFound
from hub.kit.ids import new_id
from hub.kit.numbers import normalise
from hub.kit.telemetry import PARCELS_OPEN
from hub.receipt.parcels import engine, queries
from hub.receipt.parcels.messages import Claim, ParcelState, ParcelView
from hub.receipt.scans.engine import readings
from hub.returns import queries as returns
from hub.sdk.receiving import ReceiptRequest, ReceiptResult, UnknownParcel
from hub.work.messages import Matter, Owner
from hub.work.service import raise_matter, settle_matter
from tenants import queries as tenants
from tenants.messages import WarehouseView

MOST_AT_ONCE = 200
STATUS = {
    ParcelState.OPEN: "Parcel/Unknown",
    ParcelState.CLAIMED: "Parcel/Claimed",
    ParcelState.TIMED_OUT: "Parcel/Timed out",
}


async def register(
    warehouse_id: UUID, request: ReceiptRequest, parcel: UnknownParcel, *, operator: str
) -> ReceiptResult:
    """Register a parcel that nobody announced, look for what it may be, and ask whose it may be; safe to repeat.

    The same key with other content raises `Conflict`.
    """

    async def work() -> ReceiptResult:
        digest = hashlib.sha256(msgspec.json.encode(request)).digest()
        earlier = await queries.registered(warehouse_id, request.key)
        if earlier is not None and earlier[1] != digest:
            raise Conflict("key_reused", "This key booked another delivery before; use a new key for a new delivery.")
        if earlier is None:
            await _register(await tenants.warehouse(warehouse_id), request, parcel, digest, operator)
        found = await queries.registered(warehouse_id, request.key)
        view = await queries.one(found[0]) if found else None
        if view is None:
            raise NotFound("parcel_not_found", "There is no such parcel.")
        return _result(view, repeated=earlier is not None)

    return await db.attempt(db.PLATFORM, work)


async def _register(
    place: WarehouseView, request: ReceiptRequest, parcel: UnknownParcel, digest: bytes, operator: str
) -> None:
    codes = [code for number in parcel.numbers for code in readings(number)]
    candidates = engine.candidates(parcel.kind, await queries.clues(place.id, codes))
    parcel_id, now = new_id(), clock.now()
    await queries.register(
        parcel_id, place.id, request, parcel, digest=digest, operator=operator, now=now,
        due_at=now + timedelta(days=place.parcels_wait_days), candidates=candidates,
    )  # fmt: skip
    await evidence.attach(evidence.ids(request.photos), place.id, parcel_id=parcel_id)
    for account_id in await queries.asked(parcel_id):
        await raise_matter(account_id, _matter(parcel_id, place, parcel, candidates, account_id))


WORDS = {
    "unknown": "an unknown parcel",
    "refused": "a parcel that was refused",
    "return_to_sender": "a parcel sent back",
}


def _matter(
    parcel_id: UUID, place: WarehouseView, parcel: UnknownParcel, found: tuple[engine.Scored, ...], account_id: UUID
) -> Matter:
    own = [each for each in found if each.account_id == account_id]
    likely = f"; it may be yours, for {own[0].reason} (score {own[0].score})" if own else ""
    return Matter(
        key=f"parcel:{parcel_id}",
        kind="unknown_parcel",
        owner=Owner.ACCOUNT,
        return_id=own[0].return_id if own else None,
        summary=f"{WORDS[parcel.kind]} stands at {place.name}{likely}. Claim it, or close this.",
        detail={
            "parcel_id": parcel_id, "kind": parcel.kind, "numbers": parcel.numbers, "sender": parcel.sender,
            "candidates": [{"return_id": each.return_id, "score": each.score, "reason": each.reason} for each in own],
        },
    )  # fmt: skip


def _result(view: ParcelView, *, repeated: bool) -> ReceiptResult:
    todo, say = engine.on_sight(view)
    return ReceiptResult(
        return_number=view.return_number, status=STATUS[view.state], repeated=repeated, parcel_id=view.id, todo=todo,
        say=say,
    )  # fmt: skip


async def claim(parcel: ParcelView, said: Claim, account_id: UUID | None, *, actor: str) -> None:
    """Say whose parcel it is; `account_id` is the merchant that claims, None where support does. The first claim holds.

    Raises `Invalid` if the return is not one that this account, or this warehouse, could have.
    """

    async def work() -> None:
        owner, return_id = await _claimed(parcel, said, account_id)
        if not await queries.claim(parcel.id, owner, return_id, said, actor, clock.now()):
            raise Conflict("parcel_claimed", "Somebody claimed this parcel before; its `claimed_by` says who.")
        shown = evidence.ids(parcel.photos)
        await evidence.attach(shown, parcel.warehouse_id, account_id=owner, return_id=return_id, parcel_id=parcel.id)
        await record(
            actor=actor, action="parcel.claimed", subject=str(parcel.id), account_id=owner,
            after={"return_number": said.return_number, "disposition": said.disposition, "note": said.note},
        )  # fmt: skip
        for asked in await queries.asked(parcel.id):
            await settle_matter(asked, f"parcel:{parcel.id}", by=actor, resolution="it was claimed")

    await db.attempt(db.PLATFORM, work)


async def _claimed(parcel: ParcelView, said: Claim, account_id: UUID | None) -> tuple[UUID, UUID | None]:
    if account_id is not None and said.account_id not in {None, account_id}:
        raise NotFound("account_not_found", "There is no such account.")
    if said.return_number is None:
        owner = account_id or said.account_id
        if owner is None:
            raise Invalid("claim_owner", "Say with account_id whose parcel it is, or name its return.")
        return (await tenants.account(owner)).id, None
    number = normalise(said.return_number)
    found = await returns.find(account_id or said.account_id, number) if number else None
    if found is None or found.warehouse_id != parcel.warehouse_id:
        message = "There is no such return that the warehouse where this parcel stands is to receive."
        raise Invalid("claim_return", message)
    return found.account_id, found.id


async def sweep() -> int:
    """Let every parcel whose time is over go where its warehouse says; returns how many."""
    async with db.transaction(db.PLATFORM):
        over = await queries.time_out(clock.now(), MOST_AT_ONCE)
        for parcel_id, _, disposition in over:
            for asked in await queries.asked(parcel_id):
                why = f"nobody claimed it in time: {disposition.replace('_', ' ')}"
                await settle_matter(asked, f"parcel:{parcel_id}", by="policy", resolution=why)
    return len(over)


async def measure() -> None:
    """Set the gauge of what waits to be claimed."""
    async with db.transaction(db.PLATFORM):
        PARCELS_OPEN.set(await queries.count_open())
