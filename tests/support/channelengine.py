"""A scripted ChannelEngine: canned answers, and each request held against its description."""

import json
from collections import defaultdict, deque
from collections.abc import Awaitable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import urlencode

import pytest

from connectors.channelengine import ChannelEngine
from connectors.channelengine.settings import Settings
from hub.sdk import (
    Acknowledgement,
    Context,
    Interrupted,
    Kind,
    Outcome,
    Reason,
    Secret,
    Sent,
    Settlement,
    SettlementLine,
)
from tests.support.description import require_documented

KEY = "0123456789abcdef0123456789abcdef01234567"
BASE = "https://demo.channelengine.net/api"
NOW = datetime(2025, 3, 1, 12, tzinfo=UTC)
RETURNS = "/v2/returns/merchant"
BY_ORDER = f"{RETURNS}/SO-1001"
ENGINE = ChannelEngine()
HTML = Sent(200, {"content-type": "text/html"}, b"<html><body>We are back soon.</body></html>")


class Notes:
    """A log that keeps what it was told."""

    def __init__(self) -> None:
        self.warnings: dict[str, dict[str, object]] = {}

    def info(self, event: str, **facts: object) -> None:
        raise AssertionError(event, facts)

    def warning(self, event: str, **facts: object) -> None:
        self.warnings[event] = facts


class Script:
    """An `Http` that gives each path its answers in order and keeps what was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, deque[Sent | Exception]] = defaultdict(deque)
        self.asked: list[str] = []
        self.queries: list[list[tuple[str, str]]] = []
        self.bodies: list[Any] = []
        self.notes = Notes()

    def on(self, call: str, *answers: Sent | Exception) -> None:
        self.answers[call].extend(answers)

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
        whole = f"{url}?{urlencode(params or [])}"
        assert url.startswith(BASE)
        assert len(whole) <= 1_048
        assert KEY not in whole
        assert headers is not None
        assert headers["X-CE-KEY"] == KEY
        call = f"{method} {url.removeprefix(BASE)}"
        self.asked.append(call)
        self.queries.append(params or [])
        if body is not None:
            assert headers["Content-Type"] == "application/json"
            self.bodies.append(json.loads(body))
        require_documented(method, url.removeprefix(BASE), params or [], json.loads(body or b"null"), endpoint)
        assert self.answers[call], f"unexpected: {call}"
        answer = self.answers[call].popleft()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def context(self, now: datetime = NOW, returns_api: Literal["v2", "v2.1"] = "v2") -> Context:
        settings = Settings(address=BASE, api_key=Secret(KEY), returns_api=returns_api)
        return Context(http=self, settings=settings, key="operation-1", now=now, log=self.notes)


@pytest.fixture
def vendor() -> Iterator[Script]:
    script = Script()
    yield script
    assert not any(script.answers.values()), "an answer was not asked for"


def answer(status: int = 200, headers: dict[str, str] | None = None, **fields: object) -> Sent:
    envelope = {"StatusCode": status, "Success": status < 300, "ValidationErrors": {}} | fields
    return Sent(status, headers or {}, json.dumps(envelope).encode())


def page(*elements: object, total: int | None = None) -> Sent:
    count = len(elements) if total is None else total
    return answer(Content=list(elements), Count=len(elements), TotalCount=count, ItemsPerPage=100)


def vendor_return(**changes: object) -> dict[str, Any]:
    told = {
        "Id": 71,
        "MerchantOrderNo": "SO-1001",
        "ChannelOrderNo": "5551234",
        "ChannelReturnNo": "R-998",
        "Status": "IN_PROGRESS",
        "Reason": "WRONG_SIZE",
        "CreatedAt": "2025-02-10T08:15:02.1234567Z",
        "Lines": [line_there("A", 2)],
    }
    return told | changes


def line_there(sku: str, quantity: int, accepted: int | None = None, rejected: int | None = None) -> dict[str, Any]:
    return {
        "MerchantProductNo": sku,
        "Quantity": quantity,
        "AcceptedQuantity": accepted,
        "RejectedQuantity": rejected,
    }


def settlement(kind: Kind, *pairs: tuple[str, int, int, int], **changes: object) -> Settlement:
    lines = tuple(
        SettlementLine(sku=sku, order_line="5", accepted=accepted, rejected=rejected, missing=missing)
        for sku, accepted, rejected, missing in pairs or [("A", 1, 0, 1)]
    )
    told: dict[str, Any] = {
        "kind": kind,
        "return_number": "RMA-7",
        "order_number": "SO-1001",
        "marketplace": "12",
        "reason": Reason.OTHER,
        "comment": None,
        "returned_at": NOW,
        "lines": lines,
        "external_id": "71" if kind is Kind.CHANNEL else None,
    }
    told.update(changes)
    return Settlement(**told)


async def outcome(awaiting: Awaitable[Outcome]) -> Outcome:
    """What the hub sees: the answer, or the outcome that ended the call early."""
    try:
        return await awaiting
    except Interrupted as fault:
        return fault.outcome


ACKNOWLEDGEMENT = Acknowledgement(external_id="71", return_number="RMA-7")
CHANNEL = settlement(Kind.CHANNEL)
MERCHANT = settlement(Kind.MERCHANT)


def created(status: str = "RECEIVED", *lines: dict[str, Any], number: str = "RMA-7") -> dict[str, Any]:
    told = list(lines) or [line_there("A", 1)]
    return vendor_return(Id=80, Status=status, MerchantReturnNo=number, ChannelReturnNo=None, Lines=told)


def an_order(**changes: object) -> dict[str, Any]:
    told = {
        "Id": 9,
        "MerchantOrderNo": "SO-1001",
        "ChannelOrderNo": "5551234",
        "CommercialOrderNo": "B-77",
        "ChannelId": 12,
        "CurrencyCode": "EUR",
        "ShippingAddress": {"CountryIso": "NL"},
        "Lines": [{"Id": 5, "MerchantProductNo": "A", "ChannelProductNo": "c", "Quantity": 2, "Status": "SHIPPED"}],
    }
    return told | changes
