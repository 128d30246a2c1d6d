"""Grading: the worst answer decides, whatever the questions are."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.kit.errors import Invalid
from hub.receipt.grading.engine import DEFAULT, grade
from hub.receipt.grading.messages import Answer, GradingSet, Question
from hub.sdk.receiving import Condition, Disposition, Grade

answers = st.lists(
    st.builds(
        Answer,
        id=st.uuids().map(str),
        text=st.just("?"),
        at_best=st.sampled_from(Grade),
        condition=st.none() | st.sampled_from(Condition),
        disposition=st.none() | st.sampled_from(Disposition),
    ),
    min_size=2,
    max_size=4,
    unique_by=lambda each: each.id,
).map(tuple)
sets = st.builds(
    GradingSet,
    questions=st.lists(
        st.builds(Question, id=st.uuids().map(str), text=st.just("?"), answers=answers),
        min_size=1,
        max_size=5,
        unique_by=lambda each: each.id,
    ).map(tuple),
    dispositions=st.dictionaries(st.sampled_from(Grade), st.sampled_from(Disposition)),
)


@given(sets, st.data())
def test_no_answer_makes_a_grade_better_and_the_worst_one_decides(by: GradingSet, data: st.DataObject) -> None:
    given_ = {question.id: data.draw(st.sampled_from(question.answers)) for question in by.questions}
    found = grade(by, {question: answer.id for question, answer in given_.items()})
    worst = max(answer.at_best for answer in given_.values())
    assert found.grade == worst
    deciding = next(answer for answer in given_.values() if answer.at_best == worst)
    assert found.condition == (deciding.condition or Condition.AS_NEW)
    assert found.disposition == (deciding.disposition or by.dispositions.get(worst, Disposition.PENDING))


@given(sets)
def test_a_set_is_read_back_as_it_was_published(by: GradingSet) -> None:
    assert msgspec.json.decode(msgspec.json.encode(by), type=GradingSet) == by


def test_the_hubs_own_set_tells_new_damaged_used_and_wrong_goods_apart() -> None:
    good = {"product": "yes", "damage": "none", "parts": "complete", "use": "sealed"}
    told = {
        (found.grade, found.condition, found.disposition)
        for change in ({}, {"damage": "product"}, {"use": "used"}, {"product": "another"}, {"parts": "missing"})
        for found in (grade(DEFAULT, good | change),)
    }
    assert told == {
        (Grade.A, Condition.AS_NEW, Disposition.RESTOCK),
        (Grade.D, Condition.DAMAGED, Disposition.QUARANTINE),
        (Grade.C, Condition.USED, Disposition.REFURBISH),
        (Grade.D, Condition.WRONG_ITEM, Disposition.QUARANTINE),
        (Grade.C, Condition.INCOMPLETE, Disposition.REFURBISH),
    }


@pytest.mark.parametrize(
    ("change", "code"),
    [({"use": None}, "answer_missing"), ({"use": "eaten"}, "answer_unknown"), ({"colour": "red"}, "answer_unknown")],
)
def test_an_answer_that_is_missing_or_unknown_is_named(change: dict[str, str | None], code: str) -> None:
    said = {"product": "yes", "damage": "none", "parts": "complete", "use": "sealed"} | change
    with pytest.raises(Invalid) as refused:
        grade(DEFAULT, {question: answer for question, answer in said.items() if answer is not None})
    assert refused.value.code == code


def test_two_questions_of_one_id_are_refused() -> None:
    with pytest.raises(ValueError, match="same id"):
        GradingSet(questions=(DEFAULT.questions[0], DEFAULT.questions[0]))
