import random
from collections import Counter
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.returns import states
from hub.returns.case import Line, Placed, Settling, Verdict
from hub.sdk.messages import Kind
from hub.sdk.profiles import ChannelReturns, FullRejection, MerchantReturns, Partial, Profile
from hub.sdk.receiving import Condition, Disposition, Grade
from hub.settlement.engine import Way, barred, draft, hold, judge, looked_at
from hub.settlement.messages import MemoLine
from tenants.messages import Route, Rules, SettleBy, WhenShort
from tenants.policies.rules import Evidence, WhenMore
from tenants.profiles import Standing

ROUTE = (Route(warehouse_id=UUID(int=9)),)
RULES = Rules(receiving=ROUTE)
SHOE, SHIRT = UUID(int=1), UUID(int=2)


class Arrived(msgspec.Struct, frozen=True):
    line_id: UUID | None
    quantity: int
    grade: Grade = Grade.A
    condition: Condition = Condition.AS_NEW
    disposition: Disposition = Disposition.PENDING
    note: str | None = None
    photos: frozenset[str] = frozenset()


def line_of(parts: list[Arrived], declared: int, line_id: UUID = SHOE) -> Line:
    received = sum(part.quantity for part in parts if part.line_id == line_id)
    return Line(id=line_id, sku=f"SKU-{line_id.int}", declared=declared, received=received)


def memo_of(declared: int, *parts: Arrived, rules: Rules = RULES) -> MemoLine:
    (memo,) = draft([line_of(list(parts), declared)], parts, rules)
    return memo


def reasons(memo: MemoLine) -> list[tuple[str, int, str]]:
    return [(why.rule, why.quantity, why.verdict) for why in memo.why]


@pytest.mark.parametrize("grade", Grade)
@pytest.mark.parametrize("condition", Condition)
def test_the_default_policy_takes_a_and_b_unless_damaged_incomplete_or_wrong(
    grade: Grade, condition: Condition
) -> None:
    verdict = judge(RULES, grade, condition)
    bad = condition in {Condition.DAMAGED, Condition.INCOMPLETE, Condition.WRONG_ITEM}
    assert verdict.accepted == (grade in {Grade.A, Grade.B} and not bad)
    if bad:
        assert verdict.rule == f"condition {condition.value} is rejected"
    else:
        assert verdict.rule == f"grade {grade.value} is {'' if verdict.accepted else 'not '}accepted"


@given(
    st.frozensets(st.sampled_from(Grade)),
    st.frozensets(st.sampled_from(Condition)),
    st.sampled_from(Grade),
    st.sampled_from(Condition),
)
def test_a_policy_accepts_by_its_own_words_and_nothing_else(
    grades: frozenset[Grade], conditions: frozenset[Condition], grade: Grade, condition: Condition
) -> None:
    rules = Rules(receiving=ROUTE, accept_grades=grades, reject_conditions=conditions)
    assert judge(rules, grade, condition).accepted == (grade in grades and condition not in conditions)


@pytest.mark.parametrize(
    ("declared", "parts", "told"),
    [
        (2, [Arrived(SHOE, 2)], [("grade A is accepted", 2, "accepted")]),
        (
            3,
            [Arrived(SHOE, 1, Grade.C), Arrived(SHOE, 1, Grade.B)],
            [
                ("grade B is accepted", 1, "accepted"),
                ("grade C is not accepted", 1, "rejected"),
                ("never arrived", 1, "missing"),
            ],
        ),
        (
            2,
            [Arrived(SHOE, 2, Grade.D), Arrived(SHOE, 1, Grade.A)],
            [
                ("grade A is accepted", 1, "accepted"),
                ("grade D is not accepted", 1, "rejected"),
                ("arrived beyond what was declared", 1, "surplus"),
            ],
        ),
        (
            1,
            [Arrived(SHOE, 4), Arrived(SHOE, 3, Grade.A, Condition.DAMAGED)],
            [("grade A is accepted", 1, "accepted"), ("arrived beyond what was declared", 6, "surplus")],
        ),
        (2, [], [("never arrived", 2, "missing")]),
    ],
)
def test_the_reasons_say_what_became_of_every_unit(
    declared: int, parts: list[Arrived], told: list[tuple[str, int, str]]
) -> None:
    assert reasons(memo_of(declared, *parts)) == told


