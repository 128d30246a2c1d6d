"""What a customer is still to be asked: pure."""

from collections.abc import Iterator, Sequence

from tenants.policies.facts import Asked, Facts, LineFacts
from tenants.policies.matching import Subject, holds
from tenants.policies.rules import Question, QuestionKind, Rules


def still_open(rules: Rules, facts: Facts, products: Sequence[Subject]) -> tuple[Asked, ...]:
    """Return the questions of each line that are not answered, or answered by a choice that is not offered."""
    return tuple(_of_lines(rules, facts, products))


def _of_lines(rules: Rules, facts: Facts, products: Sequence[Subject]) -> Iterator[Asked]:
    for place, (line, product) in enumerate(zip(facts.lines, products, strict=True)):
        for question in rules.questions:
            if holds(question, product) and not _answered(question, line):
                yield _asked(question, place, line)


def _answered(question: Question, line: LineFacts) -> bool:
    match question.kind:
        case QuestionKind.PHOTO:
            return line.photos.get(question.code, 0) >= question.photos
        case QuestionKind.CHOICE:
            return line.answers.get(question.code) in {each.code for each in question.choices}
        case QuestionKind.TEXT:
            return bool(line.answers.get(question.code, "").strip())


def _asked(question: Question, place: int, line: LineFacts) -> Asked:
    missing = question.photos - line.photos.get(question.code, 0) if question.kind is QuestionKind.PHOTO else 0
    return Asked(
        line=place, code=question.code, kind=question.kind, required=question.required, photos=missing,
        texts=question.texts, choices={each.code: each.texts for each in question.choices},
    )  # fmt: skip
