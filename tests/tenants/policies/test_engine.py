import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.sdk.messages import Kind, Reason
from tenants.policies.engine import decide
from tenants.policies.facts import Decision, Facts, Finding, LineFacts
from tenants.policies.rules import (
    Answer,
    Authorisation,
    AuthorisationRule,
    AuthoriseBy,
    Choice,
    CountedFrom,
    Exceptions,
    Fee,
    FeeKind,
    Group,
    KeepItem,
    Limit,
    Payer,
    Per,
    PolicyReason,
    Question,
    QuestionKind,
    Route,
    Rules,
    Season,
    Window,
)  # fmt: skip
from tenants.policies.words import CONCLUSIONS, WORDS, Audience, explain, say

PLACE, FAR_PLACE = UUID(int=1), UUID(int=2)
ROUTE = (Route(warehouse_id=PLACE),)
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
SOMEBODY = "a" * 64


def at(days_ago: float) -> datetime:
    return NOW - timedelta(days=days_ago)


def asked(*skus: str, **known: Any) -> Facts:
    price = known.pop("price", Decimal(20))
    lines = tuple(LineFacts(sku=sku, quantity=1, unit_price=price) for sku in skus or ("SHOE",))
    return Facts(**({"kind": Kind.MERCHANT, "lines": lines, "currency": "EUR"} | known))


def say_to(facts: Facts, **rules: Any) -> Decision:
    return decide(Rules(**({"receiving": ROUTE} | rules)), 1, facts, NOW)


def found(decision: Decision, code: str) -> Finding:
    (one,) = [each for each in decision.findings if each.code == code]
    return one


def window(name: str, days: int | None = 14, **more: Any) -> Window:
    return Window(name=name, days=days, **more)


def test_a_policy_that_says_nothing_lets_everything_come_back_for_nothing() -> None:
    decision = say_to(asked())
    assert (decision.answer, decision.until, decision.customer_pays) == (Answer.APPROVE, None, Decimal(0))
    assert (decision.warehouse_id, decision.reason, decision.ask) == (PLACE, Reason.OTHER, ())


# windows ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("counted_from", "known", "days_ago", "by"),
    [
        ("order", {"ordered_at": 9, "shipped_at": 5, "delivered_at": 2}, 9, "order"),
        ("shipment", {"ordered_at": 9, "shipped_at": 5, "delivered_at": 2}, 5, "shipment"),
        ("shipment", {"ordered_at": 9, "delivered_at": 2}, 9, "order"),
        ("delivery", {"ordered_at": 9, "shipped_at": 5, "delivered_at": 2}, 2, "delivery"),
        ("delivery", {"ordered_at": 9, "shipped_at": 5}, 5 - 3, "shipment"),
        ("delivery", {"ordered_at": 9}, 9 - 3, "order"),
    ],
)
def test_a_window_counts_from_its_moment_or_the_one_before_it(
    counted_from: str, known: dict[str, float], days_ago: float, by: str
) -> None:
    facts = asked(**{name: at(days) for name, days in known.items()})
    decision = say_to(facts, windows=(window("All", counted_from=CountedFrom(counted_from)),), delivery_days=3)
    assert decision.until == at(days_ago) + timedelta(days=14)
    assert found(decision, "window_open").inputs["began_by"] == by


def test_before_anybody_knows_when_a_window_began_goods_may_come_back() -> None:
    decision = say_to(asked(delivered_at=None), windows=(window("All"),))
    assert (decision.answer, decision.until) == (Answer.APPROVE, None)
    assert found(decision, "window_not_begun").rule == "windows[0]"


SHOES = window("Shoes", 30, skus=("SHOE*",))
WINDOWS = (
    window("All"),
    window("Belgium", 21, countries=("BE",)),
    window("Sale", 7, tags=("sale",)),
    SHOES,
    window(
        "Holidays", None, last_day=date(2027, 1, 15), season=Season(first=date(2026, 11, 1), last=date(2026, 12, 24))
    ),
    window("Belgian sale", 3, tags=("sale",), countries=("BE",)),
)


