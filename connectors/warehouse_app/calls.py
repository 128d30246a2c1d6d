"""What the app's scripts ask and send: the receiving desk as JSON; what changes something carries the forms' token."""

from typing import Any

import msgspec
from litestar import Controller, Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, SkipValidation
from litestar.template.base import csrf_token

from hub.sdk import (
    BatchAnswers,
    ExpectedPage,
    GradingSetView,
    Photo,
    ReceiptBatch,
    ReceivingDesk,
    ReceivingRefused,
    Scanned,
    Subject,
)
from hub.sdk.photos import MOST_BYTES
from hub.sdk.receiving import ExpectedReturn

Visit = Request[Any, Any, Any]
Desk = NamedDependency[SkipValidation[ReceivingDesk]]
PER_PAGE = 200


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Who stands at the desk now. `token` goes with what changes something; `shared` says that PINs are used here."""

    warehouse: str
    warehouse_id: str
    operator: str
    shared: bool
    token: str


class Reopening(msgspec.Struct, frozen=True, kw_only=True):
    """Why receiving goes on that was finalised before."""

    why: str


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """The id of a photo that was kept."""

    id: str


class Calls(Controller):
    """The receiving desk for scripts of the app's own page."""

    path = "/desk"
    include_in_schema = False

    @get("/session")
    async def session(self, request: Visit, desk: Desk) -> Standing:
        """Say who stands at the desk."""
        visitor: Any = request.scope.get("user")
        return Standing(
            warehouse=desk.warehouse,
            warehouse_id=str(getattr(visitor, "warehouse_id", "")),
            operator=getattr(visitor, "name", ""),
            shared=getattr(visitor, "kind", "") == "device",
            token=csrf_token({"request": request}),
        )

    @get("/expected")
    async def expected(self, desk: Desk, cursor: FromQuery[str | None] = None) -> ExpectedPage:
        """List what this warehouse may receive, oldest first."""
        return await desk.expected(cursor=cursor, limit=PER_PAGE)

    @get("/grading")
    async def grading(self, desk: Desk) -> list[GradingSetView]:
        """Show the grading questions of each account."""
        return await desk.grading()

    @get("/scan")
    async def scan(self, desk: Desk, code: FromQuery[str] = "") -> Scanned:
        """Say what a code may be, and what to do next."""
        return await desk.scan(code)

    @get("/returns/{number:str}")
    async def find(self, desk: Desk, number: FromPath[str]) -> ExpectedReturn:
        """Show one return as it stands now."""
        found = await desk.find(number)
        if found is None:
            raise ReceivingRefused("return_not_found", f"No return {number[:40]!r} is expected here.")
        return found

    @post("/receipts", status_code=200)
    async def receive(self, desk: Desk, data: JSONBody[ReceiptBatch]) -> BatchAnswers:
        """Book what the app kept, each receipt by itself."""
        return await desk.receive_all(data)

    @post("/returns/{number:str}/reopen", status_code=200)
    async def reopen(self, desk: Desk, number: FromPath[str], data: JSONBody[Reopening]) -> ExpectedReturn:
        """Let more come for a return that was finalised."""
        return await desk.reopen(number, data.why)

    @post("/photos", status_code=200, request_max_body_size=MOST_BYTES)
    async def photograph(
        self,
        request: Visit,
        desk: Desk,
        key: FromQuery[str],
        return_number: FromQuery[str | None] = None,
        subject: FromQuery[Subject] = Subject.PARCEL,
    ) -> Kept:
        """Keep a photo that is sent as the body."""
        photo = Photo(key=key, content=await request.body(), return_number=return_number, subject=subject)
        return Kept(id=await desk.photograph(photo))
