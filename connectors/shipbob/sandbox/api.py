"""ShipBob's API over a house."""

import re
from typing import Any

from litestar import Request, Response, delete, get, post, put
from litestar.connection import ASGIConnection
from litestar.exceptions import HTTPException
from litestar.handlers import BaseRouteHandler
from litestar.params import FromPath, JSONBody
from litestar.router import Router
from litestar.types import ASGIApp

from connectors.sandboxes import application
from connectors.shipbob.sandbox.house import AWAITING, CENTER, CHANNEL, House

TOKEN = "sandbox-token-of-shipbob"  # noqa: S105 - it opens nothing but this sandbox
FIELDS = {"reference_id", "fulfillment_center", "inventory", "tracking_number", "original_shipment_id"}
ACTIONS = {"Default", "Restock", "Quarantine", "Dispose"}
TOPICS = {"return.created", "return.updated", "return.completed"}
SECRET = re.compile(r"whsec_[a-zA-Z0-9+/]{32}")
LONGEST_REFERENCE = 50
Json = dict[str, Any]
Asked = Request[Any, Any, Any]


def create_app() -> ASGIApp:
    """Return the sandbox: one merchant of ShipBob, empty."""
    house = House()
    handlers = [*_lists(house), *_returns(house), *_one(house), *_hooks(house)]
    router = Router("/2026-01", route_handlers=handlers, guards=[_guard], exception_handlers={HTTPException: _told})
    return application(house, [router])


def _guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:  # noqa: ARG001 - every guard gets it
    if connection.headers.get("authorization") != f"Bearer {TOKEN}":
        raise HTTPException("Unauthorized", status_code=401)


def _told(_: Asked, fault: HTTPException) -> Response[Json]:
    errors = fault.extra if isinstance(fault.extra, list) else []
    return Response({"message": fault.detail, "errors": errors}, status_code=fault.status_code)


def _valid(house: House, given: Json, known: Json | None = None) -> None:
    """Refuse what is no return, with everything that is wrong with it."""
    wrong = [f"{name} is no field of a return" for name in sorted(given.keys() - FIELDS)]
    reference, items = given.get("reference_id"), given.get("inventory") or []
    if not isinstance(reference, str) or not 1 <= len(reference) <= LONGEST_REFERENCE:
        wrong.append("reference_id has 1 to 50 characters")
    if any(each["reference_id"] == reference and each is not known for each in house.returns.values()):
        wrong.append(f"reference_id {reference} is taken")
    if (given.get("fulfillment_center") or {}).get("id") != CENTER["id"]:
        wrong.append("fulfillment_center is not one of yours")
    if not items or len({each.get("id") for each in items}) < len(items):
        wrong.append("inventory has each id once, and at least one")
    wrong += [f"inventory {each.get('id')} cannot be returned" for each in items if not _fits(house, each)]
    if wrong:
        raise HTTPException("The return is not valid", status_code=422, extra=wrong)


def _fits(house: House, item: Json) -> bool:
    quantity = item.get("quantity")
    there = item.get("id") in house.inventory and isinstance(quantity, int) and quantity > 0
    return there and item.get("requested_action") in ACTIONS


def _brief(held: Json) -> Json:
    """Return a return as making it answers: less than reading it does."""
    names = ("id", "reference_id", "status", "return_type", "insert_date", "completed_date", "customer_name",
             "tracking_number", "original_shipment_id", "channel", "fulfillment_center")  # fmt: skip
    inventory = [
        {name: item[name] for name in ("id", "name", "quantity", "action_taken")} for item in held["inventory"]
    ]
    return {name: held[name] for name in names} | {"inventory": inventory}


def _paged(items: list[Json], page: int, size: int) -> Json:
    start, end = (page - 1) * size, page * size
    following = f"https://api.shipbob.com/2026-01/return?Cursor={page + 1}" if end < len(items) else None
    return {"items": items[start:end], "first": None, "last": None, "next": following, "prev": None}


