"""All SQL of this room."""

from uuid import UUID

import msgspec

from hub.kit import db
from tenants.messages import AccountView


async def assigned(warehouse_id: UUID) -> list[AccountView]:
    """Return the accounts in scope that a warehouse receives for, by name."""
    rows = await db.fetch(
        """select accounts.id, name, created_at from accounts join warehouse_accounts held
            on held.account_id = accounts.id where held.warehouse_id = $1 order by name""",
        warehouse_id,
    )
    return [msgspec.convert(dict(row), AccountView) for row in rows]


async def lock(warehouse_id: UUID) -> None:
    """Keep policies from sending goods to a warehouse until the transaction ends."""
    await db.execute("select from warehouses where id = $1 for update", warehouse_id)


async def is_routed(warehouse_id: UUID, account_id: UUID) -> bool:
    """Say whether a policy as it is now sends an account's goods to a warehouse, or open returns are to come there."""
    row = await db.fetch_one(
        """select exists (select from returns where account_id = $1 and warehouse_id = $2
                and status in ('expected', 'approved', 'partially_received'))
            or exists (select from (select distinct on (policy_id) rules from policy_versions
                where account_id = $1 order by policy_id, number desc) as now
                where now.rules -> 'receiving' @> jsonb_build_array(jsonb_build_object('warehouse_id', $2::text)))
            as used""",
        account_id, warehouse_id,
    )  # fmt: skip
    return bool(row and row["used"])


async def unassign(warehouse_id: UUID, account_id: UUID) -> bool:
    """Take an account off a warehouse; false if it was not assigned."""
    row = await db.fetch_one(
        "delete from warehouse_accounts where account_id = $1 and warehouse_id = $2 returning account_id",
        account_id, warehouse_id,
    )  # fmt: skip
    return row is not None
