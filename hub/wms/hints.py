"""Take hooks: verified before they are read, stored before they are answered, followed later."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import msgspec

from hub.kit import clock, db
from hub.kit.telemetry import HOOKS, log
from hub.sdk import Hook
from hub.wms import queries
from hub.wms.reading import ring
from tenants import settings as connection_settings
from tenants.vendors import Vendors

MOST_HINTS = 500

_log = log("wms")
_rings: set["asyncio.Task[None]"] = set()


async def take(vendors: Vendors, connection: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Keep what a hook hints at; false if it proves not that a system of ours made it, or if there is none such.

    A hook that cannot be read is kept as a reading of everything, so that no bad word has the vendor give up on us.
    """
    try:
        connection_id = UUID(connection)
    except ValueError:
        HOOKS.labels("unknown").inc()
        return False
    now = clock.now()
    async with db.transaction(db.PLATFORM):
        door = await queries.door(connection_id)
    hook = Hook(headers={name.lower(): value for name, value in headers.items()}, body=body, now=now)
    if door is None or not _is_genuine(vendors, connection_id, door, hook):
        HOOKS.labels("unknown").inc()
        return False
    await _store(vendors, connection_id, str(door["connector"]), hook)
    return True


def _is_genuine(vendors: Vendors, connection_id: UUID, door: Mapping[str, object], hook: Hook) -> bool:
    connector = vendors.connectors.get(str(door["connector"]))
    if connector is None or connector.manifest.warehousing is None:
        return False
    try:
        settings = connection_settings.unseal(
            connector, msgspec.json.decode(str(door["settings"])), bytes(door["sealed"]),  # type: ignore[call-overload]  # the column is bytea
            vendors.keyring, connection_id,
        )  # fmt: skip
        return connector.verify(settings, hook) is True
    except Exception:  # noqa: BLE001 - the connector's boundary: what could not be verified was not
        _log.error("connector failed", connector=connector.manifest.name, method="verify", exc_info=True)
        return False


async def _store(vendors: Vendors, connection_id: UUID, connector: str, hook: Hook) -> None:
    try:
        hints = vendors.connector(connector).parse(hook)[:MOST_HINTS]
        HOOKS.labels("taken").inc()
    except Exception as fault:  # noqa: BLE001 - the connector's boundary: a reading too many is better than a hint lost
        _log.warning("hook unreadable", connection=str(connection_id), fault=type(fault).__name__)
        HOOKS.labels("unreadable").inc()
        hints = ()
    async with db.transaction(db.PLATFORM):
        if hints:
            await queries.store_hints(connection_id, hints, hook.now)
        else:
            await queries.hasten(connection_id, hook.now)
    _ring_soon(connection_id, hook.now)


def _ring_soon(connection_id: UUID, at: datetime) -> None:
    """Ring beside the answer, which does not wait for the queue; a ring that is lost is swept."""
    task = asyncio.create_task(ring(connection_id, at.timestamp()))
    _rings.add(task)
    task.add_done_callback(_rings.discard)