def _returns(house: House) -> list[Any]:
    @get("/return", sync_to_thread=False)
    def index(request: Asked) -> Json:
        query = request.query_params
        statuses, numbers = query.get("Status"), query.get("ReferenceIds")
        found = [
            held
            for held in house.returns.values()
            if (statuses is None or held["status"] in statuses.split(","))
            and (numbers is None or held["reference_id"] in numbers.split(","))
            and held["insert_date"] >= query.get("StartDate", "")
            and (held["completed_date"] or "") >= query.get("CompletedStartDate", "")
        ]
        if query.get("SortOrder", "Desc") == "Desc":
            found.reverse()
        return _paged(found, int(query.get("Cursor", 1)), int(query.get("Limit", 10)))

    @post("/return", status_code=201, sync_to_thread=False)
    def create(request: Asked, data: JSONBody[Json]) -> Json:
        if request.headers.get("shipbob_channel_id") != str(CHANNEL["id"]):
            raise HTTPException("shipbob_channel_id is none of yours", status_code=400)
        _valid(house, data)
        return _brief(house.make(data))

    return [index, create]


def _one(house: House) -> list[Any]:
    @get("/return/{number:int}", sync_to_thread=False)
    def read(number: FromPath[int]) -> Json:
        return _held(house, number)

    @put("/return/{number:int}", sync_to_thread=False)
    def change(number: FromPath[int], data: JSONBody[Json]) -> Json:
        held = _held(house, number)
        if held["status"] != AWAITING:
            raise HTTPException("Only returns that await arrival can be changed", status_code=422)
        _valid(house, data, held)
        house.fill(held, data)
        house.tell(held, "return.updated")
        return _brief(held)

    @post("/return/{number:str}", status_code=200, sync_to_thread=False)
    def act(number: FromPath[str]) -> Response[None]:
        identity, _, action = number.partition(":")
        held = _held(house, int(identity) if identity.isdecimal() else 0)
        if action != "cancel" or held["status"] != AWAITING:
            raise HTTPException("Only returns that await arrival can be cancelled", status_code=400)
        house.cancel(held)
        return Response(None)

    return [read, change, act]


def _held(house: House, number: int) -> Json:
    if number not in house.returns:
        raise HTTPException("Return not found", status_code=404)
    return house.returns[number]


def _lists(house: House) -> list[Any]:
    @get("/inventory", sync_to_thread=False)
    def inventory(request: Asked) -> Json:
        search = request.query_params.get("SearchBy", "").casefold()
        found = [{"inventory_id": number, "sku": sku, "name": sku} for number, sku in house.inventory.items()
                 if search in sku.casefold()]  # fmt: skip
        return _paged(found, 1, int(request.query_params.get("PageSize", 50)))

    @get("/channel", sync_to_thread=False)
    def channels() -> Json:
        return {"items": [CHANNEL | {"application_name": "SMA", "scopes": ["returns_read", "returns_write"]}]}

    @get("/fulfillment-center", sync_to_thread=False)
    def centers() -> list[Json]:
        return [CENTER]

    return [inventory, channels, centers]


def _hooks(house: House) -> list[Any]:
    @get("/webhook", sync_to_thread=False)
    def index() -> Json:
        shown = [{name: value for name, value in hook.items() if name != "secret"} for hook in house.hooks.values()]
        return {"items": shown, "next": None, "prev": None}

    @post("/webhook", status_code=200, sync_to_thread=False)
    def create(data: JSONBody[Json]) -> Json:
        topics, url, secret = data.get("topics") or [], str(data.get("url")), str(data.get("secret"))
        if not topics or not set(topics) <= TOPICS or not url.startswith("https://") or not SECRET.fullmatch(secret):
            raise HTTPException("The subscription is not valid", status_code=422)
        number = str(house.number())
        made = {**data, "id": number, "created_at": house.now()}
        house.hooks[number] = made | {"enabled": True}
        return made

    @delete("/webhook/{number:str}", status_code=204, sync_to_thread=False)
    def remove(number: FromPath[str]) -> None:
        house.hooks.pop(number, None)

    return [index, create, remove]
