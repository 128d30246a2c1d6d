"""Support looks with a party's eyes. A session that does so asks `principal_of` of the room at every request."""

from uuid import UUID

from litestar import Controller, delete, get, post
from litestar.params import FromPath, JSONBody

from hub.api.access import Who, scope_of
from hub.api.guards import may
from hub.api.pages import DEFAULT, Cursor, Limit, Page, after, page
from hub.kit import db
from tenants.impersonation import queries, service
from tenants.impersonation.messages import ImpersonationView, NewImpersonation


class Impersonations(Controller):
    """Who looks with which party's eyes."""

    path = "/impersonations"
    tags = ("Rights",)

    @post(guards=[may("impersonations.begin")])
    async def begin(self, data: JSONBody[NewImpersonation], principal: Who) -> ImpersonationView:
        """Look with a party's eyes from now on, changing nothing; it ends by itself after half an hour."""
        return await service.begin(data, principal)

    @get(guards=[may("impersonations.read")])
    async def index(self, principal: Who, cursor: Cursor = None, limit: Limit = DEFAULT) -> Page[ImpersonationView]:
        """List who looked with which party's eyes and why, newest first."""
        async with db.transaction(scope_of(principal)):
            return page(await queries.impersonations(after(cursor), limit), limit, lambda each: each.id)

    @delete("/{impersonation_id:uuid}", guards=[may("impersonations.end")])
    async def end(self, impersonation_id: FromPath[UUID], principal: Who) -> None:
        """Stop looking before the time."""
        await service.end(impersonation_id, principal)


CONTROLLERS = (Impersonations,)
