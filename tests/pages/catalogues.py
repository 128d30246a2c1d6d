"""The catalogues of translations: what pages say, and what the catalogues hold of it.

`python -m tests.pages.catalogues` brings the catalogues up to date: it adds what is said and has no translation yet,
empty, and drops what nobody says any more.
"""

from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from connectors import warehouse_app
from hub import demo, labels, web
from hub.web.reader import Language

ROOMS = [Path(str(room.__file__)).parent for room in (web, demo, warehouse_app, labels)]
# English is what the source says.
LANGUAGES = [language for language in Language if language is not Language.ENGLISH]
METHODS: list[tuple[str, str]] = [("**.py", "python"), ("**.html", "jinja2")]
OPTIONS = {"**.html": {"newstyle_gettext": "true", "trim_blocks": "true", "lstrip_blocks": "true"}}
WIDTH = 120
Message = str | tuple[str, ...]


def said(room: Path) -> set[Message]:
    """The texts that a room's templates and modules mark."""
    found = extract_from_dir(room, METHODS, OPTIONS)
    return {message for _, _, message, _, _ in found}


def path_of(room: Path, language: Language) -> Path:
    """Where a room keeps a language."""
    return room / "locales" / f"{language}.po"


def catalogue(room: Path, language: Language) -> Catalog:
    """What a room holds of a language."""
    path = path_of(room, language)
    if not path.exists():
        return Catalog(locale=language)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def bring_up_to_date(room: Path, language: Language) -> None:
    """Write a room's catalogue of a language with exactly what the room says."""
    held, fresh = catalogue(room, language), Catalog(locale=language)
    for message in sorted(said(room), key=str):
        before = held.get(message)
        string = before.string if before else ""
        flags = {"python-format"} if "%(" in str(message) else set()
        fresh.add(message, string, flags=flags)
    written = BytesIO()
    write_po(written, fresh, omit_header=True, width=WIDTH)
    head = (
        f'msgid ""\nmsgstr ""\n"Language: {language}\\n"\n"Content-Type: text/plain; charset=utf-8\\n"\n'
        f'"Plural-Forms: {fresh.plural_forms}\\n"\n\n'
    )
    path = path_of(room, language)
    path.parent.mkdir(exist_ok=True)
    path.write_text(head + written.getvalue().decode().strip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    for each in ROOMS:
        for spoken in LANGUAGES:
            bring_up_to_date(each, spoken)