@pytest.mark.parametrize(
    ("sku", "country", "ordered", "wins"),
    [
        ("HAT", "NL", 40, "All"),
        ("HAT", "BE", 40, "Belgium"),
        ("HAT-OLD", "NL", 40, "Sale"),
        ("HAT-OLD", "BE", 40, "Belgian sale"),
        ("SHOE-OLD", "BE", 40, "Shoes"),
        ("HAT", "NL", 20, "Holidays"),
        ("HAT", "BE", 20, "Belgium"),
        ("HAT", None, 40, "All"),
    ],
)
def test_the_most_specific_window_wins_and_is_named(sku: str, country: str | None, ordered: int, wins: str) -> None:
    facts = asked(sku, country=country, ordered_at=at(ordered), delivered_at=at(1))
    decision = say_to(facts, windows=WINDOWS, groups=(Group(tag="sale", skus=("*-OLD",)),))
    (told,) = [each for each in decision.findings if each.code.startswith("window")]
    place = next(number for number, each in enumerate(WINDOWS) if each.name == wins)
    assert (told.inputs["window"], told.rule) == (wins, f"windows[{place}]")


def test_between_windows_of_two_tags_the_longer_one_holds() -> None:
    windows = (window("Summer", 10, tags=("summer",)), window("Luxury", 60, tags=("luxury",)))
    line = LineFacts(sku="HAT", quantity=1, tags=("summer", "luxury"))
    decision = say_to(asked(lines=(line,), delivered_at=at(30)), windows=windows)
    assert decision.answer is Answer.APPROVE
    assert found(decision, "window_open").inputs["window"] == "Luxury"


def test_one_line_that_is_too_late_refuses_the_return_and_is_named() -> None:
    decision = say_to(asked("SHOE", "HAT", delivered_at=at(20)), windows=(SHOES, window("All")))
    assert decision.answer is Answer.REFUSE
    assert found(decision, "window_over").inputs["sku"] == "HAT"
    assert [line.until for line in decision.lines] == [at(20) + timedelta(days=30), at(20) + timedelta(days=14)]


def test_a_channel_return_that_is_late_is_not_refused_for_its_marketplace_let_it_begin() -> None:
    decision = say_to(asked(kind=Kind.CHANNEL, delivered_at=at(20)), windows=(window("All"),))
    assert decision.answer is Answer.APPROVE
    assert found(decision, "window_over").inputs["window"] == "All"


# reasons, places, people --------------------------------------------------------------------------------


def test_a_reason_of_the_merchants_own_is_told_to_the_channel_as_one_of_the_ten() -> None:
    own = PolicyReason(code="too_tight", texts={"en": "Too tight", "nl": "Te krap"}, maps_to=Reason.WRONG_SIZE)
    decision = say_to(asked(reason="too_tight"), reasons=(own,))
    assert (decision.reason, found(decision, "reason_known").rule) == (Reason.WRONG_SIZE, "reasons[0]")
    assert say_to(asked(reason="wrong_size"), reasons=(own,)).reason is Reason.WRONG_SIZE
    assert say_to(asked(reason="because"), reasons=(own,)).answer is Answer.REFUSE


@pytest.mark.parametrize(("field", "known"), [("marketplace", "11"), ("country", "NL")])
def test_what_the_policy_does_not_cover_is_refused(field: str, known: str) -> None:
    covering = {"marketplace": {"marketplaces": ("11",)}, "country": {"countries": ("NL",)}}[field]
    assert say_to(asked(**{field: known}), **covering).answer is Answer.APPROVE
    for other in ("XX", None):
        decision = say_to(asked(**{field: other}), **covering)
        assert decision.answer is Answer.REFUSE
        assert found(decision, f"{field}_not_covered").inputs == {field: other or "unknown"}


@pytest.mark.parametrize(
    ("skus", "country", "warehouse"),
    [(("SHOE",), "NL", PLACE), (("BIKE",), "NL", FAR_PLACE), (("BIKE", "SHOE"), "NL", PLACE)],
)
def test_goods_go_where_the_most_specific_route_for_all_of_them_leads(
    skus: tuple[str, ...], country: str, warehouse: UUID
) -> None:
    routes = (Route(warehouse_id=PLACE, countries=("NL",)), Route(warehouse_id=FAR_PLACE, skus=("BIKE*",)))
    assert say_to(asked(*skus, country=country), receiving=routes).warehouse_id == warehouse