def test_goods_of_no_line_and_of_other_lines_decide_nothing() -> None:
    parts = [Arrived(None, 5), Arrived(SHIRT, 2), Arrived(SHOE, 1)]
    lines = [line_of(parts, 1), line_of(parts, 3, SHIRT)]
    shoe, shirt = draft(lines, parts, RULES)
    assert (shoe.line, shoe.sku, shoe.accepted, shoe.missing) == (SHOE, "SKU-1", 1, 0)
    assert (shirt.line, shirt.sku, shirt.accepted, shirt.missing) == (SHIRT, "SKU-2", 2, 1)


parts_of = st.lists(
    st.builds(
        Arrived,
        st.sampled_from([SHOE, SHIRT, None]),
        st.integers(1, 5),
        st.sampled_from(Grade),
        st.sampled_from(Condition),
    ),
    max_size=8,
)
rules_of = st.builds(
    Rules,
    receiving=st.just(ROUTE),
    accept_grades=st.frozensets(st.sampled_from(Grade)),
    reject_conditions=st.frozensets(st.sampled_from(Condition)),
)


@given(parts_of, st.integers(1, 8), st.integers(1, 8), rules_of)
def test_every_unit_is_counted_once_and_nobody_is_paid_for_a_surplus(
    parts: list[Arrived], shoes: int, shirts: int, rules: Rules
) -> None:
    lines = [line_of(parts, shoes), line_of(parts, shirts, SHIRT)]
    for line, memo in zip(lines, draft(lines, parts, rules), strict=True):
        assert memo.accepted + memo.rejected + memo.missing == line.declared
        assert memo.surplus == max(line.received - line.declared, 0)
        assert memo.missing == max(line.declared - line.received, 0)
        mine = [part for part in parts if part.line_id == line.id]
        good = sum(part.quantity for part in mine if judge(rules, part.grade, part.condition).accepted)
        assert memo.accepted == min(good, line.declared), "accepted parts count first"
        said: Counter[str] = Counter()
        for why in memo.why:
            assert why.quantity > 0
            said[why.verdict] += why.quantity
        assert said == +Counter(
            accepted=memo.accepted, rejected=memo.rejected, missing=memo.missing, surplus=memo.surplus
        )
        assert said.total() == max(line.declared, line.received)


@given(parts_of, st.integers(1, 8), st.integers(1, 8), rules_of, st.randoms())
def test_the_order_of_parts_does_not_change_who_is_paid(
    parts: list[Arrived], shoes: int, shirts: int, rules: Rules, dice: random.Random
) -> None:
    lines = [line_of(parts, shoes), line_of(parts, shirts, SHIRT)]
    shuffled = dice.sample(parts, len(parts))
    for one, other in zip(draft(lines, parts, rules), draft(lines, shuffled, rules), strict=True):
        assert (one.accepted, one.rejected, one.missing, one.surplus) == (
            other.accepted, other.rejected, other.missing, other.surplus,
        )  # fmt: skip


