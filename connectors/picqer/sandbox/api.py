"""Picqer's API over a house."""

import base64
import binascii
from typing import Any

from litestar import Request, Response, delete, get, post, put
from litestar.connection import ASGIConnection
from litestar.exceptions import HTTPException
from litestar.handlers import BaseRouteHandler
from litestar.params import FromPath, JSONBody
from litestar.router import Router
from litestar.types import ASGIApp

from connectors.picqer.sandbox.house import KEY, REASONS, STATUSES, House
from connectors.sandboxes import application

PAGE = 100
WANTED: dict[str, type] = {"idreturn_status": int, "idtemplate": int, "returned_products": list}
OF_LINES: dict[str, tuple[type, ...]] = {"idreturn_reason": (int,), "idproduct": (int,), "price": (int, float)}
EVENTS = {"returns.created", "returns.changed", "returns.status_changed", "returns.products_received"}
Json = dict[str, Any]


def create_app() -> ASGIApp:
    """Return the sandbox: one Picqer account, empty."""
    house = House()
    return application(house, [_router(house)])


def _refuse(status: int, code: int, message: str) -> HTTPException:
    return HTTPException(message, status_code=status, extra={"code": code})


def _told(_: Request[Any, Any, Any], fault: HTTPException) -> Response[Json]:
    code = fault.extra["code"] if isinstance(fault.extra, dict) else 7
    body = {"error": True, "error_code": code, "error_message": fault.detail}
    return Response(body, status_code=fault.status_code)