WEST, EAST, REST = UUID(int=1), UUID(int=2), UUID(int=3)


@pytest.mark.parametrize(
    ("routes", "country", "warehouse"),
    [
        ([(WEST, ("NL", "BE")), (EAST, ("PL",))], "PL", EAST),
        ([(WEST, ("NL",)), (EAST, ("NL",))], "NL", WEST),
        ([(REST, ()), (EAST, ("PL",))], "PL", EAST),
        ([(REST, ()), (EAST, ("PL",))], "DE", REST),
        ([(WEST, ("NL",)), (REST, ()), (EAST, ())], "DE", REST),
        ([(WEST, ("NL",)), (REST, ())], None, REST),
        ([(WEST, ("NL",)), (EAST, ("PL",))], "DE", WEST),
        ([(WEST, ("NL",)), (EAST, ("PL",))], None, WEST),
    ],
)
def test_goods_go_to_their_country_then_to_anywhere_then_to_the_first(
    routes: list[tuple[UUID, tuple[str, ...]]], country: str | None, warehouse: UUID
) -> None:
    receiving = tuple(Route(warehouse_id=each, countries=countries) for each, countries in routes)
    assert say_to(asked(country=country), receiving=receiving).warehouse_id == warehouse


BY_RULES = Authorisation(
    by=AuthoriseBy.RULES,
    rules=(
        AuthorisationRule(name="luxury", then=Answer.ASK, skus=("LUX*",)),
        AuthorisationRule(name="cheap shirts", then=Answer.APPROVE, skus=("SHIRT*",), up_to=Decimal(50)),
        AuthorisationRule(name="fortune", then=Answer.REFUSE, above=Decimal(1000)),
    ),
)


@pytest.mark.parametrize(
    ("skus", "price", "answer", "code"),
    [
        (("SHIRT",), "50", Answer.APPROVE, "rule_approves"),
        (("SHIRT",), "50.01", Answer.ASK, "no_rule_holds"),
        (("SHIRT", "HAT"), "5", Answer.ASK, "no_rule_holds"),
        (("SHIRT", "LUX-1"), "5", Answer.ASK, "rule_asks"),
        (("HAT",), "1000.01", Answer.REFUSE, "rule_refuses"),
        (("HAT",), None, Answer.ASK, "no_rule_holds"),
    ],
)
def test_the_first_rule_that_holds_authorises_and_otherwise_a_person_does(
    skus: tuple[str, ...], price: str | None, answer: Answer, code: str
) -> None:
    decision = say_to(asked(*skus, price=Decimal(price) if price else None), authorisation=BY_RULES)
    assert decision.answer is answer
    assert found(decision, code).answer is answer


def test_a_person_authorises_where_the_policy_says_so() -> None:
    assert say_to(asked(), authorisation=Authorisation(by=AuthoriseBy.PERSON)).answer is Answer.ASK


@pytest.mark.parametrize("refused", [Answer.ASK, Answer.REFUSE])
def test_a_blocked_customer_is_asked_about_or_refused_as_the_policy_says(refused: Answer) -> None:
    exceptions = Exceptions(block=(SOMEBODY,), when_blocked=refused)
    assert say_to(asked(customer=SOMEBODY), exceptions=exceptions).answer is refused
    assert say_to(asked(customer="b" * 64), exceptions=exceptions).answer is Answer.APPROVE
    assert say_to(asked(), exceptions=exceptions).answer is Answer.APPROVE


def test_an_allowed_customer_passes_window_limit_and_authorisation_but_nothing_else() -> None:
    exceptions = Exceptions(allow=(SOMEBODY,), limits=(Limit(name="few", returns=1, within_days=30),))
    strict: dict[str, Any] = {
        "exceptions": exceptions, "windows": (window("All"),), "authorisation": BY_RULES, "countries": ("NL",),
    }  # fmt: skip
    facts = asked(customer=SOMEBODY, delivered_at=at(100), earlier=(at(1),), country="NL")
    assert say_to(facts, **strict).answer is Answer.APPROVE
    assert say_to(msgspec.structs.replace(facts, country="DE"), **strict).answer is Answer.REFUSE


