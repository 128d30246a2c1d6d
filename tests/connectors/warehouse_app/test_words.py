import re
from pathlib import Path
from typing import Any

import pytest

import connectors.warehouse_app
from connectors.warehouse_app import form
from hub.returns.states import DISPLAY
from hub.sdk.receiving import Condition, Disposition
from hub.web import templating

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


def test_the_app_knows_the_contract_and_litestar_only() -> None:
    for path in FOLDER.glob("*.py"):
        imported = re.findall(r"^(?:from|import) (\w+(?:\.\w+)*)", path.read_text(encoding="utf-8"), re.MULTILINE)
        rooms = {name for name in imported if name.split(".")[0] in {"hub", "tenants", "connectors"}}
        assert all(name.startswith(("hub.sdk", "connectors.warehouse_app")) for name in rooms)
