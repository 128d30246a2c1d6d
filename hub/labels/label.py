"""The address label: on the outside of a parcel, for whoever carries it and whoever receives it."""

from hub.labels import words
from hub.labels.messages import Address, Label, Language
from hub.labels.paper import QUIET, Sheet, document, spaced
from hub.labels.texts import printable

# A6, which every label printer and half of an office sheet has room for; in millimetres.
SIZE = (105.0, 148.0)
LEFT, RIGHT = 8.0, 97.0
ROOM = RIGHT - LEFT
LONGEST, MOST_LINES = 80, 5
QR_SIDE = 25.0


def label_pdf(label: Label, language: Language) -> bytes:
    """Return an address label of one page, with the return number as QR and as Code 128."""
    return document(f"{label.number}", SIZE, [lambda sheet: _draw(sheet, label, words.of(language))])


def _draw(sheet: Sheet, label: Label, _: words.Say) -> None:
    sheet.text((LEFT, 17), _("Return"), 25, bold=True)
    sheet.fit((LEFT, 24.5), printable(label.account, LONGEST), (11, 7), ROOM - QR_SIDE - 8, bold=False)
    if label.order_number:
        order = f"{_('Order')} {printable(label.order_number, LONGEST)}"
        sheet.fit((LEFT, 30.5), order, (9.5, 6.5), ROOM - QR_SIDE - 8, bold=False)
    sheet.qr((RIGHT - QR_SIDE, 8), label.number, QR_SIDE)
    sheet.rule(LEFT, RIGHT, 38)
    _address(sheet, 44, _("To"), label.to, name=(17, 9), line=(13, 8))
    sheet.rule(LEFT, RIGHT, 82)
    if label.sender is not None:
        _address(sheet, 87, _("From"), label.sender, name=(10.5, 7), line=(9.5, 7))
    else:
        _to_fill_in(sheet, 87, _("From"))
    sheet.rule(LEFT, RIGHT, 110)
    sheet.bars((LEFT + 5, 114.5), label.number, ROOM - 10, 16)
    sheet.centred((SIZE[0] / 2, 136.5), spaced(label.number), 14, bold=True)
    sheet.fit(
        (LEFT, 143.5), _("This label pays no postage. Keep the receipt of the carrier."), (7.5, 6), ROOM, bold=False
    )


def _address(
    sheet: Sheet, y: float, title: str, address: Address, *, name: tuple[float, float], line: tuple[float, float]
) -> None:
    sheet.text((LEFT, y), title, 8, tone=QUIET)
    step = line[0] * 0.47
    y += name[0] * 0.42 + 0.8
    sheet.fit((LEFT, y), printable(address.name, LONGEST), name, ROOM, bold=True)
    for text in filter(None, (printable(each, LONGEST) for each in address.lines[:MOST_LINES])):
        y += step
        sheet.fit((LEFT, y), text, line, ROOM, bold=False)


def _to_fill_in(sheet: Sheet, y: float, title: str) -> None:
    sheet.text((LEFT, y), title, 8, tone=QUIET)
    for line in (y + 5.5, y + 12, y + 18.5):
        sheet.rule(LEFT + 12, RIGHT, line)
