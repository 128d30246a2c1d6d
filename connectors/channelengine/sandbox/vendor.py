"""The vendor as a whole: its tenants, its journal, its clock, and the weather it is in."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from litestar.di import NamedDependency
from litestar.params import FromPath, SkipValidation

from connectors.channelengine.sandbox.book import Book
from connectors.channelengine.sandbox.calls import CallLog
from connectors.channelengine.sandbox.faults import FaultPlan
from connectors.channelengine.sandbox.journal import Journal
from connectors.channelengine.sandbox.meter import Meter
from connectors.channelengine.sandbox.records import Change, Refusal

TENANT_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
RESERVED = frozenset({"tenants", "faults", "health", "limits"})


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
    ) -> None:
        self.books: dict[str, Book] = {}
        self.calls = CallLog()
        self.clock = clock
        self.faults = FaultPlan(faults)
        self.meter = Meter(calls_per_minute)
        self._journal = None
        if journal is not None:
            self._journal = Journal(journal)
            self._journal.replay(self._apply)
        for name, key in tenants.items():
            self.admit(name, key)

    def now(self) -> datetime:
        """Return the moment it is by the vendor's clock, in UTC."""
        return self.clock().astimezone(UTC)

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
        if known is None or known.key != key:
            self.commit(Change(tenant=name, key=key))
        return known is None

    def commit(self, change: Change | None) -> None:
        """Write a change down and make it true, in this order and without giving way to another call."""
        if change is None:
            return
        if self._journal is not None:
            self._journal.append(change)
        self._apply(change)

    async def durable(self) -> None:
        """Return when everything that is true is also on disk; nothing is answered before."""
        if self._journal is not None:
            await self._journal.durable()

    def close(self) -> None:
        """Put everything on disk and close the journal."""
        if self._journal is not None:
            self._journal.close()

    def _apply(self, change: Change) -> None:
        self.books.setdefault(change.tenant, Book(change.tenant)).apply(change)


FromVendor = NamedDependency[SkipValidation[Vendor]]
FromBook = NamedDependency[SkipValidation[Book]]


def provide_book(tenant: FromPath[str], vendor: FromVendor) -> Book:
    """Give a handler the book of the tenant in its path."""
    return vendor.book(tenant)
