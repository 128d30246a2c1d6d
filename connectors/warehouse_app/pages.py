"""The app's pages: what is expected, and receiving one return. They work without JavaScript and with keys only."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import msgspec
from litestar import Controller, Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, SkipValidation
from litestar.response import Redirect, Template

from connectors.warehouse_app import form
from hub.sdk import (
    Condition,
    Disposition,
    ExpectedReturn,
    Grade,
    ReceiptRequest,
    ReceiptResult,
    ReceivingDesk,
    ReceivingRefused,
)

Visit = Request[Any, Any, Any]
# Litestar cannot check a protocol at run time; mypy does.
Desk = NamedDependency[SkipValidation[ReceivingDesk]]

LIST, SCAN, RETURN = "warehouse_app:list", "warehouse_app:scan", "warehouse_app:return"
NOTICE = "warehouse_app:notice"
PER_PAGE = 50
LONGEST_SCAN = 100
# Where the hub leaves what was typed into this page's form in a session that had ended.
KEPT = "kept"
# The notice travels in the session's cookie, which has room for little.
MOST_TOLD = 20


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """What the page after a booking tells."""

    number: str
    status: str
    units: int
    finalised: bool
    repeated: bool
    deviations: tuple[str, ...] = ()
    untold: int = 0


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A receiving form on its way between operator and desk.

    `key` is made with the form and stays with it until it is booked, so that sending it twice books it once.
    """

    found: ExpectedReturn
    products: tuple[form.Product, ...]
    rows: tuple[form.Row, ...]
    key: str
    wrong: form.Wrong = {}
    refused: str = ""
    told: str = ""
    short: tuple[form.Product, ...] = ()
    focus: str = "quantity-0"


class WarehouseApp(Controller):
    """Receiving for the warehouse whose key signed in."""

    include_in_schema = False

    @get("/", name=LIST)
    async def list(self, request: Visit, desk: Desk, cursor: FromQuery[str | None] = None) -> Response[Any]:
        """Show what this warehouse expects, oldest first."""
        try:
            return await _listed(desk, cursor)
        except ReceivingRefused:
            if cursor is None:
                raise
            return Redirect(_path(request, LIST), status_code=303)

    @get("/scan", name=SCAN)
    async def scan(self, request: Visit, desk: Desk, number: FromQuery[str] = "") -> Response[Any]:
        """Open the return whose number was scanned or typed."""
        scanned = number.strip()
        if not scanned:
            return Redirect(_path(request, LIST), status_code=303)
        found = await desk.find(scanned)
        if found is None:
            return await _listed(desk, None, unknown=scanned)
        return Redirect(_path(request, RETURN, number=found.return_number), status_code=303)

    @get("/returns/{number:str}", name=RETURN)
    async def show(self, request: Visit, desk: Desk, number: FromPath[str]) -> Response[Any]:
        """Show one return with an empty form, or with what was typed into it before the session ended."""
        found = await desk.find(number)
        if found is None:
            return await _listed(desk, None, unknown=number)
        kept = request.scope.get(KEPT)
        if isinstance(kept, dict) and kept:
            return _page(desk, _taken(found, kept))
        notice = _notice(request, found)
        scans_next = notice is not None or not found.open
        return _page(desk, _draft(found, focus="number" if scans_next else "quantity-0"), notice)

    @post("/returns/{number:str}", status_code=200)
    async def receive(self, request: Visit, desk: Desk, number: FromPath[str]) -> Response[Any]:
        """Take the form: add a row, check it, or book it."""
        found = await desk.find(number)
        if found is None:
            return await _listed(desk, None, unknown=number)
        typed = await request.form()
        draft, wish = _taken(found, typed), _text(typed, "do")
        if wish.startswith("add:"):
            return _page(desk, _extended(draft, wish.removeprefix("add:")))
        arrived, wrong = form.items(draft.rows)
        draft = _judged(draft, arrived, wrong, wish)
        if draft.wrong or draft.told or draft.short:
            return _page(desk, draft)
        return await _book(request, desk, draft, arrived, wish)


async def _book(
    request: Visit, desk: ReceivingDesk, draft: Draft, arrived: tuple[Any, ...], wish: str
) -> Response[Any]:
    finalise = wish != "book"
    number = draft.found.return_number
    receipt = ReceiptRequest(key=f"app:{draft.key}", return_number=number, items=arrived, finalise=finalise)
    try:
        result = await desk.receive(receipt)
    except ReceivingRefused as refused:
        return _page(desk, _refused(draft, refused))
    request.session[NOTICE] = msgspec.to_builtins(_told(receipt, result))
    return Redirect(_path(request, RETURN, number=number), status_code=303)


