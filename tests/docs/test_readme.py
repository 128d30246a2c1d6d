"""The README's two lines are lines that run from a fresh clone, and CI runs the very same test line."""

import re
import shutil
import subprocess

import pytest

from tests.docs.book import ROOT, blocks, page

SET_UP = "python3 -m venv .venv && .venv/bin/pip install -q -r {lock} && .venv/bin/pip install -q --no-deps "
BASH = shutil.which("bash")


def _line(heading: str) -> str:
    _, _, after = page("README.md").partition(f"\n## {heading}\n")
    block = blocks(after)[0]
    assert block.language == "sh"
    assert block.text.count("\n") == 1
    return block.text.strip()


def test_run_it_is_one_line_that_ends_with_the_demonstration() -> None:
    assert _line("Run it").startswith(SET_UP.format(lock="requirements-run.txt"))
    assert _line("Run it").endswith(" && .venv/bin/hub demo --once --json")


def test_test_it_is_one_line_that_ends_with_all_tests() -> None:
    assert _line("Test it").startswith(SET_UP.format(lock="requirements.txt"))
    assert re.search(r" && \.venv/bin/pytest( -n \d)?$", _line("Test it"))


@pytest.mark.skipif(BASH is None, reason="there is no bash here")
def test_ci_takes_its_test_line_from_the_readme() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    (taking,) = re.findall(r"^test_line=.*$", script, re.MULTILINE)
    shown = subprocess.run(
        [str(BASH), "-c", f'{taking}; printf %s "$test_line"'], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert shown.stdout == _line("Test it")
    assert script.rstrip().endswith('bash -c "$test_line"')


def test_the_map_of_rooms_names_what_is_there_and_all_of_it() -> None:
    _, _, after = page("README.md").partition("\n## The rooms\n")
    cells = re.findall(r"^\| (`[^|]+)\|", after, re.MULTILINE)
    named = {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}
    named = {name if "/" in name or (ROOT / name).exists() else f"hub/{name}" for name in named}
    assert {name for name in named if not (ROOT / name).exists()} == set()
    rooms = {f"hub/{path.parent.name}" for path in (ROOT / "hub").glob("*/__init__.py")} - {"hub/migrations"}
    assert rooms - named == set()


def test_the_picture_of_the_road_can_be_told_without_seeing_it() -> None:
    (alt,) = re.findall(r'<img src="docs/pictures/road\.svg"[^>]* alt="([^"]+)"', page("README.md"))
    for word in ("Initiate", "Receive", "Settle", "channel return", "merchant return"):
        assert word in alt
