"""Reconciliation: start one, see how far it is, and repair what differs."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Controller, get, post
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Meta

from hub.api.access import Calling, Who, narrowing, scope_of
from hub.api.guards import may
from hub.api.pages import DEFAULT, Cursor, Limit, Page, after, page
from hub.kit import db
from hub.kit.errors import NotFound
from hub.reconciliation import queries, repairs, service
from hub.reconciliation.messages import DifferenceView, Kind, Listed, ReconciliationView
from tenants import queries as tenants
from tenants.messages import Principal


class NewReconciliation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to compare: all that the channel has had since a moment, 35 days without one."""

    since: Annotated[datetime, Meta(tz=True)] | None = None


class Reconciliations(Controller):
    """Comparisons of the hub with a channel."""

    path = "/connections/{connection_id:uuid}/reconciliations"
    tags = ("Reconciling",)

    @post(status_code=202, guards=[may("reconciliations.start")])
    async def start(
        self, connection_id: FromPath[UUID], data: JSONBody[NewReconciliation], principal: Who, vendors: Calling
    ) -> ReconciliationView:
        """Compare the hub with the channel as soon as possible; one that runs already is joined."""
        held = await _connection(connection_id, principal)
        return await service.start(held, vendors, since=data.since, by=principal.actor)

    @get(guards=[may("reconciliations.read")])
    async def index(
        self, connection_id: FromPath[UUID], principal: Who, cursor: Cursor = None, limit: Limit = DEFAULT
    ) -> Page[ReconciliationView]:
        """List a connection's reconciliations, the latest first."""
        await _connection(connection_id, principal)
        async with db.transaction(scope_of(principal)):
            found = await queries.reconciliations(connection_id, after(cursor), limit)
        return page(found, limit, lambda each: each.id)


class Differences(Controller):
    """Where the hub and a channel differ."""

    path = "/differences"
    tags = ("Reconciling",)

    @get(guards=[may("differences.read")])
    async def index(
        self,
        principal: Who,
        cursor: Cursor = None,
        limit: Limit = DEFAULT,
        account_id: FromQuery[UUID | None] = None,
        connection_id: FromQuery[UUID | None] = None,
        kind: FromQuery[Kind | None] = None,
        status: FromQuery[Listed] = Listed.OPEN,
    ) -> Page[DifferenceView]:
        """List differences, oldest first, each with its cause and with what its repair would do."""
        wanted = narrowing(principal, account_id)
        async with db.transaction(scope_of(principal)):
            found = await queries.differences(
                account_id=wanted,
                connection_id=connection_id,
                kind=kind,
                listed=status,
                after=after(cursor),
                limit=limit,
            )
        return page(found, limit, lambda each: each.id)

    @post("/{difference_id:uuid}/repair", status_code=200, guards=[may("differences.repair")])
    async def repair(self, difference_id: FromPath[UUID], principal: Who, vendors: Calling) -> DifferenceView:
        """Repair a difference as it says; one that was repaired before is shown as it is."""
        async with db.transaction(scope_of(principal)):
            found = await queries.difference(difference_id)
        if found is None:
            raise NotFound("difference_not_found", "There is no such difference.")
        return await repairs.repair(vendors, found, actor=principal.actor)


async def _connection(connection_id: UUID, principal: Principal) -> tenants.StoredConnection:
    async with db.transaction(scope_of(principal)):
        return await tenants.connection(connection_id)


CONTROLLERS = (Reconciliations, Differences)
