"""Write the log, and prove that nobody changed it."""

import hashlib
from typing import Any
from uuid import UUID

import msgspec

from hub.audit import queries
from hub.kit import clock, db
from hub.kit.ids import new_id

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
    broken, previous = [], queries.ROOT
    for entry, stored in await queries.chain():
        if entry.previous != previous or digest(entry) != stored:
            broken.append(entry.id)
        previous = stored
    return broken
