"""What this room says and hears."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from hub.sdk.receiving import Code, Condition, Disposition, Grade, Text


class Answer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One answer to a question: the best grade it leaves, and what it means for the units it is given for."""

    id: Code
    text: Text
    at_best: Grade = Grade.A
    condition: Condition | None = None
    disposition: Disposition | None = None


class Question(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an operator is asked about units of a product."""

    id: Code
    text: Text
    answers: Annotated[tuple[Answer, ...], Meta(min_length=2, max_length=12)]

    def __post_init__(self) -> None:
        """Refuse two answers of one id."""
        if len({each.id for each in self.answers}) < len(self.answers):
            raise ValueError(f"two answers of the question {self.id!r} have the same id")


class GradingSet(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An account's questions, where each grade goes next, and which grades want a photo."""

    questions: Annotated[tuple[Question, ...], Meta(min_length=1, max_length=30)]
    dispositions: dict[Grade, Disposition] = {}
    photo_grades: frozenset[Grade] = frozenset()

    def __post_init__(self) -> None:
        """Refuse two questions of one id."""
        if len({each.id for each in self.questions}) < len(self.questions):
            raise ValueError("two questions have the same id")


class GradingSetView(msgspec.Struct, frozen=True, kw_only=True):
    """The set that holds for an account; version 0 is the hub's own, where the account has published none."""

    account_id: UUID
    version: int
    published_at: datetime | None
    set: GradingSet


class Graded(msgspec.Struct, frozen=True, kw_only=True):
    """What follows from answers."""

    grade: Grade
    condition: Condition
    disposition: Disposition
