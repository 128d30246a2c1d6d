"""Skeleton's API, and what the people in its warehouse do."""

from itertools import count
from typing import Any

from litestar import Request, Response, delete, get, put
from litestar.exceptions import HTTPException
from litestar.params import FromPath, JSONBody
from litestar.router import Router
from litestar.types import ASGIApp

from connectors.sandboxes import application
from connectors.sandboxes.control import Arrival, Clock, Order

KEY = "sandbox-key-of-skeleton"
PAGE = 50
Json = dict[str, Any]


class House:
    """Everything that Skeleton holds, in memory."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.products: set[str] = set()
        self.returns: dict[str, Json] = {}
        self.feed: dict[str, int] = {}
        self.numbers = count(1)

    def stock(self, skus: list[str]) -> None:
        """Know these products from now on."""
        self.products.update(skus)

    def sent(self, order: Order) -> None:
        """An order is nothing that a return needs here."""

    def receive(self, arrival: Arrival) -> str:
        """Put goods into a state; returns the id of their return."""
        held = self.find(arrival.return_number) if arrival.return_number else self.put(None, None, [])
        if held is None:
            msg = f"no return {arrival.return_number} was announced"
            raise ValueError(msg)
        for line in arrival.lines:
            same = [each for each in held["received"] if (each["sku"], each["state"]) == (line.sku, line.word)]
            if same:
                same[0]["quantity"] += line.quantity
            else:
                held["received"].append({"sku": line.sku, "quantity": line.quantity, "state": line.word})
        held["status"] = "done" if arrival.complete else "receiving"
        self.changed(held)
        return str(held["id"])

    def find(self, which: str) -> Json | None:
        """Return a return by its id or by our number."""
        return next((each for each in self.returns.values() if which in {each["id"], each["number"]}), None)

    def put(self, number: str | None, order: str | None, items: list[Json]) -> Json:
        """Make a return, or change it."""
        held = self.find(number) if number else None
        if held is None:
            made = f"SK{next(self.numbers)}"
            held = {"id": made, "number": number, "order": order, "received": [], "status": "open"}
            self.returns[made] = held
        held["items"] = items
        self.changed(held)
        return held

    def changed(self, held: Json) -> None:
        """Note that a return changed: it moves to the end of the feed."""
        held["changed"] = self.clock.now().isoformat()
        self.feed.pop(held["id"], None)
        self.feed[held["id"]] = next(self.numbers)

    def ledger(self) -> Json:
        """Return what Skeleton really holds."""
        return {
            "returns": [
                {"reference": each["id"], "return_number": each["number"], "lines": each["items"]}
                for each in self.returns.values()
            ]
        }

    def outbox(self) -> list[Json]:
        """Skeleton calls nobody."""
        return []


def create_app() -> ASGIApp:
    """Return the sandbox: one account, empty."""
    house = House()

    def guard(connection: Any, _handler: Any) -> None:
        if connection.headers.get("authorization") != f"Bearer {KEY}":
            raise HTTPException("Unauthorized", status_code=401)

    def told(_: Request[Any, Any, Any], fault: HTTPException) -> Response[Json]:
        return Response({"error": fault.detail}, status_code=fault.status_code)

    handlers = [*_writing(house), *_reading(house)]
    router = Router("/", route_handlers=handlers, guards=[guard], exception_handlers={HTTPException: told})
    return application(house, [router])


def _writing(house: House) -> list[Any]:
    @put("/returns/{number:str}", sync_to_thread=False)
    def announce(number: FromPath[str], data: JSONBody[Json]) -> Json:
        unknown = sorted({each["sku"] for each in data["items"]} - house.products)
        if unknown:
            raise HTTPException(f"product {unknown[0]} is unknown: add it first", status_code=422)
        _open(house, number)
        return house.put(number, data.get("order"), data["items"])

    @delete("/returns/{number:str}", status_code=200, sync_to_thread=False)
    def withdraw(number: FromPath[str]) -> Json:
        held = _open(house, number)
        if held is None:
            raise HTTPException("no such return", status_code=404)
        del house.returns[held["id"]], house.feed[held["id"]]
        return held

    return [announce, withdraw]


def _open(house: House, number: str) -> Json | None:
    held = house.find(number)
    if held is not None and held["received"]:
        raise HTTPException("goods are there", status_code=409)
    return held


def _reading(house: House) -> list[Any]:
    @get("/returns/{which:str}", sync_to_thread=False)
    def read(which: FromPath[str]) -> Json:
        held = house.find(which)
        if held is None:
            raise HTTPException("no such return", status_code=404)
        return held

    @get("/changes", sync_to_thread=False)
    def changes(request: Request[Any, Any, Any]) -> Json:
        after = int(request.query_params.get("after", 0))
        later = [(place, each) for each, place in house.feed.items() if place > after]
        page = later[:PAGE]
        following = page[-1][0] if page else after
        return {"returns": [house.returns[each] for _, each in page], "next": following, "more": len(later) > PAGE}

    return [read, changes]
