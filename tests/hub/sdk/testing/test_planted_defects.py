"""Each of these defects, planted into a good connector, turns the kit red."""

import shutil
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

import connectors
from hub.sdk.testing import RULES, Status, run_rule
from hub.sdk.testing.specimen import Specimen
from tests.support.defects import DEFECTS, Defect

SOURCES = Path(next(iter(connectors.__path__)))
_numbers = count(1)


Plant = Callable[[Defect], Specimen]


@pytest.fixture
def plant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Plant]:
    """Copy a connector into a package of its own, with a defect in it."""
    monkeypatch.syspath_prepend(str(tmp_path))
    name = f"planted_{next(_numbers)}"

    def planted(defect: Defect) -> Specimen:
        shutil.copytree(SOURCES / defect.connector, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        path = tmp_path / name / defect.file
        source = path.read_text()
        assert defect.good in source, "the connector has changed; plant this defect anew"
        path.write_text(source.replace(defect.good, defect.bad))
        for each in (tmp_path / name).rglob("*.py"):
            each.write_text(each.read_text().replace(f"connectors.{defect.connector}", name))
        return Specimen(name)

    yield planted
    for module in [module for module in sys.modules if module.startswith(name)]:
        del sys.modules[module]


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.what)
async def test_a_planted_defect_turns_the_kit_red(defect: Defect, plant: Plant) -> None:
    result = await run_rule(plant(defect), RULES[defect.rule])
    assert result.status is Status.BROKEN, f"{defect.rule} does not notice {defect.what}"
    assert not result.why.startswith(("NameError", "SyntaxError", "ImportError"))


def test_more_than_thirty_defects_are_planted_each_for_a_rule_that_there_is() -> None:
    assert len({defect.what for defect in DEFECTS}) == len(DEFECTS) > 30
    assert {defect.rule for defect in DEFECTS} <= set(RULES)


async def test_a_copy_without_a_defect_is_as_good_as_the_original(plant: Plant) -> None:
    whole = plant(Defect("nothing", "picqer", "wire.py", "WORDS", "WORDS", ""))
    for name in ("imports", "hints", "announce", "times"):
        assert (await run_rule(whole, RULES[name])).status is Status.KEPT
