"""Poll a connection: store first, then hand on."""

import hashlib
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import msgspec

from hub.inbox import queries
from hub.inbox.messages import Claim, Waiting
from hub.initiation.messages import Imported
from hub.kit import clock, db, queue, schedule
from hub.kit.telemetry import IMPORTED, INBOX_WAITING, log
from hub.sdk import ActionRequired, ChannelReturn, Done, Page, Phase, RateLimited, Retry
from hub.sdk.outcomes import Outcome
from hub.work.messages import Matter, Owner
from hub.work.service import pause_connection, raise_matter, settle_matter
from tenants.vendors import Reach, Vendors

Import = Callable[[UUID, UUID, ChannelReturn], Awaitable[Imported]]

JOB = "poll"
# Longer than a call and storing its page may take; a lease that ran out means that its worker is gone.
LEASE = timedelta(seconds=30)
# One job reads at most this many pages, so that a long history does not hold a worker's place for hours.
PAGES_PER_JOB = 5
BATCH = 500
SWEEP = 100
# A message that makes the hub fail is set aside, so that its neighbours come through.
OUR_FAULT = "the hub failed on it"

_log = log("inbox")


class Poller:
    """Polls connections; `take` is what an element means, run in the transaction that marks it handled."""

    def __init__(self, vendors: Vendors, take: Import) -> None:
        self._vendors = vendors
        self._take = take

    async def poll(self, connection_id: str) -> None:
        """Read what is new at a connection that is due, and hand it on."""
        now = clock.now()
        async with db.transaction(db.PLATFORM):
            claim = await queries.claim(UUID(connection_id), now + LEASE, now)
        if claim is None:
            return
        claim, outcome = await self._read(claim)
        await self._drain(claim.account_id, claim.connection_id)
        await self._release(claim, outcome)

    async def _read(self, claim: Claim) -> tuple[Claim, Outcome]:
        reach = Reach(
            id=claim.connection_id, connector=claim.connector, settings=claim.settings, sealed=claim.sealed,
            closed=claim.limited.endpoints,
        )  # fmt: skip
        for _ in range(PAGES_PER_JOB):
            outcome = await self._ask(reach, claim)
            if not isinstance(outcome, Done):
                return claim, outcome
            page = _storable(outcome.result)
            lease_until = clock.now() + LEASE
            async with db.transaction(db.account(claim.account_id)):
                await queries.store(claim, _incoming(page), clock.now())
                held = await queries.advance(claim, page.cursor, lease_until)
                await self._ask_about(claim, page)
            claim = msgspec.structs.replace(claim, cursor=page.cursor, lease_until=lease_until)
            if not page.more or not held:
                return claim, outcome
            await self._drain(claim.account_id, claim.connection_id)
        return claim, outcome

    async def _ask(self, reach: Reach, claim: Claim) -> Outcome:
        try:
            called = await self._vendors.call(reach, "poll", claim.cursor, key=f"poll:{claim.connection_id}")
        except Exception as fault:  # noqa: BLE001 - the job's boundary: what is stored already must still be handed on
            _log.error("connector failed", connector=claim.connector, method="poll", exc_info=True)
            return Retry(f"the connector failed ({type(fault).__name__})")
        return called.outcome

    async def _ask_about(self, claim: Claim, page: Page) -> None:
        for subject, why in page.rejected:
            matter = Matter(
                key=f"unreadable:{claim.connection_id}:{subject}",
                kind="message_unreadable",
                owner=Owner.SUPPORT,
                summary=f"Return {subject} could not be read: {why}",
                detail={"connection_id": str(claim.connection_id)},
            )
            await raise_matter(claim.account_id, matter)

    async def _drain(self, account_id: UUID, connection_id: UUID) -> None:
        while True:
            async with db.transaction(db.account(account_id)):
                waiting = await queries.waiting(account_id, connection_id, BATCH)
            for each in waiting:
                await self._handle(account_id, connection_id, each)
            if len(waiting) < BATCH:
                return

    async def _handle(self, account_id: UUID, connection_id: UUID, each: Waiting) -> None:
        async def work() -> Imported:
            seen = msgspec.json.decode(each.body, type=ChannelReturn)
            imported = await self._take(account_id, connection_id, seen)
            state = "parked" if imported.outcome == "parked" else "handled"
            stored = imported.stored.id if imported.stored else None
            await queries.mark(account_id, each.id, state, imported.why, stored, clock.now())
            return imported

        try:
            imported = await db.attempt(db.account(account_id), work)
        except db.Lost:
            raise
        except Exception:  # noqa: BLE001 - the job's boundary: one bad element must not lose its neighbours
            _log.error("message failed", message=str(each.id), exc_info=True)
            await self._quarantine(account_id, each)
            return
        if imported.outcome == "born":
            IMPORTED.inc()

    async def _quarantine(self, account_id: UUID, each: Waiting) -> None:
        async with db.transaction(db.account(account_id)):
            await queries.mark(account_id, each.id, "quarantined", OUR_FAULT, None, clock.now())
            matter = Matter(
                key=f"quarantined:{each.id}",
                kind="message_quarantined",
                owner=Owner.SUPPORT,
                summary="A channel return could not be imported; the hub failed on it.",
                detail={"inbox_id": str(each.id)},
            )
            await raise_matter(account_id, matter)

    async def _release(self, claim: Claim, outcome: Outcome) -> None:
        now = clock.now()
        async with db.transaction(db.PLATFORM):
            if isinstance(outcome, Done):
                pause = 0.0 if outcome.result.more else self._every(claim.connector)
                await queries.release(claim, next_at=now + timedelta(seconds=pause), failures=0, ok_at=now)
                return
            if isinstance(outcome, RateLimited):
                until = now + timedelta(seconds=schedule.wished(outcome.after_seconds))
                await queries.release(claim, next_at=until, failures=claim.failures, ok_at=None)
                return
            await self._hold(claim, outcome)
            failures = claim.failures + 1
            pause = schedule.retry_after(min(failures, 4)) or self._every(claim.connector)
            await queries.release(claim, next_at=now + timedelta(seconds=pause), failures=failures, ok_at=None)

    async def _hold(self, claim: Claim, outcome: Outcome) -> None:
        match outcome:
            case ActionRequired(message=why):
                await pause_connection(claim.account_id, claim.connection_id, why, claim.sealed)
            case other:
                _log.warning("poll failed", connection=str(claim.connection_id), outcome=type(other).__name__)

    def _every(self, connector: str) -> float:
        granted = self._vendors.limits(connector).poll_every_seconds
        return granted or self._vendors.connector(connector).manifest.poll_every_seconds


