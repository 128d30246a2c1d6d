"""Take a snapshot: what it changed is stored and booked in one transaction, behind the row of the return.

Two workers, a hook and a poll, or the same page read twice come to the same rows: whoever is second finds that
nothing changed.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

import msgspec

from hub.kit import clock, db
from hub.kit.ids import new_id
from hub.returns import service as returns
from hub.returns.messages import StoredReturn
from hub.sdk import Hint, Manifest, Meaning, Progress, Snapshot, SnapshotKey
from hub.wms import engine, queries
from hub.wms.messages import Delivery, Expected, Kept, Movement, Reading
from hub.work.messages import Matter, Owner
from hub.work.service import renew_matter, settle_matter

# Books what arrived of a return, in the caller's transaction; a step that may not happen raises.
Book = Callable[[StoredReturn, Delivery], Awaitable[None]]


async def take(manifest: Manifest, connection_id: UUID, seen: Snapshot, asked_at: datetime, book: Book) -> bool:
    """Store what a system holds of a return and book what is new; returns whether anything was.

    `asked_at` is when it was asked for: an answer that was overtaken by a later one changes nothing.
    """

    async def work() -> bool:
        kept = await queries.hold(connection_id, seen.reference)
        same = kept.digest == engine.digest(seen) and kept.return_id is not None
        overtaken = kept.asked_at is not None and asked_at < kept.asked_at
        if same or overtaken or engine.is_stale(seen, kept.snapshot):
            if same and not overtaken:
                await queries.mark_asked(kept, asked_at)
            return False
        return await _take(manifest, kept, seen, asked_at, book)

    return await db.attempt(db.PLATFORM, work)


async def _take(manifest: Manifest, kept: Kept, seen: Snapshot, asked_at: datetime, book: Book) -> bool:
    now = clock.now()
    owner = await queries.owner(kept.connection_id, seen.return_number) if seen.return_number else None
    if owner is None:
        return await _keep_unclaimed(kept, seen, asked_at, now)
    account_id, return_id = owner
    held = await returns.load(account_id, return_id)
    reading = engine.read(seen, _expected(held), await meanings(manifest, kept.connection_id, account_id), kept.booked)
    fresh = msgspec.structs.replace(
        kept, account_id=account_id, return_id=return_id, snapshot=seen, digest=engine.digest(seen),
        booked=reading.booked, revision=kept.revision + 1, asked_at=asked_at,
    )  # fmt: skip
    scope = f"{kept.connection_id}:{kept.reference}"
    movements = engine.difference(kept.booked, reading.booked, scope=scope, revision=fresh.revision)
    fresh = msgspec.structs.replace(
        fresh, doubts=tuple(dict.fromkeys((*kept.doubts, *engine.doubts(reading, movements))))
    )
    before = kept.snapshot.progress if kept.snapshot else Progress.UNKNOWN
    await queries.keep(fresh, engine.further(seen.progress, before), now)
    await _ask_about_words(held, kept, seen, reading)
    await _follow_ending(held, seen, reading)
    await book(held, _delivery(manifest, fresh, seen, reading, movements))
    return True


def _expected(held: StoredReturn) -> list[Expected]:
    return [Expected(id=str(line.id), sku=line.sku, order_line=line.order_line) for line in held.lines]


async def meanings(manifest: Manifest, connection_id: UUID, account_id: UUID) -> dict[str, Meaning]:
    """Return what a system's words for the state of goods mean to an account."""
    usual = dict(manifest.warehousing.words) if manifest.warehousing else {}
    said = await queries.words(connection_id, account_id, "state")
    return usual | msgspec.convert(said, dict[str, Meaning])


def _delivery(
    manifest: Manifest, fresh: Kept, seen: Snapshot, reading: Reading, movements: tuple[Movement, ...]
) -> Delivery:
    return Delivery(
        key=f"wms:{fresh.connection_id}:{fresh.reference}:{fresh.revision}",
        operator=f"wms:{manifest.name}",
        movements=movements,
        finalise=engine.is_whole(seen.progress, reading),
        doubts=fresh.doubts,
    )


