"""One poll of one connection: pages of what is open, what they did not show, and what was refused afterwards.

Everything is stored with how far it was read, in one transaction, before it is handed on. The job ends well within
its time; what is left is for the next one.
"""

import time
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from hub.inbox import engine, queries
from hub.inbox.handler import DAY, HUB, Handler
from hub.inbox.messages import Claim
from hub.initiation.following import vanish
from hub.kit import clock, db, schedule
from hub.kit.telemetry import log
from hub.returns.channel import queries as channel
from hub.returns.channel.messages import Unseen
from hub.sdk import (
    Absent,
    ActionRequired,
    Capability,
    ChannelReturn,
    Done,
    Page,
    RateLimited,
    Refusals,
    Refused,
    Retry,
    ReturnKey,
)
from hub.sdk.outcomes import Outcome
from hub.work.messages import Matter, Owner
from hub.work.service import pause_connection, raise_matter, renew_matter, settle_matter
from tenants import profiles
from tenants.vendors import Vendors

# Longer than a call and storing what it gave may take; a lease that ran out means that its worker is gone.
LEASE = timedelta(seconds=45)
# After that long a job makes no further call of the same kind, and after a little more none of another kind, so that
# a slow vendor is asked for everything in turn. What is left is handed on for a little while.
CALLS_SECONDS = 8.0
LAST_CALL_SECONDS = 14.0
HANDING_SECONDS = 4.0
# One job reads at most this many pages, so that a long history does not hold a worker's place for hours.
PAGES_PER_JOB = 5
FETCHES_PER_JOB = 20
REFUSALS_EVERY = timedelta(minutes=10)
# The latest settlements of one connection; a marketplace refuses soon if it does.
MOST_WATCHED = 5000
# So many polls in a row fail within some forty minutes; a short maintenance is over by then.
SILENT_AFTER = 12

_log = log("inbox")