@given(parts_of, st.integers(1, 8), st.integers(1, 8), rules_of, st.sampled_from(Kind))
def test_the_state_machine_takes_every_memo(
    parts: list[Arrived], shoes: int, shirts: int, rules: Rules, kind: Kind
) -> None:
    born = states.born(kind, (Line(id=SHOE, sku="1", declared=shoes), Line(id=SHIRT, sku="2", declared=shirts)))
    placed = tuple(
        Placed("X" if part.line_id is None else str(part.line_id.int), part.quantity, part.line_id, None)
        for part in parts
    )
    case = states.receive(born, placed).case
    case = msgspec.structs.replace(case, arrived=True)
    finalised = states.finalise(case).case
    memo = draft(finalised.lines, parts, rules)
    verdicts = tuple(Verdict(each.line, each.accepted, each.rejected) for each in memo)
    settled = states.settle(states.decide(finalised, verdicts).case).case
    paid = sum(each.accepted for each in memo)
    assert settled.settlement is (Settling.NOTHING if kind is Kind.MERCHANT and not paid else Settling.SENDING)


# what a person is asked -----------------------------------------------------------------------------------

PLAIN = Standing(profile=Profile(), known=True, name="Bazaar")


def decided(declared: int, received: int, accepted: int) -> Line:
    rejected = min(received, declared) - accepted
    return Line(id=SHOE, sku="SHOE", declared=declared, received=received, accepted=accepted, rejected=rejected)


def why_held(*lines: Line, kind: Kind = Kind.CHANNEL, standing: Standing = PLAIN, rules: Rules = RULES) -> str | None:
    found = hold(kind, standing, rules, lines)
    return found.why if found else None


def with_profile(**fields: Any) -> Standing:
    return Standing(profile=Profile(**fields), known=True, name="Bazaar")


@pytest.mark.parametrize(
    ("by", "short", "received", "why"),
    [
        (SettleBy.ITSELF, WhenShort.SETTLE, 2, None),
        (SettleBy.ITSELF, WhenShort.SETTLE, 1, None),
        (SettleBy.ITSELF, WhenShort.ASK, 2, None),
        (SettleBy.ITSELF, WhenShort.ASK, 1, "less arrived than was declared"),
        (SettleBy.PERSON, WhenShort.SETTLE, 2, "the policy has a person settle"),
        (SettleBy.PERSON, WhenShort.ASK, 1, "the policy has a person settle"),
    ],
)
@pytest.mark.parametrize("kind", Kind)
def test_a_person_is_asked_when_the_policy_says_so(
    kind: Kind, by: SettleBy, short: WhenShort, received: int, why: str | None
) -> None:
    rules = Rules(receiving=ROUTE, settle_by=by, when_short=short)
    assert why_held(decided(2, received, received), kind=kind, rules=rules) == why


def test_one_short_line_among_full_ones_is_enough_to_ask() -> None:
    rules = Rules(receiving=ROUTE, when_short=WhenShort.ASK)
    assert why_held(decided(2, 2, 2), decided(2, 1, 1), rules=rules) is not None
    assert why_held(decided(2, 2, 2), decided(1, 1, 1), rules=rules) is None


IN_PART = "Bazaar takes all or nothing, and 1 of 2 units were accepted"
NO_REASON = "Bazaar wants a reason for every rejection, and none can be told through the API"
BY_HAND = "nothing was accepted, and Bazaar has to be told that by hand"
BY_ITSELF = "Bazaar refunds by itself and takes no decision from here"


@pytest.mark.parametrize(
    ("profile", "wholly", "in_part", "rejected"),
    [
        ({}, None, None, None),
        ({"partial": "all_or_nothing"}, None, IN_PART, None),
        ({"rejection_reason_required": True}, None, NO_REASON, NO_REASON),
        ({"full_rejection": "by_hand"}, None, None, BY_HAND),
        ({"full_rejection": "by_hand", "partial": "all_or_nothing"}, None, IN_PART, BY_HAND),
        ({"channel_returns": "informational"}, BY_ITSELF, BY_ITSELF, BY_ITSELF),
        ({"channel_returns": "none"}, BY_ITSELF, BY_ITSELF, BY_ITSELF),
    ],
)
def test_what_a_marketplace_does_not_take_waits_for_a_person_whatever_the_policy_says(
    profile: dict[str, Any], wholly: str | None, in_part: str | None, rejected: str | None
) -> None:
    standing = Standing(profile=msgspec.convert(profile, Profile), known=True, name="Bazaar")
    assert why_held(decided(2, 2, 2), standing=standing) == wholly
    assert why_held(decided(2, 2, 1), standing=standing) == in_part
    assert why_held(decided(2, 1, 1), standing=standing) == in_part, "what never arrived is told as rejected"
    assert why_held(decided(2, 2, 0), standing=standing) == rejected
    assert why_held(decided(2, 0, 0), standing=standing) == rejected


