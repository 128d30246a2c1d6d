"""The pages that list things list exactly what there is."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec
import pytest

from hub.api import problems
from hub.cli import cli
from hub.settings import FOREIGN, Settings, read
from tests.docs.book import DOCS, ROOT, first_cells, page

STATUS = {
    "Invalid": 422,
    "Malformed": 400,
    "Unauthorised": 401,
    "Forbidden": 403,
    "NotFound": 404,
    "Conflict": 409,
    "Unavailable": 503,
    "TooLarge": 413,
    "TooMany": 429,
    "Illegal": 409,
    "taken": 409,
    "FieldWrong": 422,
    "Throttled": 429,
}
# Where a call names its code, if not first.
PLACES = {"taken": 1, "FieldWrong": 1}
AT_THE_DESK = {"return_not_found": 404, "cursor_invalid": 400, "belongs_elsewhere": 409}
# Named by the web server's own exceptions, or by the answer to a bug.
UNRAISED: dict[str, set[int | str]] = {
    "request_malformed": {400},
    "not_found": {404},
    "method_not_allowed": {405},
    "too_large": {413},
    "http_*": {"any"},
    "internal": {500},
    "invalid": {422},
}
ROW = re.compile(r"^\| (?:<a id=\"([^\"]+)\"></a>)?`([^`]+)` \| ([^|]+) \|", re.MULTILINE)


def _sources(*rooms: str) -> Iterator[tuple[Path, ast.Module]]:
    for room in rooms:
        for path in sorted((ROOT / room).rglob("*.py")):
            if "sandbox" not in path.parts and "demo" not in path.parts:
                yield path, ast.parse(path.read_text(encoding="utf-8"))


def _calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            yield name, node


def _text(node: ast.Call, place: int) -> str | None:
    if len(node.args) <= place:
        return None
    argument = node.args[place]
    return argument.value if isinstance(argument, ast.Constant) and isinstance(argument.value, str) else None


def _raised() -> dict[str, set[int]]:
    """Return every code that the hub's source names, with the statuses it is answered with."""
    found: dict[str, set[int]] = defaultdict(set)
    for _, tree in _sources("hub", "tenants"):
        for name, node in _calls(tree):
            code = _text(node, PLACES.get(name, 0))
            if code and name in STATUS:
                found[code].add(STATUS[name])
            if code and name == "ReceivingRefused":
                found[code].add(AT_THE_DESK.get(code, 422))
    return found


def _refused_by_connectors() -> set[str]:
    calls = [call for _, tree in _sources("connectors") for call in _calls(tree)]
    return {code for name, node in calls if name == "Refused" and (code := _text(node, 0))}


def test_every_setting_is_on_its_page_with_its_default() -> None:
    rows = re.findall(r"^\| `(HUB_\w+)` \| (.+?) \|", page("settings.md"), re.MULTILINE)
    fields = msgspec.structs.fields(Settings)
    defaults = [str(field.default).strip("'") if field.default not in (None, "") else "none" for field in fields]
    expected = [(f"HUB_{field.name.upper()}", default) for field, default in zip(fields, defaults, strict=True)]
    assert [(name, default.strip("`")) for name, default in rows] == expected
    assert {name for name in FOREIGN if f"`{name}`" in page("settings.md")} == FOREIGN


def test_the_settings_page_is_the_one_that_the_hub_points_to() -> None:
    with pytest.raises(Exception, match=r"docs/settings\.md"):
        read({"HUB_NO_SUCH_THING": "1"})
    assert problems.BASE == "urn:returns-hub:error:"


def test_every_error_code_is_on_its_page_with_its_statuses() -> None:
    rows = {
        code: {part.strip() for part in statuses.split(",")} for _, code, statuses in ROW.findall(page("errors.md"))
    }
    raised = {code: {str(status) for status in statuses} for code, statuses in _raised().items()}
    for code, statuses in UNRAISED.items():
        raised.setdefault(code, set()).update(str(status) for status in statuses)
    of_connectors = _refused_by_connectors() - set(raised)
    assert set(rows) == set(raised) | of_connectors
    assert {code: statuses for code, statuses in rows.items() if code in raised} == raised
    assert {statuses for code in of_connectors for statuses in rows[code]} <= {"422", "operation"}


def test_every_error_code_can_be_linked_to_and_stands_once() -> None:
    rows = ROW.findall(page("errors.md"))
    assert all(anchor == code for anchor, code, _ in rows if code != "http_*")
    codes = [code for _, code, _ in rows]
    assert len(codes) == len(set(codes)) > 50


