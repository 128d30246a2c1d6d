from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.sdk.messages import Kind, Reason
from hub.sdk.receiving import Condition
from tenants.policies.checks import Known, problems
from tenants.policies.matching import fits, overlap, patterns_meet
from tenants.policies.rules import Rules, Scoped, Window

PLACE = UUID(int=1)
KNOWN = Known(warehouses=frozenset({PLACE}), marketplaces=frozenset({"11", "12"}))
GOOD: dict[str, Any] = {"receiving": [{"warehouse_id": str(PLACE)}]}


def told(**rules: Any) -> list[tuple[str, str]]:
    given = msgspec.convert(GOOD | rules, Rules)
    return [(each.field, each.code) for each in problems(Kind.MERCHANT, given, KNOWN)]


def test_a_policy_with_a_warehouse_and_nothing_else_may_be_published() -> None:
    assert told() == []


TEXTS = {"en": "Text"}


@pytest.mark.parametrize(
    ("rules", "field", "code"),
    [
        ({"receiving": []}, "receiving", "no_receiving_option"),
        ({"receiving": [{"warehouse_id": str(UUID(int=9))}]}, "receiving[0].warehouse_id", "warehouse_unknown"),
        ({"marketplaces": ["13"]}, "marketplaces", "marketplace_unknown"),
        ({"reasons": []}, "reasons", "no_reasons"),
        ({"reasons": [{"code": "tight", "texts": TEXTS}]}, "reasons[0].maps_to", "reason_unmapped"),
        ({"reasons": [{"code": "tight", "texts": {}, "maps_to": "wrong_size"}]}, "reasons[0].texts", "text_missing"),
        ({"windows": [{"name": "All"}]}, "windows[0].days", "window_endless"),
        ({"windows": [{"name": "A", "days": 1}, {"name": "B", "days": 2}]}, "windows[1]", "window_overlaps"),
        (
            {"windows": [{"name": "A", "days": 1, "skus": ["SHOE*"]}, {"name": "B", "days": 2, "skus": ["*-RED"]}]},
            "windows[1]", "window_overlaps",
        ),
        (
            {"windows": [{"name": "A", "days": 1}, {"name": "A", "days": 1, "countries": ["NL"]}]},
            "windows[1]", "named_twice",
        ),
        ({"windows": [{"name": "A", "days": 1, "reasons": ["tight"]}]}, "windows[0].reasons", "reason_unknown"),
        (
            {"windows": [{"name": "A", "days": 1, "season": {"first": "2026-12-24", "last": "2026-11-01"}}]},
            "windows[0].season", "season_backwards",
        ),
        ({"groups": [{"tag": "sale", "skus": []}]}, "groups[0].skus", "group_empty"),
        ({"authorisation": {"by": "rules"}}, "authorisation.rules", "no_rules"),
        (
            {"authorisation": {"by": "rules", "rules": [{"name": "R", "then": "ask", "above": "9", "up_to": "9"}]}},
            "authorisation.rules[0].up_to", "ceiling_impossible",
        ),
        ({"fees": [{"name": "F", "kind": "shipping", "payer": "customer"}]}, "fees[0].amount", "fee_nothing"),
        (
            {"fees": [{"name": each, "kind": "shipping", "payer": "customer", "amount": "1"} for each in "FG"]},
            "fees[1]", "fee_overlaps",
        ),
        ({"keep_item": [{"name": "K", "ceiling": "0"}]}, "keep_item[0].ceiling", "ceiling_impossible"),
        ({"questions": [{"code": "q", "kind": "choice", "texts": TEXTS}]}, "questions[0].choices", "choices_missing"),
        ({"questions": [{"code": "q", "kind": "text", "texts": {}}]}, "questions[0].texts", "text_missing"),
        (
            {"exceptions": {"limits": [{"name": "none", "returns": 0, "within_days": 30}]}},
            "exceptions.limits[0].returns", "ceiling_impossible",
        ),
        ({"exceptions": {"allow": ["a" * 64], "block": ["a" * 64]}}, "exceptions.block", "allowed_and_blocked"),
        ({"ask_conditions": ["damaged"]}, "ask_conditions", "rejected_and_asked"),
        ({"rejection_codes": {"used": "R1"}}, "rejection_codes.used", "code_unused"),
    ],
)  # fmt: skip
def test_what_keeps_a_policy_from_being_published_is_said_by_its_field(
    rules: dict[str, Any], field: str, code: str
) -> None:
    assert told(**rules) == [(field, code)]


