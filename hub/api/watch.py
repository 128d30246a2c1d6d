"""Watching: operations with their attempts, work items, parked messages, the feed of events."""

import re
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, get, post
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Meta

from hub import process
from hub.api.access import Who, narrowing, scope_of
from hub.api.guards import may
from hub.api.pages import DEFAULT, Cursor, Limit, Page, after, page
from hub.inbox import queries as inbox
from hub.inbox.messages import InboxView
from hub.kit import clock, db
from hub.kit.errors import Malformed, NotFound
from hub.operations import queries as operations
from hub.operations.messages import AttemptView, OperationView, State
from hub.outbox import queries as outbox
from hub.outbox.messages import EventView
from hub.work import queries as work
from hub.work.messages import WorkItemView
from tenants.messages import Principal


class Operations(Controller):
    """Effects outside the hub."""

    path = "/operations"
    tags = ("Watching",)

    @get(guards=[may("operations.read")])
    async def index(
        self,
        principal: Who,
        cursor: Cursor = None,
        limit: Limit = DEFAULT,
        account_id: FromQuery[UUID | None] = None,
        status: FromQuery[State | None] = None,
        return_id: FromQuery[UUID | None] = None,
    ) -> Page[OperationView]:
        """List operations in the order they were planned."""
        wanted = narrowing(principal, account_id)
        async with db.transaction(scope_of(principal)):
            found = await operations.operations(
                account_id=wanted, state=status, return_id=return_id, after=after(cursor), limit=limit
            )
        return page(found, limit, lambda each: each.id)

    @get("/{operation_id:uuid}/attempts", guards=[may("operations.read")])
    async def attempts(self, operation_id: FromPath[UUID], principal: Who) -> list[AttemptView]:
        """Show every call of an operation, with its redacted exchanges."""
        found = await self._found(operation_id, principal)
        async with db.transaction(scope_of(principal)):
            return await operations.attempts(found.account_id, operation_id)

    @post("/{operation_id:uuid}/replay", status_code=202, guards=[may("operations.replay")])
    async def replay(self, operation_id: FromPath[UUID], principal: Who) -> None:
        """Try a dead or refused operation again; it looks up what happened before it repeats anything."""
        found = await self._found(operation_id, principal)
        await process.replay(found.account_id, operation_id, actor=principal.actor)

    async def _found(self, operation_id: UUID, principal: Principal) -> OperationView:
        async with db.transaction(scope_of(principal)):
            found = await operations.operation(operation_id)
        if found is None:
            raise NotFound("operation_not_found", "There is no such operation.")
        return found


class Resolution(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a person decided."""

    resolution: Annotated[str, Meta(min_length=1, max_length=1000)]


class WorkItems(Controller):
    """What a person must decide."""

    path = "/work-items"
    tags = ("Watching",)

    @get(guards=[may("work_items.read")])
    async def index(
        self,
        principal: Who,
        cursor: Cursor = None,
        limit: Limit = DEFAULT,
        account_id: FromQuery[UUID | None] = None,
    ) -> Page[WorkItemView]:
        """List open work items, oldest first."""
        wanted = narrowing(principal, account_id)
        async with db.transaction(scope_of(principal)):
            return page(await work.items(wanted, after(cursor), limit), limit, lambda each: each.id)

    @post("/{item_id:uuid}/close", status_code=200, guards=[may("work_items.close")])
    async def close(
        self,
        item_id: FromPath[UUID],
        data: JSONBody[Resolution],
        principal: Who,
        account_id: FromQuery[UUID | None] = None,
    ) -> WorkItemView:
        """Close a work item with what was decided."""
        wanted = narrowing(principal, account_id)
        if wanted is None:
            raise NotFound("account_not_found", "Say which account: add ?account_id=….")
        async with db.transaction(db.account(wanted)):
            closed = await work.close_item(wanted, item_id, principal.actor, data.resolution, clock.now())
        if closed is None:
            raise NotFound("work_item_not_found", "There is no such open work item.")
        return closed


class Inbox(Controller):
    """Messages that could not be handled."""

    path = "/inbox"
    tags = ("Watching",)

    @get(guards=[may("inbox.read")])
    async def index(self, principal: Who, cursor: Cursor = None, limit: Limit = DEFAULT) -> Page[InboxView]:
        """List messages that were parked or could not be read, and why."""
        async with db.transaction(scope_of(principal)):
            return page(await inbox.unhandled(principal.account_id, after(cursor), limit), limit, lambda each: each.id)


class Events(Controller):
    """What happened, as a feed."""

    path = "/events"
    tags = ("Watching",)

    @get(guards=[may("events.read")])
    async def index(
        self,
        principal: Who,
        cursor: Cursor = None,
        limit: Limit = DEFAULT,
        account_id: FromQuery[UUID | None] = None,
    ) -> Page[EventView]:
        """Read the feed of events; keep the last event's cursor and ask again, also after the last page."""
        wanted = narrowing(principal, account_id)
        async with db.transaction(scope_of(principal)):
            found = await outbox.events(wanted, _after(cursor), limit)
        return Page(items=found, next_cursor=found[-1].cursor if found else cursor)


# A number that PostgreSQL can have given to a transaction.
TRANSACTION = re.compile(r"[0-9]{1,18}")


def _after(cursor: str | None) -> tuple[int, UUID] | None:
    if cursor is None:
        return None
    tx, _, last = cursor.partition("-")
    if not TRANSACTION.fullmatch(tx):
        raise Malformed("cursor_invalid", "This cursor is not one that the hub gave.")
    return int(tx), UUID(str(after(last)))


CONTROLLERS: tuple[Any, ...] = (Operations, WorkItems, Inbox, Events)
