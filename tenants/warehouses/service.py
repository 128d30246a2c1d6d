"""The verbs of this room."""

from uuid import UUID

from hub.audit.service import record
from hub.kit import db
from hub.kit.errors import Conflict
from tenants import queries as tenants
from tenants.messages import AccountView
from tenants.warehouses import queries


async def assigned(warehouse_id: UUID) -> list[AccountView]:
    """Return the accounts that a warehouse receives for, in the caller's scope."""
    await tenants.warehouse(warehouse_id)
    return await queries.assigned(warehouse_id)


async def assign(warehouse_id: UUID, account_id: UUID, *, actor: str) -> list[AccountView]:
    """Let a warehouse receive for an account; safe to repeat. One of a merchant's receives for nobody else."""
    async with db.transaction(db.PLATFORM):
        warehouse, account = await tenants.warehouse(warehouse_id), await tenants.account(account_id)
        if warehouse.account_id not in (None, account_id):
            raise Conflict(
                "warehouse_of_another", "Another account runs this warehouse, and it receives for nobody else."
            )
        if account not in await queries.assigned(warehouse_id):
            await tenants.assign(account_id, [warehouse_id])
            await record(actor=actor, action="warehouse.assigned", subject=warehouse.name, account_id=account_id)
        return await queries.assigned(warehouse_id)


async def release(warehouse_id: UUID, account_id: UUID, *, actor: str) -> list[AccountView]:
    """Let a warehouse receive for an account no longer: its people see nothing of it from now on.

    Raises `Conflict` while a policy sends goods there, or returns that it is to receive are open.
    """
    async with db.transaction(db.PLATFORM):
        warehouse = await tenants.warehouse(warehouse_id)
        await queries.lock(warehouse_id)
        if await queries.is_routed(warehouse_id, account_id):
            message = "A policy of this account sends goods here, or returns are still to come; change that first."
            raise Conflict("warehouse_in_use", message)
        if await queries.unassign(warehouse_id, account_id):
            await record(actor=actor, action="warehouse.released", subject=warehouse.name, account_id=account_id)
        return await queries.assigned(warehouse_id)
