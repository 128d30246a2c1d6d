"""What a policy would have made of a return that is past, and what that changes: pure."""

from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal

import msgspec

from hub.settlement import engine as settlement
from hub.settlement.messages import MemoLine
from hub.simulations.messages import Change, ChangeKind, Figures, Outcome, Past
from tenants.policies.engine import decide
from tenants.policies.rules import Rules
from tenants.profiles import Standing


class Settled(msgspec.Struct, frozen=True):
    """A line as a draft of its memo has it."""

    declared: int
    accepted: int
    missing: int
    surplus: int


def outcome(rules: Rules, past: Past, standing: Standing) -> Outcome:
    """Return what rules make of a return: what they say when it is asked for, and to what arrived if all has."""
    decision = decide(rules, 0, past.facts, past.asked_at)
    memo = settlement.draft(past.lines, past.parts, rules) if past.finalised else None
    return Outcome(
        answer=decision.answer,
        until=decision.until,
        customer_pays=decision.customer_pays,
        keep=tuple(line.keep for line in decision.lines),
        warehouse_id=decision.warehouse_id,
        reason=decision.reason,
        accepted=None if memo is None else tuple(line.accepted for line in memo),
        rejected=None if memo is None else tuple(line.rejected for line in memo),
        held=None if memo is None else _held(rules, past, standing, memo),
    )


def _held(rules: Rules, past: Past, standing: Standing, memo: tuple[MemoLine, ...]) -> str | None:
    lines = [
        Settled(line.declared, drafted.accepted, line.missing, line.surplus)
        for line, drafted in zip(past.lines, memo, strict=True)
    ]
    hold = settlement.hold(past.kind, standing, rules, lines, settlement.looked_at(rules, past.parts))
    return hold.why if hold else None


COMPARED = {
    ChangeKind.ANSWER: "answer", ChangeKind.WINDOW: "until", ChangeKind.COST: "customer_pays", ChangeKind.KEEP: "keep",
    ChangeKind.ROUTE: "warehouse_id", ChangeKind.REASON: "reason", ChangeKind.ACCEPTANCE: "accepted",
    ChangeKind.HOLD: "held",
}  # fmt: skip


def compare(past: Past, own: Rules, draft: Rules, standing: Standing) -> Change:
    """Return what a draft changes of a return that was born under its own rules."""
    before, after = outcome(own, past, standing), outcome(draft, past, standing)
    kinds = tuple(kind for kind, field in COMPARED.items() if getattr(before, field) != getattr(after, field))
    return Change(past, kinds, before, after)


def add(figures: Figures, changes: Iterable[Change]) -> Figures:
    """Return figures with some more returns in them."""
    found = list(changes)
    kinds = Counter(figures.kinds) + Counter(kind for each in found for kind in each.kinds)
    moved = (each for each in found if ChangeKind.ANSWER in each.kinds)
    answers = Counter(figures.answers) + Counter(f"{each.before.answer}>{each.after.answer}" for each in moved)
    return Figures(
        kinds=dict(kinds),
        answers=dict(answers),
        accepted_before=figures.accepted_before + sum(sum(each.before.accepted or ()) for each in found),
        accepted_after=figures.accepted_after + sum(sum(each.after.accepted or ()) for each in found),
        value_before=figures.value_before + sum(_values(found, "before"), Decimal(0)),
        value_after=figures.value_after + sum(_values(found, "after"), Decimal(0)),
        paid_before=figures.paid_before + sum(each.before.customer_pays for each in found),
        paid_after=figures.paid_after + sum(each.after.customer_pays for each in found),
        held_before=figures.held_before + sum(each.before.held is not None for each in found),
        held_after=figures.held_after + sum(each.after.held is not None for each in found),
        guessed=figures.guessed + sum(not each.past.kept for each in found),
    )


def _values(found: Iterable[Change], side: str) -> Iterator[Decimal]:
    for each in found:
        accepted = getattr(each, side).accepted or ()
        yield from (
            units * price for units, price in zip(accepted, each.past.prices, strict=False) if price is not None
        )
