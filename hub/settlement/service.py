"""Decide what is paid, and make the message that says so; in the caller's transaction."""

from collections.abc import Sequence

from hub.kit import clock
from hub.returns import service as returns
from hub.returns import states
from hub.returns.case import Case, Settling, Step, Verdict
from hub.returns.messages import StoredReturn
from hub.sdk.messages import Settlement, SettlementLine
from hub.settlement import engine, queries
from hub.work.messages import Matter, Owner
from hub.work.service import raise_matter
from tenants import queries as tenants


async def decide(held: StoredReturn, step: Step, parts: Sequence[engine.Part]) -> Step:
    """Draft and store the memo of a return whose receiving was just finalised; it is sent or held for a person."""
    rules = await tenants.rules_of(held.account_id, held.policy_version_id)
    memo = engine.draft(step.case.lines, parts, rules)
    await queries.store(held.account_id, held.id, held.policy_version_id, memo, clock.now())
    verdicts = tuple(Verdict(line.line, line.accepted, line.rejected) for line in memo)
    decided = returns.then(step, states.decide(step.case, verdicts))
    if decided.case.settlement is Settling.HELD:
        return decided
    why = engine.asks_a_person(rules, memo)
    if why is None:
        return returns.then(decided, states.settle(decided.case))
    await _ask_to_settle(held, why)
    return returns.then(decided, states.hold(decided.case, why))


async def _ask_to_settle(held: StoredReturn, why: str) -> None:
    matter = Matter(
        key=f"held:{held.id}",
        kind="settlement_held",
        owner=Owner.ACCOUNT,
        return_id=held.id,
        summary=f"{held.number} waits for a person to settle it: {why}.",
    )
    await raise_matter(held.account_id, matter)


def message(held: StoredReturn, case: Case) -> Settlement:
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
    )
