"""Take knocks: durable before they are answered, whatever state the queue is in."""

import asyncio
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from hub.inbox import service as inbox
from hub.kit import clock, crypto, db
from hub.kit.telemetry import KNOCKS, log
from hub.knocks import queries
from hub.sdk import Knock
from tenants.vendors import Vendors

# However often a vendor knocks, its connection is polled at most every few seconds.
APART = timedelta(seconds=5)
# What the secret of an address that is not there is compared with, so that it takes as long as a wrong one.
NOBODY = secrets.token_bytes(32)

_log = log("knocks")
_rings: set["asyncio.Task[None]"] = set()


async def take(vendors: Vendors, connection: str, token: str, query: Mapping[str, str]) -> bool:
    """Keep a knock and have its connection polled; false if this is none of the hub's addresses."""
    try:
        connection_id = UUID(connection)
    except ValueError:
        connection_id = UUID(int=0)
    now = clock.now()
    async with db.transaction(db.PLATFORM):
        door = await queries.door(connection_id)
        if not crypto.matches(token, door.digest if door else NOBODY) or door is None:
            KNOCKS.labels("unknown").inc()
            return False
        about = _hear(vendors, door.connector, query)
        due = None
        if about is not Knock.OTHER:
            due = await queries.knock(
                connection_id, now, returns=about is Knock.RETURNS, refusals=about is Knock.REFUSALS, apart=APART
            )
    KNOCKS.labels("taken").inc()
    if due is not None and due <= now:
        _ring_soon(connection_id, due)
    return True


def _hear(vendors: Vendors, connector: str, query: Mapping[str, str]) -> Knock:
    try:
        return vendors.connector(connector).hear(query)
    except Exception:  # noqa: BLE001 - the connector's boundary: a poll too many is better than a hint lost
        _log.error("connector failed", connector=connector, method="hear", exc_info=True)
        return Knock.RETURNS


def _ring_soon(connection_id: UUID, due: datetime) -> None:
    """Ring beside the answer, which does not wait for the queue; a ring that is lost is swept."""
    task = asyncio.create_task(inbox.ring(connection_id, due.timestamp()))
    _rings.add(task)
    task.add_done_callback(_rings.discard)
