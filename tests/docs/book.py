"""The documentation as tests read it: pages, their fenced blocks and their tables."""

import re
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FIRST_CELL = re.compile(r"^\| (?:<a id=\"[^\"]+\"></a>)?`([^`]+)`", re.MULTILINE)
ANY = "…"


class Block(NamedTuple):
    """One fenced block: its language and its text."""

    language: str
    text: str


def page(name: str) -> str:
    """Return a page below `docs`, or the README."""
    return (ROOT / name if name == "README.md" else DOCS / name).read_text(encoding="utf-8")


def blocks(text: str) -> list[Block]:
    """Return a page's fenced blocks, in order."""
    return [Block(*found) for found in _FENCE.findall(text)]


def first_cells(text: str) -> list[str]:
    """Return the code words in the first column of a page's tables, in order."""
    return _FIRST_CELL.findall(text)


def differences(shown: Any, given: Any, where: str = "answer") -> list[str]:
    """Say where an answer is not as the page shows it.

    `…` in a text stands for any text, and as a field for any further fields; lists of texts are sets.
    """
    if isinstance(shown, dict) and isinstance(given, dict):
        return _fields(shown, given, where)
    if isinstance(shown, list) and isinstance(given, list) and len(shown) == len(given):
        if all(isinstance(item, str) for item in shown):
            shown, given = sorted(shown), sorted(given)
        pairs = enumerate(zip(shown, given, strict=True))
        return [line for index, pair in pairs for line in differences(*pair, f"{where}[{index}]")]
    if isinstance(shown, str) and isinstance(given, str) and ANY in shown:
        pattern = ".+".join(map(re.escape, shown.split(ANY)))
        return [] if re.fullmatch(pattern, given, re.DOTALL) else [f"{where}: {given!r} is not like {shown!r}"]
    same = type(shown) is type(given) and shown == given
    return [] if same else [f"{where}: {given!r} is not {shown!r}"]


def _fields(shown: dict[str, Any], given: dict[str, Any], where: str) -> list[str]:
    named = set(shown) - {ANY}
    found = [f"{where} has no {name!r}" for name in sorted(named - set(given))]
    if ANY not in shown:
        found += [f"{where} also has {name!r}" for name in sorted(set(given) - named)]
    for name in sorted(named & set(given)):
        found += differences(shown[name], given[name], f"{where}.{name}")
    return found