class Poll:
    """What one job does with the right to poll a connection."""

    def __init__(self, vendors: Vendors, handler: Handler, claim: Claim) -> None:
        self._vendors = vendors
        self._handler = handler
        self._claim = claim
        self._started = time.monotonic()
        # Whether something is left to do at once.
        self._more = False

    async def run(self) -> None:
        """Read what is new, hand it on, and give the right to poll back."""
        outcome = await self._read_pages()
        if isinstance(outcome, Done):
            await self._read_unseen()
            await self._read_refusals()
        await self._handler.try_daily(self._claim.source)
        await self._hand_on()
        await self._release(outcome)

    async def _hand_on(self) -> None:
        until = max(self._started + CALLS_SECONDS, time.monotonic()) + HANDING_SECONDS
        if await self._handler.drain(self._claim.source, until=until):
            self._more = True

    def _has_time(self, *, first: bool = False) -> bool:
        """Say whether there is time for a call, or for the first one of its kind."""
        return time.monotonic() - self._started < (LAST_CALL_SECONDS if first else CALLS_SECONDS)

    def _can(self, capability: Capability) -> bool:
        return capability in self._vendors.connector(self._claim.connector).manifest.capabilities

    async def _call(self, method: str, *messages: Any) -> Outcome:
        try:
            called = await self._vendors.call(
                self._claim.source.reach, method, *messages, key=f"{method}:{self._claim.connection_id}"
            )
        except Exception as fault:  # noqa: BLE001 - the job's boundary: what is stored already must still be handed on
            _log.error("connector failed", connector=self._claim.connector, method=method, exc_info=True)
            return Retry(f"the connector failed ({type(fault).__name__})")
        return called.outcome

    async def _read_pages(self) -> Outcome:
        for _ in range(PAGES_PER_JOB):
            asked_at = clock.now()
            outcome = await self._call("poll", self._claim.cursor)
            if not isinstance(outcome, Done):
                return outcome
            page = engine.storable(outcome.result)
            if not await self._store(page, asked_at) or not page.more:
                return outcome
            await self._hand_on()
            if not self._has_time():
                break
        self._more = True
        return outcome

    async def _store(self, page: Page, asked_at: datetime) -> bool:
        """Store a page and how far it leads; nothing is stored if the right to poll was lost."""
        claim, now = self._claim, clock.now()
        lease_until = now + LEASE
        # No walk began later than now, whatever a connector says.
        walked_at = min(page.all_open_since, now) if page.all_open_since else None
        async with db.transaction(db.account(claim.account_id)):
            if not await queries.advance(claim, page.cursor, walked_at, lease_until):
                return False
            await self._keep(page, asked_at)
        self._claim = msgspec.structs.replace(
            claim, cursor=page.cursor, lease_until=lease_until, walked_at=walked_at or claim.walked_at
        )
        return True

    async def _keep(self, page: Page, asked_at: datetime) -> None:
        account_id, connection_id = self._claim.account_id, self._claim.connection_id
        await queries.store(account_id, connection_id, engine.incoming(page), asked_at)
        is_open = [item.external_id for item in page.items if item.open and not item.canceled]
        # By now, not when it was asked for: a walk begins within its first call.
        await channel.seen_open(account_id, connection_id, is_open, clock.now())
        await ask_about(account_id, connection_id, page)

    async def _renew(self) -> bool:
        lease_until = clock.now() + LEASE
        if not await queries.renew(self._claim, lease_until):
            return False
        self._claim = msgspec.structs.replace(self._claim, lease_until=lease_until)
        return True

    async def _read_unseen(self) -> None:
        """Read open returns one by one that a walk did not show, or nothing for a day; the longest unseen first."""
        if not self._can(Capability.FETCH):
            return
        claim = self._claim
        async with db.transaction(db.account(claim.account_id)):
            found = await channel.unseen(
                claim.account_id, claim.connection_id, walked_at=claim.walked_at, day_ago=clock.now() - DAY,
                limit=FETCHES_PER_JOB,
            )  # fmt: skip
        for place, each in enumerate(found):
            if not self._has_time(first=place == 0):
                self._more = True
                return
            if not await self._fetch(each):
                return
        self._more = self._more or len(found) == FETCHES_PER_JOB

    async def _fetch(self, each: Unseen) -> bool:
        """Read one return; false if the connection is to be left alone."""
        account_id, asked_at = self._claim.account_id, clock.now()
        async with db.transaction(db.account(account_id)):
            if not await self._renew():
                return False
            await channel.mark_fetched(account_id, each.id, asked_at)
        key = ReturnKey(
            return_number=each.number, external_id=each.external_id, order_number=each.order_number,
            channel_order_number=each.channel_order_number,
        )  # fmt: skip
        outcome = await self._call("fetch", key)
        match outcome:
            case Done(result=ChannelReturn() as seen) if seen.external_id == each.external_id:
                # It stands in no page, so that there is no further to come in the walk.
                page = engine.storable(Page(items=(seen,), cursor="", more=False))
                async with db.transaction(db.account(account_id)):
                    await self._keep(page, asked_at)
            case Absent():
                await db.attempt(db.account(account_id), lambda: vanish(account_id, each.id))
            case other:
                await self._hold(other)
                return not isinstance(other, RateLimited | ActionRequired)
        return True

    async def _read_refusals(self) -> None:
        claim, now = self._claim, clock.now()
        due = claim.refusals_at is None or not now < claim.refusals_at <= now + 2 * REFUSALS_EVERY
        if self._handler.take_refusal is None or not due or not self._can(Capability.REFUSALS):
            return
        watched = await self._watched(now)
        cursor, more, first = claim.refusals_cursor, True, True
        while more and self._has_time(first=first):
            first = False
            outcome = await self._call("refusals", cursor, watched)
            if not isinstance(outcome, Done):
                await self._hold(outcome)
                if isinstance(outcome, Refused):
                    async with db.transaction(db.account(claim.account_id)):
                        await ask_about_silence(claim, "refusals", "what its marketplaces refused afterwards", outcome)
                more = False
                break
            told: Refusals = outcome.result
            cursor, more = told.cursor, told.more
            if not await self._store_refusals(told):
                return
        self._more = self._more or more
        async with db.transaction(db.account(claim.account_id)):
            await queries.advance_refusals(self._claim, cursor, None if more else now + REFUSALS_EVERY)

    async def _watched(self, now: datetime) -> tuple[ReturnKey, ...]:
        """List what was settled so lately that its marketplace may still refuse it."""
        claim = self._claim
        async with db.transaction(db.account(claim.account_id)):
            since = {}
            for each in await queries.marketplaces(claim.account_id, claim.connection_id):
                held = profiles.standing(claim.connector, each.family, each.profile, confirmed=False).profile
                since[each.reference] = now - timedelta(days=held.late_refusal_days)
            return await queries.watched(claim.account_id, claim.connection_id, since, MOST_WATCHED)

    async def _store_refusals(self, told: Refusals) -> bool:
        claim = self._claim
        async with db.transaction(db.account(claim.account_id)):
            if not await self._renew():
                return False
            await queries.store(claim.account_id, claim.connection_id, engine.refused(told.items), clock.now())
            await queries.advance_refusals(self._claim, told.cursor, claim.refusals_at)
            await heard_again(claim, "refusals")
        return True

    async def _release(self, outcome: Outcome) -> None:
        now = clock.now()
        every = self._every()
        async with db.transaction(db.PLATFORM):
            if isinstance(outcome, Done):
                pause = 0.0 if self._more else every
                await queries.release(self._claim, next_at=now + timedelta(seconds=pause), failures=0, ok_at=now)
                if self._claim.failures >= SILENT_AFTER:
                    await heard_again(self._claim, "poll")
                return
            failures = self._claim.failures + (not isinstance(outcome, RateLimited))
            if failures >= SILENT_AFTER and not isinstance(outcome, RateLimited | ActionRequired):
                await ask_about_silence(self._claim, "poll", f"its open returns ({failures} times in a row)", outcome)
            pause = schedule.retry_after(min(failures, 4)) or every
            if isinstance(outcome, RateLimited):
                pause = schedule.wished(outcome.after_seconds)
            await queries.release(self._claim, next_at=now + timedelta(seconds=pause), failures=failures, ok_at=None)
        await self._hold(outcome)

    async def _hold(self, outcome: Outcome) -> None:
        await hold(self._claim, outcome)

    def _every(self) -> float:
        granted = self._vendors.limits(self._claim.connector).poll_every_seconds
        return granted or self._vendors.connector(self._claim.connector).manifest.poll_every_seconds


