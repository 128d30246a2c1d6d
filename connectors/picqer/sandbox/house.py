"""What this Picqer holds, and what its people do."""

import base64
import hashlib
import hmac
import json
from datetime import datetime
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from connectors.sandboxes import Stock
from connectors.sandboxes.control import Arrival, Clock, Order

KEY = "sandbox-key-of-picqer"
ZONE = ZoneInfo("Europe/Amsterdam")
WAREHOUSE = 18
STATUSES = [
    {"idreturn_status": 82, "name": "Aangemeld", "default": True, "completed": False, "color": "blue"},
    {"idreturn_status": 84, "name": "Producten ontvangen", "default": False, "completed": False, "color": "orange"},
    {"idreturn_status": 86, "name": "Afgehandeld", "default": False, "completed": True, "color": "green"},
]
REASONS = [{"idreturn_reason": 11, "name": "Onbekend"}, {"idreturn_reason": 14, "name": "Defect"}]
# How often Picqer tells of an event before it switches a hook off.
LATEST = 1000


class House:
    """Returns, products and hooks of one account, in memory."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.products: dict[int, str] = {}
        self.returns: dict[int, dict[str, Any]] = {}
        self.hooks: dict[int, dict[str, Any]] = {}
        self.deleted: list[str] = []
        self.violations: list[str] = []
        self.told: list[dict[str, Any]] = []
        self._numbers = count(70_000)

    def number(self) -> int:
        """Return an id that nothing else has."""
        return next(self._numbers)

    def now(self) -> str:
        """Return the moment as Picqer writes it: wall time, without a zone."""
        local: datetime = self.clock.now().astimezone(ZONE)
        return local.strftime("%Y-%m-%d %H:%M:%S")

    # what the people in the warehouse do

    def stock(self, skus: list[str]) -> None:
        """Know these products from now on."""
        for sku in skus:
            if sku not in self.products.values():
                self.products[self.number()] = sku

    def sent(self, order: Order) -> None:
        """An order is nothing that a return needs here."""
        self.stock([line.sku for line in order.lines])

    def receive(self, arrival: Arrival) -> str:
        """Put goods into a state; returns the id of their return."""
        self.stock([line.sku for line in arrival.lines])
        held = self._of(arrival)
        for line in arrival.lines:
            self._move(held, line)
        if any(line.quantity for line in arrival.lines):
            held["received_at"] = held["received_at"] or self.now()
        if arrival.complete:
            held["idreturn_status"], held["completed_at"] = 86, self.now()
        elif arrival.lines:
            held["idreturn_status"] = 84
        events = ["returns.products_received"] if arrival.lines else []
        self.change(held, *events, "returns.status_changed")
        return str(held["idreturn"])

    def _of(self, arrival: Arrival) -> dict[str, Any]:
        if arrival.return_number is None:
            return self.make({"reference": None, "idreturn_status": 82, "idtemplate": 2, "returned_products": []})
        for held in self.returns.values():
            if held["reference"] == arrival.return_number:
                return held
        msg = f"no return {arrival.return_number} was announced"
        raise ValueError(msg)

    def _move(self, held: dict[str, Any], line: Stock) -> None:
        rows = held["returned_products"]
        product = next(each for each, code in self.products.items() if code == line.sku)
        same = [each for each in rows if each["idproduct"] == product]
        if line.quantity < 0:
            there = next(each for each in same if each["idwarehouse"] and each["status"] == line.word)
            there["amount"] += line.quantity
            if not there["amount"]:
                rows.remove(there)
            return
        left = line.quantity
        for row in [each for each in same if not each["idwarehouse"]]:
            taken = min(left, row["amount"])
            row["amount"] -= taken
            left -= taken
            if not row["amount"]:
                rows.remove(row)
        rows.append(self.row(held, product, line.quantity, status=line.word or "received", warehouse=WAREHOUSE))

    def row(
        self, held: dict[str, Any], product: int, amount: int, *, status: str | None = None,
        warehouse: int | None = None, reason: int = 11, price: float = 0.0,
    ) -> dict[str, Any]:  # fmt: skip
        """Return a line of a return."""
        return {
            "idreturn_product": self.number(),
            "idreturn": held["idreturn"],
            "idreturn_reason": reason,
            "idproduct": product,
            "idwarehouse": warehouse,
            "price": price,
            "amount": amount,
            "status": status,
            "changeable": warehouse is None,
        }

    # what the API does

    def make(self, given: dict[str, Any]) -> dict[str, Any]:
        """Make a return."""
        number = self.number()
        held: dict[str, Any] = {
            "idreturn": number, "returnid": f"R2026-{number}", "received_at": None, "completed_at": None,
            "created_at": self.now(), "updated_at": self.now(), "idorder": None, "tracking_code": None,
            "replacement_products": [], **given, "returned_products": [],
        }  # fmt: skip
        held["returned_products"] = [
            self.row(
                held, each["idproduct"], each.get("amount", 1), reason=each["idreturn_reason"], price=each["price"]
            )
            for each in given["returned_products"]
        ]
        self.returns[number] = held
        self._tell(held, "returns.created")
        return held

    def change(self, held: dict[str, Any], *events: str) -> None:
        """Note that a return changed, and tell of it."""
        held["updated_at"] = self.now()
        for event in (*events, "returns.changed"):
            self._tell(held, event)

    def shown(self, held: dict[str, Any]) -> dict[str, Any]:
        """Return a return as the API shows it."""
        status = next(each for each in STATUSES if each["idreturn_status"] == held["idreturn_status"])
        rows = [
            {**row, "product": {"idproduct": row["idproduct"], "productcode": self.products[row["idproduct"]]}}
            for row in held["returned_products"]
        ]
        return {**held, "return_status": status, "returned_products": rows, "order": None}

    def _tell(self, held: dict[str, Any], event: str) -> None:
        for number, hook in self.hooks.items():
            if hook["event"] == event and hook["active"]:
                self.told.append(self._signed(number, hook, held))
        del self.told[:-LATEST]

    def _signed(self, number: int, hook: dict[str, Any], held: dict[str, Any]) -> dict[str, Any]:
        body = json.dumps(
            {
                "idhook": number, "name": hook["name"], "event": hook["event"], "event_triggered_at": self.now(),
                "data": self.shown(held),
            },
            separators=(",", ":"),
        )  # fmt: skip
        headers = {"content-type": "application/json"}
        if hook["secret"]:
            made = hmac.new(hook["secret"].encode(), body.encode(), hashlib.sha256).digest()
            headers["X-Picqer-Signature"] = base64.b64encode(made).decode()
        return {"address": hook["address"], "headers": headers, "body": body}

    # what is true

    def ledger(self) -> dict[str, Any]:
        """Return what this Picqer really holds."""
        return {
            "returns": [
                {
                    "reference": str(held["idreturn"]),
                    "return_number": held["reference"],
                    "lines": [
                        {"sku": self.products[row["idproduct"]], "quantity": row["amount"]}
                        for row in held["returned_products"]
                    ],
                }
                for held in self.returns.values()
            ],
            "withdrawn": self.deleted,
            "violations": self.violations,
        }

    def outbox(self) -> list[dict[str, Any]]:
        """Return every hook that was sent."""
        return self.told
