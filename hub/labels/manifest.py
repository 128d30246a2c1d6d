"""The manifest sheet: what stands on a pallet or in a container, to be checked and signed where it changes hands."""

from collections.abc import Sequence
from functools import partial

from hub.labels import words
from hub.labels.messages import Language, Manifest, Parcel
from hub.labels.paper import QUIET, Sheet, document, spaced
from hub.labels.texts import printable

# A4, in millimetres.
SIZE = (210.0, 297.0)
LEFT, RIGHT = 15.0, 195.0
LONGEST = 120
TOP, ROW, ROWS = 58.0, 14.0, 14
# Beside each other three or more millimetres of white, so that a scanner takes the bar code it is held at.
COLUMNS = {"place": 23.0, "bars": 30.0, "account": 104.0, "units": 177.0, "tick": 188.0}


def manifest_pdf(manifest: Manifest, language: Language) -> bytes:
    """Return a manifest of as many A4 pages as its parcels need, with a bar code for each and room to sign."""
    _ = words.of(language)
    parcels = manifest.parcels
    parts = [parcels[start : start + ROWS] for start in range(0, max(len(parcels), 1), ROWS)]
    pages = [partial(_page, manifest=manifest, part=part, of=(number, len(parts)), _=_, language=language)
             for number, part in enumerate(parts, start=1)]  # fmt: skip
    return document(f"{_('Manifest')} {printable(manifest.place, LONGEST)}", SIZE, list(pages))


def _page(
    sheet: Sheet, *, manifest: Manifest, part: Sequence[Parcel], of: tuple[int, int], _: words.Say, language: Language
) -> None:
    number, pages = of
    _head(sheet, manifest, _, language)
    _titles(sheet, TOP - 5, _)
    for place, parcel in enumerate(part):
        _row(sheet, TOP + place * ROW, (number - 1) * ROWS + place + 1, parcel, _)
    if number == pages:
        _signatures(sheet, _)
    sheet.rule(LEFT, RIGHT, 284)
    sheet.text((LEFT, 289), printable(manifest.reference or manifest.place, LONGEST), 8.5, tone=QUIET)
    sheet.right((RIGHT, 289), f"{number} / {pages}", 8.5, tone=QUIET)


def _head(sheet: Sheet, manifest: Manifest, _: words.Say, language: Language) -> None:
    sheet.text((LEFT, 24), _("Manifest"), 24, bold=True)
    place = " · ".join(filter(None, (printable(manifest.place, LONGEST), printable(manifest.reference or "", LONGEST))))
    sheet.fit((LEFT, 32), place, (12, 7), 112, bold=False)
    sheet.text((LEFT, 38.5), words.day(manifest.printed_at, language), 9.5, tone=QUIET)
    units = sum(parcel.units for parcel in manifest.parcels)
    for x, amount, title in ((158.0, len(manifest.parcels), _("Parcels")), (RIGHT, units, _("Units"))):
        sheet.right((x, 26), str(amount), 22, bold=True)
        sheet.right((x, 32), title, 9, tone=QUIET)
    sheet.rule(LEFT, RIGHT, 44)


def _titles(sheet: Sheet, y: float, _: words.Say) -> None:
    sheet.text((COLUMNS["bars"], y), _("Return"), 8.5, tone=QUIET)
    sheet.text((COLUMNS["account"], y), _("Account"), 8.5, tone=QUIET)
    sheet.right((COLUMNS["units"], y), _("Units"), 8.5, tone=QUIET)
    sheet.rule(LEFT, RIGHT, y + 2.5, tone=QUIET)


def _row(sheet: Sheet, y: float, place: int, parcel: Parcel, _: words.Say) -> None:
    sheet.right((COLUMNS["place"], y + 6), str(place), 9, tone=QUIET)
    sheet.bars((COLUMNS["bars"], y + 0.2), parcel.number, 62, 6.6)
    sheet.text((COLUMNS["bars"], y + 10.3), spaced(parcel.number), 9, bold=True)
    sheet.fit((COLUMNS["account"], y + 5), printable(parcel.account, LONGEST), (10, 6.5), 60, bold=False)
    if parcel.order_number:
        order = f"{_('Order')} {printable(parcel.order_number, LONGEST)}"
        sheet.fit((COLUMNS["account"], y + 9.8), order, (8.5, 6), 60, bold=False)
    sheet.right((COLUMNS["units"], y + 6), str(parcel.units), 11, bold=True)
    sheet.box((COLUMNS["tick"], y + 2.2), 4.8)
    sheet.rule(LEFT, RIGHT, y + ROW - 1.8)


def _signatures(sheet: Sheet, _: words.Say) -> None:
    for x, title in ((LEFT, _("Handed over by")), (LEFT + 95, _("Taken over by"))):
        sheet.rule(x, x + 85, 272, tone=QUIET)
        sheet.text((x, 276.5), title, 8.5, tone=QUIET)
