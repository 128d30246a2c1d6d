"""The connector that the page writes is loaded and run as it stands there."""

import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

import connectors
from hub.kit.telemetry import log
from hub.plugins.loader import load
from hub.sdk import (
    Absent,
    Capability,
    Checked,
    Connector,
    Context,
    Done,
    Interrupted,
    Kind,
    Order,
    OutcomeUnknown,
    Reason,
    Refused,
    Secret,
    Sent,
    Settlement,
    SettlementLine,
)
from hub.sdk.context import Uncertain
from hub.sdk.outcomes import Outcome
from tests.docs.book import blocks, first_cells, page

PAGE = page("connectors.md")


class Wire:
    """Bazaar, as far as one answer goes."""

    def __init__(self, status: int, body: object) -> None:
        self.answer = Sent(status, {}, msgspec.json.encode(body))
        self.asked: list[tuple[str, str, bytes | None]] = []
        self.headers: Mapping[str, str] = {}

    async def send(self, method: str, url: str, **more: Any) -> Sent:
        self.asked.append((method, url, more.get("body")))
        self.headers = more["headers"]
        return self.answer


class Silence(Wire):
    """Bazaar, when it takes a request and never answers."""

    async def send(self, method: str, url: str, **more: Any) -> Sent:
        await super().send(method, url, **more)
        raise Uncertain("no answer")


@pytest.fixture
def bazaar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connector]:
    """The page's connector, loaded by the page's plugins.toml."""
    for block in blocks(PAGE):
        if block.language == "python":
            place = tmp_path / block.text.splitlines()[0].removeprefix("# ")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(block.text)
    (toml,) = [block.text for block in blocks(PAGE) if block.language == "toml"]
    (tmp_path / "plugins.toml").write_text(toml)
    monkeypatch.setattr(connectors, "__path__", [*connectors.__path__, str(tmp_path / "connectors")])
    yield load(tmp_path / "plugins.toml").connectors["bazaar"]
    monkeypatch.delattr(connectors, "bazaar")
    for name in [name for name in sys.modules if name.startswith("connectors.bazaar")]:
        del sys.modules[name]


def _context(bazaar: Connector, http: Wire) -> Context:
    settings = bazaar.manifest.settings(api_key=Secret("key-of-the-shop"))
    now = datetime(2026, 11, 23, tzinfo=UTC)
    return Context(http=http, settings=settings, key="settle:R1", now=now, log=log("test"))


def _settlement() -> Settlement:
    lines = (
        SettlementLine(sku="LAMP", order_line="7", accepted=1, rejected=1, missing=0),
        SettlementLine(sku="BULB", order_line="8", accepted=0, rejected=2, missing=0),
    )
    return Settlement(
        kind=Kind.MERCHANT, return_number="R1", order_number="B-1", marketplace="bazaar", reason=Reason.OTHER,
        comment=None, returned_at=datetime(2026, 11, 23, tzinfo=UTC), lines=lines,
    )  # fmt: skip


async def test_the_connector_of_the_page_checks_its_login(bazaar: Connector) -> None:
    wire = Wire(200, {"name": "Lamps & Co"})
    outcome = await bazaar.check(_context(bazaar, wire))
    assert isinstance(outcome, Done)
    assert isinstance(outcome.result, Checked)
    assert [each.reference for each in outcome.result.marketplaces] == ["bazaar"]
    assert wire.headers["authorization"] == "Bearer key-of-the-shop"


async def test_the_connector_of_the_page_finds_orders(bazaar: Connector) -> None:
    sale = {"number": "B/1", "items": [{"id": "7", "article": "LAMP", "title": "Lamp", "sent": 2}]}
    wire = Wire(200, sale)
    outcome = await bazaar.find_order(_context(bazaar, wire), "B/1")
    assert isinstance(outcome, Done)
    assert isinstance(outcome.result, Order)
    assert [(line.reference, line.sku, line.shipped) for line in outcome.result.lines] == [("7", "LAMP", 2)]
    assert wire.asked == [("GET", "https://api.bazaar.example/sales/B%2F1", None)]
    assert await bazaar.find_order(_context(bazaar, Wire(404, {})), "B/2") == Absent()


async def test_the_connector_of_the_page_has_only_accepted_units_paid(bazaar: Connector) -> None:
    wire = Wire(200, {})
    assert isinstance(await bazaar.settle(_context(bazaar, wire), _settlement()), Done)
    ((method, url, body),) = wire.asked
    assert (method, url) == ("PUT", "https://api.bazaar.example/refunds/R1")
    assert msgspec.json.decode(body or b"") == {"sale": "B-1", "items": [{"id": "7", "units": 1}]}


async def test_the_connector_of_the_page_tells_a_refusal_from_an_unknown_outcome(bazaar: Connector) -> None:
    refused = await bazaar.settle(_context(bazaar, Wire(422, {})), _settlement())
    assert isinstance(refused, Refused)
    with pytest.raises(Interrupted) as interrupted:
        await bazaar.settle(_context(bazaar, Silence(200, {})), _settlement())
    assert isinstance(interrupted.value.outcome, OutcomeUnknown)


def test_the_page_tells_of_every_outcome_and_every_capability() -> None:
    outcomes = {each.__name__ for each in Outcome.__subclasses__() if each.__module__ == Outcome.__module__}
    assert set(first_cells(PAGE)) == outcomes | {each.value for each in Capability}
