"""Run a draft against past returns, step by step, each stored with where the next one goes on: a worker may die."""

import time
from datetime import timedelta
from uuid import UUID

import msgspec

from hub.kit import clock, db, queue, schedule
from hub.kit.errors import Conflict
from hub.kit.ids import new_id
from hub.kit.refusals import taken
from hub.kit.telemetry import log
from hub.sdk.messages import Phase
from hub.simulations import engine, queries
from hub.simulations.messages import Change, Claim, NewSimulation, Past, SimulationState, SimulationView
from tenants import profiles
from tenants import queries as tenants
from tenants.policies import service as policies
from tenants.policies.messages import Policy
from tenants.profiles import Standing

JOB = "simulate"
# Longer than a step may take.
LEASE = timedelta(seconds=45)
# Few enough that nothing else of the process waits long for a step.
BATCH = 200
JOB_SECONDS = 5.0
SWEEP = 50
MOST_FAILURES = 5
# So many simulations of a policy are kept.
KEPT = 10

_log = log("simulations")


async def start(held: Policy, new: NewSimulation, *, actor: str) -> SimulationView:
    """Run a draft against the policy's returns of the last days.

    Raises `Invalid` if it could not be published as it is, `Conflict` if it changed or a simulation is running.
    """
    draft = await policies.draft_of(held)
    if draft.revision != new.revision:
        message = f"{draft.changed_by} changed this draft meanwhile; it is at revision {draft.revision}. Read it again."
        raise Conflict("draft_changed", message, revision=draft.revision, changed_by=draft.changed_by)
    policies.refuse(draft.problems)
    simulation_id, now = new_id(), clock.now()
    running = "A simulation of this policy is running; wait for its end."
    with taken("simulations_one_at_a_time", "simulation_running", running):
        async with db.transaction(db.account(held.account_id)):
            since = now - timedelta(days=new.days)
            view = await queries.start(held, simulation_id, draft.rules, since=since, now=now, by=actor)
            await queries.forget(held, KEPT)
    await _ring(simulation_id, now)
    return view


async def run(simulation_id: str) -> None:
    """Take steps of a simulation that is due, for a while; whoever comes next goes on where this one stops."""
    now, end = clock.now(), time.monotonic() + JOB_SECONDS
    async with db.transaction(db.PLATFORM):
        claim = await queries.claim(UUID(simulation_id), now + LEASE, now)
    while claim is not None:
        if time.monotonic() > end:
            await _wait(claim)
            return
        claim = await _step_safely(claim)


async def _step_safely(claim: Claim) -> Claim | None:
    try:
        return await _step(claim)
    except db.Lost:
        raise
    except Exception as fault:  # noqa: BLE001 - the job's boundary: a bug is tried again, and ends the run at last
        _log.error("step failed", simulation=str(claim.id), exc_info=True)
        await _hold(claim, f"the hub failed on it ({type(fault).__name__})")
        return None


async def _step(claim: Claim) -> Claim | None:
    """Compare the next returns; nothing once there are none, or another worker has the simulation."""
    async with db.transaction(db.account(claim.account_id)):
        batch = await queries.past(claim, BATCH)
        compared = await _compare(claim, batch)
        figures, lease_until = engine.add(claim.figures, compared), clock.now() + LEASE
        if not batch:
            await queries.end(claim, SimulationState.DONE, None, clock.now())
            return None
        changed = [each for each in compared if each.kinds]
        if not await queries.advance(claim, changed, figures, batch[-1].id, len(batch), lease_until):
            return None
        return msgspec.structs.replace(claim, cursor=batch[-1].id, figures=figures, failures=0, lease_until=lease_until)


async def _compare(claim: Claim, batch: list[Past]) -> list[Change]:
    standings: dict[str | None, Standing] = {}
    compared = []
    for each in batch:
        if each.marketplace not in standings:
            found = await profiles.of_marketplace(claim.account_id, each.connection_id, each.marketplace)
            standings[each.marketplace] = found
        own = await tenants.rules_of(claim.account_id, each.version_id)
        compared.append(engine.compare(each, own, claim.rules, standings[each.marketplace]))
    return compared


async def _hold(claim: Claim, why: str) -> None:
    failures = claim.failures + 1
    pause = schedule.retry_after(failures)
    async with db.transaction(db.account(claim.account_id)):
        if pause is None or failures >= MOST_FAILURES:
            await queries.end(claim, SimulationState.FAILED, why, clock.now())
            return
        await queries.release(claim, next_at=clock.now() + timedelta(seconds=pause), failures=failures, why=why)


async def _wait(claim: Claim) -> None:
    now = clock.now()
    async with db.transaction(db.account(claim.account_id)):
        await queries.release(claim, next_at=now, failures=claim.failures, why=None)
    await _ring(claim.id, now)


async def sweep() -> int:
    """Ring for every simulation that is due."""
    async with db.transaction(db.PLATFORM):
        found = await queries.due(clock.now(), SWEEP)
    for simulation_id, since in found:
        await _ring(simulation_id, since)
    return len(found)


async def _ring(simulation_id: UUID, since: object) -> None:
    text = str(simulation_id)
    await queue.ring(Phase.INITIATION, JOB, (text,), flow=f"{JOB}:{text}", token=f"{JOB}:{text}:{since}")
