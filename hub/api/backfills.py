"""Back-fills of connections: start one, see how far it is."""

from uuid import UUID

from litestar import Controller, get, post
from litestar.params import FromPath, JSONBody

from hub.api.access import Calling, Who, scope_of
from hub.api.guards import may
from hub.backfills import queries, service
from hub.backfills.messages import BackfillView, NewBackfill
from hub.kit import db
from tenants import queries as tenants
from tenants.messages import Principal


class Backfills(Controller):
    """Returns from before the hub polled a connection."""

    path = "/connections/{connection_id:uuid}/backfills"
    tags = ("Set-up",)

    @post(guards=[may("backfills.start")])
    async def start(
        self, connection_id: FromPath[UUID], data: JSONBody[NewBackfill], principal: Who, vendors: Calling
    ) -> BackfillView:
        """Read all returns that were created at the channel since a moment; one back-fill runs at a time."""
        held = await _held(connection_id, principal)
        return await service.start(held, data.since, vendors, actor=principal.actor)

    @get(guards=[may("backfills.read")])
    async def index(self, connection_id: FromPath[UUID], principal: Who) -> list[BackfillView]:
        """List the back-fills of a connection, the latest first, with how far they are."""
        held = await _held(connection_id, principal)
        if held.account_id is None:
            return []
        async with db.transaction(db.account(held.account_id)):
            return await queries.of_connection(held.account_id, connection_id)


async def _held(connection_id: UUID, principal: Principal) -> tenants.StoredConnection:
    async with db.transaction(scope_of(principal)):
        return await tenants.connection(connection_id)


CONTROLLERS = (Backfills,)
