"""The receiving form: what an operator typed, kept as it was typed, and what it means. Pure.

The form has rows. A row belongs to an expected product, of which there may be several rows, one for each state in
which units arrived; or it is a free one, for something that nobody announced. Fields are named `quantity-3`, with the
row's number. What is wrong is told as a code per field; the templates have the sentences.
"""

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any, TypeVar

import msgspec

from hub.sdk.receiving import (
    MOST_UNITS,
    Condition,
    Disposition,
    ExpectedLine,
    Grade,
    ReceivedItem,
)

# Besides one for each product.
MOST_ADDED = 40
LONGEST_SKU = 64
LONGEST_NUMBER = 9
LONGEST_NOTE = 500
LONGEST_KEY = 64

Word = TypeVar("Word", bound=StrEnum)
Wrong = dict[str, str]


class Product(msgspec.Struct, frozen=True, kw_only=True):
    """An expected product over all lines of the return that have it."""

    sku: str
    name: str | None
    expected: int
    received: int

    @property
    def missing(self) -> int:
        """What has not arrived yet."""
        return max(self.expected - self.received, 0)


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One row as it was typed. `number` names its fields; `free` says that its product was typed, too."""

    number: int
    sku: str = ""
    free: bool = False
    quantity: str = ""
    grade: str = ""
    condition: str = Condition.UNKNOWN
    disposition: str = Disposition.PENDING
    note: str = ""

    @property
    def more(self) -> bool:
        """Whether something stands in the fields that few rows need."""
        return bool(self.note) or self.disposition != Disposition.PENDING

    @property
    def empty(self) -> bool:
        """Whether it says nothing; a quantity of 0 says nothing either."""
        chosen = self.grade or self.more or self.condition != Condition.UNKNOWN
        return not chosen and self.quantity in {"", "0"} and not (self.free and self.sku)


def products(lines: Iterable[ExpectedLine]) -> tuple[Product, ...]:
    """Put lines of one product together: operators sort goods, not order lines."""
    found: dict[str, Product] = {}
    for line in lines:
        before = found.get(line.sku)
        found[line.sku] = Product(
            sku=line.sku,
            name=(before.name if before else None) or line.name,
            expected=line.expected + (before.expected if before else 0),
            received=line.received + (before.received if before else 0),
        )
    return tuple(found.values())


def blank(expected: tuple[Product, ...]) -> tuple[Row, ...]:
    """Return the form before anything is typed: a row for each product, and a free one."""
    rows = [Row(number=number, sku=product.sku) for number, product in enumerate(expected)]
    return (*rows, Row(number=len(rows), free=True))


def read(typed: Mapping[str, Any], expected: tuple[Product, ...]) -> tuple[Row, ...]:
    """Return the rows of a sent form, and blank ones for products that it lacks."""
    known = {product.sku for product in expected}
    sent = [_row(typed, number, known) for number in range(_most(expected)) if f"quantity-{number}" in typed]
    has = {row.sku for row in sent if not row.free}
    rows = [*sent, *(Row(number=0, sku=sku) for sku in known - has)]
    if not any(row.free for row in rows):
        rows.append(Row(number=0, free=True))
    return _numbered(rows, expected)


def add(rows: tuple[Row, ...], sku: str, expected: tuple[Product, ...]) -> tuple[tuple[Row, ...], int]:
    """Add a row for a product, or a free one for no product; returns its number too."""
    fresh = Row(number=len(rows), sku=sku, free=not sku)
    if full(rows, expected) or (sku and all(product.sku != sku for product in expected)):
        return rows, 0
    added = _numbered([*rows, fresh], expected)
    return added, max(row.number for row in added if row.free == fresh.free and (fresh.free or row.sku == sku))


def full(rows: tuple[Row, ...], expected: tuple[Product, ...]) -> bool:
    """Say whether the form takes no further row."""
    return len(rows) >= _most(expected)


def items(rows: tuple[Row, ...]) -> tuple[tuple[ReceivedItem, ...], Wrong]:
    """Return what the rows mean, or what is wrong by field name."""
    wrong: Wrong = {}
    meant = [_item(row, wrong) for row in rows if not row.empty]
    return tuple(item for item in meant if item is not None), wrong


def missing(expected: tuple[Product, ...], arrived: tuple[ReceivedItem, ...]) -> tuple[Product, ...]:
    """Return the products of which something would still be missing after this delivery, as they were before it."""
    return tuple(
        msgspec.structs.replace(product, received=now)
        for product in expected
        if (now := product.received + sum(item.quantity for item in arrived if item.sku == product.sku))
        < product.expected
    )


def _most(expected: tuple[Product, ...]) -> int:
    return len(expected) + 1 + MOST_ADDED


def _row(typed: Mapping[str, Any], number: int, known: set[str]) -> Row:
    def text(name: str) -> str:
        value = typed.get(f"{name}-{number}", "")
        return value.strip() if isinstance(value, str) else ""

    product = text("product")
    return Row(
        number=number,
        sku=product if product in known else text("sku"),
        free=product not in known,
        quantity=text("quantity"),
        grade=text("grade"),
        condition=text("condition") or Condition.UNKNOWN,
        disposition=text("disposition") or Disposition.PENDING,
        note=text("note"),
    )


def _numbered(rows: list[Row], expected: tuple[Product, ...]) -> tuple[Row, ...]:
    order = {product.sku: place for place, product in enumerate(expected)}
    ordered = sorted(rows, key=lambda row: len(order) if row.free else order[row.sku])
    return tuple(msgspec.structs.replace(row, number=number) for number, row in enumerate(ordered))


def _item(row: Row, wrong: Wrong) -> ReceivedItem | None:
    found: Wrong = {}
    sku = _checked("sku", _sku, row.sku, found)
    quantity = _checked("quantity", _quantity, row.quantity, found)
    grade = _checked("grade", _grade, row.grade, found)
    condition = _checked("condition", lambda text: _word(text, Condition), row.condition, found)
    disposition = _checked("disposition", lambda text: _word(text, Disposition), row.disposition, found)
    note = _checked("note", _note, row.note, found)
    wrong.update({f"{name}-{row.number}": code for name, code in found.items()})
    if found:
        return None
    return ReceivedItem(
        sku=sku, quantity=quantity, grade=grade, condition=condition, disposition=disposition, note=note or None
    )


class _Bad(Exception):  # noqa: N818 - carries the code of what is wrong
    pass


def _checked(name: str, check: Callable[[str], Any], text: str, wrong: Wrong) -> Any:
    try:
        return check(text)
    except _Bad as bad:
        wrong[name] = str(bad)
        return None


def _sku(text: str) -> str:
    if not text:
        raise _Bad("sku_missing")
    if len(text) > LONGEST_SKU:
        raise _Bad("sku_long")
    return text


def _quantity(text: str) -> int:
    if not text:
        raise _Bad("quantity_missing")
    if not (text.isascii() and text.isdigit()):
        raise _Bad("quantity_number")
    if len(text) > LONGEST_NUMBER or not 1 <= int(text) <= MOST_UNITS:
        raise _Bad("quantity_range")
    return int(text)


def _grade(text: str) -> Grade:
    if not text:
        raise _Bad("grade_missing")
    return _word(text, Grade)


def _note(text: str) -> str:
    if len(text) > LONGEST_NOTE:
        raise _Bad("note_long")
    return text


def _word(text: str, kind: type[Word]) -> Word:
    try:
        return kind(text)
    except ValueError:
        raise _Bad("word_unknown") from None
