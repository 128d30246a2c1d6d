"""All SQL of this room: what is set up for one account, read in the platform's scope."""

from uuid import UUID

import msgspec

from hub.kit import db
from tenants import queries as tenants
from tenants.configuration.messages import Connected, Place, Standing


async def standing(account_id: UUID) -> Standing:
    """Return what is set up for an account; raises `NotFound`."""
    account = await tenants.account(account_id)
    places = await db.fetch(
        """select id, name, account_id, receiving_option, country from warehouses
        where account_id is null or account_id = $1""",
        account_id,
    )  # fmt: skip
    held = await db.fetch(
        "select id, name, connector, settings from connections where account_id = $1 order by name", account_id
    )
    return Standing(
        account_id=account_id,
        account=account.name,
        places=msgspec.convert([dict(row) for row in places], tuple[Place, ...]),
        connections=tuple(_connected(row) for row in held),
        channels=tuple(await tenants.channels(account_id)),
        profiles=await _profiles(account_id),
    )


def _connected(row: db.Row) -> Connected:
    return msgspec.convert({**dict(row), "settings": msgspec.json.decode(row["settings"])}, Connected)


async def _profiles(account_id: UUID) -> dict[UUID, dict[str, dict[str, object]]]:
    found: dict[UUID, dict[str, dict[str, object]]] = {}
    rows = await db.fetch(
        "select channel_id, reference, profile from channel_marketplaces where account_id = $1", account_id
    )
    for row in rows:
        found.setdefault(row["channel_id"], {})[row["reference"]] = msgspec.json.decode(row["profile"])
    return found
