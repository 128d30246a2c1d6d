"""Read returns from a date on: stored page by page, and handed on as what a poll reads is."""

import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec

from hub.audit.service import record
from hub.backfills import queries
from hub.backfills.messages import BackfillState, BackfillView, Claim
from hub.inbox import engine
from hub.inbox import queries as inbox
from hub.inbox.handler import Handler
from hub.inbox.polling import ask_about
from hub.kit import clock, db, queue, schedule
from hub.kit.errors import Conflict, Invalid
from hub.kit.ids import new_id
from hub.kit.limits import Urgency
from hub.kit.refusals import taken
from hub.kit.telemetry import log
from hub.returns.channel import queries as channel
from hub.sdk import ActionRequired, Capability, Done, Page, Phase, RateLimited, Refused, Retry
from hub.sdk.outcomes import Outcome
from hub.work.messages import Matter, Owner
from hub.work.service import pause_connection, raise_matter
from tenants.queries import StoredConnection
from tenants.vendors import Vendors

JOB = "backfill"
# Longer than a call and storing its page may take.
LEASE = timedelta(seconds=45)
# One job reads so many pages at most, and begins none after so long: then others have their turn.
PAGES_PER_JOB = 3
CALLS_SECONDS = 8.0
HANDING_SECONDS = 6.0
MONEY_FIRST = timedelta(seconds=5)
SWEEP = 50
OLDEST = datetime(2000, 1, 1, tzinfo=UTC)
RUNNING = "A back-fill of this connection is running; wait for its end."

_log = log("backfills")


def require_history(held: StoredConnection, vendors: Vendors, since: datetime) -> UUID:
    """Return the account whose history a connection has; raises `Invalid` where there is none to read."""
    if held.account_id is None or Capability.HISTORY not in vendors.connector(held.connector).manifest.capabilities:
        raise Invalid("no_history", "This connection's vendor tells nothing of returns from before.")
    if not OLDEST <= since < clock.now():
        raise Invalid("since_unusable", "'since' is a moment in the past, of this century.")
    return held.account_id


async def start(held: StoredConnection, since: datetime, vendors: Vendors, *, actor: str) -> BackfillView:
    """Read what was created since a moment; raises `Conflict` while a back-fill of the connection is running."""
    account_id = require_history(held, vendors, since)
    backfill_id, now = new_id(), clock.now()
    with taken("backfills_one_at_a_time", "backfill_running", RUNNING):
        async with db.transaction(db.PLATFORM):
            view = await queries.start(account_id, backfill_id, held.id, since, now)
            await record(
                actor=actor, action="backfill.started", subject=held.name, account_id=account_id,
                after={"since": since},
            )  # fmt: skip
    await _ring(backfill_id, now)
    return view


async def require_idle(account_id: UUID, connection_id: UUID) -> None:
    """Raise `Conflict` while a back-fill of a connection is running."""
    async with db.transaction(db.account(account_id)):
        if await queries.is_running(account_id, connection_id):
            raise Conflict("backfill_running", RUNNING)


class Backfiller:
    """Goes on with back-fills; what is read is handed on by the same hands as what is polled."""

    def __init__(self, vendors: Vendors, handler: Handler) -> None:
        self._vendors = vendors
        self._handler = handler

    async def run(self, backfill_id: str) -> None:
        """Read the next pages of a back-fill that is due."""
        now = clock.now()
        async with db.transaction(db.PLATFORM):
            claim = await queries.claim(UUID(backfill_id), now + LEASE, now)
        if claim is not None:
            await self._go_on(claim)

    async def _go_on(self, claim: Claim) -> None:
        end = time.monotonic() + CALLS_SECONDS
        for _ in range(PAGES_PER_JOB):
            if await _money_is_due(claim):
                await _wait(claim, MONEY_FIRST)
                return
            asked_at = clock.now()
            outcome = await self._ask(claim)
            if not isinstance(outcome, Done):
                await _stop(claim, outcome)
                return
            page = engine.storable(outcome.result)
            held = await _store(claim, page, asked_at)
            if held is None:
                return
            claim = held
            await self._handler.drain(claim.source, until=max(end, time.monotonic()) + HANDING_SECONDS)
            if not page.more:
                return
            if time.monotonic() > end:
                break
        await _wait(claim, timedelta())

    async def _ask(self, claim: Claim) -> Outcome:
        try:
            called = await self._vendors.call(
                claim.source.reach, "history", claim.since, claim.cursor, key=f"{JOB}:{claim.id}", urgency=Urgency.BULK
            )
        except Exception as fault:  # noqa: BLE001 - the job's boundary: a connector's bug is tried again by schedule
            _log.error("connector failed", connector=claim.connector, method="history", exc_info=True)
            return Retry(f"the connector failed ({type(fault).__name__})")
        if isinstance(called.outcome, Done) and _stands_still(claim, called.outcome.result):
            return Retry("the vendor's pages lead nowhere")
        return called.outcome


