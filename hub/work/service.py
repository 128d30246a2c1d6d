"""Open and close work items."""

from collections.abc import Sequence
from uuid import UUID

from hub.kit import clock, db
from hub.kit.ids import new_id
from hub.kit.telemetry import CONNECTIONS_LIMITED, CONNECTIONS_PAUSED, WORK_ITEMS
from hub.work import queries
from hub.work.messages import Matter, Owner
from tenants import queries as tenants


async def raise_matter(account_id: UUID, matter: Matter) -> bool:
    """Ask a person to decide; the same matter is asked once. Returns whether it is new."""
    return await queries.open_item(account_id, new_id(), matter, clock.now())


async def renew_matter(account_id: UUID, matter: Matter) -> None:
    """Ask a person to decide, or say anew what the open item of this matter is about."""
    if not await queries.refresh(account_id, matter):
        await raise_matter(account_id, matter)


async def refresh_matter(account_id: UUID, matter: Matter) -> None:
    """Say anew what the open item of this matter is about, if there is one."""
    await queries.refresh(account_id, matter)


async def settle_matters_of(
    account_id: UUID, return_id: UUID, kinds: Sequence[str], *, by: str, resolution: str
) -> None:
    """Note that a return's matters of these kinds need nobody any more."""
    await queries.close_of_return(account_id, return_id, kinds, by, resolution, clock.now())


async def settle_matter(account_id: UUID, key: str, *, by: str, resolution: str) -> None:
    """Note that a matter needs nobody any more."""
    await queries.close_matter(account_id, key, by, resolution, clock.now())


async def pause_connection(account_id: UUID, connection_id: UUID, why: str, sealed: bytes) -> None:
    """Pause a connection until its owner repairs it, and tell the owner once; settings newer than `sealed` are left."""
    await pause_for_everybody([account_id], connection_id, why, sealed)


async def pause_for_everybody(accounts: Sequence[UUID], connection_id: UUID, why: str, sealed: bytes) -> None:
    """Pause a connection that several accounts depend on, and tell each of them once."""
    if not await tenants.pause(connection_id, why, sealed):
        return
    matter = Matter(
        key=f"paused:{connection_id}",
        kind="connection_paused",
        owner=Owner.ACCOUNT,
        summary=f"A connection is paused until it is repaired: {why}",
        detail={"connection_id": str(connection_id)},
    )
    for account_id in accounts:
        await raise_matter(account_id, matter)


async def measure() -> None:
    """Set the gauges of what waits for people."""
    async with db.transaction(db.PLATFORM):
        open_items = await queries.count_open()
        paused = await tenants.count_paused()
        limited = await tenants.count_limited(clock.now())
    for owner in Owner:
        WORK_ITEMS.labels(owner).set(open_items.get(owner, 0))
    CONNECTIONS_PAUSED.set(paused)
    CONNECTIONS_LIMITED.set(limited)
