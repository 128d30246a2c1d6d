"""Partners' own systems in the demonstration: their sandboxes, and the people in their warehouses."""

import importlib
from collections.abc import Mapping
from typing import Any

import httpx
import msgspec

from hub.demo.plan import NAMES, Case, Merchant, Part, deliveries

GOOD, BAD = frozenset({"A", "B"}), "D"
DAMAGED = {"grade": BAD, "condition": "damaged", "disposition": "quarantine"}


class System(msgspec.Struct, frozen=True, kw_only=True):
    """One system: its words for good and for damaged goods, and whether it tells of a return only once it is done."""

    connector: str
    good: str
    bad: str
    at_once: bool = False

    def settings(self, address: str) -> dict[str, Any]:
        """Return what opens its sandbox at an address."""
        values: Mapping[str, Any] = importlib.import_module(f"connectors.{self.connector}.sandbox").SETTINGS
        return {name: _at(address, value) for name, value in values.items()}

    @property
    def words(self) -> dict[str, Any]:
        """What its partner says of the word that tells not by itself what goods are worth."""
        return {"state": {self.bad: DAMAGED}}


def _at(address: str, value: Any) -> Any:
    return value.format(address=address) if isinstance(value, str) else value


SYSTEMS = {
    each.connector: each
    for each in (
        System(connector="picqer", good="back_in_stock", bad="unsalable"),
        System(connector="monta", good="sellable", bad="not_sellable", at_once=True),
        System(connector="shipbob", good="restock", bad="quarantine"),
    )
}


def system_of(fault: str) -> str | None:
    """Return the partner's system that a fault such as `picqer:POST /api/v1/returns=500-after/3` is for."""
    name = fault.partition(":")[0]
    return name if name in SYSTEMS else None


class People:
    """Act in one partner's warehouse, through its sandbox's control interface."""

    def __init__(self, http: httpx.AsyncClient, system: System) -> None:
        self._http = http
        self._system = system

    async def fail(self, faults: tuple[str, ...]) -> None:
        """Switch these faults on, in place of all others."""
        (await self._http.put("/_sandbox/faults", json=list(faults))).raise_for_status()

    async def know(self, merchant: Merchant, lines: Mapping[str, Mapping[str, str]]) -> None:
        """Know the products and the orders that were sent; `lines` has the order line of each product of an order."""
        (await self._http.post("/_sandbox/products", json=sorted(NAMES))).raise_for_status()
        for case in merchant.cases:
            sent = [
                {"sku": sku, "quantity": units, "order_line": lines[case.order][sku]}
                for sku, units in case.story.declared.items()
            ]
            order = {"number": case.order, "lines": sent}
            (await self._http.post("/_sandbox/orders", json=order)).raise_for_status()

    async def receive(self, case: Case, number: str, box: int) -> bool:
        """Receive one box of a return, once however often it is asked; returns whether the system knew of it."""
        boxes = deliveries(case.story)
        last = box == len(boxes) - 1
        if self._system.at_once and not last:
            return True
        parts = [part for each in boxes for part in each] if self._system.at_once else boxes[box]
        arrival = {
            "key": f"{number}:{box}", "return_number": number, "complete": last,
            "lines": [self._stock(part) for part in parts],
        }  # fmt: skip
        answer = await self._http.post("/_sandbox/receive", json=arrival)
        if answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY:
            return False
        answer.raise_for_status()
        return True

    def _stock(self, part: Part) -> dict[str, Any]:
        word = self._system.good if part.grade in GOOD else self._system.bad
        return {"sku": part.sku, "quantity": part.quantity, "word": word}
