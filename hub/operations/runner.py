"""Run one operation: claim it, call its connector, store attempt and outcome with what they mean."""

import time
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from hub.kit import clock, db, queue
from hub.kit.breaker import Breaker
from hub.kit.ids import new_id
from hub.kit.limits import Bulkhead, Urgency
from hub.kit.telemetry import ATTEMPTS, VENDOR_SECONDS, log
from hub.operations import engine, queries
from hub.operations.messages import Call, Claimed, Ended, State
from hub.operations.service import JOB
from hub.sdk import Capability
from hub.sdk.messages import Effect
from hub.sdk.outcomes import Outcome, OutcomeUnknown, RateLimited, Retry
from hub.work.messages import Matter, Owner
from hub.work.service import pause_connection, raise_matter
from tenants import queries as tenants
from tenants.messages import Limited
from tenants.vendors import Called, Reach, Vendors

Road = Callable[[Ended], Awaitable[None]]

# What a worker needs besides the call itself; a lease that ran out then means that its worker is gone.
MARGIN_SECONDS = 10.0
# A job goes on with its connection's next operation for this long at most, well within the queue's own time limit.
CHAIN_SECONDS = 5.0

_log = log("operations")


class Runner:
    """Runs operations; `road` is told of every end, inside the transaction that stores it."""

    def __init__(self, vendors: Vendors, road: Road, *, most_per_connection: int = 8) -> None:
        self._vendors = vendors
        self._road = road
        self._bulkhead = Bulkhead(most_per_connection)
        self._breakers: dict[UUID, Breaker] = {}
        slowest = max((vendors.limits(name).timeout_seconds for name in vendors.connectors), default=0.0)
        self.lease = timedelta(seconds=slowest + MARGIN_SECONDS)

    def job(self, phase: str) -> Callable[[str, str], Coroutine[Any, Any, None]]:
        """Return the job of one phase's queue; it takes the ids of an operation and of its connection."""

        async def run(operation_id: str, connection_id: str) -> None:
            end = time.monotonic() + CHAIN_SECONDS
            ticket: tuple[str, ...] | None = (phase, operation_id)
            # A connection without room leaves its ticket here; whoever makes room runs it, or rings for it.
            while ticket is not None and self._bulkhead.enter(connection_id, ticket):
                try:
                    await self._run(UUID(ticket[1]), UUID(connection_id))
                finally:
                    ticket = self._bulkhead.leave(connection_id)
                if ticket is not None and (ticket[0] != phase or time.monotonic() > end):
                    await _ring_again(ticket, connection_id)
                    return

        return run

    async def _run(self, operation_id: UUID, connection: UUID) -> None:
        breaker = self._breakers.setdefault(connection, Breaker())
        wait = breaker.wait(clock.now())
        if wait:
            await self._hold(connection, wait)
            return
        asked, now = time.monotonic(), clock.now()
        async with db.transaction(db.PLATFORM):
            claimed = await queries.claim(operation_id, now + self.lease, now)
        if claimed is None:
            breaker.unused(clock.now())
            return
        if time.monotonic() - asked > MARGIN_SECONDS / 2:
            # This worker was held up; with a whole call ahead the lease could end before the call does.
            _log.warning("claimed too late", operation=str(claimed.id))
            return
        call = self._call_of(claimed)
        started, clock_started = clock.now(), time.perf_counter()
        called = await self._ask(claimed, call)
        seconds = time.perf_counter() - clock_started
        if isinstance(called.outcome, RateLimited) and not called.exchanges:
            breaker.unused(clock.now())
        else:
            breaker.record(ok=not isinstance(called.outcome, Retry | OutcomeUnknown), now=clock.now())
        self._measure(claimed, call, called.outcome, seconds)
        attempt = queries.Attempt(
            id=new_id(),
            call=call,
            started_at=started,
            duration_ms=round(seconds * 1000),
            outcome=type(called.outcome).__name__,
            exchanges=db.to_json(called.exchanges),
        )
        await self._store(claimed, call, called.outcome, attempt)

    async def _hold(self, connection: UUID, seconds: float) -> None:
        async with db.transaction(db.PLATFORM):
            await tenants.limit(connection, clock.now() + timedelta(seconds=seconds))

    def _call_of(self, claimed: Claimed) -> Call:
        if claimed.doubtful_since is None:
            return Call.EFFECT
        connector = self._vendors.connectors.get(claimed.connector)
        blind = connector is not None and Capability.LOOKUP not in connector.manifest.capabilities
        return Call.EFFECT if blind else Call.LOOKUP

    async def _ask(self, claimed: Claimed, call: Call) -> Called:
        method = "lookup" if call is Call.LOOKUP else claimed.effect.value
        try:
            reach = Reach(
                id=claimed.connection_id,
                connector=claimed.connector,
                settings=msgspec.json.decode(claimed.settings),
                sealed=claimed.sealed,
                limited=msgspec.json.decode(claimed.limited, type=Limited),
            )
            messages = (claimed.effect, claimed.message) if call is Call.LOOKUP else (claimed.message,)
            urgency = Urgency.MONEY if claimed.effect is Effect.SETTLE else Urgency.USUAL
            return await self._vendors.call(
                reach, method, *messages, key=claimed.key, kind=claimed.call_kind, urgency=urgency
            )
        except Exception as fault:  # noqa: BLE001 - the job's boundary: a connector's bug is a dead letter, not a crash
            _log.error(
                "connector failed", connector=claimed.connector, method=method, operation=str(claimed.id), exc_info=True
            )
            return Called(_Bug(type(fault).__name__), [])

    def _measure(self, claimed: Claimed, call: Call, outcome: Outcome, seconds: float) -> None:
        ATTEMPTS.labels(claimed.connector, call, type(outcome).__name__).inc()
        VENDOR_SECONDS.labels(claimed.connector, call).observe(seconds)

    async def _store(self, claimed: Claimed, call: Call, outcome: Outcome, attempt: queries.Attempt) -> None:
        now = engine.Now(
            call=call,
            attempt=claimed.attempt,
            lookups=claimed.lookups,
            doubtful_since=claimed.doubtful_since,
            now=clock.now(),
        )
        after = engine.decide(outcome, now)

        async def work() -> None:
            if not await queries.finish(claimed, after, attempt, now.now):
                _log.warning("lease lost", operation=str(claimed.id))
                return
            await self._consequences(claimed, after)

        try:
            await db.attempt(db.account(claimed.account_id), work)
        except (*db.Lost, db.Stale):
            raise
        except Exception as fault:  # noqa: BLE001 - the job's boundary: what cannot be stored must not be asked for ever
            _log.error("outcome not stored", operation=str(claimed.id), outcome=attempt.outcome, exc_info=True)
            await self._bury(claimed, now, attempt, type(fault).__name__)
        if after.pause:
            async with db.transaction(db.PLATFORM):
                await pause_connection(claimed.account_id, claimed.connection_id, after.pause, claimed.sealed)

    async def _bury(self, claimed: Claimed, now: engine.Now, attempt: queries.Attempt, fault: str) -> None:
        """Make it a dead letter with the attempt on record: the vendor may have acted, and a person must look."""
        why = f"the hub could not store the outcome {attempt.outcome} ({fault})"
        after = engine.Next(state=State.DEAD, attempt=now.attempt, lookups=now.lookups, why=why)
        async with db.transaction(db.account(claimed.account_id)):
            if await queries.finish(claimed, after, attempt, now.now):
                await raise_matter(claimed.account_id, _matter(claimed, after))

    async def _consequences(self, claimed: Claimed, after: engine.Next) -> None:
        if after.state not in queries.ENDS:
            return
        if after.state is not State.DONE:
            await raise_matter(claimed.account_id, _matter(claimed, after))
        ended = Ended(
            account_id=claimed.account_id,
            operation_id=claimed.id,
            return_id=claimed.return_id,
            effect=claimed.effect,
            state=after.state,
            result=after.result,
            code=after.code,
            why=after.why,
        )
        await self._road(ended)


async def _ring_again(ticket: tuple[str, ...], connection_id: str) -> None:
    phase, operation_id = ticket
    token = f"{operation_id}:{new_id()}"
    await queue.ring(phase, JOB, (operation_id, connection_id), flow=connection_id, token=token)


class _Bug(Outcome, frozen=True):
    """The connector raised something that is no outcome."""

    kind: str


def _matter(claimed: Claimed, after: engine.Next) -> Matter:
    refused = after.state is State.REFUSED
    return Matter(
        key=f"{after.state}:{claimed.id}",
        kind=f"{claimed.effect}_{after.state}",
        owner=Owner.ACCOUNT if refused else Owner.SUPPORT,
        return_id=claimed.return_id,
        operation_id=claimed.id,
        summary=f"{claimed.effect} {'was refused' if refused else 'gave up'}: {after.why}",
        detail={"code": after.code} if after.code else {},
    )
