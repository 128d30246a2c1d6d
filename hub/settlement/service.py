"""Decide what is paid, by the policy or by a person, and make the message that says so; in the caller's transaction."""

from collections import Counter
from collections.abc import Sequence

import msgspec

from hub.kit import clock, db
from hub.kit.errors import Conflict, Invalid
from hub.returns import service as returns
from hub.returns import states
from hub.returns.case import Case, Event, Line, Settling, Step, Verdict
from hub.returns.messages import StoredReturn
from hub.sdk.messages import Settlement, SettlementLine
from hub.sdk.profiles import Profile
from hub.settlement import engine, queries
from hub.settlement.messages import DecidedLine, Decision, Memo, MemoLine, Why
from hub.work.messages import Matter, Owner
from hub.work.service import refresh_matter, renew_matter
from tenants import profiles
from tenants import queries as tenants
from tenants.profiles import Standing


async def decide(
    held: StoredReturn, step: Step, parts: Sequence[engine.Part], doubts: Sequence[str] = ()
) -> tuple[Step, Standing]:
    """Draft and store the memo of a return whose receiving was just finalised; it is sent or held for a person.

    Doubts about what arrived have a person look.
    """
    rules = await tenants.rules_of(held.account_id, held.policy_version_id)
    standing = await standing_of(held)
    lines = engine.draft(step.case.lines, parts, rules)
    memo = Memo(policy_version_id=held.policy_version_id, profile=known(standing), lines=lines)
    await queries.store(held.account_id, held.id, memo, clock.now())
    decided = returns.then(step, states.decide(step.case, _verdicts(lines)))
    hold = engine.hold(held.kind, standing, rules, decided.case.lines, engine.looked_at(rules, parts))
    if hold is None and doubts:
        hold = engine.Hold("; ".join(doubts), engine.AT_WILL)
    if decided.case.settlement is Settling.HELD:
        await _ask_again(held, hold)
        return decided, standing
    if hold is None:
        return returns.then(decided, states.settle(decided.case)), standing
    await _ask(held, hold)
    return returns.then(decided, states.hold(decided.case, hold.why)), standing


def _verdicts(lines: Sequence[MemoLine]) -> tuple[Verdict, ...]:
    return tuple(Verdict(line.line, line.accepted, line.rejected) for line in lines)


async def standing_of(held: StoredReturn) -> Standing:
    """Return how the marketplace of a return treats returns, as it holds now."""
    return await profiles.of_marketplace(held.account_id, held.connection_id, held.marketplace)


def known(standing: Standing) -> Profile | None:
    """Return the profile as the channel's connector may rely on it: nothing while nobody knows."""
    return standing.profile if standing.known else None


async def _ask(held: StoredReturn, hold: engine.Hold) -> None:
    await renew_matter(held.account_id, _matter(held, hold))


def _matter(held: StoredReturn, hold: engine.Hold) -> Matter:
    return Matter(
        key=f"held:{held.id}",
        kind="settlement_held",
        owner=Owner.ACCOUNT,
        return_id=held.id,
        summary=f"{held.number} waits for a person to settle it: {hold.sentence}.",
        detail={"why": hold.why, "ways": ways(held, hold)},
    )


def ways(held: StoredReturn, hold: engine.Hold) -> list[str]:
    """Return the calls that a person can make on a decision that waits, the most likely first."""
    return [f"/api/v1/returns/{held.number}/{way}" for way in hold.ways]


async def _ask_again(held: StoredReturn, hold: engine.Hold | None) -> None:
    """Say anew why a return waits that somebody was asked about before."""
    if hold is not None and engine.Way.SETTLE not in hold.ways:
        await _ask(held, hold)
    else:
        more = engine.Hold("more arrived while it waited", engine.AT_WILL)
        await refresh_matter(held.account_id, _matter(held, hold or more))


