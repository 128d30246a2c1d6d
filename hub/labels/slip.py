"""The packing slip: inside the parcel, says what should be in it."""

from collections.abc import Sequence
from functools import partial

from hub.labels import words
from hub.labels.messages import Language, Slip, SlipLine
from hub.labels.paper import QUIET, Sheet, document, spaced
from hub.labels.texts import REGULAR, fitted, printable

# A4, in millimetres.
SIZE = (210.0, 297.0)
LEFT, RIGHT = 20.0, 190.0
LONGEST = 140
TOP, TOP_AFTER_THE_FIRST, ROW, BOTTOM = 126.0, 34.0, 12.5, 279.0
COLUMNS = {"product": 20.0, "sku": 112.0, "quantity": 172.0, "tick": 184.0}


def slip_pdf(slip: Slip, language: Language) -> bytes:
    """Return a packing slip of as many A4 pages as its lines need; every page carries the return number."""
    _ = words.of(language)
    parts = split(slip.lines, _rows(TOP), _rows(TOP_AFTER_THE_FIRST))
    pages = [partial(_page, slip=slip, part=part, of=(number, len(parts)), _=_, language=language)
             for number, part in enumerate(parts, start=1)]  # fmt: skip
    return document(f"{_('Packing slip')} {slip.number}", SIZE, list(pages))


def split(rows: Sequence[SlipLine], first: int, more: int) -> list[Sequence[SlipLine]]:
    """Return rows in pages: so many on the first one, so many on each after it; one page at least."""
    parts = [rows[:first]]
    parts += [rows[start : start + more] for start in range(first, len(rows), more)]
    return parts


def _rows(top: float) -> int:
    return int((BOTTOM - top) // ROW)


def _page(
    sheet: Sheet, *, slip: Slip, part: Sequence[SlipLine], of: tuple[int, int], _: words.Say, language: Language
) -> None:
    number, pages = of
    if number == 1:
        _head(sheet, slip, _, language)
    else:
        sheet.text((LEFT, 20), _("Packing slip"), 13, bold=True)
        sheet.right((RIGHT, 20), spaced(slip.number), 13, bold=True)
    y = TOP if number == 1 else TOP_AFTER_THE_FIRST
    _titles(sheet, y - 5, _)
    for place, line in enumerate(part):
        _line(sheet, y + place * ROW, line)
    sheet.rule(LEFT, RIGHT, 281)
    sheet.text((LEFT, 286.5), _("Put this slip into the parcel."), 8.5, tone=QUIET)
    sheet.right((RIGHT, 286.5), f"{number} / {pages}", 8.5, tone=QUIET)


def _head(sheet: Sheet, slip: Slip, _: words.Say, language: Language) -> None:
    sheet.text((LEFT, 30), _("Packing slip"), 26, bold=True)
    sheet.fit((LEFT, 38.5), printable(slip.account, LONGEST), (13, 8), 110, bold=False)
    sheet.qr((RIGHT - 30, 19), slip.number, 30)
    sheet.rule(LEFT, RIGHT, 57)
    facts = [
        (_("Return"), spaced(slip.number)),
        (_("Order"), printable(slip.order_number or "", LONGEST) or "\N{EN DASH}"),
        (_("Date"), words.day(slip.created_at, language)),
    ]
    for place, (title, said) in enumerate(facts):
        y = 65.5 + place * 12
        sheet.text((LEFT, y), title, 8.5, tone=QUIET)
        sheet.fit((LEFT, y + 5), said, (11.5, 7), 78, bold=place == 0)
    sheet.text((108, 65.5), _("To"), 8.5, tone=QUIET)
    sheet.fit((108, 70.5), printable(slip.to.name, LONGEST), (11.5, 7), 82, bold=True)
    for place, line in enumerate(slip.to.lines[:4]):
        sheet.fit((108, 75.5 + place * 5), printable(line, LONGEST), (10.5, 7), 82, bold=False)
    sheet.bars((LEFT + 4, 101), slip.number, 78, 11)


def _titles(sheet: Sheet, y: float, _: words.Say) -> None:
    sheet.text((COLUMNS["product"], y), _("Product"), 8.5, tone=QUIET)
    sheet.text((COLUMNS["sku"], y), "SKU", 8.5, tone=QUIET)
    sheet.right((COLUMNS["quantity"], y), _("Quantity"), 8.5, tone=QUIET)
    sheet.rule(LEFT, RIGHT, y + 2.5, tone=QUIET)


def _line(sheet: Sheet, y: float, line: SlipLine) -> None:
    name = printable(line.name or line.sku, LONGEST)
    first, rest = _two(name)
    sheet.text((COLUMNS["product"], y + (4.5 if not rest else 3.2)), first, 10.5)
    if rest:
        sheet.text((COLUMNS["product"], y + 7.6), rest, 10.5)
    sheet.fit((COLUMNS["sku"], y + 4.5), printable(line.sku, LONGEST), (10, 6), 46, bold=False)
    sheet.right((COLUMNS["quantity"], y + 4.5), str(line.quantity), 11, bold=True)
    sheet.box((COLUMNS["tick"], y + 1), 4.6)
    sheet.rule(LEFT, RIGHT, y + ROW - 2.2)


def _two(name: str) -> tuple[str, str]:
    """Break a name into two lines, between words where that is possible."""
    room = (COLUMNS["sku"] - COLUMNS["product"] - 4) * 72 / 25.4
    whole, _ = fitted(name, REGULAR, (10.5, 10.5), room)
    if whole == name:
        return name, ""
    fits = len(whole) - 1
    broken = name.rfind(" ", fits // 2, fits + 1)
    first = name[: broken if broken > 0 else fits].rstrip()
    return first, fitted(name[len(first) :].strip(), REGULAR, (10.5, 10.5), room)[0]
