"""Start reconciliations: on demand, and every night, each connection at its own hour."""

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from uuid import UUID

from hub.kit import clock, db, queue
from hub.kit.errors import Invalid, NotFound
from hub.kit.telemetry import DIFFERENCES
from hub.reconciliation import queries
from hub.reconciliation.comparing import NIGHTLY
from hub.reconciliation.jobs import JOB
from hub.reconciliation.messages import Kind, ReconciliationView
from hub.sdk import Capability, Connector, Phase
from tenants.queries import StoredConnection
from tenants.vendors import Vendors

# What is older is settled on both sides, or open, and open returns are asked for whenever they began.
SPAN = timedelta(days=35)
OLDEST = datetime(2000, 1, 1, tzinfo=UTC)
NEEDED = frozenset({Capability.HISTORY, Capability.FETCH})
# The night is from one o'clock to five, in UTC.
FIRST_HOUR, NIGHT = 1, timedelta(hours=4)
SWEEP = 100


def able(connectors: Mapping[str, Connector]) -> list[str]:
    """Return the connectors that tell enough to be compared with."""
    return sorted(name for name, each in connectors.items() if each.manifest.capabilities >= NEEDED)


async def start(
    held: StoredConnection, vendors: Vendors, *, since: datetime | None = None, by: str
) -> ReconciliationView:
    """Begin to compare what a channel has had since a moment, or join the run that is under way.

    Raises `Invalid` if the connection's vendor does not tell enough, or the moment is none of the past.
    """
    if held.account_id is None or held.connector not in able(vendors.connectors):
        raise Invalid("not_comparable", "This connection's vendor does not list what it holds.")
    now = clock.now()
    wanted = since or now - SPAN
    if not OLDEST <= wanted < now:
        raise Invalid("since_unusable", "'since' is a moment in the past, of this century.")
    async with db.transaction(db.account(held.account_id)):
        await queries.start(held.account_id, held.id, wanted, by, now)
        running = await queries.running(held.account_id, held.id)
    if running is None:
        raise NotFound("reconciliation_not_found", "The reconciliation has just ended; start another.")
    await _ring(running.id, held.id, now)
    return running


async def nightly(vendors: Vendors) -> int:
    """Begin the reconciliations whose hour has come; returns how many."""
    now, begun = clock.now(), 0
    async with db.transaction(db.PLATFORM):
        for each in await queries.nightly(able(vendors.connectors), now):
            if not await queries.next_night(each, next_night(each.connection_id, now)) or each.reconcile_at is None:
                continue
            begun += await queries.start(each.account_id, each.connection_id, now - SPAN, NIGHTLY, now) is not None
    return begun


def next_night(connection_id: UUID, now: datetime) -> datetime:
    """Return when a connection is reconciled next: at the same moment of every night, spread over it by its id."""
    share = (connection_id.int % 10_000) / 10_000
    tonight = datetime.combine(now.date(), time(FIRST_HOUR), UTC) + NIGHT * share
    return tonight if tonight > now else tonight + timedelta(days=1)


async def sweep() -> int:
    """Ring for every reconciliation whose next step is due."""
    async with db.transaction(db.PLATFORM):
        found = await queries.due(clock.now(), SWEEP)
    for run_id, connection_id, since in found:
        await _ring(run_id, connection_id, since)
    return len(found)


async def _ring(run_id: UUID, connection_id: UUID, since: datetime) -> None:
    text = str(run_id)
    token = f"{JOB}:{text}:{since.timestamp():.6f}"
    await queue.ring(Phase.INITIATION, JOB, (text,), flow=f"{JOB}:{connection_id}", token=token)


async def measure() -> None:
    """Set the gauge of this room."""
    async with db.transaction(db.PLATFORM):
        counts = await queries.count_open()
    for kind in Kind:
        DIFFERENCES.labels(kind).set(counts.get(kind, 0))
