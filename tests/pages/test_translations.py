"""Every text of pages is kept in every language, and says the same things."""

import re
import string
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from hub.web import reader, templating, translations
from hub.web.reader import Language, Reader
from tests.pages.catalogues import LANGUAGES, ROOMS, catalogue, said


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("room", ROOMS, ids=lambda path: path.name)
def test_every_text_is_translated_and_no_translation_is_left_over(room: Path, language: Language) -> None:
    held = {message.id: message for message in catalogue(room, language) if message.id}
    wanted = said(room)
    assert len(wanted) > 15
    assert wanted - set(held) == set(), "these are not translated"
    assert set(held) - wanted == set(), "nobody says these any more"
    assert [message.id for message in held.values() if message.fuzzy or not _whole(message.string)] == []


def _whole(string_: Any) -> bool:
    return bool(string_) and all(string_ if isinstance(string_, tuple) else (string_,))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("room", ROOMS, ids=lambda path: path.name)
def test_a_translation_puts_in_the_same_values_and_the_same_markup(room: Path, language: Language) -> None:
    for message in catalogue(room, language):
        if not message.id:
            continue
        first = str(message.id if isinstance(message.id, str) else message.id[0])
        for text in map(str, message.string if isinstance(message.string, list | tuple) else (message.string,)):
            assert set(re.findall(r"%\(\w+\)\w", text)) == set(re.findall(r"%\(\w+\)\w", first)), first
            assert sorted(re.findall(r"<[^>]+>", text)) == sorted(re.findall(r"<[^>]+>", first)), first


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_text_that_two_rooms_say_means_the_same_in_both(language: Language) -> None:
    # The hub's own catalogue wins over a plugin's; another meaning wants other words in English, too.
    own, *plugins = [{each.id: each.string for each in catalogue(room, language) if each.id} for room in ROOMS]
    for plugin in plugins:
        assert {text: (own[text], plugin[text]) for text in own.keys() & plugin if own[text] != plugin[text]} == {}


# -- nothing is said that is not marked


class Loose(HTMLParser):
    """Collects words of a template that stand outside of any mark, in text and in attributes that are read out."""

    READ_OUT = frozenset({"aria-label", "title", "alt", "placeholder"})

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in {"meta", "link", "img", "br", "input"}:
            self._open.append(tag)
        self.found += [value for name, value in attrs if name in self.READ_OUT and value and _words(value)]

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        # Macros that write attributes have them outside of any element.
        data = re.sub(r"[a-z-]+=\"[^\"]*\"", "", data)
        if _words(data) and not {"code", "kbd"} & set(self._open):
            self.found.append(data.strip())


def _words(text: str) -> bool:
    return any(character in string.ascii_letters for character in text)


def _bare(source: str) -> str:
    """A template's own markup: without comments, statements and values."""
    source = re.sub(r"\{#.*?#\}", "", source, flags=re.DOTALL)
    source = re.sub(r"\{% block page_class %\}.*?\{% endblock %\}", "", source)
    source = re.sub(r"\{%-?\s*trans\b.*?endtrans\s*-?%\}", "", source, flags=re.DOTALL)
    source = re.sub(r"\{\{.*?\}\}", "", source, flags=re.DOTALL)
    return re.sub(r"\{%.*?%\}", "", source, flags=re.DOTALL)


# The product's own name, and the page of all components, which only those see who build pages.
NAMES = {"Returns hub", "· Returns hub"}
SHOWN = [
    path
    for room in ROOMS
    for path in sorted((room / "templates").rglob("*.html"))
    if path.parent.name != "stories" and path.name != "gallery.html"
]


@pytest.mark.parametrize("path", SHOWN, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_page_says_nothing_that_is_not_marked_for_translation(path: Path) -> None:
    loose = Loose()
    loose.feed(_bare(path.read_text(encoding="utf-8")))
    assert set(loose.found) - NAMES == set()


@pytest.mark.parametrize("source", ["<p>Hello</p>", '<a title="Go">{{ x }}</a>', "{% if x %}Stop{% endif %}"])
def test_a_word_that_was_not_marked_is_found(source: str) -> None:
    loose = Loose()
    loose.feed(_bare(source))
    assert len(loose.found) == 1


def test_words_within_values_are_marked_too() -> None:
    # A literal that is shown as it is: {{ "Save" }}, or one that is given to a component as its text.
    for path in SHOWN:
        source = re.sub(r"\{#.*?#\}", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        for value in re.findall(r"\{\{(.*?)\}\}", source, flags=re.DOTALL):
            unmarked = re.sub(r"n?gettext\([^)]*\)|_\(\s*\"(?:[^\"\\]|\\.)*\"", "", value)
            texts = re.findall(r'"([^"]*)"', unmarked)
            assert [text for text in texts if re.match(r"[A-Z][a-z]+ ?", text) and path.name != "base.html"] == [], path


# -- how a page gets its language


@pytest.mark.parametrize("language", Language)
def test_a_page_is_said_in_the_language_of_its_reader(language: Language) -> None:
    words = {"en": "Sign in", "nl": "Aanmelden", "de": "Anmelden", "fr": "Se connecter"}
    template = templating.bare({}).from_string('{{ _("Sign in") }} {{ _("Copy %(what)s", what=text) }}')
    with reader.reading(Reader(language=language)):
        shown = template.render(text="<b>")
        assert shown.startswith(words[language])
        assert "&lt;b&gt;" in shown
        assert translations.gettext("Sign in") == words[language]


def test_components_say_nothing_of_the_first_reader_to_the_second() -> None:
    template = templating.bare({}).get_template("components/skeleton.html")
    texts = []
    for language in Language:
        with reader.reading(Reader(language=language)):
            texts.append(str(template.module.skeleton(1)))  # type: ignore[attr-defined]  # made by Jinja
    assert len(set(texts)) == len(Language)


def test_a_plugin_brings_its_own_translations_and_changes_none_of_the_hubs(tmp_path: Path) -> None:
    (tmp_path / "locales").mkdir()
    head = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n'
    text = 'msgid "Scan"\nmsgstr "Scannen"\n\nmsgid "Sign in"\nmsgstr "changed"\n'
    (tmp_path / "locales" / "nl.po").write_text(head + text, encoding="utf-8")
    template = templating.bare({"plugin": tmp_path}).from_string('{{ _("Scan") }}, {{ _("Sign in") }}')
    with reader.reading(Reader(language=Language.DUTCH)):
        assert template.render() == "Scannen, Aanmelden"
    with reader.reading(Reader(language=Language.GERMAN)):
        assert template.render() == "Scan, Anmelden"
