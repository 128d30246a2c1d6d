"""The locks fit the project, and say nothing of where packages come from."""

import re
import tomllib
from importlib.metadata import requires
from pathlib import Path
from typing import NamedTuple

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.docs.book import ROOT, page

ENTRY = re.compile(
    r"(?P<name>[a-z0-9-]+)(?:\[(?P<extra>[a-z]+)\])?==(?P<version>[a-z0-9.]+)(?: ; (?P<marker>[a-z_' .<>=!0-9A-Z]+))?"
)
HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


class Pin(NamedTuple):
    """One package of a lock."""

    version: str
    extra: str | None
    marker: str | None
    hashes: frozenset[str]


def _lock(name: str) -> dict[str, Pin]:
    """Read a lock; a line that is anything but a pin or a hash fails the test."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    entries = [line for line in lines if not line.startswith("#")]
    pins: dict[str, Pin] = {}
    for block in re.split(r"\n(?=\S)", "\n".join(entries)):
        first, *rest = block.replace(" \\\n", "\n").split("\n")
        found = ENTRY.fullmatch(first)
        assert found, f"{name}: {first}"
        assert rest, f"{name}: {first} has no hash"
        assert all(HASH.fullmatch(line) for line in rest), f"{name}: {first}"
        pins[found["name"]] = Pin(found["version"], found["extra"], found["marker"], frozenset(rest))
    return pins


def _wanted(*extras: str) -> set[str]:
    lists = [PROJECT["dependencies"], *(PROJECT["optional-dependencies"][extra] for extra in extras)]
    return {re.split(r"[\[<>=!;]", each)[0].strip() for named in lists for each in named}


@pytest.mark.parametrize(
    ("name", "extras"), [("requirements.txt", ("build", "dev")), ("requirements-run.txt", ("build",))]
)
def test_a_lock_has_whatever_the_project_names(name: str, extras: tuple[str, ...]) -> None:
    assert _wanted(*extras) <= set(_lock(name))
    assert len(_lock(name)) > 50


def test_what_runs_is_a_part_of_the_whole_lock() -> None:
    whole, runs = _lock("requirements.txt"), _lock("requirements-run.txt")
    assert {name: whole.get(name) for name in runs} == runs
    # Litestar brings polyfactory along, for the examples in its OpenAPI document.
    only_dev = _wanted("dev") - _wanted() - {"polyfactory"}
    assert only_dev & set(runs) == set()


def test_a_package_that_another_wants_with_an_extra_is_pinned_with_it() -> None:
    # pip before 24 looks at the newest release for such a wish, and then refuses it for its hash.
    lock = _lock("requirements.txt")
    names = [name for name, pin in lock.items() if pin.marker is None]
    wishes = [Requirement(each) for name in names for each in requires(name) or ()]
    wanted = [each for each in wishes if each.extras and not (each.marker and "extra" in str(each.marker))]
    assert wanted
    for each in wanted:
        assert {lock[canonicalize_name(each.name)].extra} == each.extras


def test_the_locks_hold_what_the_first_releases_of_python_3_11_need() -> None:
    pin = _lock("requirements-run.txt")["async-timeout"]
    assert pin.marker == "python_full_version < '3.11.3'"


def test_neither_lock_says_where_packages_come_from() -> None:
    for name in ("requirements.txt", "requirements-run.txt"):
        head = [line for line in Path(ROOT / name).read_text(encoding="utf-8").splitlines() if line.startswith("#")]
        assert len(head) == 2
        assert "/" not in "".join(head)
        assert f"-o {name}" in head[1]


def test_every_dependency_has_its_line_in_the_decision() -> None:
    cells = re.findall(r"^\| (`[^|]+) \|", page("decisions/0016-dependencies.md"), re.MULTILINE)
    named = {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}
    assert named == _wanted("build", "dev")
