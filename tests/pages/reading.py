"""Reads a page as a browser does, as far as tests need it: forms with their fields, sentences, and the focus."""

from html.parser import HTMLParser
from typing import Any

Attributes = dict[str, str | None]
EMPTY = {"input", "meta", "link", "img", "br"}


class Form:
    """One form as a browser would send it."""

    def __init__(self, action: str) -> None:
        self.action = action
        self.fields: dict[str, str] = {}
        self.buttons: list[str] = []


class PageRead(HTMLParser):
    """A page's forms, the text of each element with an id, and all its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.by_id: dict[str, str] = {}
        self.described: dict[str, str] = {}
        self.focus: str | None = None
        self.links: list[str] = []
        self.addresses: list[str] = []
        self.codes: list[str] = []
        self._open: list[tuple[str, str | None]] = []
        self._select: str | None = None
        self._words: list[str] = []
        self.feed(html)
        self.text = " ".join(" ".join(self._words).split())

    def form(self, part: str) -> Form:
        """The form whose address holds this part."""
        (found,) = (form for form in self.forms if part in form.action)
        return found

    def wrong(self, name: str) -> str:
        """The sentence that stands by a field, if it is marked as wrong."""
        ids = self.described.get(name, "").split()
        return " ".join(self.by_id[each].strip() for each in ids if each.endswith("-wrong"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, Any]]) -> None:
        values: Attributes = dict(attrs)
        if tag not in EMPTY:
            self._open.append((tag, values.get("id")))
        if tag == "form":
            self.forms.append(Form(values.get("action") or ""))
        if tag == "a":
            self.links.append(values.get("href") or "")
        self.addresses += [value for name, value in attrs if name in {"href", "src", "action"} and value]
        name = values.get("name")
        if "autofocus" in values:
            assert self.focus is None
            self.focus = name if tag != "button" else values.get("value")
        if name and self.forms:
            self._field(tag, name, values)
        if tag == "option" and self._select and "selected" in values:
            self.forms[-1].fields[self._select] = values.get("value") or ""

    def _field(self, tag: str, name: str, values: Attributes) -> None:
        fields = self.forms[-1].fields
        if values.get("aria-invalid") == "true":
            self.described[name] = values.get("aria-describedby") or ""
        if tag == "button":
            self.forms[-1].buttons.append(values.get("value") or "")
        elif tag == "select":
            self._select = name
            fields.setdefault(name, "")
        elif values.get("type") != "radio" or "checked" in values:
            fields[name] = values.get("value") or ""

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass
        if tag == "select":
            self._select = None

    def handle_data(self, data: str) -> None:
        if any(tag in {"script", "style", "option"} for tag, _ in self._open):
            return
        self._words.append(data)
        if self._open and self._open[-1] == ("code", None) and data.strip():
            self.codes.append(data.strip())
        for _, held in self._open:
            if held:
                self.by_id[held] = self.by_id.get(held, "") + data
