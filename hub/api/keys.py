"""API keys: the operator's, and those that an account or a partner keeps for itself."""

from uuid import UUID

from litestar import Controller, delete, get, post
from litestar.params import FromPath, FromQuery, JSONBody

from hub.api.access import Who, scope_of, within, within_partner
from hub.api.guards import may
from hub.kit import db
from hub.kit.errors import Forbidden, NotFound
from tenants import permissions
from tenants import queries as tenants
from tenants.keys import queries, service
from tenants.keys.messages import KeyRotated, KeyShown, KeyView, NewKey, Rotation
from tenants.messages import Party, Principal, WarehouseView


class Keys(Controller):
    """API keys."""

    path = "/api-keys"
    tags = ("Rights",)

    @post(guards=[may("keys.create")])
    async def create(self, data: JSONBody[NewKey], principal: Who) -> KeyShown:
        """Make an API key; it is shown in this answer only."""
        await _require_own(data, principal)
        role = service.role_of(data)
        permissions.refuse_giving(principal, role, permissions.narrowed(role, data.scopes))
        return await service.create_key(data, actor=principal.actor)

    @get(guards=[may("keys.read")])
    async def index(
        self,
        principal: Who,
        account_id: FromQuery[UUID | None] = None,
        partner_id: FromQuery[UUID | None] = None,
    ) -> list[KeyView]:
        """List the keys you may see, without their secrets, newest first."""
        if account_id is not None:
            within(principal, account_id)
        if partner_id is not None:
            within_partner(principal, partner_id)
        async with db.transaction(scope_of(principal)):
            return await queries.keys(account_id, partner_id)

    @post("/{key_id:uuid}/rotate", guards=[may("keys.rotate")])
    async def rotate(self, key_id: FromPath[UUID], data: JSONBody[Rotation], principal: Who) -> KeyRotated:
        """Replace a key by a new one, shown in this answer only; the old one goes on working for a while."""
        found = await _found(key_id, principal)
        permissions.refuse_giving(principal, found.role, found.scopes)
        return await service.rotate_key(key_id, data, actor=principal.actor)

    @delete("/{key_id:uuid}", guards=[may("keys.revoke")])
    async def revoke(self, key_id: FromPath[UUID], principal: Who) -> None:
        """End a key at once."""
        await _found(key_id, principal)
        await service.revoke_key(key_id, actor=principal.actor)


async def _found(key_id: UUID, principal: Principal) -> KeyView:
    async with db.transaction(scope_of(principal)):
        found = await queries.read(key_id)
    if found is None:
        raise NotFound("key_not_found", "There is no such working key.")
    return found


async def _require_own(new: NewKey, principal: Principal) -> None:
    """Raise unless the key to make acts for the principal's own party, or for a warehouse that this party runs."""
    party = service.role_of(new).party
    if principal.party is Party.PLATFORM:
        return
    if party is Party.WAREHOUSE:
        await _require_own_warehouse(new.warehouse_id, principal)
    elif party is not principal.party:
        there = f"{principal.party} and warehouse"
        raise Forbidden("key_not_yours", f"You make keys of the roles {there} only, for what is your own.")
    elif new.account_id is not None:
        within(principal, new.account_id)
    elif new.partner_id is not None:
        within_partner(principal, new.partner_id)


async def _require_own_warehouse(warehouse_id: UUID | None, principal: Principal) -> None:
    if warehouse_id is None:
        return
    async with db.transaction(scope_of(principal)):
        warehouse = await tenants.warehouse(warehouse_id)
    if not run_by(warehouse, principal):
        raise NotFound("warehouse_not_found", "There is no such warehouse.")


def run_by(warehouse: WarehouseView, principal: Principal) -> bool:
    """Say whether a warehouse is run by the principal's account or partner."""
    owner = warehouse.partner_id if principal.party is Party.PARTNER else warehouse.account_id
    return owner is not None and owner in {principal.account_id, principal.partner_id}


CONTROLLERS = (Keys,)
