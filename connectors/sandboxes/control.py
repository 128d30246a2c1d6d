"""The people of a warehouse, as a test or a demonstration moves them; the same for every sandbox.

| Call | What happens |
|---|---|
| `POST /_sandbox/products` | The warehouse knows these products |
| `POST /_sandbox/orders` | The warehouse sent this order |
| `POST /_sandbox/receive` | Goods of an announced return arrive, or change their state; `complete` closes it |
| `POST /_sandbox/bring` | A parcel arrives that nobody announced |
| `POST /_sandbox/clock` | The vendor's clock stands at this moment |
| `PUT /_sandbox/faults` | These faults are played, in place of all others |
| `GET /_sandbox/ledger` | What the vendor really holds, whatever callers were told, and what they did wrong |
| `GET /_sandbox/outbox` | The hooks that were sent, byte for byte |
"""

from datetime import UTC, datetime
from typing import Annotated, Any, Protocol

import msgspec
from litestar import Litestar, get, post, put
from litestar.exceptions import HTTPException
from litestar.params import JSONBody
from litestar.types import ASGIApp
from msgspec import Meta

from connectors.sandboxes.faults import Faults

Text = Annotated[str, Meta(min_length=1)]


class Stock(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Units of a product; `word` is the vendor's own for their state, and fewer than none are taken back."""

    sku: Text
    quantity: int
    word: str | None = None


class Sent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line of an order that the warehouse sent."""

    sku: Text
    quantity: int
    order_line: Text


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An order that the warehouse sent."""

    number: Text
    lines: tuple[Sent, ...]


class Arrival(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Goods of one return; without a number they came unannounced."""

    lines: tuple[Stock, ...] = ()
    return_number: str | None = None
    order_number: str | None = None
    complete: bool = False


class At(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A moment."""

    at: datetime


class Clock:
    """The vendor's clock: real, until it is told to stand."""

    def __init__(self) -> None:
        self.stands_at: datetime | None = None

    def now(self) -> datetime:
        """Return the moment, in UTC."""
        return self.stands_at or datetime.now(UTC)


class House(Protocol):
    """What a vendor's sandbox has to offer to the people in its warehouse; `ValueError` says that it cannot be."""

    clock: Clock

    def stock(self, skus: list[str]) -> None: ...  # noqa: D102
    def sent(self, order: Order) -> None: ...  # noqa: D102
    def receive(self, arrival: Arrival) -> str: ...  # noqa: D102
    def ledger(self) -> dict[str, Any]: ...  # noqa: D102
    def outbox(self) -> list[dict[str, Any]]: ...  # noqa: D102


def application(house: House, handlers: list[Any]) -> ASGIApp:
    """Return a sandbox: the vendor's API with its faults, and the control interface beside it."""
    faults = Faults()

    @post("/_sandbox/products", sync_to_thread=False)
    def products(data: JSONBody[list[str]]) -> None:
        house.stock(data)

    @post("/_sandbox/orders", sync_to_thread=False)
    def orders(data: JSONBody[Order]) -> None:
        house.sent(data)

    @post("/_sandbox/receive", sync_to_thread=False)
    def receive(data: JSONBody[Arrival]) -> dict[str, str]:
        return {"reference": _possible(house, data)}

    @post("/_sandbox/bring", sync_to_thread=False)
    def bring(data: JSONBody[Arrival]) -> dict[str, str]:
        return {"reference": _possible(house, msgspec.structs.replace(data, return_number=None))}

    @post("/_sandbox/clock", sync_to_thread=False)
    def clock(data: JSONBody[At]) -> None:
        house.clock.stands_at = data.at

    @put("/_sandbox/faults", sync_to_thread=False)
    def switch(data: JSONBody[list[str]]) -> None:
        try:
            faults.switch(data)
        except ValueError as fault:
            raise HTTPException(str(fault), status_code=422) from fault

    @get("/_sandbox/ledger", sync_to_thread=False)
    def ledger() -> dict[str, Any]:
        return house.ledger()

    @get("/_sandbox/outbox", sync_to_thread=False)
    def outbox() -> list[dict[str, Any]]:
        return house.outbox()

    control = [products, orders, receive, bring, clock, switch, ledger, outbox]
    app = Litestar([*handlers, *control], openapi_config=None, logging_config=None)
    return faults.around(app)


def _possible(house: House, arrival: Arrival) -> str:
    try:
        return house.receive(arrival)
    except ValueError as fault:
        raise HTTPException(str(fault), status_code=422) from fault
