import msgspec
import pytest
from click.testing import CliRunner

from hub.bench import decisions
from hub.cli import cli
from tenants.policies.checks import Known, problems
from tenants.policies.engine import decide


def test_the_benchmark_tells_how_fast_decisions_are_and_how_that_falls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decisions, "SECONDS", 0.01)
    told = CliRunner().invoke(cli, ["bench", "decisions", "--rounds", "1", "--json"])
    assert told.exit_code == 0, told.output
    read = msgspec.json.decode(told.output)
    assert [each["rules"] for each in read["speeds"]] == list(decisions.SIZES)
    assert len(read["growth"]) == len(decisions.SIZES) - 1
    assert all(each["per_second"] > 0 for each in read["speeds"])


@pytest.mark.parametrize("size", decisions.SIZES)
def test_what_it_measures_is_a_policy_that_could_be_published_and_whose_rules_hold(size: int) -> None:
    rules, facts = decisions.rules_of(size), decisions.facts_of(1)
    known = Known(warehouses=frozenset({rules.receiving[0].warehouse_id}), marketplaces=frozenset())
    assert problems(facts.kind, rules, known) == ()
    found = {each.inputs.get("window") for each in decide(rules, 1, facts, decisions.NOW).findings}
    assert {"W1", "All"} <= found