def test_every_metric_is_on_its_page_with_its_labels() -> None:
    expected = {}
    for _, tree in _sources("hub/kit"):
        for kind, node in _calls(tree):
            if kind in {"Counter", "Gauge", "Histogram"} and (name := _text(node, 0)):
                labels = ast.literal_eval(node.args[2]) if len(node.args) > 2 else []
                expected[name] = labels
    rows = re.findall(r"^\| `(hub_\w+)` \| (.*?)\|", page("metrics.md"), re.MULTILINE)
    assert {name: re.findall(r"`(\w+)`", labels) for name, labels in rows} == expected


def test_every_event_is_on_its_page() -> None:
    names = set()
    for _, tree in _sources("hub/returns", "hub/settlement", "hub/initiation", "hub/receipt"):
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                names |= set(re.findall(r"^(?:return|settlement)\.[a-z_]+$", node.value))
    assert set(first_cells(page("events.md"))) == names


def test_every_kind_of_work_item_is_on_its_page() -> None:
    kinds = set()
    for _, tree in _sources("hub", "tenants"):
        for name, node in _calls(tree):
            if name == "Matter":
                (kind,) = [keyword.value for keyword in node.keywords if keyword.arg == "kind"]
                kinds.add(kind.value if isinstance(kind, ast.Constant) else "EFFECT_refused")
    rows = first_cells(page("work-items.md"))
    assert set(rows) == kinds | {"EFFECT_dead"}


def _words_of_the_hub() -> set[str]:
    """Return the words that callers of the API meet as values."""
    words = set()
    for path, tree in _sources("hub", "tenants"):
        if path.name not in {"messages.py", "case.py", "profiles.py", "receiving.py", "rules.py", "words.py"}:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and any(ast.unparse(base) == "StrEnum" for base in node.bases):
                words |= {ast.literal_eval(each.value) for each in node.body if isinstance(each, ast.Assign)}
    return words


def test_the_glossary_has_every_word_that_the_api_uses_as_a_value() -> None:
    shown = set(re.findall(r"`([^`]+)`", page("glossary.md")))
    assert _words_of_the_hub() - shown == set()


def _commands(group: click.Group, above: str = "hub") -> Iterator[str]:
    for name, command in group.commands.items():
        path = f"{above} {name}"
        if isinstance(command, click.Group):
            yield from _commands(command, path)
        else:
            yield path


PAGES = ["README.md", "CONTRIBUTING.md", *(str(path.relative_to(ROOT)) for path in sorted(DOCS.rglob("*.md")))]


@pytest.mark.parametrize("name", PAGES)
def test_every_command_that_a_page_names_exists(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    there = set(_commands(cli))
    groups = {path.rpartition(" ")[0] for path in there} - {"hub"}
    named = re.findall(r"(?:`|\$ |bin/|&& )hub ((?:[a-z]+ ?){1,2})", text)
    for words in named:
        first, *rest = words.split()
        path = f"hub {first}"
        assert path in there or (path in groups and (not rest or f"{path} {rest[0]}" in there)), f"{name}: hub {words}"


@pytest.mark.parametrize("name", PAGES)
def test_every_link_of_a_page_leads_somewhere(name: str) -> None:
    here = ROOT / name
    text = here.read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r"(?:src|srcset)=\"([^\"]+)\"", text)
    for link in links:
        place, _, anchor = link.partition("#")
        target = (here.parent / place).resolve() if place else here
        assert target.exists(), f"{name}: {link}"
        assert target.is_relative_to(ROOT), f"{name}: {link}"
        if anchor and target.suffix == ".md":
            assert anchor in _anchors(target), f"{name}: {link}"


def _anchors(path: Path) -> set[str]:
    text = path.read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    return slugs | set(re.findall(r"<a id=\"([^\"]+)\">", text))


DECISIONS = sorted((DOCS / "decisions").glob("[0-9]*.md"))


def test_decisions_are_numbered_without_gaps() -> None:
    assert [int(path.name[:4]) for path in DECISIONS] == list(range(1, len(DECISIONS) + 1))


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_has_its_four_parts_on_one_page(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert headings == ["Context", "Decision", "Consequences", "Alternatives"]
    assert text.startswith(f"# {int(path.name[:4])}. ")
    assert len(text.splitlines()) <= 70
    assert f"({path.name})" in page("decisions/README.md")
