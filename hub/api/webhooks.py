"""Outgoing webhooks: the endpoints of accounts and partners, and the log of what they were told."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Controller, delete, get, patch, post
from litestar.params import FromPath, FromQuery, JSONBody

from hub.api.access import Running, Who, narrowing, require_own, scope_of
from hub.api.guards import may
from hub.api.pages import DEFAULT, Cursor, Limit, Page, after, page
from hub.kit import db
from hub.kit.errors import Malformed
from hub.webhooks import queries, service
from hub.webhooks.messages import (
    DeliveryAttempt,
    DeliveryState,
    DeliveryView,
    EndpointChange,
    EndpointShown,
    EndpointView,
    NewEndpoint,
    Recovered,
    Recovery,
    Rotation,
)
from tenants.messages import Party, Principal

# As long as a number of PostgreSQL can be.
PLACE_DIGITS = 18


class Webhooks(Controller):
    """Where the hub tells what happens, signed as Standard Webhooks says."""

    path = "/webhooks"
    tags = ("Telling others",)

    @post(guards=[may("webhooks.create")])
    async def create(self, data: JSONBody[NewEndpoint], principal: Who, runtime: Running) -> EndpointShown:
        """Set an endpoint up; its secret is shown in this answer only."""
        new = _own(data, principal)
        if principal.party is not Party.PLATFORM:
            require_own(principal, new.account_id, new.partner_id)
        return await service.create(new, runtime.egress, runtime.keyring, actor=principal.actor)

    @get(guards=[may("webhooks.read")])
    async def index(
        self,
        principal: Who,
        cursor: Cursor = None,
        limit: Limit = DEFAULT,
        account_id: FromQuery[UUID | None] = None,
    ) -> Page[EndpointView]:
        """List the endpoints you may see, without their secrets, oldest first."""
        wanted = narrowing(principal, account_id)
        async with db.transaction(scope_of(principal)):
            return page(await queries.endpoints(wanted, after(cursor), limit), limit, lambda each: each.id)

    @get("/{endpoint_id:uuid}", guards=[may("webhooks.read")])
    async def read(self, endpoint_id: FromPath[UUID], principal: Who) -> EndpointView:
        """Show one endpoint: what it is told, and since when nothing arrives."""
        return await _found(endpoint_id, principal)

    @patch("/{endpoint_id:uuid}", guards=[may("webhooks.change")])
    async def change(
        self, endpoint_id: FromPath[UUID], data: JSONBody[EndpointChange], principal: Who, runtime: Running
    ) -> EndpointView:
        """Change an endpoint, or disable and enable it; enabled again it is told all that it missed, in order."""
        await _found(endpoint_id, principal)
        return await service.change(endpoint_id, data, runtime.egress, actor=principal.actor)

    @delete("/{endpoint_id:uuid}", guards=[may("webhooks.remove")])
    async def remove(self, endpoint_id: FromPath[UUID], principal: Who) -> None:
        """Remove an endpoint with its log."""
        await _found(endpoint_id, principal)
        await service.remove(endpoint_id, actor=principal.actor)

    @post("/{endpoint_id:uuid}/rotate", guards=[may("webhooks.rotate")])
    async def rotate(
        self, endpoint_id: FromPath[UUID], data: JSONBody[Rotation], principal: Who, runtime: Running
    ) -> EndpointShown:
        """Give an endpoint another secret, shown in this answer only; for a while both sign."""
        await _found(endpoint_id, principal)
        return await service.rotate(endpoint_id, data, runtime.keyring, actor=principal.actor)

    @post("/{endpoint_id:uuid}/ping", status_code=202, guards=[may("webhooks.send")])
    async def ping(self, endpoint_id: FromPath[UUID], principal: Who) -> DeliveryView:
        """Send a hub.ping to try the endpoint; the log tells what came of it."""
        await _found(endpoint_id, principal)
        return await service.ping(endpoint_id, actor=principal.actor)

    @post("/{endpoint_id:uuid}/recover", status_code=202, guards=[may("webhooks.send")])
    async def recover(self, endpoint_id: FromPath[UUID], data: JSONBody[Recovery], principal: Who) -> Recovered:
        """Send everything again that failed since a moment; what arrived is not repeated."""
        await _found(endpoint_id, principal)
        return await service.recover(endpoint_id, data, actor=principal.actor)

    @get("/{endpoint_id:uuid}/deliveries", guards=[may("webhooks.read")])
    async def deliveries(
        self,
        endpoint_id: FromPath[UUID],
        principal: Who,
        cursor: Cursor = None,
        limit: Limit = DEFAULT,
        status: FromQuery[DeliveryState | None] = None,
    ) -> Page[DeliveryView]:
        """List what an endpoint was and is to be told, newest first; kept for thirty days after its end."""
        await _found(endpoint_id, principal)
        async with db.transaction(scope_of(principal)):
            found = await queries.deliveries(endpoint_id, status, _before(cursor), limit)
        return Page(items=found, next_cursor=str(found[-1].place) if len(found) == limit else None)

    @get("/{endpoint_id:uuid}/deliveries/{delivery_id:uuid}/attempts", guards=[may("webhooks.read")])
    async def attempts(
        self, endpoint_id: FromPath[UUID], delivery_id: FromPath[UUID], principal: Who
    ) -> list[DeliveryAttempt]:
        """Show every request of a delivery and its answer, redacted."""
        await _found(endpoint_id, principal)
        async with db.transaction(scope_of(principal)):
            return await queries.attempts(endpoint_id, delivery_id)

    @post("/{endpoint_id:uuid}/deliveries/{delivery_id:uuid}/replay", status_code=202, guards=[may("webhooks.send")])
    async def replay(self, endpoint_id: FromPath[UUID], delivery_id: FromPath[UUID], principal: Who) -> None:
        """Send one delivery again, also one that arrived; its id stays the same."""
        await _found(endpoint_id, principal)
        await service.replay(endpoint_id, delivery_id, actor=principal.actor)


def _own(new: NewEndpoint, principal: Principal) -> NewEndpoint:
    """Return the endpoint with its owner: whoever names none means its own party."""
    if principal.party is Party.PLATFORM or new.account_id is not None or new.partner_id is not None:
        return new
    return msgspec.structs.replace(new, account_id=principal.account_id, partner_id=principal.partner_id)


def _before(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= PLACE_DIGITS):
        raise Malformed("cursor_invalid", "This cursor is not one that the hub gave.")
    return int(cursor)


async def _found(endpoint_id: UUID, principal: Principal) -> EndpointView:
    async with db.transaction(scope_of(principal)):
        return await queries.endpoint(endpoint_id)


CONTROLLERS: tuple[Any, ...] = (Webhooks,)
