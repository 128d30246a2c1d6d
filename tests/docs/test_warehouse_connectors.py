"""Whoever follows the page for connectors of warehouses ends with one that keeps what the page claims."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from hub.cli import cli
from hub.sdk.testing import Tier
from hub.sdk.testing.wire import Fault
from tests.docs.book import Block, blocks, page

PAGE = page("warehouse-connectors.md")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    path = list(sys.path)
    yield tmp_path / "depot"
    sys.path[:] = path
    for module in [module for module in sys.modules if module.partition(".")[0] == "depot"]:
        del sys.modules[module]


def _run(line: str, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if line == "cd depot":
        monkeypatch.chdir(project)
        return
    for module in [module for module in sys.modules if module.partition(".")[0] == "depot"]:
        del sys.modules[module]
    told = CliRunner().invoke(cli, line.removeprefix("hub ").split())
    assert told.exit_code == 0, told.output


def _write(block: Block, project: Path) -> None:
    first, _, _ = block.text.partition("\n")
    (project / first.removeprefix("# ")).write_text(block.text)


def _change(block: Block, project: Path) -> None:
    for part in block.text.split("--- ")[1:]:
        name, _, lines = part.partition("\n")
        rows = lines.splitlines()
        before = "\n".join(row[1:] for row in rows if not row.startswith("+"))
        after = "\n".join(row[1:] for row in rows if not row.startswith("-"))
        source = (project / name).read_text()
        assert source.count(before) == 1, f"{name} has not this once:\n{before}"
        (project / name).write_text(source.replace(before, after))


def test_the_page_ends_with_a_connector_that_keeps_what_it_claims(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for block in blocks(PAGE):
        if block.language == "sh":
            for line in block.text.splitlines():
                _run(line, project, monkeypatch)
        elif block.language == "diff":
            _change(block, project)
        elif block.text.startswith("# depot/"):
            _write(block, project)


def test_the_page_tells_of_every_tier_and_of_as_many_faults_as_there_are() -> None:
    assert all(f"| {tier.name.lower()} |" in PAGE for tier in list(Tier)[1:])
    assert len(Fault) == 14
    assert "fourteen faults" in PAGE