async def hold(claim: Claim, outcome: Outcome) -> None:
    """Pause a connection whose login does not work any more; whoever calls vendors keeps their rate limits."""
    match outcome:
        case RateLimited():
            return
        case ActionRequired(message=why):
            async with db.transaction(db.PLATFORM):
                await pause_connection(claim.account_id, claim.connection_id, why, claim.sealed)
        case other:
            _log.warning("poll failed", connection=str(claim.connection_id), outcome=type(other).__name__)


async def ask_about_silence(claim: Claim, what: str, named: str, outcome: Outcome) -> None:
    """Ask support about a channel that does not tell something, in the caller's transaction."""
    said = getattr(outcome, "why", None) or getattr(outcome, "message", None) or type(outcome).__name__
    matter = Matter(
        key=f"silent:{what}:{claim.connection_id}",
        kind="channel_silent",
        owner=Owner.SUPPORT,
        summary=f"The channel does not tell {named}: {said}",
        detail={"connection_id": str(claim.connection_id)},
    )
    await renew_matter(claim.account_id, matter)


async def heard_again(claim: Claim, what: str) -> None:
    """Note that a channel tells something again, in the caller's transaction."""
    await settle_matter(claim.account_id, f"silent:{what}:{claim.connection_id}", by=HUB, resolution="it told again")


async def ask_about(account_id: UUID, connection_id: UUID, page: Page) -> None:
    """Ask a person about the elements of a page that could not be read, in the caller's transaction."""
    for subject, why in page.rejected:
        matter = Matter(
            key=f"unreadable:{connection_id}:{subject}",
            kind="message_unreadable",
            owner=Owner.SUPPORT,
            summary=f"Return {subject} could not be read: {why}",
            detail={"connection_id": str(connection_id)},
        )
        await raise_matter(account_id, matter)
