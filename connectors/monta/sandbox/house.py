"""What this Monta holds, and what its people do."""

from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from connectors.sandboxes import Stock
from connectors.sandboxes.control import Arrival, Clock, Order

ZONE = ZoneInfo("Europe/Amsterdam")
REASONS = [{"Id": 2447, "Description": "Te klein", "Translations": {"en": "Too small"}}]
WORDS = {"sellable": True, "not_sellable": False}


class House:
    """Forecasts and returns of one account, in memory."""

    def __init__(self) -> None:
        self.clock = Clock()
        # Of each order that was sent, the product of each of its lines.
        self.orders: dict[str, dict[str, str]] = {}
        self.forecasts: list[dict[str, Any]] = []
        self.returns: dict[int, dict[str, Any]] = {}
        self._numbers = count(5_512_301)

    def now(self) -> str:
        """Return the moment as Monta writes it: wall time, two digits behind the second, no zone."""
        local = self.clock.now().astimezone(ZONE)
        return f"{local:%Y-%m-%dT%H:%M:%S}.{local.microsecond // 10_000:02}"

    # what the people in the warehouse do

    def stock(self, skus: list[str]) -> None:
        """Products come with their orders here."""

    def sent(self, order: Order) -> None:
        """Know an order and the webshop's ids of its lines."""
        self.orders.setdefault(order.number, {}).update({line.order_line: line.sku for line in order.lines})

    def receive(self, arrival: Arrival) -> str:
        """Put goods into a state; returns the id of their return."""
        for line in arrival.lines:
            if line.word is not None and line.word not in WORDS:
                msg = f"goods are {' or '.join(WORDS)} here, not {line.word!r}"
                raise ValueError(msg)
        held = self._of(arrival)
        lines = self.orders.get(held["WebshopOrderId"] or "", {})
        for line in arrival.lines:
            self._move(held, line, next((each for each, sku in lines.items() if sku == line.sku), None))
        held["UpdatedAt"] = self.now()
        return str(held["Id"])

    def _of(self, arrival: Arrival) -> dict[str, Any]:
        code, order = arrival.return_number, arrival.order_number
        if code is not None:
            found = [held for held in self.returns.values() if held["ForecastCode"] == code]
            if found:
                return found[0]
            order = next((each["WebshopOrderId"] for each in self.forecasts if each["Code"] == code), None)
            if order is None:
                msg = f"no return {code} was announced"
                raise ValueError(msg)
        held: dict[str, Any] = {
            "Id": next(self._numbers), "CreatedAt": self.now(), "UpdatedAt": self.now(), "Comment": None, "Cause": None,
            "WebshopCause": None, "WebshopOrderId": order, "ReturnForecastId": 77_120 if code else None,
            "ForecastCode": code, "SerialNumbers": [], "Lines": [],
        }  # fmt: skip
        self.returns[held["Id"]] = held
        return held

    def _move(self, held: dict[str, Any], line: Stock, order_line: str | None) -> None:
        sellable = WORDS[line.word or "sellable"]
        for each in held["Lines"]:
            if each["Sku"] == line.sku and each["Sellable"] is sellable:
                each["ReturnedQuantity"] += line.quantity
                return
        held["Lines"].append(
            {
                "WebshopOrderLineId": order_line, "Sku": line.sku, "ReturnedQuantity": line.quantity,
                "Sellable": sellable, "FollowedUpMontapacking": False, "FollowedUpCustomer": False,
                "FollowedUpAction": None, "Cause": None, "Comment": None, "BatchCode": None,
            }
        )  # fmt: skip

    # what is true

    def ledger(self) -> dict[str, Any]:
        """Return what this Monta really holds."""
        return {
            "returns": [
                {
                    "reference": each["Code"],
                    "return_number": each["Code"],
                    "lines": [
                        {
                            "sku": self.orders[each["WebshopOrderId"]][line["WebshopOrderLineId"]],
                            "quantity": line["ReturnQuantity"],
                        }
                        for line in each["Lines"]
                    ],
                }
                for each in self.forecasts
            ],
            "withdrawn": [],
            "violations": [],
        }

    def outbox(self) -> list[dict[str, Any]]:
        """Monta calls nobody."""
        return []
