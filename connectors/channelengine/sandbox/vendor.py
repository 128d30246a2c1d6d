"""The vendor as a whole: its tenants, its journal, its clock, and the weather it is in."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from litestar.di import NamedDependency
from litestar.params import FromPath, SkipValidation

from connectors.channelengine.sandbox import webhooks
from connectors.channelengine.sandbox.agenda import Agenda, fall_due
from connectors.channelengine.sandbox.book import Book
from connectors.channelengine.sandbox.calls import CallLog
from connectors.channelengine.sandbox.change import Change
from connectors.channelengine.sandbox.clock import Clock
from connectors.channelengine.sandbox.courier import Courier
from connectors.channelengine.sandbox.deeds import carry_out
from connectors.channelengine.sandbox.exchanges import Exchanges
from connectors.channelengine.sandbox.faults import FaultPlan
from connectors.channelengine.sandbox.journal import Journal
from connectors.channelengine.sandbox.meter import Meter
from connectors.channelengine.sandbox.patience import Patience
from connectors.channelengine.sandbox.refusals import Refusal
from connectors.channelengine.sandbox.tenancy import Upon

TENANT_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
HEARTBEAT_SECONDS = 0.5
RESERVED = frozenset({"tenants", "faults", "health", "limits", "clock", "world"})


def utc_now() -> datetime:
    """Return the moment it is, in UTC."""
    return datetime.now(UTC)


class Vendor:
    """Every tenant's book, changed only through `commit`, so that what was answered is also on disk."""

    def __init__(
        self,
        *,
        tenants: Mapping[str, str],
        journal: Path | None,
        clock: Callable[[], datetime],
        faults: Iterable[str],
        calls_per_minute: int,
        seed: int = 0,
    ) -> None:
        self.books: dict[str, Book] = {}
        self.calls = CallLog()
        self.exchanges = Exchanges()
        self.clock = Clock(clock)
        self.agenda = Agenda()
        self.faults = FaultPlan(faults)
        self.meter = Meter(calls_per_minute)
        self.patience = Patience()
        self.seed = seed
        self.courier = Courier(self.faults, self._webhook_failed)
        self._journal = None
        if journal is not None:
            self._journal = Journal(journal)
            self._journal.replay(self._apply)
        for name, key in tenants.items():
            self.admit(name, key)

    def now(self) -> datetime:
        """Return the moment it is by the vendor's clock, in UTC."""
        return self.clock.now()

    def book(self, tenant: str) -> Book:
        """Return a tenant's book, or refuse with 404."""
        if tenant not in self.books:
            raise Refusal(404, f"No tenant is called '{tenant}'.")
        return self.books[tenant]

    def admit(self, name: str, key: str) -> bool:
        """Add a tenant or give it another key, and say whether it is new."""
        if TENANT_NAME.fullmatch(name) is None or name in RESERVED:
            raise Refusal(400, f"'{name}' cannot be a tenant's name: use lower-case letters, digits and dashes.")
        if not key:
            raise Refusal(400, f"Tenant '{name}' needs a key.")
        known = self.books.get(name)
        if known is None or known.terms.key != key:
            self.commit(Change(tenant=name, key=key))
        return known is None

    def commit(self, change: Change | None) -> None:
        """Write a change down and make it true, in this order and without giving way to another call."""
        if change is None:
            return
        if self._journal is not None:
            self._journal.append(change)
        book = self.books.get(change.tenant)
        events = () if book is None else tuple(webhooks.events_of(book, change))
        self._apply(change)
        for event in events:
            self.courier.send(event, self.books[event.tenant].terms.webhooks.values(), self.now())

    def catch_up(self) -> None:
        """Let everything happen that has fallen due, in the order of time; each at its own moment."""
        until = self.now()
        while (entry := self.agenda.next(until)) is not None:
            self.commit(fall_due(self.books[entry.tenant], entry))

    @asynccontextmanager
    async def living(self) -> AsyncIterator[None]:
        """Let things fall due as time goes by, even if nobody calls, for as long as the block runs."""
        living = asyncio.create_task(self._live())
        try:
            yield
        finally:
            living.cancel()
            with suppress(asyncio.CancelledError):
                await living

    def ambush(self, book: Book, upon: Upon, return_id: int) -> None:
        """Let happen what was planned for just when the merchant does this to that return."""
        for deed in book.terms.waiting_for(upon, return_id):
            self.commit(carry_out(book, deed, self.now()))

    async def durable(self) -> None:
        """Return when everything that is true is also on disk; nothing is answered before."""
        if self._journal is not None:
            await self._journal.durable()

    async def close(self) -> None:
        """Give up what is under way, put everything on disk and close the journal."""
        await self.courier.close()
        if self._journal is not None:
            self._journal.close()

    async def _live(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            self.catch_up()

    def _webhook_failed(self, tenant: str, name: str, why: str) -> None:
        self.commit(webhooks.failure(self.books[tenant], name, why, self.now()))

    def _apply(self, change: Change) -> None:
        if change.clock is not None:
            self.clock.hands = change.clock
            return
        book = self.books.setdefault(change.tenant, Book(change.tenant))
        book.apply(change)
        self.agenda.note(book, change)


FromVendor = NamedDependency[SkipValidation[Vendor]]
FromBook = NamedDependency[SkipValidation[Book]]


def provide_book(tenant: FromPath[str], vendor: FromVendor) -> Book:
    """Give a handler the book of the tenant in its path."""
    return vendor.book(tenant)