def test_a_limit_counts_the_customers_returns_of_its_days() -> None:
    limits = Exceptions(limits=(Limit(name="three a month", returns=3, within_days=30, then=Answer.ASK),))
    few, many = (at(1), at(2), at(31)), (at(1), at(2), at(30))
    assert say_to(asked(customer=SOMEBODY, earlier=few), exceptions=limits).answer is Answer.APPROVE
    decision = say_to(asked(customer=SOMEBODY, earlier=many), exceptions=limits)
    assert (decision.answer, found(decision, "limit_reached").inputs["begun"]) == (Answer.ASK, "3")


# costs and questions ------------------------------------------------------------------------------------


LABEL = Fee(name="Label", kind=FeeKind.SHIPPING, payer=Payer.CUSTOMER, amount=Decimal("4.95"))
FREE = Fee(
    name="Our fault", kind=FeeKind.SHIPPING, payer=Payer.MERCHANT, amount=Decimal("4.95"), reasons=("product_defect",)
)
RESTOCK = Fee(name="Restocking", kind=FeeKind.RESTOCKING, payer=Payer.CUSTOMER, percent=Decimal(15), skus=("TV*",))
EACH = Fee(name="Handling", kind=FeeKind.HANDLING, payer=Payer.CUSTOMER, amount=Decimal(1), per=Per.UNIT)


@pytest.mark.parametrize(
    ("fees", "skus", "reason", "pays"),
    [
        ((LABEL,), ("SHOE", "HAT"), None, "4.95"),
        ((LABEL, FREE), ("SHOE",), "product_defect", "0"),
        ((LABEL, FREE), ("SHOE",), "wrong_size", "4.95"),
        ((LABEL, RESTOCK), ("TV-1", "SHOE"), None, "7.95"),
        ((EACH,), ("SHOE", "HAT"), None, "2.00"),
    ],
)
def test_of_each_kind_of_fee_the_most_specific_is_charged_to_whoever_bears_it(
    fees: tuple[Fee, ...], skus: tuple[str, ...], reason: str | None, pays: str
) -> None:
    decision = say_to(asked(*skus, reason=reason), fees=fees)
    assert decision.customer_pays == Decimal(pays)
    assert sum(each.amount for each in decision.fees if each.payer is Payer.CUSTOMER) == Decimal(pays)


def test_a_share_of_a_price_that_nobody_knows_is_not_guessed() -> None:
    decision = say_to(asked("TV-1", price=None), fees=(RESTOCK,))
    assert (decision.fees, found(decision, "fee_unknown").rule) == ((), "fees[0]")


@pytest.mark.parametrize(("price", "keep"), [("10", True), ("10.01", False), (None, False)])
def test_a_customer_keeps_what_is_worth_no_more_than_the_ceiling(
    price: str | None,
    keep: bool,  # noqa: FBT001 - a column of the table above
) -> None:
    rules = {"keep_item": (KeepItem(name="Trifles", ceiling=Decimal(10)),)}
    decision = say_to(asked(price=Decimal(price) if price else None), **rules)
    assert [line.keep for line in decision.lines] == [keep]
    assert keep == any(each.code == "keep_item" for each in decision.findings)


def test_a_ceiling_is_for_all_units_of_a_line() -> None:
    rules = {"keep_item": (KeepItem(name="Trifles", ceiling=Decimal(10)),)}
    line = LineFacts(sku="PEN", quantity=3, unit_price=Decimal(4))
    assert not say_to(asked(lines=(line,)), **rules).lines[0].keep


QUESTIONS = (
    Question(code="what", kind=QuestionKind.TEXT, texts={"en": "What is wrong?"}, reasons=("product_defect",)),
    Question(code="shown", kind=QuestionKind.PHOTO, texts={"en": "Show it"}, photos=2, skus=("TV*",)),
    Question(
        code="worn", kind=QuestionKind.CHOICE, texts={"en": "Worn?"}, skus=("SHOE*",),
        choices=(Choice(code="yes", texts={"en": "Yes"}), Choice(code="no", texts={"en": "No"})),
    ),
)  # fmt: skip


