"""Monta's API over a house."""

import base64
import binascii
from typing import Any

from litestar import Request, Response, get, post
from litestar.connection import ASGIConnection
from litestar.exceptions import HTTPException
from litestar.handlers import BaseRouteHandler
from litestar.params import FromPath, JSONBody
from litestar.router import Router
from litestar.types import ASGIApp

from connectors.monta.sandbox.house import REASONS, House
from connectors.sandboxes import application

LOGIN = "returns-hub:sandbox-password-of-monta"
Json = dict[str, Any]


def create_app() -> ASGIApp:
    """Return the sandbox: one account of Monta, empty."""
    house = House()
    handlers = [*_forecasts(house), *_returns(house)]
    router = Router("/", route_handlers=handlers, guards=[_guard], exception_handlers={HTTPException: _told})
    return application(house, [router])


def _guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:  # noqa: ARG001 - every guard gets it
    scheme, _, text = connection.headers.get("authorization", "").partition(" ")
    try:
        login = base64.b64decode(text, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        login = ""
    if scheme.lower() != "basic" or login != LOGIN:
        raise HTTPException("Unauthorized", status_code=401)


def _told(_: Request[Any, Any, Any], fault: HTTPException) -> Response[Json]:
    reasons = fault.extra if isinstance(fault.extra, list) else []
    return Response({"ErrorMessage": fault.detail, "InvalidReasons": reasons}, status_code=fault.status_code)


def _invalid(house: House, given: Json) -> list[str]:
    """Return everything that is wrong with a forecast."""
    order = given.get("WebshopOrderId")
    if order not in house.orders:
        return [f"WebshopOrderId {order} does not exist"]
    lines = given.get("Lines") or []
    wrong = [f"unknown field {name}" for name in sorted(set(given) - {"Code", "WebshopOrderId", "Lines"})]
    wrong += [] if given.get("Code") and lines else ["Code and Lines are required"]
    for line in lines:
        if line.get("WebshopOrderLineId") not in house.orders[order]:
            wrong.append(f"WebshopOrderLineId {line.get('WebshopOrderLineId')} does not exist")
        if not isinstance(line.get("ReturnQuantity"), int) or line["ReturnQuantity"] < 1:
            wrong.append("ReturnQuantity must be at least 1")
    return wrong


def _shown(forecast: Json) -> Json:
    more = {"RelatieRetourOorzaakId": None, "RelatieRetourOorzaakParentId": None, "CustomerComment": None}
    beside = {"CauseDescription": None, "Comment": None, "TrackAndTraceCode": None, "TrackAndTraceLink": None}
    return {**forecast, **beside, "Lines": [{**line, **more} for line in forecast["Lines"]]}


def _forecasts(house: House) -> list[Any]:
    @post("/returnforecast", status_code=200, sync_to_thread=False)
    def create(data: JSONBody[Json]) -> Json:
        wrong = _invalid(house, data)
        if wrong:
            raise HTTPException("Returnforecast could not be saved", status_code=400, extra=wrong)
        house.forecasts.append(data)
        return _shown(data)

    @get("/returnforecast/{code:str}", sync_to_thread=False)
    def read(code: FromPath[str]) -> Json:
        for each in house.forecasts:
            if each["Code"] == code:
                return _shown(each)
        raise HTTPException("Returnforecast not found", status_code=404)

    return [create, read]


def _returns(house: House) -> list[Any]:
    @get("/return/updated_since/{day:str}", sync_to_thread=False)
    def updated(day: FromPath[str]) -> Json:
        found = [each for each in house.returns.values() if each["UpdatedAt"][:10] >= day]
        if not found:
            raise HTTPException("No groups found for these filters", status_code=404)
        return {"Returns": found}

    @get("/returnreasons", sync_to_thread=False)
    def reasons() -> list[Json]:
        return REASONS

    return [updated, reasons]
