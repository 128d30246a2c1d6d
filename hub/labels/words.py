"""The words on paper, in each language."""

import gettext
from collections.abc import Callable
from datetime import datetime
from functools import cache
from io import BytesIO
from pathlib import Path

from babel import Locale, dates
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from hub.labels.messages import Language

LOCALES = Path(__file__).parent / "locales"
Say = Callable[[str], str]
_SPOKEN = {
    Language.ENGLISH: Locale("en", "GB"),
    Language.DUTCH: Locale("nl", "NL"),
    Language.GERMAN: Locale("de", "DE"),
    Language.FRENCH: Locale("fr", "FR"),
}


@cache
def of(language: Language) -> Say:
    """Return what says a text in a language; English is what the source says."""
    path = LOCALES / f"{language}.po"
    if not path.exists():
        return str
    compiled = BytesIO()
    with path.open("rb") as file:
        write_mo(compiled, read_po(file))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled).gettext


def country(code: str | None, language: Language) -> str | None:
    """Return a country's name, by its two letters of ISO 3166; the letters where the language has no name for it."""
    return _SPOKEN[language].territories.get(code, code) if code else None


def day(at: datetime, language: Language) -> str:
    """Return a day as the language writes it: 23 November 2026."""
    return dates.format_date(at, "long", locale=_SPOKEN[language])
