"""Run a reconciliation: all that the channel lists, then what its list left open, then what differed before.

Each step is one transaction with the place where the next one goes on, so that a worker may be killed anywhere.
"""

import time
from datetime import timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from hub.inbox.engine import storable
from hub.kit import clock, db, schedule
from hub.kit.limits import Urgency
from hub.kit.telemetry import log
from hub.reconciliation import comparing, queries, sides
from hub.reconciliation.messages import DifferenceView, Manner, Pair, Run
from hub.returns import queries as returns
from hub.sdk import Absent, ActionRequired, Capability, Done, RateLimited, Refused, Retry, ReturnKey
from hub.sdk.messages import Page
from hub.sdk.outcomes import Outcome, OutcomeUnknown
from hub.work.messages import Matter, Owner
from hub.work.service import pause_connection, raise_matter, renew_matter, settle_matter
from tenants.vendors import Reach, Vendors

JOB = "reconcile"
# Longer than a step may take; a lease that ran out means that its worker is gone.
LEASE = timedelta(seconds=60)
# A job goes on with further steps for this long at most, well within the queue's own time limit.
JOB_SECONDS = 5.0
# So many returns the channel is asked for one by one in one step, and no longer than this.
BATCH = 20
STEP_SECONDS = 10.0
MOST_FAILURES = 8
MONEY_FIRST = timedelta(seconds=5)
NOBODY = UUID(int=0)

_log = log("reconciliation")


class Stage(StrEnum):
    """What a step of a run is about."""

    LIST = "list"
    LOOK = "look"
    AGAIN = "again"


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a run goes on: by the channel's own cursor while it lists, behind the last id after that."""

    stage: Stage = Stage.LIST
    cursor: str | None = None
    after: UUID = NOBODY


