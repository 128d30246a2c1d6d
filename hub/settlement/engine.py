"""Draft the settlement memo: a pure function of lines, receipts and rules."""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Protocol
from uuid import UUID

import msgspec

from hub.returns.case import Line
from hub.sdk.messages import Kind
from hub.sdk.profiles import ChannelReturns, FullRejection, MerchantReturns, Partial
from hub.sdk.receiving import Condition, Disposition, Grade
from hub.settlement.messages import MemoLine, Why
from tenants.policies.acceptance import Verdict, judge, lacking
from tenants.policies.rules import Rules, SettleBy, WhenMore, WhenShort
from tenants.profiles import Standing

__all__ = ["AT_WILL", "Hold", "Part", "Way", "barred", "draft", "hold", "judge", "looked_at", "unjudged"]


class Part(Protocol):
    """A quantity that arrived in one state; late parts are left out before. What stayed closed has no grade."""

    @property
    def line_id(self) -> UUID | None: ...  # noqa: D102
    @property
    def quantity(self) -> int: ...  # noqa: D102
    @property
    def grade(self) -> Grade | None: ...  # noqa: D102
    @property
    def condition(self) -> Condition: ...  # noqa: D102
    @property
    def disposition(self) -> Disposition: ...  # noqa: D102
    @property
    def note(self) -> str | None: ...  # noqa: D102
    @property
    def photos(self) -> frozenset[str]: ...  # noqa: D102


class Decided(Protocol):
    """A line with what was decided on it."""

    @property
    def declared(self) -> int: ...
    @property
    def accepted(self) -> int: ...
    @property
    def missing(self) -> int: ...
    @property
    def surplus(self) -> int: ...


class Way(StrEnum):
    """What a person can do with a decision that waits: let it go, decide otherwise, or decide it at the marketplace."""

    SETTLE = "settle"
    DECIDE = "decision"
    ELSEWHERE = "settled-elsewhere"


AT_WILL = (Way.SETTLE, Way.DECIDE, Way.ELSEWHERE)


class Hold(msgspec.Struct, frozen=True):
    """Why a decision waits for a person, and what that person can do, the most likely first."""

    why: str
    ways: tuple[Way, ...]
    first_time: bool = False

    @property
    def sentence(self) -> str:
        """The reason with what can be done."""
        told = [WORDS[way] for way in self.ways]
        if self.first_time:
            told[0] = "let it go, which confirms the marketplace and lets later ones go by themselves"
        return f"{self.why}: {', '.join(told[:-1])}{', or ' if len(told) > 1 else ''}{told[-1]}"


WORDS = {
    Way.SETTLE: "let it go",
    Way.DECIDE: "decide otherwise",
    Way.ELSEWHERE: "decide it at the marketplace and say so here",
}


def draft(lines: Sequence[Line], parts: Sequence[Part], rules: Rules) -> tuple[MemoLine, ...]:
    """Return the memo's lines: accepted parts count first, and never more than was declared."""
    return tuple(_draft_line(line, [part for part in parts if part.line_id == line.id], rules) for line in lines)


def _draft_line(line: Line, parts: Sequence[Part], rules: Rules) -> MemoLine:
    judged = [(part.quantity, _judge(rules, line, part)) for part in parts]
    left, why = line.declared, []
    totals = {True: 0, False: 0}
    for quantity, verdict in sorted(judged, key=lambda pair: not pair[1].accepted):
        counted = min(quantity, left)
        left -= counted
        totals[verdict.accepted] += counted
        if counted:
            told = "accepted" if verdict.accepted else "rejected"
            why.append(Why(rule=verdict.rule, quantity=counted, verdict=told, code=verdict.code))
    return MemoLine(
        line=line.id, sku=line.sku, accepted=totals[True], rejected=totals[False], missing=line.missing,
        surplus=line.surplus, why=(*why, *unjudged(line)),
    )  # fmt: skip


