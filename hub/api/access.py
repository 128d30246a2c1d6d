"""Who is asking: API keys become principals, and principals become scopes."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from litestar.connection import ASGIConnection
from litestar.di import NamedDependency
from litestar.handlers import BaseRouteHandler
from litestar.middleware import AbstractAuthenticationMiddleware, AuthenticationResult

from hub.kit import clock, crypto, db
from hub.kit.errors import Forbidden, NotFound, Unauthorised
from tenants import queries
from tenants.messages import Party, Principal, PrincipalKind, Role
from tenants.vendors import Vendors

# What handlers ask for: who makes the request, and who speaks to vendors.
Who = NamedDependency[Principal]
Calling = NamedDependency[Vendors]

TOUCH_EVERY = timedelta(minutes=1)


async def principal_of(plain: str) -> Principal | None:
    """Return who holds this API key, and note its use once a minute."""
    parts = crypto.split(plain)
    if parts is None:
        return None
    prefix, secret = parts
    async with db.transaction(db.PLATFORM):
        found = await queries.key_by_prefix(prefix)
        if found is None or not crypto.matches(secret, bytes(found["digest"])):
            return None
        now = clock.now()
        if found["last_used_at"] is None or found["last_used_at"] < now - TOUCH_EVERY:
            await queries.touch_key(found["id"], now)
    return principal_from(found)


def principal_from(found: queries.Found) -> Principal:
    """Return the principal of a stored key."""
    return Principal(
        kind=PrincipalKind.KEY,
        id=found["id"],
        name=found["name"],
        role=Role(found["role"]),
        account_id=found["account_id"],
        warehouse_id=found["warehouse_id"],
    )


class BearerAuthentication(AbstractAuthenticationMiddleware):
    """Takes the API key from `authorization: Bearer …`."""

    async def authenticate_request(self, connection: ASGIConnection[Any, Any, Any, Any]) -> AuthenticationResult:
        """Return the principal; raises `Unauthorised` without a working key."""
        scheme, _, plain = connection.headers.get("authorization", "").partition(" ")
        principal = await principal_of(plain.strip()) if scheme.lower() == "bearer" else None
        if principal is None:
            raise Unauthorised("key_required", "Send a working API key as 'authorization: Bearer hub_…'.")
        return AuthenticationResult(user=principal, auth=None)


def only(*roles: Role) -> Any:
    """Return a guard that lets these roles through."""

    def guard(connection: ASGIConnection[Any, Principal, Any, Any], _: BaseRouteHandler) -> None:
        if connection.user.role not in roles:
            allowed = " or ".join(role.value for role in roles)
            raise Forbidden("role_lacks_right", f"This needs a key of the role {allowed}.")

    return guard


def scope_of(principal: Principal) -> db.Scope:
    """Return the scope in which a platform's or account's reads run."""
    if principal.party is Party.PLATFORM:
        return db.PLATFORM
    if principal.account_id is None:
        raise Forbidden("role_lacks_right", "This needs a key of the role platform or account.")
    return db.account(principal.account_id)


def within(principal: Principal, account_id: UUID) -> UUID:
    """Return the account id if the principal may act for it; another tenant's id is not there."""
    if principal.party is Party.PLATFORM or principal.account_id == account_id:
        return account_id
    raise NotFound("account_not_found", "There is no such account.")
