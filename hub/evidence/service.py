"""Keep photos, show them to who may see them, say what they show, and let them go in the end."""

import asyncio
import hashlib
from collections.abc import Iterable, Sequence
from datetime import timedelta
from uuid import UUID

from hub.audit import service as audit
from hub.evidence import pictures, queries
from hub.evidence.messages import NewPhoto, PhotoView, Retention, Stored
from hub.evidence.stores import Store
from hub.kit import clock, db
from hub.kit.errors import Conflict, Invalid, NotFound
from hub.kit.ids import new_id
from hub.kit.telemetry import log

_log = log("evidence")

DEFAULT = Retention(days=365)
# How long an upload may take from its note to its row; an object that has no row by then is nobody's.
UPLOAD = timedelta(days=1)
BATCH = 200
# A picture takes a core and up to half a gigabyte for a moment.
_at_once = asyncio.Semaphore(2)


async def add(store: Store, new: NewPhoto) -> PhotoView:
    """Keep a photo: its object first, then its row. Safe to repeat with the same key.

    Raises `Conflict` for a key that another photo has, `Invalid` for what is no photo, `TooLarge`, `Unavailable`.
    """
    received = hashlib.sha256(new.content).digest()
    async with db.transaction(db.PLATFORM):
        earlier = await queries.by_key(new.warehouse_id, new.key)
    if earlier is not None:
        return _repeat(earlier, received)
    async with _at_once:
        picture = await asyncio.to_thread(pictures.prepare, new.content)
    name = _name(new, picture.digest)
    async with db.transaction(db.PLATFORM):
        kept = await queries.touch(name, clock.now() + UPLOAD)
    if not kept:
        await store.put(name, picture.content)

    async def work() -> Stored:
        twin = await queries.by_key(new.warehouse_id, new.key)
        days = (await _retention(new.account_id)).days
        return twin or await queries.add(
            new_id(), new, picture, name=name, received=received, days=days, now=clock.now()
        )  # fmt: skip

    return _repeat(await db.attempt(db.PLATFORM, work), received)


def _name(new: NewPhoto, digest: bytes) -> str:
    # An owner's objects lie apart, so that no two of them ever share one.
    text = digest.hex()
    return f"{new.account_id or new.warehouse_id}/{text[:2]}/{text}.jpg"


def _repeat(earlier: Stored, received: bytes) -> PhotoView:
    if earlier.received_digest != received:
        raise Conflict("key_reused", "This key was used for another photo before; use a new key for a new photo.")
    return view(earlier)


def view(stored: Stored) -> PhotoView:
    """Return what may be shown of a photo."""
    return PhotoView(**{name: getattr(stored, name) for name in PhotoView.__struct_fields__})


async def content(store: Store, stored: Stored) -> bytes:
    """Return a photo's bytes, which are those that were taken; raises `NotFound` once it was removed, `Conflict`."""
    if stored.removed_at is not None:
        raise NotFound(
            "photo_removed", f"This photo was removed on {stored.removed_at:%Y-%m-%d}, as its account wants."
        )
    found = await store.get(stored.object)
    if found is None or hashlib.sha256(found).hexdigest() != stored.sha256:
        _log.error("a photo is not what was kept", photo=str(stored.id), missing=found is None)
        raise Conflict("photo_damaged", "What is stored is not the photo that was taken; the operator has to look.")
    return found


# -- what photos show


def ids(names: Iterable[str]) -> tuple[UUID, ...]:
    """Return the ids by which photos are named, each once; raises `Invalid` for what is no photo's name."""
    try:
        return tuple(dict.fromkeys(UUID(name) for name in names))
    except ValueError as fault:
        message = "A photo is named by the id that it got when it was sent; send it before what names it."
        raise Invalid("photo_unknown", message) from fault


async def require(account_id: UUID, return_id: UUID, photo_ids: Sequence[UUID]) -> None:
    """Raise `Invalid` unless every photo is there and shows this return; in the caller's transaction."""
    missing = set(photo_ids) - await queries.shown(account_id, return_id, list(photo_ids))
    if missing:
        raise Invalid(
            "photo_unknown", f"There is no photo {min(missing)} of this return; send it before what names it."
        )  # fmt: skip


async def attach(
    photo_ids: Sequence[UUID],
    warehouse_id: UUID,
    *,
    account_id: UUID | None = None,
    return_id: UUID | None = None,
    parcel_id: UUID | None = None,
) -> None:
    """Say which return, or which unknown parcel, photos of a warehouse show; in the caller's platform transaction.

    Safe to repeat. Raises `Invalid` if one is not there or shows something else.
    """
    wanted = list(dict.fromkeys(photo_ids))
    if not wanted:
        return
    days = (await _retention(account_id)).days if account_id else None
    found = await queries.attach(
        wanted, warehouse_id, account_id=account_id, return_id=return_id, parcel_id=parcel_id, days=days
    )
    if found != len(wanted):
        raise Invalid("photo_unknown", "One of these photos is not this warehouse's, or shows something else.")


# -- how long they are kept


async def retention(account_id: UUID) -> Retention:
    """Return for how long an account's photos are kept; in the caller's transaction."""
    return await _retention(account_id)


async def _retention(account_id: UUID | None) -> Retention:
    return (await queries.retention(account_id) if account_id else None) or DEFAULT


async def retain(account_id: UUID, wanted: Retention, *, actor: str) -> Retention:
    """Keep an account's photos, those that are there included, for another time."""
    async with db.transaction(db.PLATFORM):
        before = await _retention(account_id)
        await queries.retain(account_id, wanted.days, actor=actor, now=clock.now())
        await audit.record(
            actor=actor, action="photos.retain", subject=f"account:{account_id}", account_id=account_id,
            before=before, after=wanted,
        )  # fmt: skip
    return wanted


async def sweep(store: Store) -> int:
    """Remove photos whose time is over and objects that no photo needs, some at a time; returns how many objects went.

    An object goes while its row here is held, so that nobody takes it up in the same moment.
    """
    async with db.transaction(db.PLATFORM):
        await queries.remove_due(clock.now(), BATCH)
    gone = 0
    for _ in range(BATCH):
        async with db.transaction(db.PLATFORM):
            due = await queries.lock_due_object(clock.now())
            if due is None:
                return gone
            name, needed = due
            if needed:
                await queries.keep_object(name)
                continue
            await store.delete(name)
            await queries.forget_object(name)
            gone += 1
    return gone
