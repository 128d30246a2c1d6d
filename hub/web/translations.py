"""What pages say, in the reader's language: gettext catalogues, read when a language is first asked for.

Texts stand in templates and in Python in English, marked with `_(…)`; `locales/LANGUAGE.po` has them in the others.
A plugin keeps its own in a folder `locales` beside its templates. docs/pages.md says how catalogues are brought up to
date.
"""

import gettext as standard
from collections.abc import Callable, Iterable
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations
from jinja2 import Environment

from hub.web import reader
from hub.web.reader import Language

HERE = Path(__file__).parent
FOLDER = "locales"


class Catalogues:
    """The translations of the hub's pages and of plugins' pages, one for each language."""

    def __init__(self, folders: Iterable[Path] = ()) -> None:
        self._folders = (HERE, *folders)
        self._read: dict[Language, standard.NullTranslations] = {}

    def of(self, language: Language) -> standard.NullTranslations:
        """Return one language's translations; what has none stays English."""
        if language not in self._read:
            self._read[language] = self._all(language)
        return self._read[language]

    def current(self) -> standard.NullTranslations:
        """Return the translations for whoever reads what is rendered now."""
        return self.of(reader.current().language)

    def _all(self, language: Language) -> standard.NullTranslations:
        merged = Translations()
        for folder in reversed(self._folders):
            path = folder / FOLDER / f"{language}.po"
            if path.exists():
                # The hub's own come last, so that no plugin changes what the shell says.
                merged.merge(_translations(path))
        return merged


def _translations(path: Path) -> Translations:
    with path.open("rb") as file:
        catalogue = read_po(file)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Translations(compiled)


_own = Catalogues()


def gettext(text: str, **values: Any) -> str:
    """Say one of the hub's own texts in the reader's language, with values put in by name."""
    # The empty text would be answered with the catalogue's head.
    said = _own.current().gettext(text) if text else ""
    return said % values if values else said


def marked(text: str) -> str:
    """Return a text as it is, marked for the catalogues because it is said later, by a name."""
    return text


def install(environment: Environment, catalogues: Catalogues) -> None:
    """Give templates `_`, `ngettext` and `{% trans %}` in the language of each page's reader."""

    def said(name: str) -> Callable[..., str]:
        return lambda *texts: str(getattr(catalogues.current(), name)(*texts))

    environment.add_extension("jinja2.ext.i18n")
    environment.install_gettext_callables(  # type: ignore[attr-defined]  # added by the extension
        gettext=said("gettext"),
        ngettext=said("ngettext"),
        pgettext=said("pgettext"),
        npgettext=said("npgettext"),
        newstyle=True,
    )
