"""What this ShipBob holds, and what its people do."""

import base64
import hashlib
import hmac
import json
from itertools import count
from typing import Any

from connectors.sandboxes import Stock
from connectors.sandboxes.control import Arrival, Clock, Order

CHANNEL, CENTER = {"id": 900, "name": "PAT channel"}, {"id": 135, "name": "Example FC (NL)"}
AWAITING = "AwaitingArrival"
DATES = {"Arrived": "arrived_date", "Processing": "processing_date", "Completed": "completed_date",
         "Cancelled": "cancelled_date", AWAITING: "awaiting_arrival_date"}  # fmt: skip
LATEST = 1000
PICTURE = "https://images.example.com/returns/{}.jpg"
Json = dict[str, Any]


class House:
    """Returns, inventory and webhooks of one merchant, in memory."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.inventory: dict[int, str] = {}
        self.returns: dict[int, Json] = {}
        self.hooks: dict[str, Json] = {}
        self.violations: list[str] = []
        self.told: list[Json] = []
        self._numbers = count(4_410_021)

    def number(self) -> int:
        """Return an id that nothing else has."""
        return next(self._numbers)

    def now(self) -> str:
        """Return the moment as ShipBob writes it."""
        return f"{self.clock.now():%Y-%m-%dT%H:%M:%S}Z"

    # what the people in the warehouse do

    def stock(self, skus: list[str]) -> None:
        """Know these products from now on."""
        for sku in skus:
            if sku not in self.inventory.values():
                self.inventory[self.number()] = sku

    def sent(self, order: Order) -> None:
        """An order is nothing that a return needs here."""
        self.stock([line.sku for line in order.lines])

    def receive(self, arrival: Arrival) -> str:
        """Do something with goods; returns the id of their return."""
        self.stock([line.sku for line in arrival.lines])
        held = self._of(arrival)
        for line in arrival.lines:
            self._act(held, line)
        if held["status"] == AWAITING:
            self._turn(held, "Arrived")
        if arrival.complete:
            self._turn(held, "Completed")
        elif arrival.lines and held["status"] != "Completed":
            self._turn(held, "Processing")
        self.tell(held, "return.completed" if arrival.complete else "return.updated")
        return str(held["id"])

    def _of(self, arrival: Arrival) -> Json:
        if arrival.return_number is None:
            return self.make({"reference_id": None, "inventory": []}, "ReturnToSender")
        for held in self.returns.values():
            if held["reference_id"] == arrival.return_number and held["status"] != "Cancelled":
                return held
        msg = f"no return {arrival.return_number} was announced"
        raise ValueError(msg)

    def _act(self, held: Json, line: Stock) -> None:
        number = next(each for each, sku in self.inventory.items() if sku == line.sku)
        if all(each["id"] != number for each in held["inventory"]):
            held["inventory"].append(self._item({"id": number, "quantity": 0, "requested_action": "Default"}))
        item = next(each for each in held["inventory"] if each["id"] == number)
        if line.word is None:
            return
        action = line.word[:1].upper() + line.word[1:]
        taken = item["action_taken"]
        for each in taken:
            if each["action"] == action:
                each["quantity_processed"] += line.quantity
                item["action_taken"] = [each for each in taken if each["quantity_processed"]]
                return
        picture = None if action == "Restock" else PICTURE.format(self.number())
        taken.append(
            {"action": action, "action_reason": None, "image_url": picture, "quantity_processed": line.quantity}
        )

    def _turn(self, held: Json, status: str) -> None:
        if held["status"] != status:
            held["status"] = status
            held["status_history"].append({"status": status, "timestamp": self.now()})
        held[DATES[status]] = self.now()

    # what the API does

    def _item(self, given: Json) -> Json:
        sku = self.inventory[given["id"]]
        return {
            "id": given["id"], "name": sku, "sku": sku, "barcodes": [], "quantity": given["quantity"],
            "bundle_parent_sku": None,
            "lot_information": {"number": None, "expiration": None, "minimumShelfLife": None},
            "action_requested": {
                "action": given["requested_action"], "action_type": "InventoryDefault", "instructions": None,
            },
            "action_taken": [],
        }  # fmt: skip

    def make(self, given: Json, kind: str = "Regular") -> Json:
        """Make a return."""
        number = self.number()
        held: Json = {
            "id": number, "reference_id": None, "status": "", "return_type": kind, "insert_date": self.now(),
            **dict.fromkeys(DATES.values()), "customer_name": "Example Merchant", "store_order_id": None,
            "tracking_number": None, "shipment_tracking_number": None, "original_shipment_id": None,
            "channel": CHANNEL, "fulfillment_center": CENTER, "invoice": {"amount": 0.0, "currency_code": "EUR"},
            "status_history": [], "transactions": [], "inventory": [],
        }  # fmt: skip
        self.returns[number] = held
        self._turn(held, AWAITING)
        self.fill(held, given)
        self.tell(held, "return.created")
        return held

    def fill(self, held: Json, given: Json) -> None:
        """Put what was given into a return."""
        for name in ("reference_id", "tracking_number", "original_shipment_id"):
            held[name] = given.get(name)
        held["inventory"] = [self._item(each) for each in given["inventory"]]

    def cancel(self, held: Json) -> None:
        """Cancel a return of which nothing is there."""
        self._turn(held, "Cancelled")
        self.tell(held, "return.updated")

    def tell(self, held: Json, topic: str) -> None:
        """Tell of a return to everybody who wanted to hear of it."""
        for hook in self.hooks.values():
            if topic in hook["topics"] and hook["enabled"]:
                self.told.append(self._signed(hook, held, topic))
        del self.told[:-LATEST]

    def _signed(self, hook: Json, held: Json, topic: str) -> Json:
        body = json.dumps(
            {"id": held["id"], "reference_id": held["reference_id"], "status": held["status"]}, separators=(",", ":")
        )
        identity, stamp = f"msg_{self.number()}", str(int(self.clock.now().timestamp()))
        key = base64.b64decode(hook["secret"].removeprefix("whsec_"))
        made = hmac.new(key, f"{identity}.{stamp}.{body}".encode(), hashlib.sha256).digest()
        headers = {
            "content-type": "application/json", "webhook-id": identity, "webhook-timestamp": stamp,
            "webhook-signature": f"v1,{base64.b64encode(made).decode()}", "x-webhook-topic": topic,
        }  # fmt: skip
        return {"address": hook["url"], "headers": headers, "body": body}

    # what is true

    def ledger(self) -> Json:
        """Return what this ShipBob really holds."""
        there = [each for each in self.returns.values() if each["status"] != "Cancelled"]
        return {
            "returns": [
                {
                    "reference": str(held["id"]),
                    "return_number": held["reference_id"],
                    "lines": [{"sku": item["sku"], "quantity": item["quantity"]} for item in held["inventory"]],
                }
                for held in there
            ],
            "withdrawn": [each["reference_id"] for each in self.returns.values() if each["status"] == "Cancelled"],
            "violations": self.violations,
        }

    def outbox(self) -> list[Json]:
        """Return every hook that was sent."""
        return self.told
