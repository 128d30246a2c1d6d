"""The receiving desk: one warehouse's view of the hub, whichever process stands behind it."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from hub.kit import db
from hub.kit.errors import HubError, NotFound
from hub.kit.numbers import normalise
from hub.returns import queries
from hub.returns.case import Status
from hub.returns.messages import StoredReturn
from hub.returns.states import DISPLAY
from hub.sdk.receiving import (
    ExpectedLine,
    ExpectedPage,
    ExpectedReturn,
    ReceiptRequest,
    ReceiptResult,
    ReceivingRefused,
)

Receive = Callable[[StoredReturn, ReceiptRequest, str], Awaitable[ReceiptResult]]

MOST_PER_PAGE = 200


class Desk:
    """Implements `hub.sdk.ReceivingDesk`: it finds under the warehouse's scope and books under the account's."""

    def __init__(self, *, warehouse_id: UUID, warehouse: str, operator: str, receive: Receive) -> None:
        self.warehouse = warehouse
        self._warehouse_id = warehouse_id
        self._operator = operator
        self._receive = receive

    async def expected(self, *, cursor: str | None = None, limit: int = 50) -> ExpectedPage:
        """List what this warehouse may receive, oldest first."""
        after = _uuid(cursor) if cursor else None
        size = min(max(limit, 1), MOST_PER_PAGE)
        async with db.transaction(db.warehouse(self._warehouse_id)):
            found = await queries.expected(self._warehouse_id, after, size)
        more = str(found[-1][1].id) if len(found) == size else None
        return ExpectedPage(items=tuple(_view(*each) for each in found), next_cursor=more)

    async def find(self, scanned: str) -> ExpectedReturn | None:
        """Find a return of this warehouse by its return number, as it was scanned or typed."""
        found = await self._find(scanned)
        return _view(*found) if found else None

    async def receive(self, request: ReceiptRequest) -> ReceiptResult:
        """Book a delivery; safe to repeat with the same key. Raises `ReceivingRefused`."""
        found = await self._find(request.return_number)
        if found is None:
            raise ReceivingRefused("return_not_found", f"No return {request.return_number!r} is expected here.")
        try:
            return await self._receive(found[1], request, self._operator)
        except NotFound as fault:
            raise ReceivingRefused("return_not_found", fault.message) from fault
        except HubError as fault:
            raise ReceivingRefused(fault.code, fault.message) from fault

    async def _find(self, scanned: str) -> tuple[str, StoredReturn] | None:
        number = normalise(scanned)
        if number is None:
            return None
        async with db.transaction(db.warehouse(self._warehouse_id)):
            return await queries.at_warehouse(self._warehouse_id, number)


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as fault:
        raise ReceivingRefused("cursor_invalid", "This cursor is not one that the hub gave.") from fault


def _view(account: str, stored: StoredReturn) -> ExpectedReturn:
    return ExpectedReturn(
        return_number=stored.number,
        account=account,
        order_number=stored.order_number,
        status=DISPLAY[Status(stored.status)],
        open=not (stored.case.finalised or stored.case.over),
        created_at=stored.created_at,
        lines=tuple(
            ExpectedLine(sku=line.sku, name=line.name, expected=line.declared, received=line.received)
            for line in stored.lines
        ),
    )