def test_what_is_not_answered_is_asked_line_by_line() -> None:
    lines = (
        LineFacts(sku="TV-1", quantity=1, photos={"shown": 1}, answers={"what": "  "}),
        LineFacts(sku="SHOE", quantity=1, answers={"what": "a hole", "worn": "perhaps"}),
    )
    decision = say_to(asked(lines=lines, reason="product_defect"), questions=QUESTIONS)
    assert [(each.line, each.code, each.photos) for each in decision.ask] == [
        (0, "what", 0), (0, "shown", 1), (1, "worn", 0),
    ]  # fmt: skip
    assert decision.answer is Answer.APPROVE, "what is asked is not what is authorised"


# properties ---------------------------------------------------------------------------------------------

skus_of = st.sampled_from(["SHOE-1", "SHOE-2", "HAT-OLD", "LUX-1", "TV-1"])
scopes: dict[str, Any] = {
    "skus": st.sampled_from([(), ("SHOE*",), ("*-OLD",), ("TV-1", "LUX*")]),
    "tags": st.sampled_from([(), ("sale",), ("luxury",)]),
    "reasons": st.sampled_from([(), ("wrong_size",)]),
    "countries": st.sampled_from([(), ("NL",), ("BE", "NL")]),
    "season": st.sampled_from([None, Season(first=date(2026, 9, 1), last=date(2026, 10, 31))]),
}
names = st.sampled_from(["one", "two", "three"])
money = st.decimals(0, 100, places=2)
windows_of = st.builds(
    Window, name=names, days=st.none() | st.integers(1, 60),
    last_day=st.none() | st.dates(date(2026, 9, 1), date(2027, 1, 31)), counted_from=st.sampled_from(CountedFrom),
    **scopes,
)  # fmt: skip
rules_of = st.builds(
    Rules,
    receiving=st.lists(
        st.builds(Route, warehouse_id=st.sampled_from([PLACE, FAR_PLACE]), **scopes), max_size=3
    ).map(tuple),
    countries=st.sampled_from([(), ("NL", "BE")]),
    groups=st.sampled_from([(), (Group(tag="sale", skus=("*-OLD",)),)]),
    windows=st.lists(windows_of, max_size=5).map(tuple),
    delivery_days=st.integers(0, 5),
    authorisation=st.builds(
        Authorisation, by=st.sampled_from(AuthoriseBy),
        rules=st.lists(st.builds(AuthorisationRule, name=names, then=st.sampled_from(Answer), above=st.none() | money,
            up_to=st.none() | money, **scopes), max_size=3).map(tuple),
    ),
    fees=st.lists(st.builds(Fee, name=names, kind=st.sampled_from(FeeKind), payer=st.sampled_from(Payer), amount=money,
        percent=money, per=st.sampled_from(Per), **scopes), max_size=4).map(tuple),
    keep_item=st.lists(st.builds(KeepItem, name=names, ceiling=money, **scopes), max_size=2).map(tuple),
    exceptions=st.builds(Exceptions, allow=st.sampled_from([(), (SOMEBODY,)]), block=st.sampled_from([(), (SOMEBODY,)]),
        when_blocked=st.sampled_from(Answer),
        limits=st.lists(st.builds(Limit, name=names, returns=st.integers(0, 3), within_days=st.integers(1, 60)),
            max_size=2).map(tuple)),
)  # fmt: skip
moments_of = st.none() | st.datetimes(datetime(2026, 9, 1), datetime(2026, 11, 22), timezones=st.just(UTC))  # noqa: DTZ001
facts_of = st.builds(
    Facts,
    kind=st.sampled_from(Kind),
    lines=st.lists(
        st.builds(LineFacts, sku=skus_of, quantity=st.integers(1, 3), unit_price=st.none() | money,
            tags=st.sampled_from([(), ("luxury",)])),
        min_size=1, max_size=3,
    ).map(tuple),
    country=st.sampled_from([None, "NL", "DE"]),
    reason=st.sampled_from([None, "wrong_size", "because"]),
    ordered_at=moments_of, shipped_at=moments_of, delivered_at=moments_of,
    customer=st.sampled_from([None, SOMEBODY]),
    earlier=st.lists(moments_of.filter(bool), max_size=3).map(tuple),
)  # fmt: skip
STRICT = {Answer.APPROVE: 0, Answer.ASK: 1, Answer.REFUSE: 2}