class NotAnswered(Exception):  # noqa: N818 - it says the fact
    """The channel did not say what it was asked for."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(type(outcome).__name__)
        self.outcome = outcome


class LeaseLost(Exception):  # noqa: N818 - it says the fact
    """Another worker has the right to this run; nothing of this step is stored."""


class Reconciler:
    """Takes the steps of reconciliations."""

    def __init__(self, vendors: Vendors) -> None:
        self._vendors = vendors

    async def run(self, run_id: str) -> None:
        """Take steps of a run that is due, for a while; whoever comes next goes on where this one stops."""
        end = time.monotonic() + JOB_SECONDS
        while await self.step(UUID(run_id)):
            if time.monotonic() > end:
                return

    async def step(self, run_id: UUID) -> bool:
        """Take one step; false if there is none to take now."""
        now = clock.now()
        async with db.transaction(db.PLATFORM):
            run = await queries.claim(run_id, now + LEASE, now)
        if run is None or await _money_goes_first(run):
            return False
        try:
            return await self._step(run, msgspec.json.decode(run.cursor or "{}", type=Place))
        except NotAnswered as fault:
            await self._hold(run, fault.outcome)
        except LeaseLost:
            _log.warning("lease lost", reconciliation=str(run.id))
        except db.Lost:
            raise
        except Exception as fault:  # noqa: BLE001 - the job's boundary: a bug is tried again, and ends the run at last
            _log.error("step failed", reconciliation=str(run.id), exc_info=True)
            await self._hold(run, Retry(f"the hub failed on it ({type(fault).__name__})"))
        return False

    async def _step(self, run: Run, place: Place) -> bool:
        steps = {Stage.LIST: self._list, Stage.LOOK: self._look, Stage.AGAIN: self._again}
        if await steps[place.stage](run, place):
            return True
        await _end(run, "done", None)
        return False

    async def _list(self, run: Run, place: Place) -> bool:
        """Compare a page of what the channel lists; what it does not say enough of is looked at afterwards."""
        outcome = await self._call(run, "history", run.since, place.cursor)
        if not isinstance(outcome, Done):
            raise NotAnswered(outcome)
        page = storable(outcome.result)
        onwards = Place(cursor=page.cursor) if page.more else Place(stage=Stage.LOOK)

        async def work() -> None:
            await _advance(run, onwards, len(page.items))
            for subject, why in page.rejected:
                await raise_matter(run.account_id, _unreadable(run, subject, why))
            pairs = await sides.pairs(run.account_id, run.connection_id, page.items)
            await comparing.compare(run, self._manner(run), pairs, final=False)

        await db.attempt(db.account(run.account_id), work)
        return True

    async def _look(self, run: Run, place: Place) -> bool:
        """Ask for some returns one by one."""
        async with db.transaction(db.account(run.account_id)):
            ids = await queries.to_look_at(run, place.after, BATCH)
            keys = {each: await self._key_of(run, each) for each in ids}
        answers = await self._fetch_some(run, keys)
        onwards = Place(stage=Stage.LOOK, after=list(answers)[-1]) if answers else Place(stage=Stage.AGAIN)

        async def work() -> None:
            await _advance(run, onwards, len(answers))
            pairs = [await self._side_by_side(run, each, answer) for each, answer in answers.items()]
            await comparing.compare(run, self._manner(run), [each for each in pairs if each], final=True)

        await db.attempt(db.account(run.account_id), work)
        return True

    async def _again(self, run: Run, place: Place) -> bool:
        """Look at differences that this run has not come by, so that those that are gone close."""
        async with db.transaction(db.account(run.account_id)):
            some = {each.id: each for each in await queries.unseen(run, place.after, BATCH)}
            keys = {each.id: await self._key_of(run, each.return_id, each) for each in some.values()}
        answers = await self._fetch_some(run, keys)
        if not answers:
            return False

        async def work() -> None:
            await _advance(run, Place(stage=Stage.AGAIN, after=list(answers)[-1]), 0)
            pairs = [await self._of_difference(run, some[each], answer) for each, answer in answers.items()]
            await comparing.compare(run, self._manner(run), [each for each in pairs if each], final=True)

        await db.attempt(db.account(run.account_id), work)
        return True

    async def _key_of(self, run: Run, return_id: UUID | None, difference: DifferenceView | None = None) -> ReturnKey:
        held = await returns.load(run.account_id, return_id) if return_id else None
        if held is not None:
            return sides.key_of(held)
        return sides.key_at_channel(difference) if difference else ReturnKey(return_number="")

    async def _fetch_some(self, run: Run, keys: dict[UUID, ReturnKey]) -> dict[UUID, Outcome]:
        """Ask for returns until there are no more, or the time for one step is used up."""
        answers: dict[UUID, Outcome] = {}
        end = time.monotonic() + STEP_SECONDS
        for each, key in keys.items():
            outcome = await self._call(run, "fetch", key)
            if not isinstance(outcome, Done | Absent | Refused):
                raise NotAnswered(outcome)
            answers[each] = outcome
            if time.monotonic() > end:
                break
        return answers

    async def _side_by_side(self, run: Run, return_id: UUID, answer: Outcome) -> Pair | None:
        if isinstance(answer, Done):
            seen = storable(Page(items=(answer.result,), cursor="", more=False)).items
            return next(iter(await sides.pairs(run.account_id, run.connection_id, seen)), None)
        # A return that the channel cannot be asked for is neither there nor gone.
        held = await returns.load(run.account_id, return_id) if isinstance(answer, Absent) else None
        known = await sides.known(run.account_id, run.connection_id, [held]) if held else []
        return Pair(ours=known[0], theirs=None) if known else None

    async def _of_difference(self, run: Run, difference: DifferenceView, answer: Outcome) -> Pair | None:
        if difference.return_id is not None:
            return await self._side_by_side(run, difference.return_id, answer)
        if isinstance(answer, Absent):
            await comparing.close_others(sides.subject_of(difference), ())
        return await self._side_by_side(run, NOBODY, answer) if isinstance(answer, Done) else None

    def _manner(self, run: Run) -> Manner:
        able = self._vendors.connector(run.connector).manifest.capabilities
        return Manner(since=run.connected_at, acknowledges=Capability.ACKNOWLEDGE in able)

    async def _call(self, run: Run, method: str, *messages: Any) -> Outcome:
        reach = Reach(
            id=run.connection_id, connector=run.connector, settings=run.settings, sealed=run.sealed,
            limited=run.limited,
        )  # fmt: skip
        called = await self._vendors.call(reach, method, *messages, key=f"{JOB}:{run.id}", urgency=Urgency.BULK)
        return called.outcome

    async def _hold(self, run: Run, outcome: Outcome) -> None:
        """Let a run wait that the channel did not answer; one that is refused, or fails for days, ends."""
        now, why = clock.now(), _why(outcome)
        if isinstance(outcome, Refused) or run.failures >= MOST_FAILURES:
            await _end(run, "failed", why)
            return
        counts = not isinstance(outcome, RateLimited | ActionRequired)
        pause = schedule.wished(outcome.after_seconds) if isinstance(outcome, RateLimited) else 0.0
        failures = run.failures + counts
        next_at = now + timedelta(seconds=(schedule.retry_after(failures) or 0.0) if counts else pause)
        async with db.transaction(db.PLATFORM):
            if isinstance(outcome, ActionRequired):
                await pause_connection(run.account_id, run.connection_id, outcome.message, run.sealed)
            await queries.release(run, next_at=next_at, failures=failures, why=why)


def _why(outcome: Outcome) -> str:
    match outcome:
        case RateLimited():
            return "waiting for rate limit"
        case ActionRequired(message=why) | Refused(message=why) | Retry(why=why) | OutcomeUnknown(why=why):
            return why
    return f"the connector answered {type(outcome).__name__}"


async def _money_goes_first(run: Run) -> bool:
    now = clock.now()
    async with db.transaction(db.account(run.account_id)):
        if not await queries.money_is_due(run, now):
            return False
        await queries.release(run, next_at=now + MONEY_FIRST, failures=run.failures, why="settlements go first")
    return True


async def _advance(run: Run, onwards: Place, compared: int) -> None:
    if not await queries.advance(run, msgspec.json.encode(onwards).decode(), compared):
        raise LeaseLost


async def _end(run: Run, state: str, why: str | None) -> None:
    async with db.transaction(db.account(run.account_id)):
        found = await queries.end(run, state, why, clock.now())
        key, failed = f"differences:{run.connection_id}", f"reconciliation_failed:{run.connection_id}"
        if state == "done":
            await settle_matter(run.account_id, failed, by=comparing.BY, resolution="it was compared")
        elif run.started_by == comparing.NIGHTLY:
            matter = Matter(
                key=failed,
                kind="reconciliation_failed",
                owner=Owner.SUPPORT,
                summary=f"{run.name}: the hub could not be compared with the channel: {why}",
                detail={"connection_id": str(run.connection_id)},
            )
            await renew_matter(run.account_id, matter)
        if found == 0 and state == "done":
            await settle_matter(run.account_id, key, by=comparing.BY, resolution="nothing differs any more")
        if found and run.started_by == comparing.NIGHTLY:
            matter = Matter(
                key=key,
                kind="differences_found",
                owner=Owner.SUPPORT,
                summary=f"{run.name}: the hub and the channel differ in {found} places.",
                detail={"connection_id": str(run.connection_id), "found": found},
            )
            await renew_matter(run.account_id, matter)


def _unreadable(run: Run, subject: str, why: str) -> Matter:
    return Matter(
        key=f"unreadable:{run.connection_id}:{subject}",
        kind="message_unreadable",
        owner=Owner.SUPPORT,
        summary=f"Return {subject} could not be read: {why}",
        detail={"connection_id": str(run.connection_id)},
    )