# JSON's way to write a NUL, which PostgreSQL does not store; a backslash before the backslash makes it harmless.
NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def _storable(page: Page) -> Page:
    """Set elements aside that PostgreSQL cannot keep, so that they do not lose their neighbours."""
    bad = {item.external_id for item in page.items if NUL.search(db.to_json(item))}
    if not bad and not page.rejected:
        return page
    told = (*page.rejected, *((subject, "it holds a NUL character") for subject in sorted(bad)))
    return msgspec.structs.replace(
        page,
        items=tuple(item for item in page.items if item.external_id not in bad),
        rejected=tuple((subject.replace("\0", ""), why.replace("\0", "")) for subject, why in told),
    )


def _incoming(page: Page) -> list[queries.Incoming]:
    good = [
        queries.Incoming(key=f"{item.external_id}:{_digest(body)}", subject=item.external_id, body=body)
        for item in page.items
        for body in (db.to_json(item),)
    ]
    bad = [
        queries.Incoming(key=f"{subject}:{_digest(why)}", subject=subject, body="null", why=why)
        for subject, why in page.rejected
    ]
    return list({item.key: item for item in good + bad}.values())


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


async def try_again(account_id: UUID, connection_id: UUID, *, by: str) -> None:
    """Let what was parked, and what the hub failed on, be handed on once more by the next poll."""
    async with db.transaction(db.account(account_id)):
        for message_id, subject in await queries.unpark(account_id, connection_id):
            for key in (f"parked:{connection_id}:{subject}", f"quarantined:{message_id}"):
                await settle_matter(account_id, key, by=by, resolution="tried again")
    await hasten(connection_id)


async def sweep() -> int:
    """Ring for every connection whose poll is due."""
    async with db.transaction(db.PLATFORM):
        found = await queries.due(clock.now(), SWEEP)
    for connection_id, since in found:
        await ring(connection_id, since.timestamp())
    return len(found)


async def ring(connection_id: UUID, since: float) -> None:
    """Ring for one connection's poll."""
    text = str(connection_id)
    await queue.ring(Phase.INITIATION, JOB, (text,), flow=f"poll:{text}", token=f"poll:{text}:{since:.6f}")


async def hasten(connection_id: UUID) -> bool:
    """Poll a connection as soon as possible; false if it is not one that is polled."""
    now = clock.now()
    async with db.transaction(db.PLATFORM):
        polled = await queries.hasten(connection_id, now)
    if polled:
        await ring(connection_id, now.timestamp())
    return polled


async def measure() -> None:
    """Set the gauge of this room."""
    async with db.transaction(db.PLATFORM):
        INBOX_WAITING.set(await queries.count_waiting())