def _stands_still(claim: Claim, page: Page) -> bool:
    return page.more and page.cursor == claim.cursor


async def _money_is_due(claim: Claim) -> bool:
    async with db.transaction(db.account(claim.account_id)):
        return await queries.money_is_due(claim, clock.now())


async def _store(claim: Claim, page: Page, asked_at: datetime) -> Claim | None:
    """Store a page and how far it leads, the end included; nothing if the right to go on was lost."""
    lease_until, account_id = clock.now() + LEASE, claim.account_id
    async with db.transaction(db.account(account_id)):
        read = len(page.items) + len(page.rejected)
        if not await queries.advance(claim, page.cursor, read, page.total, lease_until):
            return None
        await inbox.store(account_id, claim.connection_id, engine.incoming(page), asked_at, claim.id)
        is_open = [item.external_id for item in page.items if item.open and not item.canceled]
        await channel.seen_open(account_id, claim.connection_id, is_open, clock.now())
        await ask_about(account_id, claim.connection_id, page)
        claim = msgspec.structs.replace(claim, cursor=page.cursor, lease_until=lease_until, failures=0)
        if not page.more:
            # With its last page, for nobody knows what the vendor would make of the cursor after it.
            await queries.end(claim, BackfillState.DONE, None, clock.now())
    return claim


async def _stop(claim: Claim, outcome: Outcome) -> None:
    """Do what an answer asks for that is no page."""
    match outcome:
        case RateLimited(after_seconds=seconds):
            await _wait(claim, timedelta(seconds=schedule.wished(seconds)), "the vendor asks to wait")
        case ActionRequired(message=why):
            async with db.transaction(db.PLATFORM):
                await pause_connection(claim.account_id, claim.connection_id, why, claim.sealed)
            await _wait(claim, timedelta(), why)
        case Refused(message=why):
            await _fail(claim, f"The vendor refused it: {why}")
        case Retry(why=why):
            await _try_again(claim, why)
        case other:
            await _try_again(claim, type(other).__name__)


async def _try_again(claim: Claim, why: str) -> None:
    failures = claim.failures + 1
    pause = schedule.retry_after(failures)
    if pause is None:
        await _fail(claim, f"A page could not be read after {failures} tries: {why}.")
        return
    await _wait(claim, timedelta(seconds=pause), why, failures=failures)


async def _wait(claim: Claim, pause: timedelta, why: str | None = None, *, failures: int = 0) -> None:
    next_at = clock.now() + pause
    async with db.transaction(db.account(claim.account_id)):
        await queries.release(claim, next_at=next_at, failures=failures, why=why)
    if not pause:
        await _ring(claim.id, next_at)


async def _fail(claim: Claim, why: str) -> None:
    async with db.transaction(db.account(claim.account_id)):
        if await queries.end(claim, BackfillState.FAILED, why, clock.now()):
            await raise_matter(claim.account_id, _matter(claim, why))


def _matter(claim: Claim, why: str) -> Matter:
    return Matter(
        key=f"backfill_failed:{claim.id}",
        kind="backfill_failed",
        owner=Owner.SUPPORT,
        summary=f"A back-fill failed: {why}",
        detail={"connection_id": str(claim.connection_id), "backfill_id": str(claim.id)},
    )


async def sweep() -> int:
    """Ring for every back-fill that is due."""
    async with db.transaction(db.PLATFORM):
        found = await queries.due(clock.now(), SWEEP)
    for backfill_id, since in found:
        await _ring(backfill_id, since)
    return len(found)


async def _ring(backfill_id: UUID, since: datetime) -> None:
    text = str(backfill_id)
    token = f"{JOB}:{text}:{since.timestamp():.6f}"
    await queue.ring(Phase.INITIATION, JOB, (text,), flow=f"{JOB}:{text}", token=token)
