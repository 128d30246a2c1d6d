"""Money moves once: a hub that obeys the outcomes, against a vendor that fails before, in and after each request."""

import json
from collections.abc import Awaitable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.channelengine import ChannelEngine
from connectors.channelengine.settings import Settings
from hub.sdk import (
    Absent,
    Context,
    Done,
    Effect,
    Interrupted,
    Kind,
    Outcome,
    OutcomeUnknown,
    RateLimited,
    Reason,
    Retry,
    Secret,
    Sent,
    Settlement,
    SettlementLine,
)
from hub.sdk.context import NotSent, Uncertain

NOW = datetime(2025, 3, 1, 12, tzinfo=UTC)
ENGINE = ChannelEngine()
FAULTS = ["none", "never sent", "refused busy", "broken before", "broken after", "lost before", "lost after"]
ROUNDS = 80


class Vendor:
    """ChannelEngine's returns of one order; its manners differ by marketplace and are not all documented."""

    def __init__(self, *, faults: list[str], waits: bool, refuses_doubles: bool) -> None:
        self.faults = list(faults)
        self.waits = waits
        self.refuses_doubles = refuses_doubles
        self.paid = 0
        self.returns = [self.made(71, None, [("A", 1), ("A", 1)])]

    @staticmethod
    def made(number: int, name: str | None, lines: list[tuple[str, int]]) -> dict[str, Any]:
        told = [{"MerchantProductNo": sku, "Quantity": quantity} for sku, quantity in lines]
        return {"Id": number, "MerchantReturnNo": name, "Status": "IN_PROGRESS", "Lines": told}

    async def send(
        self,
        method: str,
        url: str,
        *,
        params: list[tuple[str, str]] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        endpoint: str = "",
    ) -> Sent:
        del url, params, headers, endpoint  # there is one order, and the method tells the rest
        fault = self.faults.pop(0) if self.faults else "none"
        if fault == "never sent":
            raise NotSent(fault)
        if fault == "lost before":
            raise Uncertain(fault)
        if fault == "refused busy":
            return self.answer(429)
        if fault == "broken before":
            return self.answer(500)
        answer = self.answer(*self.handle(method, json.loads(body or b"{}")))
        if fault == "lost after":
            raise Uncertain(fault)
        return self.answer(502) if fault == "broken after" else answer

    @staticmethod
    def answer(status: int, content: object = None) -> Sent:
        return Sent(status, {}, json.dumps({"Success": status < 300, "Content": content}).encode())

    def handle(self, method: str, body: dict[str, Any]) -> tuple[int, object]:
        if method == "GET":
            return 200, self.returns
        return self.create(body) if method == "POST" else self.update(body)

    def create(self, body: dict[str, Any]) -> tuple[int, object]:
        name = body["MerchantReturnNo"]
        if self.refuses_doubles and any(told["MerchantReturnNo"] == name for told in self.returns):
            return 409, None
        lines = [(line["MerchantProductNo"], line["Quantity"]) for line in body["Lines"]]
        created = self.made(80 + len(self.returns), name, lines)
        self.returns.append(created)
        if not self.waits:
            created["Status"] = "RECEIVED"
            self.paid += sum(quantity for _, quantity in lines)
        return 201, None

    def update(self, body: dict[str, Any]) -> tuple[int, object]:
        told = next(kept for kept in self.returns if kept["Id"] == body["ReturnId"])
        if told["Status"] != "IN_PROGRESS":
            return 409, None
        told["Status"] = "RECEIVED"
        decided = {line["MerchantProductNo"]: line for line in body["Lines"]}
        for line in told["Lines"]:
            # One update line may stand for several lines of the return.
            mine = decided[line["MerchantProductNo"]]
            line["AcceptedQuantity"] = min(line["Quantity"], mine["AcceptedQuantity"])
            line["RejectedQuantity"] = line["Quantity"] - line["AcceptedQuantity"]
            mine["AcceptedQuantity"] -= line["AcceptedQuantity"]
            self.paid += line["AcceptedQuantity"]
        return 200, None


async def ended(awaiting: Awaitable[Outcome]) -> Outcome:
    try:
        return await awaiting
    except Interrupted as fault:
        return fault.outcome


async def obey(vendor: Vendor, message: Settlement) -> Outcome:
    """Do what the contract says follows from each outcome, until one is final."""
    settings = Settings(address="https://demo.channelengine.net/api", api_key=Secret("k"))
    context = Context(http=vendor, settings=settings, key="k", now=NOW, log=None)  # type: ignore[arg-type]  # nothing is to be noted
    looking = False
    for _ in range(ROUNDS):
        if looking:
            found = await ended(ENGINE.lookup(context, Effect.SETTLE, message))
            looking = not isinstance(found, Absent)
        else:
            found = await ended(ENGINE.settle(context, message))
            looking = isinstance(found, OutcomeUnknown)
        if not isinstance(found, Absent | OutcomeUnknown | Retry | RateLimited):
            return found
    raise AssertionError("it never ends")


def settlement(kind: Kind) -> Settlement:
    return Settlement(
        kind=kind,
        return_number="RMA-7",
        order_number="SO-1001",
        marketplace=None,
        reason=Reason.OTHER,
        comment=None,
        returned_at=NOW,
        lines=(SettlementLine(sku="A", order_line="5", accepted=1, rejected=0, missing=1),),
        external_id="71" if kind is Kind.CHANNEL else None,
    )


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("waits", [True, False])
@pytest.mark.parametrize("refuses_doubles", [True, False])
@given(faults=st.lists(st.sampled_from(FAULTS), max_size=12))
async def test_a_settlement_pays_exactly_once_whatever_fails(
    *, kind: Kind, waits: bool, refuses_doubles: bool, faults: list[str]
) -> None:
    vendor = Vendor(faults=faults, waits=waits, refuses_doubles=refuses_doubles)
    assert isinstance(await obey(vendor, settlement(kind)), Done)
    assert vendor.paid == 1
    assert len(vendor.returns) == (2 if kind is Kind.MERCHANT else 1)
