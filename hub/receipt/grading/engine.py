"""From answers to a grade: pure. The worst answer decides, and of equally bad ones the first that was asked."""

from collections.abc import Mapping

from hub.kit.errors import Invalid
from hub.receipt.grading.messages import Answer, Graded, GradingSet, Question
from hub.sdk.receiving import Condition, Disposition, Grade

DEFAULT = GradingSet(
    questions=(
        Question(
            id="product",
            text="Is it the product that was announced?",
            answers=(
                Answer(id="yes", text="Yes"),
                Answer(
                    id="another", text="No, something else", at_best=Grade.D, condition=Condition.WRONG_ITEM,
                    disposition=Disposition.QUARANTINE,
                ),
            ),
        ),
        Question(
            id="damage",
            text="Is it damaged?",
            answers=(
                Answer(id="none", text="No"),
                Answer(id="packaging", text="Only its packaging", at_best=Grade.B, condition=Condition.OPENED),
                Answer(id="product", text="Yes", at_best=Grade.D, condition=Condition.DAMAGED),
            ),
        ),
        Question(
            id="parts",
            text="Is everything in the box?",
            answers=(
                Answer(id="complete", text="Yes"),
                Answer(id="missing", text="No", at_best=Grade.C, condition=Condition.INCOMPLETE),
            ),
        ),
        Question(
            id="use",
            text="Was it used?",
            answers=(
                Answer(id="sealed", text="No, it is sealed"),
                Answer(id="opened", text="Opened and not used", at_best=Grade.B, condition=Condition.OPENED),
                Answer(id="used", text="Yes", at_best=Grade.C, condition=Condition.USED),
            ),
        ),
    ),
    dispositions={
        Grade.A: Disposition.RESTOCK,
        Grade.B: Disposition.RESTOCK,
        Grade.C: Disposition.REFURBISH,
        Grade.D: Disposition.QUARANTINE,
    },
)  # fmt: skip


def grade(by: GradingSet, answers: Mapping[str, str]) -> Graded:
    """Return what follows from the answers, which name an answer for every question; raises `Invalid`."""
    known = {question.id for question in by.questions}
    for asked in answers:
        if asked not in known:
            raise Invalid("answer_unknown", f"There is no question {asked!r}; there are: {', '.join(sorted(known))}.")
    given = [_answer(question, answers.get(question.id)) for question in by.questions]
    # A later letter is a worse grade; `max` keeps the first of equals.
    worst = max(given, key=lambda answer: answer.at_best)
    pending = by.dispositions.get(worst.at_best, Disposition.PENDING)
    return Graded(
        grade=worst.at_best,
        condition=worst.condition or Condition.AS_NEW,
        disposition=worst.disposition or pending,
    )


def _answer(question: Question, given: str | None) -> Answer:
    if given is None:
        raise Invalid("answer_missing", f"The question {question.id!r} has no answer: {question.text}", id=question.id)
    for answer in question.answers:
        if answer.id == given:
            return answer
    there = ", ".join(answer.id for answer in question.answers)
    raise Invalid("answer_unknown", f"{question.id!r} has no answer {given!r}; there are: {there}.", id=question.id)
