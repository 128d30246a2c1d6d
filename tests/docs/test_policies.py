"""The page of policies names every field that a policy has, and every problem that keeps one from being published."""

import ast
import re

from tenants.policies.rules import Rules
from tests.docs.book import ROOT, page

# Codes that one function is given by another.
MADE: dict[str, set[str]] = {
    "tenants/policies/checks.py": {"window_overlaps", "fee_overlaps"},
    "tenants/configuration/engine.py": set(),
}


def _rows(heading: str) -> set[str]:
    _, _, after = page("policies.md").partition(f"\n## {heading}\n")
    cells = re.findall(r"^\| (`[^|]+)\|", after.partition("\n## ")[0], re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


def _codes(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    values = [keyword.value for call in calls for keyword in call.keywords if keyword.arg == "code"]
    return {value.value for value in values if isinstance(value, ast.Constant) and isinstance(value.value, str)}


def test_every_field_of_a_policy_is_on_its_page() -> None:
    assert _rows("What it can say") == set(Rules.__struct_fields__)


def test_every_problem_is_on_its_page() -> None:
    assert _rows("Problems") == {code for path, made in MADE.items() for code in _codes(path) | made}
