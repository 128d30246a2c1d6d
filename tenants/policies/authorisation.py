"""Who lets a return begin: pure."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from tenants.policies.costs import value
from tenants.policies.facts import Facts, Finding
from tenants.policies.matching import Subject, holds
from tenants.policies.rules import Answer, AuthorisationRule, AuthoriseBy, Rules

CODES = frozenset({"authorised_by_person", "no_rule_holds", *(f"rule_{answer}s" for answer in Answer)})


def findings(rules: Rules, facts: Facts, products: Sequence[Subject], now: datetime) -> Iterator[Finding]:
    """Give what customers' exceptions and the policy's authorisation say."""
    yield from _exceptions(rules, facts, now)
    match rules.authorisation.by:
        case AuthoriseBy.NOBODY:
            yield Finding(code="needs_nobody", rule="authorisation")
        case AuthoriseBy.PERSON:
            yield Finding(code="authorised_by_person", rule="authorisation", answer=Answer.ASK)
        case AuthoriseBy.RULES:
            yield _by_rules(rules.authorisation.rules, facts, products)


def _by_rules(rules: Sequence[AuthorisationRule], facts: Facts, products: Sequence[Subject]) -> Finding:
    worth = value(facts.lines)
    told = {"value": "unknown" if worth is None else f"{worth:f}"}
    for place, rule in enumerate(rules):
        if _concerns(rule, products) and _priced(rule, worth):
            inputs = {**told, "rule": rule.name}
            return Finding(
                code=f"rule_{rule.then}s", rule=f"authorisation.rules[{place}]", answer=rule.then, inputs=inputs
            )
    return Finding(code="no_rule_holds", rule="authorisation.rules", answer=Answer.ASK, inputs=told)


def _concerns(rule: AuthorisationRule, products: Sequence[Subject]) -> bool:
    """Say whether a rule is for a return: one product is enough to ask or refuse, and all it takes to approve."""
    fitting = [holds(rule, each) for each in products]
    return all(fitting) if rule.then is Answer.APPROVE else any(fitting)


def _priced(rule: AuthorisationRule, worth: Decimal | None) -> bool:
    if rule.above is None and rule.up_to is None:
        return True
    if worth is None:
        return False
    return (rule.above is None or worth > rule.above) and (rule.up_to is None or worth <= rule.up_to)


def _exceptions(rules: Rules, facts: Facts, now: datetime) -> Iterator[Finding]:
    if facts.customer is None:
        return
    if facts.customer in rules.exceptions.block:
        yield Finding(code="customer_blocked", rule="exceptions.block", answer=rules.exceptions.when_blocked)
    for place, limit in enumerate(rules.exceptions.limits):
        span = timedelta(days=limit.within_days)
        begun = sum(timedelta(0) <= now - each <= span for each in facts.earlier)
        if begun >= limit.returns:
            inputs = {
                "limit": limit.name, "returns": str(limit.returns), "days": str(limit.within_days), "begun": str(begun),
            }  # fmt: skip
            yield Finding(code="limit_reached", rule=f"exceptions.limits[{place}]", answer=limit.then, inputs=inputs)
