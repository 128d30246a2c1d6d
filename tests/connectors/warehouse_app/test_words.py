import re
from pathlib import Path
from typing import Any

import pytest

import connectors.warehouse_app
from connectors.warehouse_app import form
from hub.returns.states import DISPLAY
from hub.sdk.receiving import Condition, Deviation, Disposition
from hub.sdk.scanning import Next
from hub.web import templating
from hub.web.reader import Language
from tests.pages.catalogues import LANGUAGES, catalogue

FOLDER = Path(connectors.warehouse_app.__file__).parent


@pytest.fixture(scope="module")
def words() -> Any:
    engine = templating.config({"warehouse_app": FOLDER}).engine_instance
    return engine.get_template("warehouse_app/words.html").module


def test_every_word_of_the_contract_reads_as_a_word(words: Any) -> None:
    for say, codes in (
        (words.condition, Condition),
        (words.disposition, Disposition),
        (words.status, DISPLAY.values()),
    ):
        said = {code: str(say(code)) for code in codes}
        assert all(re.fullmatch(r"[A-Z][a-z]+( [a-z]+)*", text) for text in said.values())
        assert [code for code, text in said.items() if text == code and text not in {"Completed", "Canceled"}] == []


def test_every_code_of_the_form_has_a_sentence(words: Any) -> None:
    codes = set(re.findall(r'_Bad\("(\w+)"\)', Path(form.__file__).read_text(encoding="utf-8")))
    assert len(codes) > 5
    assert [code for code in codes if str(words.wrong(code)) == code] == []


SCRIPTS = sorted((FOLDER / "static" / "js").glob("*.js"))
TEXTS = (FOLDER / "templates" / "said.html").read_text(encoding="utf-8")


def test_every_text_that_a_script_says_is_there_and_no_other() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in SCRIPTS)
    there = set(re.findall(r'^  "([\w:]+)": _\(', TEXTS, re.MULTILINE))
    quoted = set(re.findall(r'"([\w:]+)"', source)) | {"needs_serial", "needs_lot"}
    assert set(re.findall(r'say\("([\w:]+)"', source)) - there == set()
    assert {name for name in there if ":" not in name} - quoted == set()


def test_every_next_step_and_deviation_has_words_in_the_app() -> None:
    for kind, codes in (("todo", Next), ("deviation", Deviation)):
        assert [code for code in codes if f'"{kind}:{code}"' not in TEXTS] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_has_the_same_values_in_braces(language: Language) -> None:
    for message in catalogue(FOLDER, language):
        if isinstance(message.id, str) and message.id:
            assert set(re.findall(r"\{\w+\}", str(message.string))) == set(re.findall(r"\{\w+\}", message.id))


def test_every_part_that_a_script_makes_is_in_the_page_and_scripts_are_short() -> None:
    page = (FOLDER / "templates" / "desk.html").read_text(encoding="utf-8")
    source = "".join(path.read_text(encoding="utf-8") for path in SCRIPTS)
    assert set(re.findall(r'make\("([\w-]+)"', source)) == set(re.findall(r'id="make-([\w-]+)"', page))
    assert [path.name for path in SCRIPTS if len(path.read_text(encoding="utf-8").splitlines()) > 160] == []


def test_the_app_knows_the_contract_and_litestar_only() -> None:
    for path in FOLDER.glob("*.py"):
        imported = re.findall(r"^(?:from|import) (\w+(?:\.\w+)*)", path.read_text(encoding="utf-8"), re.MULTILINE)
        rooms = {name for name in imported if name.split(".")[0] in {"hub", "tenants", "connectors"}}
        assert all(name.startswith(("hub.sdk", "connectors.warehouse_app")) for name in rooms)