def test_a_merchant_return_tells_only_what_was_accepted_so_that_no_part_of_it_is_too_little() -> None:
    standing = with_profile(
        partial=Partial.ALL_OR_NOTHING, rejection_reason_required=True, full_rejection=FullRejection.BY_HAND,
        channel_returns=ChannelReturns.NONE,
    )  # fmt: skip
    for accepted in range(3):
        assert why_held(decided(2, 2, accepted), kind=Kind.MERCHANT, standing=standing) is None


def test_a_merchant_return_waits_where_none_is_taken_any_more_unless_nothing_is_to_be_paid() -> None:
    standing = with_profile(merchant_returns=MerchantReturns.UNSUPPORTED)
    assert why_held(decided(1, 1, 1), kind=Kind.MERCHANT, standing=standing) == "Bazaar takes no merchant returns"
    assert why_held(decided(1, 1, 0), kind=Kind.MERCHANT, standing=standing) is None
    assert why_held(decided(1, 1, 1), standing=standing) is None


@pytest.mark.parametrize("kind", Kind)
def test_a_marketplace_that_nobody_knows_waits_for_its_first_person(kind: Kind) -> None:
    unknown = Standing(profile=Profile(), known=False, name="Bazaar")
    found = hold(kind, unknown, RULES, [decided(1, 1, 1)])
    assert found is not None
    assert found.sentence == (
        "nobody has said yet how Bazaar treats returns: let it go, which confirms the marketplace and lets later ones"
        " go by themselves, decide otherwise, or decide it at the marketplace and say so here"
    )


def test_a_merchant_return_of_which_nothing_is_paid_tells_nobody_anything_so_that_it_need_not_be_known() -> None:
    unknown = Standing(profile=Profile(), known=False)
    assert why_held(decided(1, 1, 0), kind=Kind.MERCHANT, standing=unknown) is None
    assert why_held(decided(1, 1, 0), standing=unknown) is not None


profiles_of = st.builds(
    Profile,
    channel_returns=st.sampled_from(ChannelReturns),
    merchant_returns=st.sampled_from(MerchantReturns),
    partial=st.sampled_from(Partial),
    full_rejection=st.sampled_from(FullRejection),
    rejection_reason_required=st.booleans(),
)
lines_of = st.lists(
    st.tuples(st.integers(1, 3), st.integers(0, 3), st.integers(0, 3)).map(
        lambda each: decided(each[0], each[1], min(each))
    ),
    min_size=1,
    max_size=3,
)


@given(st.sampled_from(Kind), profiles_of, lines_of)
def test_whatever_stops_a_decision_says_what_can_be_done_and_never_offers_to_let_it_go(
    kind: Kind, profile: Profile, lines: list[Line]
) -> None:
    standing = Standing(profile=profile, known=True, name="Bazaar")
    stop = barred(kind, standing, lines)
    if stop is not None:
        assert Way.ELSEWHERE in stop.ways
        assert Way.SETTLE not in stop.ways
        assert hold(kind, standing, RULES, lines) == stop
        return
    paid = kind is Kind.CHANNEL or any(line.accepted for line in lines)
    took = profile.channel_returns if kind is Kind.CHANNEL else profile.merchant_returns
    assert not paid or took not in {ChannelReturns.INFORMATIONAL, ChannelReturns.NONE, MerchantReturns.UNSUPPORTED}


