"""Ring for whatever is due: what Valkey lost, what waited for its time, what a dead worker left behind."""

from collections.abc import Sequence

from hub.kit import clock, db, queue
from hub.kit.telemetry import DEAD_LETTERS, OLDEST_DUE, OPERATIONS, OPERATIONS_LIMITED, SWEPT
from hub.operations import queries
from hub.operations.messages import State
from hub.operations.service import JOB, token

# A batch is small enough to be quick and large enough to drain a flushed queue within seconds.
BATCH = 200


async def sweep(phases: Sequence[str]) -> int:
    """Ring for due operations, fairly over connections; returns how many rings were made."""
    async with db.transaction(db.PLATFORM):
        found = await queries.due(list(phases), clock.now(), BATCH)
    for each in found:
        ids = (str(each.id), str(each.connection_id))
        await queue.ring(each.phase, JOB, ids, flow=ids[1], token=token(each.id, each.since))
        SWEPT.labels(each.phase).inc()
    return len(found)


async def measure() -> None:
    """Set the gauges of this room."""
    async with db.transaction(db.PLATFORM):
        counts = await queries.counts()
        oldest = await queries.oldest_due(clock.now())
        limited = await queries.count_limited(clock.now())
    for state in (State.READY, State.CLAIMED, State.PENDING, State.UNKNOWN):
        OPERATIONS.labels(state).set(counts.get(state, 0))
    DEAD_LETTERS.set(counts.get(State.DEAD, 0))
    OLDEST_DUE.set(oldest)
    OPERATIONS_LIMITED.set(limited)
