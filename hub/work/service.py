"""Open and close work items."""

from uuid import UUID

from hub.kit import clock
from hub.kit.ids import new_id
from hub.work import queries
from hub.work.messages import Matter


async def raise_matter(account_id: UUID, matter: Matter) -> bool:
    """Ask a person to decide; the same matter is asked once. Returns whether it is new."""
    return await queries.open_item(account_id, new_id(), matter, clock.now())


async def settle_matter(account_id: UUID, key: str, *, by: str, resolution: str) -> None:
    """Note that a matter needs nobody any more."""
    await queries.close_matter(account_id, key, by, resolution, clock.now())
