"""Texts of strangers made fit for paper: whatever comes in, what goes out has a glyph and fits."""

import re
import unicodedata
from functools import cache
from pathlib import Path

import fontpkg_fira_sans  # type: ignore[import-untyped]  # it is files and their folder
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

REGULAR, BOLD = "Fira Sans", "Fira Sans SemiBold"
_FILES = {REGULAR: "FiraSans-Regular.ttf", BOLD: "FiraSans-SemiBold.ttf"}
# Stands for what the font cannot show, such as emoji; once for however many there are in a row.
UNKNOWN = "?"
ELLIPSIS = "…"


@cache
def glyphs() -> frozenset[int]:
    """Return the characters that the font can show; reads and registers it when first asked."""
    folder = Path(fontpkg_fira_sans.ROOT) / "files"
    fonts = [TTFont(name, str(folder / file)) for name, file in _FILES.items()]
    for font in fonts:
        pdfmetrics.registerFont(font)
    return frozenset.intersection(*(frozenset(font.face.charToGlyph) for font in fonts))


def printable(text: str, most: int) -> str:
    """Return a text in one line of at most `most` characters, each of which the font can show."""
    known = glyphs()
    # A text of a megabyte is cut before it is looked at closely.
    flat = " ".join(unicodedata.normalize("NFC", text[: most * 8]).split())
    kept = (sign for sign in flat if unicodedata.category(sign)[0] != "C")
    shown = "".join(sign if ord(sign) in known else "\0" for sign in kept)
    return cut(re.sub("\0+", UNKNOWN, shown).strip(), most)


def cut(text: str, most: int) -> str:
    """Return a text, or as much of it as fits with a sign that there was more."""
    return text if len(text) <= most else text[: most - 1].rstrip() + ELLIPSIS


def width(text: str, font: str, size: float) -> float:
    """Return how wide a text is, in points."""
    glyphs()
    return float(pdfmetrics.stringWidth(text, font, size))


def fitted(text: str, font: str, sizes: tuple[float, float], room: float) -> tuple[str, float]:
    """Return a text and the size, from the first down to the second, in which it fits a width; cut if it must be."""
    largest, smallest = sizes
    size = largest
    while size > smallest and width(text, font, size) > room:
        size -= 0.5
    while len(text) > 1 and width(text, font, size) > room:
        text = cut(text, len(text) - 1 if not text.endswith(ELLIPSIS) else len(text) - 2)
    return text, size