async def _listed(desk: ReceivingDesk, cursor: str | None, *, unknown: str = "") -> Template:
    page = await desk.expected(cursor=cursor, limit=PER_PAGE)
    context = {
        "warehouse": desk.warehouse,
        "returns": page.items,
        "next_cursor": page.next_cursor,
        "later": cursor is not None,
        "unknown": unknown[:LONGEST_SCAN],
        "now": datetime.now(UTC),
    }
    return Template("warehouse_app/expected.html", context=context, status_code=404 if unknown else 200)


def _page(desk: ReceivingDesk, draft: Draft, notice: Notice | None = None) -> Template:
    context = {
        "warehouse": desk.warehouse,
        "draft": draft,
        "notice": notice,
        "closed": not draft.found.open,
        "grades": [each.value for each in Grade],
        "conditions": [each.value for each in Condition],
        "dispositions": [each.value for each in Disposition],
        "full": form.full(draft.rows, draft.products),
    }
    bad = draft.wrong or draft.refused or draft.told in {"nothing", "booked_before"}
    return Template("warehouse_app/receive.html", context=context, status_code=422 if bad else 200)


def _draft(found: ExpectedReturn, *, focus: str) -> Draft:
    products = form.products(found.lines)
    return Draft(found=found, products=products, rows=form.blank(products), key=str(uuid4()), focus=focus)


def _taken(found: ExpectedReturn, typed: Mapping[str, Any]) -> Draft:
    products = form.products(found.lines)
    key = _text(typed, "key")
    return Draft(
        found=found,
        products=products,
        rows=form.read(typed, products),
        key=key if 0 < len(key) <= form.LONGEST_KEY else str(uuid4()),
    )


def _extended(draft: Draft, sku: str) -> Draft:
    rows, number = form.add(draft.rows, sku, draft.products)
    return msgspec.structs.replace(draft, rows=rows, focus=f"quantity-{number}" if sku else f"sku-{number}")


def _judged(draft: Draft, arrived: tuple[Any, ...], wrong: form.Wrong, wish: str) -> Draft:
    """Say what stands between the form and the desk: bad fields, nothing to book, or a shortage to confirm."""
    change = msgspec.structs.replace
    if wrong:
        return change(draft, wrong=wrong, focus=next(iter(wrong)))
    nothing_yet = not any(product.received for product in draft.products)
    if not arrived and (wish == "book" or nothing_yet):
        return change(draft, told="nothing")
    if wish == "finalise":
        short = form.missing(draft.products, arrived)
        return change(draft, short=short, focus="finalise_short") if short else draft
    if wish not in {"book", "finalise_short"}:
        return change(draft, told="complete" if arrived else "nothing", focus="book" if arrived else "quantity-0")
    return draft


def _refused(draft: Draft, refused: ReceivingRefused) -> Draft:
    change = msgspec.structs.replace
    if refused.code == "key_reused":
        # The form was booked before and then changed; whoever sends it again now means a new delivery.
        return change(draft, told="booked_before", key=str(uuid4()))
    return change(draft, refused=refused.message)


def _told(receipt: ReceiptRequest, result: ReceiptResult) -> Notice:
    return Notice(
        number=result.return_number or "",
        status=result.status,
        units=sum(item.quantity for item in receipt.items),
        finalised=receipt.finalise,
        repeated=result.repeated,
        deviations=result.deviations[:MOST_TOLD],
        untold=len(result.deviations[MOST_TOLD:]),
    )


def _notice(request: Visit, found: ExpectedReturn) -> Notice | None:
    kept = request.session.pop(NOTICE, None)
    if kept is None:
        return None
    try:
        notice = msgspec.convert(kept, Notice)
    except msgspec.ValidationError:
        # Another version of the app left it.
        return None
    return notice if notice.number == found.return_number else None


def _path(request: Visit, name: str, **values: str) -> str:
    return request.app.route_reverse(name, **values)


def _text(typed: Mapping[str, Any], name: str) -> str:
    value = typed.get(name, "")
    return value.strip() if isinstance(value, str) else ""
