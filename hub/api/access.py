"""Who is asking: API keys become principals, and principals become scopes."""

from typing import Any
from uuid import UUID

from litestar.connection import ASGIConnection
from litestar.di import NamedDependency
from litestar.enums import ScopeType
from litestar.middleware import AbstractAuthenticationMiddleware, ASGIMiddleware, AuthenticationResult
from litestar.types import ASGIApp, Receive, Scope, Send

from hub.evidence.stores import Store
from hub.inbox.handler import Handler
from hub.kit import db
from hub.kit.errors import NotFound, Unauthorised
from hub.knocks.keeper import Keeper
from tenants.keys.service import principal_of
from tenants.messages import Party, Principal
from tenants.vendors import Vendors

# Owns nothing, so that who names no owner is told the same as who names a stranger.
NOBODY = UUID(int=0)
# What handlers ask for: who makes the request, who speaks to vendors, registers at them, hands on what they told, and
# keeps photos.
Who = NamedDependency[Principal]
Calling = NamedDependency[Vendors]
Keeping = NamedDependency[Keeper]
Handing = NamedDependency[Handler]
Photographs = NamedDependency[Store]


class BearerAuthentication(AbstractAuthenticationMiddleware):
    """Takes the API key from `authorization: Bearer …`."""

    async def authenticate_request(self, connection: ASGIConnection[Any, Any, Any, Any]) -> AuthenticationResult:
        """Return the principal; raises `Unauthorised` without a working key."""
        scheme, _, plain = connection.headers.get("authorization", "").partition(" ")
        principal = await principal_of(plain.strip()) if scheme.lower() == "bearer" else None
        if principal is None:
            raise Unauthorised("key_required", "Send a working API key as 'authorization: Bearer hub_…'.")
        return AuthenticationResult(user=principal, auth=None)


class OnlyReading(ASGIMiddleware):
    """Makes every transaction of who only reads a read-only one, whatever its scope: the net under the guards."""

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Let the call through, its transactions closed to writes if whoever makes it only reads."""
        principal: Principal | None = scope.get("user")
        with db.only_reading(reading=principal is not None and not principal.may_write):
            await next_app(scope, receive, send)


def scope_of(principal: Principal) -> db.Scope:
    """Return the scope in which a principal's reads run: its own party's rows, read-only if it only reads."""
    return db.Scope(
        account=principal.account_id,
        partner=principal.partner_id,
        warehouse=principal.warehouse_id,
        platform=principal.party is Party.PLATFORM,
        read_only=not principal.may_write,
    )


def within(principal: Principal, account_id: UUID) -> UUID:
    """Return the account id if the principal may act for it; another tenant's id is not there."""
    if principal.party is Party.PLATFORM or principal.account_id == account_id:
        return account_id
    raise NotFound("account_not_found", "There is no such account.")


def within_partner(principal: Principal, partner_id: UUID) -> UUID:
    """Return the partner id if the principal may act for it; another partner's id is not there."""
    if principal.party is Party.PLATFORM or principal.partner_id == partner_id:
        return partner_id
    raise NotFound("partner_not_found", "There is no such partner.")


def require_own(principal: Principal, account_id: UUID | None, partner_id: UUID | None) -> None:
    """Raise `NotFound` unless the owner that is named is the principal's own party; the platform acts for anybody."""
    if principal.party is Party.PARTNER:
        within_partner(principal, partner_id or NOBODY)
    else:
        within(principal, account_id or NOBODY)


def narrowing(principal: Principal, account_id: UUID | None) -> UUID | None:
    """Return the account that a list is narrowed to, None for every one in scope.

    A partner may narrow to any of the accounts it works for; its scope leaves nothing of others to be found.
    """
    if account_id is None:
        return principal.account_id
    return account_id if principal.party is Party.PARTNER else within(principal, account_id)
