"""One reading of one partner's system: what it hinted at, then what changed, page by page.

Every return is stored and booked in a transaction of its own; how far the system was read is stored after that, so
that a crash has at most something read twice. What cannot be taken now is a hint for later.
"""

import time
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from hub.kit import clock, db, queue, schedule
from hub.kit.telemetry import log
from hub.sdk import (
    Absent,
    ActionRequired,
    Capability,
    Changes,
    Done,
    Hint,
    Phase,
    RateLimited,
    Refused,
    Retry,
    Snapshot,
    SnapshotKey,
    Subscribed,
    Subscription,
)
from hub.sdk.outcomes import Outcome
from hub.wms import queries
from hub.wms.messages import Claim, Waiting
from hub.wms.service import Book, take
from hub.work.messages import Matter, Owner
from hub.work.service import pause_for_everybody, raise_matter
from tenants.vendors import Vendors

JOB = "read_wms"
SWEEP = 100
# Longer than a call and storing what it gave may take; a lease that ran out means that its worker is gone.
LEASE = timedelta(seconds=60)
CALLS_SECONDS = 15.0
HINTS_PER_JOB = 50
PAGES_PER_JOB = 20
HOURLY = timedelta(hours=1)
# About two days in all; after that a person looks.
HINT_TRIES = 9
# What is not there after half an hour was never meant to be.
ABSENT_TRIES = 5

_log = log("wms")


class Reader:
    """Reads partners' systems; `book` is what an arrival means."""

    def __init__(self, vendors: Vendors, book: Book, public_url: str | None = None) -> None:
        self.vendors = vendors
        self.book = book
        self.public_url = public_url.rstrip("/") if public_url else None

    async def read(self, connection_id: str) -> None:
        """Read one system that is due."""
        now = clock.now()
        async with db.transaction(db.PLATFORM):
            claim = await queries.claim(UUID(connection_id), now + LEASE, now)
        if claim is not None:
            await _Reading(self, claim).run()