async def _keep_unclaimed(kept: Kept, seen: Snapshot, asked_at: datetime, now: datetime) -> bool:
    """Keep a return that nobody announced, and ask about it once goods are there."""
    if kept.digest == engine.digest(seen):
        await queries.mark_asked(kept, asked_at)
        return False
    fresh = msgspec.structs.replace(
        kept, snapshot=seen, digest=engine.digest(seen), revision=kept.revision + 1, asked_at=asked_at
    )
    accounts = await queries.accounts_of(kept.connection_id)
    if len(accounts) == 1:
        fresh = msgspec.structs.replace(fresh, account_id=accounts[0])
    await queries.keep(fresh, seen.progress, now)
    if fresh.account_id is not None and any(line.received for line in seen.lines):
        matter = Matter(
            key=f"unannounced:{kept.connection_id}:{kept.reference}",
            kind="unannounced_goods",
            owner=Owner.ACCOUNT,
            summary=f"A partner's warehouse received {kept.reference}, which belongs to no return of yours.",
            detail={
                "connection_id": str(kept.connection_id),
                "reference": kept.reference,
                "return_number": seen.return_number,
                "order_number": seen.order_number,
                "lines": [{"sku": line.sku, "received": line.received} for line in seen.lines],
            },
        )
        await renew_matter(fresh.account_id, matter)
    return True


async def _ask_about_words(held: StoredReturn, kept: Kept, seen: Snapshot, reading: Reading) -> None:
    key = f"words:{kept.connection_id}:{kept.reference}"
    if not reading.unknown:
        await settle_matter(held.account_id, key, by="hub", resolution="the words are known now")
        return
    words = ", ".join(repr(word) for word in reading.unknown)
    matter = Matter(
        key=key,
        kind="wms_word_unknown",
        owner=Owner.SUPPORT,
        return_id=held.id,
        summary=f"{held.number}: nobody knows what the warehouse means by {words}; say so, and it is booked.",
        detail={
            "connection_id": str(kept.connection_id),
            "words": list(reading.unknown),
            "raw_status": seen.raw_status,
        },
    )
    await renew_matter(held.account_id, matter)


async def _follow_ending(held: StoredReturn, seen: Snapshot, reading: Reading) -> None:
    """Ask a person where a warehouse ended a return otherwise than by receiving all of it."""
    why = None
    if seen.progress in {Progress.CANCELED, Progress.NOT_ARRIVED}:
        why = f"the warehouse ended it as {seen.progress.value.replace('_', ' ')}"
    elif seen.progress is Progress.COMPLETED and reading.waiting and not reading.unknown:
        why = f"the warehouse is done with it, and of {reading.waiting} units it does not say what they are"
    elif seen.progress is Progress.COMPLETED and not any(line.received for line in seen.lines):
        why = "the warehouse is done with it, and received nothing"
    elif seen.progress is Progress.UNKNOWN:
        why = f"nobody knows what the warehouse means by the status {seen.raw_status!r}"
    key = f"warehouse_ended:{held.id}"
    if why is None or held.case.over:
        await settle_matter(held.account_id, key, by="hub", resolution="the warehouse says otherwise now")
        return
    matter = Matter(
        key=key,
        kind="warehouse_ended",
        owner=Owner.ACCOUNT,
        return_id=held.id,
        summary=f"{held.number}: {why}.",
        detail={"raw_status": seen.raw_status},
    )
    await renew_matter(held.account_id, matter)


async def say_words(
    connection_id: UUID, account_id: UUID | None, kind: str, words: dict[str, object], *, by: str
) -> None:
    """Say what words of a system mean from now on, to one account or to all, and have what waits read anew."""
    if kind == "state":
        msgspec.convert(words, dict[str, Meaning])
    async with db.transaction(db.PLATFORM):
        for word, means in words.items():
            await queries.say(connection_id, account_id, kind, word, means, by=by, now=clock.now())
        again = [
            Hint(key=f"words:{new_id()}", about=SnapshotKey(reference=each))
            for each in await queries.reread(connection_id, account_id)
        ]
        await queries.store_hints(connection_id, again, clock.now())


async def resume(connection_id: UUID, *, by: str) -> None:
    """Close what accounts were told when a system's login did not work, and read it as a whole."""
    async with db.transaction(db.PLATFORM):
        for account_id in await queries.accounts_of(connection_id):
            await settle_matter(account_id, f"paused:{connection_id}", by=by, resolution="repaired")
            await queries.hasten(connection_id, clock.now())
