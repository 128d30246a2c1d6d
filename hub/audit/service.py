"""Write the log, and prove that nobody changed it."""

import hashlib
from collections.abc import AsyncIterator, Iterable
from typing import Any
from uuid import UUID

import msgspec

from hub.audit import queries
from hub.audit.messages import Anchor, Verified
from hub.kit import clock, db
from hub.kit.ids import new_id

# Entries that are read at a time.
BATCH = 1_000
_canonical = msgspec.json.Encoder(order="sorted").encode


async def record(
    *, actor: str, action: str, subject: str, account_id: UUID | None = None, before: Any = None, after: Any = None
) -> None:
    """Append an entry to the chain, in the caller's platform transaction; any other does not see the chain's end."""
    if not db.current().scope.platform:
        raise RuntimeError("the audit log is written in the platform's scope")
    last, previous = await queries.lock_last()
    entry = queries.Entry(
        # The chain is read in the order of ids, and the clock that made the last one may be ahead of ours.
        id=max(new_id(), UUID(int=last.int + 1)),
        account_id=account_id,
        at=clock.now(),
        actor=actor,
        action=action,
        subject=subject,
        before=_plain(before),
        after=_plain(after),
        previous=previous,
    )
    await queries.append(entry, digest(entry))


def _plain(value: Any) -> Any:
    return None if value is None else msgspec.to_builtins(value)


def digest(entry: queries.Entry) -> bytes:
    """Return an entry's SHA-256 over its canonical form, the digest before it included."""
    return hashlib.sha256(_canonical(entry)).digest()


async def broken_links() -> list[UUID]:
    """Return the entries that do not follow from the one before them, in order; none in a sound log."""
    return [entry.id async for entry, _, sound in links() if not sound]


async def links() -> AsyncIterator[tuple[queries.Entry, bytes, bool]]:
    """Walk the log oldest first, in the caller's transaction: each entry, its digest, whether it follows."""
    previous, last = queries.ROOT, None
    while found := await queries.oldest(queries.Wanted(), last, BATCH):
        for entry, stored in found:
            yield entry, stored, entry.previous == previous and digest(entry) == stored
            previous, last = stored, entry.id


async def anchor() -> Anchor:
    """Return the end of the log as it is now; kept elsewhere, it shows a log whose end was cut off."""
    head = await queries.head()
    last, stored, count = head or (queries.FIRST, queries.ROOT, 0)
    return Anchor(entries=count, id=last, digest=stored.hex(), at=clock.now())


async def verify(anchors: Iterable[Anchor] = ()) -> Verified:
    """Prove that every entry follows from the one before it, and that every anchor's entry is where it was."""
    wanted = {each.entries: each for each in anchors if each.entries}
    count, broken, cut = 0, None, None
    async for entry, stored, sound in links():
        count += 1
        if not sound and broken is None:
            broken = entry.id
        kept = wanted.pop(count, None)
        if kept is not None and (kept.id, kept.digest) != (entry.id, stored.hex()):
            cut = cut or kept
    if wanted and cut is None:
        cut = wanted[min(wanted)]
    return Verified(entries=count, broken=broken, missed=cut)
