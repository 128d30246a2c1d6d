"""The receiving desk: one warehouse's view of the hub, whichever process stands behind it."""

from collections.abc import Awaitable, Callable, Sequence
from typing import NoReturn
from uuid import UUID

from hub.kit import db
from hub.kit.errors import HubError, NotFound
from hub.kit.numbers import normalise
from hub.receipt import batches, views
from hub.receipt import queries as receipts
from hub.receipt.grading import service as grading
from hub.receipt.grading.messages import GradingSetView
from hub.receipt.messages import ReceiptView
from hub.receipt.parcels import service as parcels
from hub.receipt.scans import service as scans
from hub.returns import queries
from hub.returns.messages import StoredReturn
from hub.sdk.receiving import (
    BatchAnswers,
    ExpectedPage,
    ExpectedReturn,
    ReceiptBatch,
    ReceiptRequest,
    ReceiptResult,
    ReceivingRefused,
)
from hub.sdk.scanning import Scanned
from tenants.warehouses import queries as warehouses

Receive = Callable[[StoredReturn, ReceiptRequest, str], Awaitable[ReceiptResult]]
Reopen = Callable[[StoredReturn, str, str], Awaitable[None]]

MOST_PER_PAGE = 200


class Desk:
    """Implements `hub.sdk.ReceivingDesk`: it finds under the warehouse's scope and books under the account's."""

    def __init__(
        self, *, warehouse_id: UUID, warehouse: str, operator: str, receive: Receive, reopen: Reopen | None = None,
        account_id: UUID | None = None,
    ) -> None:  # fmt: skip
        """Stand at a warehouse; `account_id` is the account that runs it, if one does."""
        self.warehouse = warehouse
        self._warehouse_id = warehouse_id
        self._account_id = account_id
        self._operator = operator
        self._receive = receive
        self._reopen = reopen

    async def expected(self, *, cursor: str | None = None, limit: int = 50) -> ExpectedPage:
        """List what this warehouse may receive, oldest first."""
        after = _uuid(cursor) if cursor else None
        size = min(max(limit, 1), MOST_PER_PAGE)
        async with db.transaction(db.warehouse(self._warehouse_id)):
            found = await queries.expected(self._warehouse_id, after, size)
        more = str(found[-1][1].id) if len(found) == size else None
        return ExpectedPage(items=await self._views(found), next_cursor=more)

    async def find(self, scanned: str) -> ExpectedReturn | None:
        """Find a return of this warehouse by its return number, as it was scanned or typed."""
        found = await self._find(scanned)
        return (await self._views([found]))[0] if found else None

    async def scan(self, scanned: str) -> Scanned:
        """Say what a scanned code may be here, and what to do next."""
        return await scans.scan(self._warehouse_id, self._account_id, scanned)

    async def receive(self, request: ReceiptRequest) -> ReceiptResult:
        """Book a delivery; safe to repeat with the same key. Raises `ReceivingRefused`."""
        try:
            if request.parcel is not None:
                return await parcels.register(self._warehouse_id, request, request.parcel, operator=self._operator)
            found = await self._found(request.return_number or "")
            return await self._receive(found, request, self._operator)
        except HubError as fault:
            _refuse(fault)

    async def receive_all(self, batch: ReceiptBatch) -> BatchAnswers:
        """Book what was kept without a connection, each receipt by itself; safe to repeat."""
        return BatchAnswers(answers=tuple([await batches.one(self, kept) for kept in batch.receipts]))

    async def receipts(self, scanned: str) -> list[ReceiptView]:
        """Return what was booked for a return of this warehouse; raises `ReceivingRefused`."""
        found = await self._found(scanned)
        async with db.transaction(db.warehouse(self._warehouse_id)):
            return await receipts.receipts(found.account_id, found.id)

    async def reopen(self, scanned: str, why: str) -> ExpectedReturn:
        """Let more come after receiving was finalised; raises `ReceivingRefused` once the settlement was sent."""
        found = await self._found(scanned)
        if self._reopen is None:
            raise ReceivingRefused("reopened_elsewhere", "Nothing is reopened from here; use the warehouse app.")
        try:
            await self._reopen(found, why, self._operator)
        except HubError as fault:
            _refuse(fault)
        return (await self._views([await self._find(scanned) or (self.warehouse, found)]))[0]

    async def grading(self) -> list[GradingSetView]:
        """Return the grading questions of each account that this warehouse receives for."""
        async with db.transaction(db.warehouse(self._warehouse_id)):
            accounts = await warehouses.assigned(self._warehouse_id)
            return await grading.of_accounts([each.id for each in accounts])

    async def _found(self, scanned: str) -> StoredReturn:
        found = await self._find(scanned)
        if found is not None:
            return found[1]
        if self._account_id is not None and normalise(scanned) is not None:
            for other in await scans.elsewhere(self._account_id, self._warehouse_id, [normalise(scanned) or scanned]):
                raise ReceivingRefused("belongs_elsewhere", other.say, warehouse=other.warehouse)
        raise ReceivingRefused("return_not_found", f"No return {scanned!r} is expected here.")

    async def _find(self, scanned: str) -> tuple[str, StoredReturn] | None:
        number = normalise(scanned)
        if number is None:
            return None
        async with db.transaction(db.warehouse(self._warehouse_id)):
            return await queries.at_warehouse(self._warehouse_id, number)

    async def _views(self, found: Sequence[tuple[str, StoredReturn]]) -> tuple[ExpectedReturn, ...]:
        return await views.of(self._warehouse_id, found)


def _refuse(fault: HubError) -> NoReturn:
    code = "return_not_found" if isinstance(fault, NotFound) else fault.code
    raise ReceivingRefused(code, fault.message, **fault.facts) from fault


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as fault:
        raise ReceivingRefused("cursor_invalid", "This cursor is not one that the hub gave.") from fault
