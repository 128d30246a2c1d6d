"""Where a connector is tested: its sandbox in memory, the people in the warehouse, and everything it said and sent."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import httpx

from hub.sdk import (
    Announcement,
    AnnouncementLine,
    Capability,
    Context,
    Done,
    Effect,
    Interrupted,
    Manifest,
    Meaning,
    Outcome,
    Snapshot,
    SnapshotKey,
)
from hub.sdk.testing.broken import Broken, require
from hub.sdk.testing.specimen import Specimen, secrets_of
from hub.sdk.testing.watching import Watch
from hub.sdk.testing.wire import Wire

ADDRESS = "http://sandbox.test"
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MOST_PAGES = 60


class Log:
    """Keeps what a connector says."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def info(self, event: str, **facts: Any) -> None:
        """Keep a remark."""
        self.said.append(f"{event} {facts}")

    warning = info


class Bench:
    """One connector at its sandbox; everything it does goes through `call`."""

    def __init__(self, specimen: Specimen, client: httpx.AsyncClient | None) -> None:
        self.specimen = specimen
        self.connector = specimen.connector
        self.now = START
        self.log = Log()
        self.outcomes: list[Any] = []
        self.watch = Watch()
        self._numbers = count(1)
        if client is not None:
            self._client = client
            self.wire = Wire(client, specimen.connector.manifest.hosts)
            self.settings = specimen.settings(ADDRESS)
            self.secrets = secrets_of(self.settings)

    @classmethod
    @asynccontextmanager
    async def opened(cls, specimen: Specimen, *, sandbox: bool = True) -> AsyncIterator["Bench"]:
        """A bench with a fresh sandbox, if the rule needs one."""
        if not sandbox:
            yield cls(specimen, None)
            return
        transport = httpx.ASGITransport(specimen.sandbox.create_app())
        async with httpx.AsyncClient(transport=transport, base_url=ADDRESS) as client:
            bench = cls(specimen, client)
            await bench.at(START)
            yield bench

    @property
    def manifest(self) -> Manifest:
        """What the connector says of itself."""
        return self.connector.manifest

    def can(self, *capabilities: Capability) -> bool:
        """Say whether the connector declares all of these."""
        return set(capabilities) <= self.manifest.capabilities

    # the connector

    async def call(self, method: str, *messages: Any, key: str = "kit", settings: Any = None) -> Outcome:
        """Call the connector as the hub does and return its outcome; any other exception passes through."""
        context = Context(http=self.wire, settings=settings or self.settings, key=key, now=self.now, log=self.log)
        with self.watch:
            try:
                outcome = await getattr(self.connector, method)(context, *messages)
            except Interrupted as interrupted:
                outcome = interrupted.outcome
        self.outcomes.append(outcome)
        if not isinstance(outcome, Outcome):
            msg = f"{method} answered {type(outcome).__name__}, which is no outcome"
            raise TypeError(msg)
        return outcome

    async def result(self, method: str, *messages: Any, key: str = "kit") -> Any:
        """Call the connector and return the result of its `Done`; anything else is an assertion."""
        outcome = await self.call(method, *messages, key=key)
        if not isinstance(outcome, Done):
            raise Broken(f"{method} answered {outcome!r} where Done was due")
        return outcome.result

    async def snapshot(self, number: str) -> Snapshot:
        """Read what the warehouse holds of a return."""
        seen: Snapshot = await self.result("snapshot", SnapshotKey(return_number=number))
        return seen

    async def walk(self, cursor: str | None = None, *, crash: bool = False) -> tuple[list[Any], str]:
        """Turn every page of `changes`; with `crash` each is asked for twice, as after a death before it was stored."""
        items: list[Any] = []
        for _ in range(MOST_PAGES):
            page = await self.result("changes", cursor)
            if crash:
                again = await self.result("changes", cursor)
                items += again.items
                page = again
            items += page.items
            cursor = page.cursor
            if not page.more:
                return items, page.cursor
        raise AssertionError(f"the pages of 'changes' do not end: {MOST_PAGES} were turned")

    async def seen(self, items: list[Any]) -> list[Snapshot]:
        """Return the snapshots of a walk, reading those that it only named."""
        return [each if isinstance(each, Snapshot) else await self.result("snapshot", each) for each in items]

    def word(self, *, sure: bool = True, besides: str | None = None) -> str:
        """Return one of the vendor's words for goods that are somewhere."""
        words: dict[str, Meaning] = dict(self.manifest.warehousing.words) if self.manifest.warehousing else {}
        found = [w for w, m in words.items() if m.sure is sure and m.disposition.value != "pending" and w != besides]
        require(found, "manifest.warehousing.words has no word for goods that are back in stock")
        return found[0]

    async def announcement(self, *lines: tuple[str, int], number: str | None = None) -> Announcement:
        """Return an announcement of an order that the warehouse knows; nothing is told yet."""
        number = number or f"R-{next(self._numbers):06d}"
        order = f"SO-{number}"
        wanted = lines or (("SHOE", 2), ("0012-HAT", 1))
        made = tuple(
            AnnouncementLine(line=f"{number}-{place}", sku=sku, quantity=units, order_line=f"{order}-{place}")
            for place, (sku, units) in enumerate(wanted, 1)
        )
        message = Announcement(return_number=number, order_number=order, lines=made)
        await self.know(message)
        return message

    async def know(self, message: Announcement) -> None:
        """Let the warehouse know the products and the order of an announcement."""
        await self._post("products", sorted({line.sku for line in message.lines}))
        sent = [{"sku": line.sku, "quantity": line.quantity, "order_line": line.order_line} for line in message.lines]
        await self._post("orders", {"number": message.order_number, "lines": sent})

    async def announced(self, *lines: tuple[str, int]) -> Announcement:
        """Announce a return and return what was told."""
        message = await self.announcement(*lines)
        self.wire.begin()
        await self.result(Effect.ANNOUNCE.value, message, key=f"announce:{message.return_number}")
        return message

    # the vendor

    async def _post(self, path: str, body: Any) -> Any:
        answer = await self._client.post(f"/_sandbox/{path}", json=body)
        require(answer.is_success, f"the sandbox refused {path}: {answer.text}")
        return answer.json() if answer.content else None

    async def at(self, moment: datetime) -> None:
        """Let the clocks of hub and vendor stand at a moment."""
        self.now = moment
        await self._post("clock", {"at": moment.isoformat()})

    async def later(self, **span: float) -> None:
        """Let time pass at both."""
        await self.at(self.now + timedelta(**span))

    async def receive(self, number: str, *lines: tuple[str, int, str], complete: bool = False) -> str:
        """Let goods of a return arrive: (sku, quantity, the vendor's word)."""
        made = [{"sku": sku, "quantity": units, "word": word} for sku, units, word in lines]
        told = await self._post("receive", {"return_number": number, "lines": made, "complete": complete})
        return str(told["reference"])

    async def bring(self, *lines: tuple[str, int, str]) -> str:
        """Let goods arrive that nobody announced."""
        made = [{"sku": sku, "quantity": units, "word": word} for sku, units, word in lines]
        return str((await self._post("bring", {"lines": made}))["reference"])

    async def ledger(self) -> dict[str, Any]:
        """Return what the vendor really holds."""
        held: dict[str, Any] = (await self._client.get("/_sandbox/ledger")).json()
        return held

    async def held(self, number: str) -> list[dict[str, int]]:
        """Return what the vendor holds of each return of this number, units by product."""
        found = [each for each in (await self.ledger())["returns"] if each["return_number"] == number]
        return [units(each["lines"]) for each in found]

    async def outbox(self) -> list[dict[str, Any]]:
        """Return the hooks that the vendor sent."""
        told: list[dict[str, Any]] = (await self._client.get("/_sandbox/outbox")).json()
        return told


def units(lines: list[dict[str, Any]]) -> dict[str, int]:
    """Add up the units of each product."""
    found: dict[str, int] = {}
    for line in lines:
        found[line["sku"]] = found.get(line["sku"], 0) + line["quantity"]
    return {sku: many for sku, many in found.items() if many}


def wanted(message: Announcement) -> dict[str, int]:
    """Return the units of each product that were to be announced."""
    return units([{"sku": line.sku, "quantity": line.quantity} for line in message.lines])
