"""What refusals say to people, in their language."""

import ast

import pytest

from hub.kit.errors import Invalid
from hub.web import reader
from hub.web.people import agents, sentences
from hub.web.reader import Language, Reader
from tenants.people.errors import FieldWrong, Throttled
from tests.docs.book import ROOT

ROOMS = ("tenants/people", "tenants/impersonation")
REFUSALS = {"Invalid", "FieldWrong", "Conflict", "NotFound", "Forbidden", "taken"}
# Parts of these are facts, and `sentences.of` puts them together.
PUT_TOGETHER = {"domain_not_yours", "password_weak"}


def said() -> set[str]:
    """Return the sentences that the rooms say as they are."""
    found: set[str] = set()
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in REFUSALS:
                    last = node.args[-1]
                    found |= {str(last.value)} if isinstance(last, ast.Constant) else set()
                if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
                    text = str(node.value.value)
                    found |= {text} if text.endswith(".") and " " in text else set()
    return found


def test_every_sentence_of_a_refusal_is_known_to_the_catalogues_and_none_is_left_over() -> None:
    assert len(said()) > 30
    assert said() - sentences.SAID_BY_ROOMS == set(), "these are not translated"
    assert sentences.SAID_BY_ROOMS - said() == set(), "no room says these any more"


def test_a_refusal_is_told_in_the_language_of_who_reads_it() -> None:
    with reader.reading(Reader(language=Language.DUTCH)):
        refused = FieldWrong("pin", "pin_invalid", "A PIN has four to six digits.")
        assert sentences.of(refused) == "Een pincode heeft vier tot zes cijfers."
        waits = Throttled("too_many_tries", "Too many tries.", wait=120)
        assert sentences.of(waits) == "Te veel pogingen. Wacht 2 minuten en probeer het opnieuw."
        assert sentences.of(Invalid("password_long", "Take at most 200 characters.")).startswith("Neem hoogstens 200")
        # What only an administrator of a provider can mend is said as it is.
        assert sentences.of(Invalid("provider_failed", "It said no.")) == "It said no."


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36", "Chrome on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Safari/604.1", "Safari on iPhone"),
        ("Mozilla/5.0 (Android 16; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0", "Firefox on Android"),
        ("", "A browser"),
        ("<script>", "A browser"),
    ],
)
def test_a_browser_is_named_as_people_know_it(agent: str, name: str) -> None:
    assert agents.name_of(agent) == name
