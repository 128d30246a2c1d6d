"""What falls due as the vendor's time goes on: exports to try again, old returns to cancel, deeds that were planned."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from heapq import heappop, heappush
from typing import Literal, NamedTuple

from connectors.channelengine.sandbox import rules
from connectors.channelengine.sandbox.book import Book
from connectors.channelengine.sandbox.change import Change
from connectors.channelengine.sandbox.deeds import carry_out
from connectors.channelengine.sandbox.exporting import attempt
from connectors.channelengine.sandbox.records import Creator, Return, ReturnStatus


class Entry(NamedTuple):
    """Something that may be due at a moment; whether it really is, the books say then."""

    at: datetime
    tenant: str
    what: Literal["return", "deed"]
    number: int


class Agenda:
    """The entries in the order of time."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []

    def note(self, book: Book, change: Change) -> None:
        """Remember what a change, which the book has taken in already, lets fall due."""
        touched = book.returns.values() if change.manners else change.returns
        for entry in (*_entries_of_returns(book, touched), *_entries_of_deeds(change)):
            heappush(self._entries, entry)

    def next(self, until: datetime) -> Entry | None:
        """Take the earliest entry that is due, if one is."""
        return heappop(self._entries) if self._entries and self._entries[0].at <= until else None


def fall_due(book: Book, entry: Entry) -> Change | None:
    """Return what happens at the moment of an entry, or None if things have changed since it was noted."""
    if entry.what == "deed":
        deed = book.terms.deeds.get(entry.number)
        return None if deed is None else carry_out(book, deed, entry.at)
    found = book.returns[entry.number]
    if due(book, found) != entry.at:
        return None
    if found.export is not None and found.export.next_at is not None:
        return attempt(book, found, entry.at)
    return rules.cancel(book, found.id, entry.at)


def due(book: Book, found: Return) -> datetime | None:
    """Return when something happens to a return by itself: its export, or its end because it is too old."""
    if found.export is not None and found.export.next_at is not None:
        return found.export.next_at
    days = book.terms.manner(book.order_of(found).global_channel_name).cancel_after_days
    if days is None or found.creator is Creator.MERCHANT or found.status is not ReturnStatus.IN_PROGRESS:
        return None
    return found.created_at + timedelta(days=days)


def _entries_of_returns(book: Book, returns: Iterable[Return]) -> Iterator[Entry]:
    for found in returns:
        moment = due(book, found)
        if moment is not None:
            yield Entry(moment, book.tenant, "return", found.id)


def _entries_of_deeds(change: Change) -> Iterator[Entry]:
    return (Entry(deed.at, change.tenant, "deed", deed.number) for deed in change.deeds if deed.at is not None)