@pytest.mark.parametrize(
    "rules",
    [
        {"windows": [{"name": "A", "days": 1}, {"name": "B", "days": 2, "countries": ["NL"]}]},
        {"windows": [{"name": c, "days": 1, "countries": [c]} for c in ("NL", "BE")]},
        {"fees": [{"name": k, "kind": k, "payer": "customer", "amount": "1"} for k in ("shipping", "handling")]},
        {"rejection_codes": {"damaged": "R1", "grade": "R2", "short": "R3"}},
        {"reasons": [{"code": "tight", "texts": TEXTS, "maps_to": "wrong_size"}]},
    ],
)
def test_what_is_told_apart_may_be_published(rules: dict[str, Any]) -> None:
    assert told(**rules) == []


def test_everything_that_is_wrong_is_said_at_once_and_each_says_what_to_do() -> None:
    bad = msgspec.convert({"receiving": [], "windows": [{"name": "A"}], "reasons": []}, Rules)
    found = problems(Kind.CHANNEL, bad, KNOWN)
    assert [each.field for each in found] == ["receiving", "reasons", "windows[0].days"]
    assert "'Channel returns'" in found[0].message
    assert all(":" in each.message and each.message.endswith(".") for each in found)


def test_the_ten_reasons_are_each_mapped_to_themselves() -> None:
    rules = msgspec.convert(GOOD, Rules)
    assert {each.code: each.maps_to for each in rules.reasons} == {each.value: each for each in Reason}


def test_rules_that_were_published_before_read_as_they_decided() -> None:
    stored = b'{"receiving":[{"warehouse_id":"00000000-0000-0000-0000-000000000001","countries":["NL"]}],"accept_grades":["A","B"],"reject_conditions":["damaged"],"when_short":"ask","settle_by":"itself","arrive_within_days":30,"when_overdue":"ask","finalise_after_days":null}'  # noqa: E501 - as it lies in the database
    rules = msgspec.json.decode(stored, type=Rules)
    assert (rules.windows, rules.fees, rules.ask_conditions) == ((), (), frozenset())
    assert rules.reject_conditions == {Condition.DAMAGED}
    assert problems(Kind.CHANNEL, rules, KNOWN) == ()


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "-1", "1000001"])
def test_what_is_no_amount_is_not_read(amount: str) -> None:
    for name, rule in {
        "fees": {"name": "F", "kind": "shipping", "payer": "customer", "amount": amount},
        "keep_item": {"name": "K", "ceiling": amount},
    }.items():
        with pytest.raises(msgspec.ValidationError, match="between 0 and 1000000"):
            msgspec.convert(GOOD | {name: [rule]}, Rules)


stems = st.text("AB", min_size=1, max_size=3)
patterns = st.builds(lambda stem, form: form.format(stem), stems, st.sampled_from(["{}", "*{}", "{}*"]))
scopes = st.builds(
    Scoped,
    skus=st.lists(patterns, max_size=2).map(tuple),
    countries=st.sampled_from([(), ("NL",), ("BE",), ("NL", "BE")]),
)


@given(patterns, patterns, st.text("AB", min_size=1, max_size=7))
def test_patterns_that_never_meet_have_no_product_in_common(one: str, other: str, sku: str) -> None:
    assert patterns_meet(one, other) == patterns_meet(other, one)
    if fits(one, sku) and fits(other, sku):
        assert patterns_meet(one, other)


@given(patterns, patterns)
def test_patterns_that_meet_have_a_product_in_common(one: str, other: str) -> None:
    bare = one.strip("*"), other.strip("*")
    candidates = [*bare, bare[0] + bare[1], bare[1] + bare[0]]
    assert patterns_meet(one, other) == any(fits(one, sku) and fits(other, sku) for sku in candidates)


@given(scopes, scopes)
def test_to_overlap_is_mutual_and_everything_overlaps_itself(one: Scoped, other: Scoped) -> None:
    assert overlap(one, other) == overlap(other, one)
    assert overlap(one, one)


def test_seasons_that_share_a_day_overlap() -> None:
    def season(first: int, last: int) -> Window:
        told = {"first": date(2026, 11, first).isoformat(), "last": date(2026, 11, last).isoformat()}
        return msgspec.convert({"name": "S", "days": 1, "season": told}, Window)

    assert overlap(season(1, 10), season(10, 20))
    assert not overlap(season(1, 9), season(10, 20))


def test_an_upper_amount_is_a_decimal_and_stays_one() -> None:
    rules = msgspec.convert(GOOD | {"keep_item": [{"name": "K", "ceiling": "9.95"}]}, Rules)
    again = msgspec.json.decode(msgspec.json.encode(rules), type=Rules)
    assert again == rules
    assert again.keep_item[0].ceiling == Decimal("9.95")
