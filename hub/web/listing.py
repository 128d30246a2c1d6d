"""Lists whose filters, order and page stand in the address, so that a list can be kept, sent and gone back to.

A room says once which columns and filters a list has; `read` takes from an address what fits and drops the rest, and
`Asked` gives the addresses of everything that can be asked next.
"""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

import msgspec

SORT, CURSOR = "sort", "cursor"
LONGEST_TEXT = 200


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """One column; `numeric` ones stand at the end of their cell, `sortable` ones have a link."""

    name: str
    label: str
    sortable: bool = False
    numeric: bool = False


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """Something to narrow a list by: a choice with its words by value, or free text where there are no words."""

    name: str
    label: str
    words: Mapping[str, str] = {}
    any_word: str = ""

    def usable(self, text: str) -> bool:
        """Say whether a value from an address means something to this filter."""
        return text in self.words if self.words else 0 < len(text) <= LONGEST_TEXT


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a list is asked for. `sort` is a column's name, empty for the list's own order."""

    path: str
    sort: str = ""
    descending: bool = False
    filters: Mapping[str, str] = {}
    cursor: str = ""

    @property
    def first(self) -> bool:
        """Whether this is the list's first page."""
        return not self.cursor

    def next_page(self, cursor: str) -> str:
        """Return the address of the page that begins at a cursor."""
        return _address(msgspec.structs.replace(self, cursor=cursor))

    def first_page(self) -> str:
        """Return the address of the first page of the same list."""
        return _address(msgspec.structs.replace(self, cursor=""))

    def sorted_by(self, column: str) -> str:
        """Return the address of this list in a column's order, or in the reverse one; it begins anew."""
        descending = self.sort == column and not self.descending
        return _address(msgspec.structs.replace(self, sort=column, descending=descending, cursor=""))

    def without(self, name: str) -> str:
        """Return the address of this list without one of its filters."""
        left = {key: text for key, text in self.filters.items() if key != name}
        return _address(msgspec.structs.replace(self, filters=left, cursor=""))

    def unfiltered(self) -> str:
        """Return the address of this list without any filter."""
        return _address(msgspec.structs.replace(self, filters={}, cursor=""))

    def direction(self, column: str) -> str:
        """Return how a column is sorted, in the words of `aria-sort`."""
        if self.sort != column:
            return "none"
        return "descending" if self.descending else "ascending"


def read(path: str, given: Mapping[str, str], columns: Sequence[Column] = (), filters: Sequence[Filter] = ()) -> Asked:
    """Return what an address asks a list for; what the list does not know is dropped."""
    sort = given.get(SORT, "")
    name = sort.removeprefix("-")
    sortable = name in {column.name for column in columns if column.sortable}
    typed = {each.name: given.get(each.name, "").strip() for each in filters}
    return Asked(
        path=path,
        sort=name if sortable else "",
        descending=sortable and sort.startswith("-"),
        filters={each.name: typed[each.name] for each in filters if each.usable(typed[each.name])},
        cursor=given.get(CURSOR, "")[:LONGEST_TEXT],
    )


def _address(asked: Asked) -> str:
    sort = f"-{asked.sort}" if asked.descending else asked.sort
    query = {**asked.filters, SORT: sort, CURSOR: asked.cursor}
    text = urlencode({name: value for name, value in query.items() if value})
    return f"{asked.path}?{text}" if text else asked.path