# deviations ---------------------------------------------------------------------------------------------


def with_(**rules: Any) -> Rules:
    return Rules(receiving=ROUTE, **rules)


def test_a_short_line_is_rejected_whole_where_the_policy_says_so_and_a_full_one_is_not() -> None:
    rules = with_(when_short=WhenShort.REJECT, rejection_codes={"short": "R-17"})
    short = memo_of(3, Arrived(SHOE, 2), rules=rules)
    assert (short.accepted, short.rejected, short.missing) == (0, 2, 1)
    assert short.why[0].code == "R-17"
    assert memo_of(2, Arrived(SHOE, 2), rules=rules).accepted == 2


@pytest.mark.parametrize(
    ("part", "code"),
    [
        (Arrived(SHOE, 1, Grade.A, Condition.DAMAGED), "R-D"),
        (Arrived(SHOE, 1, Grade.A, Condition.AS_NEW, Disposition.DESTROY), "R-X"),
        (Arrived(SHOE, 1, Grade.C), "R-G"),
        (Arrived(SHOE, 1, Grade.A, Condition.INCOMPLETE), None),
        (Arrived(SHOE, 1), None),
    ],
)
def test_a_rejection_carries_the_merchants_code_for_it(part: Arrived, code: str | None) -> None:
    rules = with_(
        reject_dispositions=frozenset({Disposition.DESTROY}),
        rejection_codes={"damaged": "R-D", "destroy": "R-X", "grade": "R-G"},
    )
    (why,) = memo_of(1, part, rules=rules).why
    assert why.code == code


@pytest.mark.parametrize(
    ("rules", "part", "why"),
    [
        ({}, Arrived(None, 1), None),
        ({"when_unexpected": WhenMore.ASK}, Arrived(None, 1), "something arrived that was not declared"),
        ({"when_unexpected": WhenMore.ASK}, Arrived(SHOE, 1), None),
        (
            {"ask_conditions": frozenset({Condition.USED})},
            Arrived(SHOE, 1, Grade.A, Condition.USED),
            "the policy has a person look at goods that are used",
        ),
        ({"rejection_evidence": Evidence(note=True)}, Arrived(SHOE, 1, Grade.D), "a rejection lacks a note"),
        ({"rejection_evidence": Evidence(note=True)}, Arrived(SHOE, 1, Grade.D, note="torn"), None),
        ({"rejection_evidence": Evidence(note=True)}, Arrived(SHOE, 1), None),
        ({"rejection_evidence": Evidence(photos=2)}, Arrived(SHOE, 1, Grade.D), "a rejection lacks 2 photos"),
        (
            {"rejection_evidence": Evidence(photos=2)}, Arrived(SHOE, 1, Grade.D, photos=frozenset({"1"})),
            "a rejection lacks 1 more of its photos",
        ),
        ({"rejection_evidence": Evidence(photos=2)}, Arrived(SHOE, 1, Grade.D, photos=frozenset("12")), None),
    ],
)  # fmt: skip
def test_a_person_looks_at_what_the_policy_names_and_at_rejections_without_their_evidence(
    rules: dict[str, Any], part: Arrived, why: str | None
) -> None:
    chosen = with_(**rules)
    look = looked_at(chosen, [Arrived(SHOE, 1), part])
    assert look == why
    held = hold(Kind.CHANNEL, Standing(profile=Profile(), known=True, name="Bazaar"), chosen, [decided(1, 1, 1)], look)
    assert (held.why if held else None) == why


def test_a_person_looks_at_a_surplus_where_the_policy_says_so() -> None:
    assert why_held(decided(1, 2, 1), rules=with_(when_over=WhenMore.ASK)) == "more arrived than was declared"
    assert why_held(decided(1, 1, 1), rules=with_(when_over=WhenMore.ASK)) is None
    assert why_held(decided(1, 2, 1), rules=with_()) is None