@given(rules_of, facts_of)
def test_the_same_case_is_always_decided_the_same_and_survives_being_stored(rules: Rules, facts: Facts) -> None:
    decision = decide(rules, 3, facts, NOW)
    assert decide(rules, 3, facts, NOW) == decision
    again = msgspec.json.decode(msgspec.json.encode(rules), type=Rules)
    known = msgspec.json.decode(msgspec.json.encode(facts), type=Facts)
    assert decide(again, 3, known, NOW) == decision
    assert msgspec.json.decode(msgspec.json.encode(decision), type=Decision) == decision


@given(rules_of, facts_of, st.timedeltas(timedelta(0), timedelta(days=120)))
def test_what_may_come_back_later_may_come_back_now(rules: Rules, facts: Facts, later: timedelta) -> None:
    # Limits look back from the moment, so they are others later.
    rules = msgspec.structs.replace(rules, exceptions=Exceptions())
    now, then = decide(rules, 1, facts, NOW), decide(rules, 1, facts, NOW + later)
    assert STRICT[now.answer] <= STRICT[then.answer]
    assert now.until == then.until, "a window's end does not move with the day one asks"


@given(rules_of, facts_of, st.integers(1, 30))
def test_longer_windows_refuse_nothing_more(rules: Rules, facts: Facts, more: int) -> None:
    longer = tuple(
        msgspec.structs.replace(
            each, days=each.days and each.days + more, last_day=each.last_day and each.last_day + timedelta(more)
        )
        for each in rules.windows
    )  # fmt: skip
    before = decide(rules, 1, facts, NOW)
    after = decide(msgspec.structs.replace(rules, windows=longer), 1, facts, NOW)
    assert STRICT[after.answer] <= STRICT[before.answer]


@given(rules_of, facts_of)
def test_the_answer_is_the_strictest_finding_and_each_finding_names_a_rule_that_is_there(
    rules: Rules, facts: Facts
) -> None:
    decision = decide(rules, 1, facts, NOW)
    assert STRICT[decision.answer] == max(STRICT[each.answer] for each in decision.findings)
    for each in decision.findings:
        if each.rule == "kind":
            continue
        place: Any = rules
        for step in each.rule.replace("]", "").replace("[", ".").split("."):
            place = place[int(step)] if step.isdigit() else getattr(place, step)
        if each.code in {"window_open", "window_over", "window_not_begun"}:
            assert place.name == each.inputs["window"]


@given(rules_of, facts_of, st.randoms(use_true_random=False))
def test_the_order_of_windows_decides_nothing_about_their_end(
    rules: Rules, facts: Facts, shuffler: random.Random
) -> None:
    mixed = list(rules.windows)
    shuffler.shuffle(mixed)
    other = msgspec.structs.replace(rules, windows=tuple(mixed))
    assert decide(other, 1, facts, NOW).lines == decide(rules, 1, facts, NOW).lines


@given(rules_of, facts_of)
def test_every_decision_explains_itself_to_all_three_in_whole_sentences(rules: Rules, facts: Facts) -> None:
    decision = decide(rules, 1, facts, NOW)
    for audience in Audience:
        told = explain(decision, audience)
        assert told[0] == getattr(CONCLUSIONS[decision.answer], audience)
        assert all(each[0].isupper() or each[0].isdigit() or " " in each for each in told)
        assert all(each.endswith(".") and "{" not in each for each in told), told
    for each in decision.findings:
        assert say(each, Audience.MERCHANT)
        assert say(each, Audience.AGENT)
        if facts.customer is not None:
            assert SOMEBODY not in (say(each, Audience.CONSUMER) or "")
    if decision.warehouse_id is not None:
        assert str(decision.warehouse_id) not in " ".join(explain(decision, Audience.CONSUMER))


def test_every_sentence_is_looked_up_in_the_catalogue_before_it_is_filled() -> None:
    decision = say_to(asked(delivered_at=at(1)), windows=(window("All"),))
    german = {WORDS["window_open"].consumer: "Sie können es bis {until} zurücksenden."}
    told = explain(decision, Audience.CONSUMER, lambda text: german.get(text, text))
    assert "Sie können es bis 2026-12-06 zurücksenden." in told