class _Reading:
    """What one job does with the right to read a system."""

    def __init__(self, reader: Reader, claim: Claim) -> None:
        self._reader = reader
        self._claim = claim
        self._started = time.monotonic()
        self._manifest = reader.vendors.connector(claim.connector).manifest

    async def run(self) -> None:
        outcome = await self._follow_hints()
        more = False
        if outcome is None and self._claim.whole:
            await self._look_after_hooks()
            outcome, more = await self._read_changes()
        await self._release(outcome, more=more)

    def _has_time(self) -> bool:
        return time.monotonic() - self._started < CALLS_SECONDS

    async def _call(self, method: str, *messages: Any) -> Outcome:
        key = f"{method}:{self._claim.connection_id}"
        try:
            called = await self._reader.vendors.call(self._claim.reach, method, *messages, key=key)
        except Exception as fault:  # noqa: BLE001 - the connector's boundary: its neighbours must still be read
            _log.error("connector failed", connector=self._claim.connector, method=method, exc_info=True)
            return Retry(f"the connector failed ({type(fault).__name__})")
        return called.outcome

    # hints

    async def _follow_hints(self) -> Outcome | None:
        """Read every return that was hinted at; returns what stops the reading of this system, if something does."""
        async with db.transaction(db.PLATFORM):
            hints = await queries.waiting(self._claim.connection_id, clock.now(), HINTS_PER_JOB)
        for each in hints:
            if not self._has_time():
                async with db.transaction(db.PLATFORM):
                    await queries.hint_at(self._claim.connection_id, clock.now())
                return None
            stop = await self._follow(each)
            if stop is not None:
                return stop
        return None

    async def _follow(self, hint: Waiting) -> Outcome | None:
        asked_at = clock.now()
        outcome = await self._call("snapshot", hint.about)
        match outcome:
            case Done(result=Snapshot() as seen):
                why = await self._try_to_take(seen, asked_at)
            case Absent():
                why = "the warehouse knows nothing of it"
            case RateLimited() | ActionRequired():
                return outcome
            case other:
                why = _why(other)
        async with db.transaction(db.PLATFORM):
            if why is None:
                await queries.follow_hint(self._claim.connection_id, hint.id)
            else:
                await self._put_off(hint, why, final=isinstance(outcome, Absent))
        return None

    async def _put_off(self, hint: Waiting, why: str, *, final: bool) -> None:
        # What is not there yet may come, because a hook can be faster than the answer to our own announcement.
        pause = (
            schedule.retry_after(hint.attempt + 1) if hint.attempt < (ABSENT_TRIES if final else HINT_TRIES) else None
        )
        next_at = clock.now() + timedelta(seconds=pause) if pause is not None else None
        await queries.put_off(self._claim.connection_id, hint.id, next_at, why)
        if next_at is None and not final:
            await self._ask_about(hint, why)

    async def _ask_about(self, hint: Waiting, why: str) -> None:
        for account_id in await queries.accounts_of(self._claim.connection_id):
            matter = Matter(
                key=f"wms_unreadable:{self._claim.connection_id}:{hint.id}",
                kind="wms_unreadable",
                owner=Owner.SUPPORT,
                summary=f"What a partner's system holds could not be taken: {why}",
                detail={"connection_id": str(self._claim.connection_id), "about": msgspec.to_builtins(hint.about)},
            )
            await raise_matter(account_id, matter)

    async def _try_to_take(self, seen: Snapshot, asked_at: datetime) -> str | None:
        """Take a snapshot; returns why it could not be taken now."""
        try:
            await take(self._manifest, self._claim.connection_id, seen, asked_at, self._reader.book)
        except db.Lost:
            raise
        except Exception as fault:  # noqa: BLE001 - one return must not keep the others from being read
            _log.error("snapshot not taken", connection=str(self._claim.connection_id), exc_info=True)
            return f"the hub failed on it ({type(fault).__name__})"
        return None

    # changes

    async def _read_changes(self) -> tuple[Outcome | None, bool]:
        """Read what changed, page by page; returns what stopped it, and whether more is left to read at once."""
        seen: set[str | None] = {self._claim.cursor}
        for _ in range(PAGES_PER_JOB):
            asked_at = clock.now()
            outcome = await self._call("changes", self._claim.cursor)
            if not isinstance(outcome, Done) or not isinstance(outcome.result, Changes):
                return outcome, False
            page = outcome.result
            await self._take_page(page, asked_at)
            if not await self._advance(page.cursor):
                return None, False
            if not page.more:
                return None, False
            if page.cursor in seen:
                return Retry("the connector's pages never end"), False
            seen.add(page.cursor)
            if not self._has_time():
                break
        return None, True

    async def _take_page(self, page: Changes, asked_at: datetime) -> None:
        """Take every item of a page; what cannot be taken now, or has to be read by itself, is a hint."""
        later: list[Hint] = []
        for item in page.items:
            if isinstance(item, SnapshotKey):
                later.append(_hint(item))
            elif await self._try_to_take(item, asked_at) is not None:
                later.append(_hint(SnapshotKey(reference=item.reference, return_number=item.return_number)))
        async with db.transaction(db.PLATFORM):
            if later:
                await queries.store_hints(self._claim.connection_id, later, clock.now())
            for subject, why in page.rejected:
                _log.warning("element unreadable", connection=str(self._claim.connection_id), subject=subject, why=why)
                await self._ask_about_element(subject, why)

    async def _ask_about_element(self, subject: str, why: str) -> None:
        for account_id in await queries.accounts_of(self._claim.connection_id):
            matter = Matter(
                key=f"wms_unreadable:{self._claim.connection_id}:{subject}",
                kind="wms_unreadable",
                owner=Owner.SUPPORT,
                summary=f"What a partner's system holds of {subject} could not be read: {why}",
                detail={"connection_id": str(self._claim.connection_id), "subject": subject},
            )
            await raise_matter(account_id, matter)

    async def _advance(self, cursor: str) -> bool:
        lease_until = clock.now() + LEASE
        async with db.transaction(db.PLATFORM):
            held = await queries.advance(self._claim, cursor, lease_until)
        self._claim = _moved(self._claim, cursor, lease_until)
        return held

    # hooks

    async def _look_after_hooks(self) -> None:
        """Register the hub's address at the vendor, or put it right where the vendor switched it off."""
        checked_at, now = self._claim.hooks_checked_at, clock.now()
        can = Capability.SUBSCRIBE in self._manifest.capabilities
        if self._reader.public_url is None or not can or (checked_at and now - checked_at < HOURLY):
            return
        url = f"{self._reader.public_url}/hooks/{self._claim.connection_id}"
        outcome = await self._call("subscribe", Subscription(name="returns hub", url=url))
        why = None if isinstance(outcome, Done) and isinstance(outcome.result, Subscribed) else _why(outcome)
        async with db.transaction(db.PLATFORM):
            await queries.note_hooks(self._claim.connection_id, why, now)

    # the end

    async def _release(self, outcome: Outcome | None, *, more: bool) -> None:
        now = clock.now()
        async with db.transaction(db.PLATFORM):
            if outcome is None:
                next_at = None if not self._claim.whole else now if more else now + timedelta(seconds=self._every())
                await queries.release(self._claim, next_at=next_at, failures=0, ok_at=now)
                return
            failures = self._claim.failures + (not isinstance(outcome, RateLimited))
            pause = schedule.retry_after(min(failures, 4)) or self._every()
            if isinstance(outcome, RateLimited):
                pause = schedule.wished(outcome.after_seconds)
            next_at = now + timedelta(seconds=pause)
            await queries.release(self._claim, next_at=next_at, failures=failures, ok_at=None)
            await queries.hint_at(self._claim.connection_id, next_at)
            if isinstance(outcome, ActionRequired):
                accounts = await queries.accounts_of(self._claim.connection_id)
                claim = self._claim
                await pause_for_everybody(accounts, claim.connection_id, outcome.message, claim.sealed)
        _log.warning("reading failed", connection=str(self._claim.connection_id), outcome=type(outcome).__name__)

    def _every(self) -> float:
        granted = self._reader.vendors.limits(self._claim.connector).poll_every_seconds
        return granted or self._manifest.poll_every_seconds


def _moved(claim: Claim, cursor: str, lease_until: datetime) -> Claim:
    return msgspec.structs.replace(claim, cursor=cursor, lease_until=lease_until)


def _hint(about: SnapshotKey) -> Hint:
    return Hint(key=f"again:{about.reference}:{clock.now().timestamp():.6f}", about=about)


def _why(outcome: Outcome) -> str:
    match outcome:
        case Retry(why=why) | Refused(message=why) | ActionRequired(message=why):
            return why
    return f"the connector answered {type(outcome).__name__}"


async def sweep() -> int:
    """Ring for every system whose reading is due."""
    async with db.transaction(db.PLATFORM):
        found = await queries.due(clock.now(), SWEEP)
    for connection_id, since in found:
        await ring(connection_id, since.timestamp())
    return len(found)


async def prune() -> None:
    """Forget hints that were followed long ago."""
    async with db.transaction(db.PLATFORM):
        await queries.forget_hints(clock.now() - queries.HINTS_KEPT)


async def ring(connection_id: UUID, since: float) -> None:
    """Ring for the reading of one system."""
    text = str(connection_id)
    await queue.ring(Phase.RECEIPT, JOB, (text,), flow=f"wms:{text}", token=f"wms:{text}:{since:.6f}")