def _guard(house: House) -> Any:
    def guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:  # noqa: ARG001 - every guard gets it
        scheme, _, text = connection.headers.get("authorization", "").partition(" ")
        try:
            user = base64.b64decode(text, validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            user = ""
        if scheme.lower() != "basic" or user != KEY:
            raise _refuse(401, 1, "Invalid API key")
        if "@" not in connection.headers.get("user-agent", ""):
            house.violations.append("no user-agent with a contact")
            raise _refuse(400, 2, "Send a User-Agent with your application and contact")

    return guard


def _valid(house: House, given: Json) -> None:
    for name, kind in WANTED.items():
        if not isinstance(given.get(name), kind):
            raise _refuse(400, 5, f"{name} is missing")
    for line in given["returned_products"]:
        _valid_line(house, line)


def _valid_line(house: House, line: Json) -> None:
    for name, kind in OF_LINES.items():
        if not isinstance(line.get(name), kind):
            raise _refuse(400, 5, f"{name} of a line is missing")
    if line["idproduct"] not in house.products:
        raise _refuse(400, 24, "Product does not exist")
    if line["idreturn_reason"] not in {each["idreturn_reason"] for each in REASONS}:
        raise _refuse(400, 7, "Return reason does not exist")


def _held(house: House, number: int) -> Json:
    if number not in house.returns:
        raise _refuse(404, 7, "Return does not exist")
    return house.returns[number]


def _row(house: House, number: int, row: int) -> Json:
    for each in _held(house, number)["returned_products"]:
        if each["idreturn_product"] == row:
            if not each["changeable"]:
                raise _refuse(400, 20, "This product was received and cannot be changed")
            found: Json = each
            return found
    raise _refuse(404, 20, "Item not found")


def _router(house: House) -> Router:
    handlers = [*_lists(house), *_returns(house), *_lines(house), *_hooks(house)]
    return Router("/api/v1", route_handlers=handlers, guards=[_guard(house)], exception_handlers={HTTPException: _told})


def _lists(house: House) -> list[Any]:
    @get("/return_statuses", sync_to_thread=False)
    def statuses() -> list[Json]:
        return STATUSES

    @get("/return_reasons", sync_to_thread=False)
    def reasons() -> list[Json]:
        return REASONS

    @get("/templates", sync_to_thread=False)
    def templates() -> list[Json]:
        return [{"idtemplate": 2, "name": "Retour"}]

    @get("/warehouses", sync_to_thread=False)
    def warehouses() -> list[Json]:
        return [{"idwarehouse": 18, "name": "Hal 1"}]

    @get("/products", sync_to_thread=False)
    def products(request: Request[Any, Any, Any]) -> list[Json]:
        wanted = request.query_params.get("productcode")
        found = [(each, code) for each, code in house.products.items() if wanted is None or code == wanted]
        return [{"idproduct": each, "productcode": code, "name": code} for each, code in found[:PAGE]]

    return [statuses, reasons, templates, warehouses, products]


def _returns(house: House) -> list[Any]:
    @get("/returns", sync_to_thread=False)
    def index(request: Request[Any, Any, Any]) -> list[Json]:
        query = request.query_params
        since, search, offset = query.get("updated_after", ""), query.get("search"), int(query.get("offset", 0))
        found = [held for held in house.returns.values() if held["updated_at"] >= since]
        if search is not None:
            found = [held for held in found if search in f"{held['reference']} {held['returnid']}"]
        return [house.shown(held) for held in found[offset : offset + PAGE]]

    @post("/returns", sync_to_thread=False)
    def create(data: JSONBody[Json]) -> Json:
        _valid(house, data)
        return house.shown(house.make(data))

    @get("/returns/{number:int}", sync_to_thread=False)
    def read(number: FromPath[int]) -> Json:
        return house.shown(_held(house, number))

    @delete("/returns/{number:int}", status_code=200, sync_to_thread=False)
    def remove(number: FromPath[int]) -> Json:
        held = _held(house, number)
        if any(row["idwarehouse"] for row in held["returned_products"]):
            raise _refuse(400, 33, "Something is linked to this return")
        del house.returns[number]
        house.deleted.append(held["reference"])
        return {"success": True}

    return [index, create, read, remove]


def _lines(house: House) -> list[Any]:
    @post("/returns/{number:int}/returned_products", sync_to_thread=False)
    def add(number: FromPath[int], data: JSONBody[Json]) -> Json:
        held = _held(house, number)
        _valid_line(house, data)
        held["returned_products"].append(house.row(held, data["idproduct"], data.get("amount", 1)))
        house.change(held)
        return house.shown(held)

    @put("/returns/{number:int}/returned_products/{row:int}", sync_to_thread=False)
    def change(number: FromPath[int], row: FromPath[int], data: JSONBody[Json]) -> Json:
        _row(house, number, row).update(data)
        house.change(_held(house, number))
        return house.shown(_held(house, number))

    @delete("/returns/{number:int}/returned_products/{row:int}", status_code=200, sync_to_thread=False)
    def remove(number: FromPath[int], row: FromPath[int]) -> Json:
        held = _held(house, number)
        held["returned_products"].remove(_row(house, number, row))
        house.change(held)
        return house.shown(held)

    return [add, change, remove]


def _hooks(house: House) -> list[Any]:
    @get("/hooks", sync_to_thread=False)
    def index() -> list[Json]:
        return [{**hook, "secret": None} for hook in house.hooks.values()]

    @post("/hooks", sync_to_thread=False)
    def create(data: JSONBody[Json]) -> Json:
        if data.get("event") not in EVENTS or not data.get("address"):
            raise _refuse(400, 5, "event or address is missing")
        number = house.number()
        house.hooks[number] = {"secret": None, "name": "", **data, "idhook": number, "active": True}
        return house.hooks[number]

    @post("/hooks/{number:int}/reactivate", status_code=200, sync_to_thread=False)
    def reactivate(number: FromPath[int]) -> Json:
        house.hooks[number]["active"] = True
        return house.hooks[number]

    @delete("/hooks/{number:int}", status_code=200, sync_to_thread=False)
    def deactivate(number: FromPath[int]) -> Json:
        house.hooks[number]["active"] = False
        return house.hooks[number]

    return [index, create, reactivate, deactivate]
