"""What a policy says to a return that is asked for: a pure function of its rules, the facts and the moment.

A channel return was let begin by its marketplace: of it nothing is refused here, and what the policy would have said is
a finding all the same.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from hub.sdk.messages import Kind, Reason
from tenants.policies import authorisation, costs, questions
from tenants.policies.facts import Decision, Facts, Finding, LineDecision
from tenants.policies.matching import Subject, subjects, winner
from tenants.policies.rules import Answer, Rules
from tenants.policies.windows import Ending, window

STRICTNESS = {Answer.APPROVE: 0, Answer.ASK: 1, Answer.REFUSE: 2}
# What a customer who is allowed everything passes, and what a marketplace has decided for the policy.
WAIVED = frozenset({"window_over", "limit_reached", *authorisation.CODES})


def decide(rules: Rules, version: int, facts: Facts, now: datetime) -> Decision:
    """Decide on a return, with every rule that had a say among the findings.

    The strictest answer holds: refused before asked before approved. What cannot be judged at all, such as an unknown
    reason, is refused; what is only unknown, such as a delivery, is not.
    """
    products = subjects(facts, rules.groups)
    endings = [window(rules, facts, each, now) for each in products]
    reason, by_reason = _reason(rules, facts)
    fees, charged = costs.fees(rules, facts, products)
    kept, keeping = costs.kept(rules, facts, products)
    warehouse_id, routed = route(rules, products)
    asked = [*_covered(rules, facts), by_reason, *(each.finding for each in endings)]
    asked += authorisation.findings(rules, facts, products, now)
    findings = (*_waived(rules, facts, asked), *charged, *keeping, routed)
    return Decision(
        answer=max((each.answer for each in findings), key=STRICTNESS.__getitem__),
        version=version,
        decided_at=now,
        reason=reason,
        warehouse_id=warehouse_id,
        until=min((each.until for each in endings if each.until), default=None),
        customer_pays=costs.customer_pays(fees),
        fees=fees,
        lines=_lines(facts, endings, kept),
        ask=questions.still_open(rules, facts, products),
        instructions=dict(rules.instructions),
        findings=findings,
    )


def _lines(facts: Facts, endings: Sequence[Ending], kept: Sequence[bool]) -> tuple[LineDecision, ...]:
    return tuple(
        LineDecision(sku=line.sku, until=ending.until, keep=keep)
        for line, ending, keep in zip(facts.lines, endings, kept, strict=True)
    )


def _waived(rules: Rules, facts: Facts, found: Sequence[Finding]) -> Iterator[Finding]:
    """Give what was found, with nothing refused that somebody else has decided before."""
    if facts.kind is Kind.CHANNEL:
        yield Finding(code="begun_at_marketplace", rule="kind")
        yield from (msgspec.structs.replace(each, answer=Answer.APPROVE) for each in found)
        return
    if facts.customer is None or facts.customer not in rules.exceptions.allow:
        yield from found
        return
    yield Finding(code="customer_allowed", rule="exceptions.allow")
    for each in found:
        yield msgspec.structs.replace(each, answer=Answer.APPROVE) if each.code in WAIVED else each


def _covered(rules: Rules, facts: Facts) -> Iterator[Finding]:
    for field, here, allowed in (
        ("marketplace", facts.marketplace, rules.marketplaces),
        ("country", facts.country, rules.countries),
    ):
        if allowed and here not in allowed:
            places = {"marketplace": "marketplaces", "country": "countries"}
            inputs = {field: here or "unknown"}
            yield Finding(code=f"{field}_not_covered", rule=places[field], answer=Answer.REFUSE, inputs=inputs)


def _reason(rules: Rules, facts: Facts) -> tuple[Reason, Finding]:
    """Return what the channel is told; the ten reasons are known to every policy."""
    code = facts.reason or Reason.OTHER.value
    for place, each in enumerate(rules.reasons):
        if each.code == code and each.maps_to is not None:
            told = {"reason": code, "maps_to": each.maps_to.value}
            return each.maps_to, Finding(code="reason_known", rule=f"reasons[{place}]", inputs=told)
    if code in TEN:
        told = {"reason": code, "maps_to": code}
        return Reason(code), Finding(code="reason_known", rule="reasons", inputs=told)
    refused = Finding(code="reason_unknown", rule="reasons", answer=Answer.REFUSE, inputs={"reason": code})
    return Reason.OTHER, refused


TEN = frozenset(each.value for each in Reason)


def route(rules: Rules, products: Sequence[Subject]) -> tuple[UUID | None, Finding]:
    """Return the warehouse of the most specific route that is for all of these products.

    Where none is, the first route is taken: goods on their way need a place.
    """
    if not rules.receiving:
        return None, Finding(code="no_route", rule="receiving", answer=Answer.REFUSE)
    found = winner(rules.receiving, products)
    place, chosen = found or (0, rules.receiving[0])
    told = {"warehouse": str(chosen.warehouse_id)}
    return chosen.warehouse_id, Finding(
        code="routed" if found else "routed_first", rule=f"receiving[{place}]", inputs=told
    )
