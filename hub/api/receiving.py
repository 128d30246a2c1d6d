"""Receiving: one warehouse's desk, and the parcels that nobody announced."""

from typing import Annotated
from uuid import UUID

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from hub import process
from hub.api.access import Who, scope_of
from hub.api.guards import may
from hub.api.pages import DEFAULT, Cursor, Limit, Page, after, page
from hub.kit import db
from hub.kit.errors import NotFound
from hub.receipt.desk import Desk
from hub.receipt.grading.messages import GradingSetView
from hub.receipt.messages import ReceiptView, Reopening
from hub.receipt.parcels import queries as parcel_queries
from hub.receipt.parcels import service as parcels
from hub.receipt.parcels.messages import Claim, ParcelState, ParcelView
from hub.receipt.scans.engine import LONGEST
from hub.sdk.receiving import (
    BatchAnswers,
    ExpectedPage,
    ExpectedReturn,
    ReceiptBatch,
    ReceiptRequest,
    ReceiptResult,
)
from hub.sdk.scanning import Scanned
from tenants import queries as tenants
from tenants.messages import Party, Principal, WarehouseView

Scan = Annotated[str, QueryParameter(max_length=LONGEST, description="what was scanned or typed")]


async def provide_desk(warehouse_id: FromPath[UUID], principal: Who) -> Desk:
    """Return the receiving desk of a warehouse, if the principal may stand at it."""
    async with db.transaction(db.PLATFORM):
        warehouse = await tenants.warehouse(warehouse_id)
    if not _may_stand_at(warehouse, principal):
        raise NotFound("warehouse_not_found", "There is no such warehouse.")
    return Desk(
        warehouse_id=warehouse_id, warehouse=warehouse.name, account_id=warehouse.account_id, operator=principal.actor,
        receive=process.receive, reopen=process.reopen,
    )  # fmt: skip


def _may_stand_at(warehouse: WarehouseView, principal: Principal) -> bool:
    match principal.party:
        case Party.PLATFORM:
            return True
        case Party.ACCOUNT:
            return warehouse.account_id is not None and warehouse.account_id == principal.account_id
        case Party.PARTNER:
            return warehouse.partner_id is not None and warehouse.partner_id == principal.partner_id
        case Party.WAREHOUSE:
            return principal.warehouse_id == warehouse.id


Here = NamedDependency[Desk]


class Receiving(Controller):
    """What a warehouse expects, scans and receives."""

    path = "/warehouses/{warehouse_id:uuid}"
    tags = ("Receiving",)

    @get("/expected-returns", guards=[may("receiving.read")])
    async def expected(self, desk: Here, cursor: Cursor = None, limit: Limit = DEFAULT) -> ExpectedPage:
        """List what this warehouse may receive, oldest first."""
        return await desk.expected(cursor=cursor, limit=limit)

    @get("/scan", guards=[may("receiving.read")])
    async def scan(self, desk: Here, code: Scan = "") -> Scanned:
        """Say what a scanned code may be: a few candidates, each with what to do next."""
        return await desk.scan(code)

    @get("/receipts", guards=[may("receiving.read")])
    async def receipts(self, desk: Here, return_number: FromQuery[str] = "") -> list[ReceiptView]:
        """Show what was booked for one return, regrades and corrections included, oldest first."""
        return await desk.receipts(return_number)

    @post("/receipts", guards=[may("receiving.book")])
    async def receive(self, desk: Here, data: JSONBody[ReceiptRequest]) -> ReceiptResult:
        """Book what arrived for one return, what is known better of it by now, or an unknown parcel."""
        return await desk.receive(data)

    @post("/receipts/batch", status_code=200, guards=[may("receiving.book")])
    async def receive_all(self, desk: Here, data: JSONBody[ReceiptBatch]) -> BatchAnswers:
        """Book what was kept without a connection; each receipt has an answer of its own, in the same order."""
        return await desk.receive_all(data)

    @post("/returns/{number:str}/reopen", status_code=200, guards=[may("receiving.reopen")])
    async def reopen(self, desk: Here, number: FromPath[str], data: JSONBody[Reopening]) -> ExpectedReturn:
        """Let more come for a return that was finalised, until its settlement is sent."""
        return await desk.reopen(number, data.why)

    @get("/grading", guards=[may("receiving.read")])
    async def grading(self, desk: Here) -> list[GradingSetView]:
        """Show the grading questions of each account that this warehouse receives for."""
        return await desk.grading()


class Parcels(Controller):
    """Parcels that no return announced."""

    path = "/parcels"
    tags = ("Receiving",)

    @get(guards=[may("parcels.read")])
    async def index(
        self,
        principal: Who,
        cursor: Cursor = None,
        limit: Limit = DEFAULT,
        status: FromQuery[ParcelState | None] = None,
        warehouse_id: FromQuery[UUID | None] = None,
    ) -> Page[ParcelView]:
        """List the unknown parcels you may see: an account those that may be its own, a warehouse all it has."""
        async with db.transaction(scope_of(principal)):
            found = await parcel_queries.page(
                warehouse_id=warehouse_id, state=status, after=after(cursor), limit=limit
            )  # fmt: skip
        return page(found, limit, lambda each: each.id)

    @get("/{parcel_id:uuid}", guards=[may("parcels.read")])
    async def read(self, parcel_id: FromPath[UUID], principal: Who) -> ParcelView:
        """Show one unknown parcel with its candidates."""
        return await self._found(parcel_id, principal)

    @post("/{parcel_id:uuid}/claim", status_code=200, guards=[may("parcels.claim")])
    async def claim(self, parcel_id: FromPath[UUID], data: JSONBody[Claim], principal: Who) -> ParcelView:
        """Say whose parcel it is: the return that it belongs to, or where it goes. The first claim holds."""
        parcel = await self._found(parcel_id, principal)
        await parcels.claim(parcel, data, principal.account_id, actor=principal.actor)
        return await self._found(parcel_id, principal)

    async def _found(self, parcel_id: UUID, principal: Principal) -> ParcelView:
        async with db.transaction(scope_of(principal)):
            found = await parcel_queries.one(parcel_id)
        if found is None:
            raise NotFound("parcel_not_found", "There is no such parcel.")
        return found


CONTROLLERS = (Receiving, Parcels)
