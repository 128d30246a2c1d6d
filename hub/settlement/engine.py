"""Draft the settlement memo: a pure function of lines, receipts and rules."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

import msgspec

from hub.returns.case import Line
from hub.sdk.receiving import Condition, Grade
from hub.settlement.messages import MemoLine, Why
from tenants.messages import Rules, WhenShort


class Part(Protocol):
    """A quantity that arrived in one state; late parts are left out before."""

    @property
    def line_id(self) -> UUID | None: ...  # noqa: D102
    @property
    def quantity(self) -> int: ...  # noqa: D102
    @property
    def grade(self) -> Grade: ...  # noqa: D102
    @property
    def condition(self) -> Condition: ...  # noqa: D102


class Verdict(msgspec.Struct, frozen=True):
    """Whether a part is accepted, and by which rule."""

    accepted: bool
    rule: str


def judge(rules: Rules, grade: Grade, condition: Condition) -> Verdict:
    """Accept a part whose grade the policy accepts, unless its condition is one the policy rejects."""
    if condition in rules.reject_conditions:
        return Verdict(accepted=False, rule=f"condition {condition.value} is rejected")
    if grade not in rules.accept_grades:
        return Verdict(accepted=False, rule=f"grade {grade.value} is not accepted")
    return Verdict(accepted=True, rule=f"grade {grade.value} is accepted")


def draft(lines: Sequence[Line], parts: Sequence[Part], rules: Rules) -> tuple[MemoLine, ...]:
    """Return the memo's lines: accepted parts count first, and never more than was declared."""
    return tuple(_draft_line(line, [part for part in parts if part.line_id == line.id], rules) for line in lines)


def _draft_line(line: Line, parts: Sequence[Part], rules: Rules) -> MemoLine:
    judged = [(part.quantity, judge(rules, part.grade, part.condition)) for part in parts]
    left, why = line.declared, []
    totals = {True: 0, False: 0}
    for quantity, verdict in sorted(judged, key=lambda pair: not pair[1].accepted):
        counted = min(quantity, left)
        left -= counted
        totals[verdict.accepted] += counted
        if counted:
            why.append(Why(rule=verdict.rule, quantity=counted, verdict="accepted" if verdict.accepted else "rejected"))
    missing, surplus = line.missing, max(line.received - line.declared, 0)
    if missing:
        why.append(Why(rule="never arrived", quantity=missing, verdict="missing"))
    if surplus:
        why.append(Why(rule="arrived beyond what was declared", quantity=surplus, verdict="surplus"))
    return MemoLine(
        line=line.id, sku=line.sku, accepted=totals[True], rejected=totals[False], missing=missing, surplus=surplus,
        why=tuple(why),
    )  # fmt: skip


def asks_a_person(rules: Rules, memo: Sequence[MemoLine]) -> str | None:
    """Return why the policy wants a person to look at this memo first, if it does."""
    if rules.settle_by == "person":
        return "the policy has a person settle"
    if rules.when_short is WhenShort.ASK and any(line.missing for line in memo):
        return "less arrived than was declared"
    return None