def _judge(rules: Rules, line: Line, part: Part) -> Verdict:
    if line.missing and rules.when_short is WhenShort.REJECT:
        code = rules.rejection_codes.get("short")
        return Verdict(accepted=False, rule="less arrived than was declared, so nothing is accepted", code=code)
    return judge(rules, part.grade, part.condition, part.disposition)


def looked_at(rules: Rules, parts: Sequence[Part]) -> str | None:
    """Return why a person has to look at what arrived, if one has to: the first reason in the order of booking."""
    return next((why for part in parts if (why := _look(rules, part))), None)


def _look(rules: Rules, part: Part) -> str | None:
    if part.line_id is None:
        return "something arrived that was not declared" if rules.when_unexpected is WhenMore.ASK else None
    verdict = judge(rules, part.grade, part.condition, part.disposition)
    if verdict.asks:
        return f"the policy has a person look at goods that are {part.condition.value.replace('_', ' ')}"
    lacks = None if verdict.accepted else lacking(rules.rejection_evidence, part.note, len(part.photos))
    return f"a rejection lacks {lacks}" if lacks else None


def unjudged(line: Line) -> Iterator[Why]:
    """Give the reasons for units of a line that nobody decides on."""
    if line.missing:
        yield Why(rule="never arrived", quantity=line.missing, verdict="missing")
    if line.surplus:
        yield Why(rule="arrived beyond what was declared", quantity=line.surplus, verdict="surplus")


def barred(  # noqa: PLR0911 - a table of one rule per line
    kind: Kind, standing: Standing, lines: Sequence[Decided]
) -> Hold | None:
    """Return why the channel cannot be told this decision through the API, if it cannot.

    Whatever is not accepted is told as rejected, what never arrived too.
    """
    profile, name = standing.profile, standing.name
    accepted, declared = sum(line.accepted for line in lines), sum(line.declared for line in lines)
    if kind is Kind.MERCHANT:
        unpaid = accepted and profile.merchant_returns is MerchantReturns.UNSUPPORTED
        return Hold(f"{name} takes no merchant returns", (Way.ELSEWHERE,)) if unpaid else None
    if profile.channel_returns is not ChannelReturns.SETTLE:
        return Hold(f"{name} refunds by itself and takes no decision from here", (Way.ELSEWHERE,))
    if accepted == declared:
        return None
    if profile.rejection_reason_required:
        why = f"{name} wants a reason for every rejection, and none can be told through the API"
        return Hold(why, (Way.ELSEWHERE, Way.DECIDE))
    if not accepted and profile.full_rejection is FullRejection.BY_HAND:
        return Hold(f"nothing was accepted, and {name} has to be told that by hand", (Way.ELSEWHERE, Way.DECIDE))
    if accepted and profile.partial is Partial.ALL_OR_NOTHING:
        why = f"{name} takes all or nothing, and {accepted} of {declared} units were accepted"
        return Hold(why, (Way.DECIDE, Way.ELSEWHERE))
    return None


def hold(  # noqa: PLR0911 - a table of one rule per line
    kind: Kind, standing: Standing, rules: Rules, lines: Sequence[Decided], look: str | None = None
) -> Hold | None:
    """Return why a person has to look at this decision before the money moves, if one has to.

    `look` is why what arrived has to be looked at.
    """
    stop = barred(kind, standing, lines)
    if stop is not None:
        return stop
    if rules.settle_by is SettleBy.PERSON:
        return Hold("the policy has a person settle", AT_WILL)
    if rules.when_short is WhenShort.ASK and any(line.missing for line in lines):
        return Hold("less arrived than was declared", AT_WILL)
    if rules.when_over is WhenMore.ASK and any(line.surplus for line in lines):
        return Hold("more arrived than was declared", AT_WILL)
    if look is not None:
        return Hold(look, AT_WILL)
    nobody_paid = kind is Kind.MERCHANT and not any(line.accepted for line in lines)
    if not standing.known and not nobody_paid:
        return Hold(f"nobody has said yet how {standing.name} treats returns", AT_WILL, first_time=True)
    return None