def person_decides(held: StoredReturn, decision: Decision) -> Step:
    """Return the step of a person's decision: every line once, and every unit that arrived accepted or rejected."""
    named = [_line(held.case, each) for each in decision.lines]
    twice = [sku for sku, times in Counter(line.sku for line in named).items() if times > 1]
    if len({line.id for line in named}) < len(named):
        raise Invalid("line_twice", f"A line of {twice[0]!r} is named twice; decide on each line once.")
    verdicts = tuple(_verdict(line, each) for line, each in zip(named, decision.lines, strict=True))
    step = states.decide(held.case, verdicts)
    for line in step.case.lines:
        left = min(line.received, line.declared) - line.accepted - line.rejected
        if left:
            message = f"{line.sku}: {left} of the units that arrived are neither accepted nor rejected; decide on each."
            raise Invalid("units_undecided", message, sku=line.sku, left=left)
    (event,) = step.events
    return Step(step.case, (Event(event.name, {**event.detail, "why": decision.why}),))


def _line(case: Case, named: DecidedLine) -> Line:
    if (named.line is None) == (named.sku is None):
        raise Invalid("line_unnamed", "Name each line by its id ('line') or by its product ('sku'), one of the two.")
    found = [line for line in case.lines if named.line == line.id or named.sku == line.sku]
    if not found:
        raise Invalid("line_unknown", f"This return has no line {str(named.line or named.sku)!r}.")
    if len(found) > 1:
        ids = ", ".join(str(line.id) for line in found)
        raise Invalid("line_ambiguous", f"Several lines have the product {named.sku!r}; name each by its id: {ids}.")
    return found[0]


def _verdict(line: Line, decided: DecidedLine) -> Verdict:
    rest = max(min(line.received, line.declared) - decided.accepted, 0)
    return Verdict(line.id, decided.accepted, rest if decided.rejected is None else decided.rejected)


async def store_decision(held: StoredReturn, case: Case, standing: Standing, why: str, *, actor: str) -> None:
    """Put a person's decision in place of the memo; the policy's own draft is kept beside it."""
    memo = Memo(
        policy_version_id=held.policy_version_id,
        profile=standing.profile,
        lines=tuple(_decided(line, f"{actor} decided: {why}") for line in case.lines),
        decided_by=actor,
        why=why,
    )
    await queries.store(held.account_id, held.id, memo, clock.now())


def _decided(line: Line, rule: str) -> MemoLine:
    units = {"accepted": line.accepted, "rejected": line.rejected}
    reasons = [Why(rule=rule, quantity=quantity, verdict=verdict) for verdict, quantity in units.items() if quantity]
    return MemoLine(
        line=line.id, sku=line.sku, accepted=line.accepted, rejected=line.rejected, missing=line.missing,
        surplus=line.surplus, why=(*reasons, *engine.unjudged(line)),
    )  # fmt: skip


async def let_go(held: StoredReturn, standing: Standing, *, actor: str) -> None:
    """Note who let the policy's decision go."""
    profile = db.to_json(standing.profile)
    await queries.let_go(held.account_id, held.id, profile, actor, "as the policy decided", clock.now())


def require_tellable(held: StoredReturn, case: Case, standing: Standing) -> None:
    """Refuse to send a decision that the channel cannot be told; raises `Conflict` that says what can be done."""
    stop = engine.barred(held.kind, standing, case.lines)
    if stop is not None:
        message = f"This decision cannot be sent: {stop.sentence}."
        raise Conflict("cannot_be_told", message, ways=ways(held, stop))


def message(held: StoredReturn, case: Case, standing: Standing) -> Settlement:
    """Return what the channel is told: the decision of every line, and nothing that was only announced."""
    facts = {line.id: line for line in held.lines}
    lines = tuple(
        SettlementLine(
            sku=line.sku,
            order_line=facts[line.id].order_line,
            accepted=line.accepted,
            rejected=line.rejected,
            missing=line.missing,
        )
        for line in case.lines
    )
    return Settlement(
        kind=held.kind,
        return_number=held.number,
        order_number=held.order_number or "",
        marketplace=held.marketplace,
        reason=held.reason,
        comment=held.comment,
        returned_at=held.created_at,
        lines=lines,
        external_id=held.external_id,
        profile=known(standing),
    )


def confirmed(standing: Standing) -> Standing:
    """Return the standing once a person has let a return of this marketplace settle."""
    return msgspec.structs.replace(standing, known=True)
