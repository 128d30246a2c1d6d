"""What a finding means to the merchant, to an agent and to the consumer, in sentences: pure.

The sentences are English and are looked up in a catalogue before they are filled; merchants read of their rules, agents
of what they can do, consumers of what it means for them.
"""

from collections.abc import Callable, Iterable
from enum import StrEnum

import msgspec

from tenants.policies.facts import Decision, Finding
from tenants.policies.rules import Answer


class Audience(StrEnum):
    """To whom a decision is explained."""

    MERCHANT = "merchant"
    AGENT = "agent"
    CONSUMER = "consumer"


class Sentences(msgspec.Struct, frozen=True):
    """One finding for each audience; `{name}` is filled from its inputs. A consumer is not told what is internal."""

    merchant: str
    agent: str
    consumer: str | None


LOOKED_AT = "We look at your request first and tell you as soon as we know."
WORDS = {
    "begun_at_marketplace": Sentences(
        "The marketplace let this return begin, so the policy refuses nothing of it.",
        "Begun at the marketplace: nothing has to be authorised here.",
        "You started this return at the marketplace where you bought it.",
    ),
    "customer_allowed": Sentences(
        "The customer is on the allow list, which passes windows, limits and authorisation.",
        "This customer is on the allow list.",
        None,
    ),
    "customer_blocked": Sentences(
        "The customer is on the block list.", "This customer is on the block list; look closely.", LOOKED_AT
    ),
    "limit_reached": Sentences(
        "The limit {limit!r} is reached: {begun} returns begun in {days} days, {returns} allowed.",
        "This customer began {begun} returns in {days} days; {returns} are allowed.",
        "You have started many returns lately. " + LOOKED_AT,
    ),
    "marketplace_not_covered": Sentences(
        "The policy does not cover the marketplace {marketplace}.",
        "This policy is not for orders of the marketplace {marketplace}.",
        "Orders of this marketplace cannot be returned here.",
    ),
    "country_not_covered": Sentences(
        "The policy does not cover the country {country}.",
        "This policy takes no returns from {country}.",
        "Returns from your country cannot be started here.",
    ),
    "reason_known": Sentences(
        "The reason {reason!r} is told to the channel as {maps_to!r}.",
        "Reason {reason}, told to the channel as {maps_to}.",
        None,
    ),
    "reason_unknown": Sentences(
        "The policy has no reason {reason!r}.", "Choose one of the policy's reasons.", "Please choose a reason."
    ),
    "no_window": Sentences(
        "No return window holds for {sku}, so it may come back at any time.",
        "{sku} may come back at any time.",
        "You can send this product back.",
    ),
    "window_not_begun": Sentences(
        "The window {window!r} holds for {sku}; from when it counts is not known yet.",
        "{sku} may come back: nobody knows yet from when its window counts.",
        "You can send this product back.",
    ),
    "window_open": Sentences(
        "The window {window!r} holds for {sku} and is open until {until}.",
        "{sku} may come back until {until} ({window}).",
        "You can send this product back until {until}.",
    ),
    "window_over": Sentences(
        "The window {window!r} holds for {sku} and ended on {until}.",
        "{sku} could come back until {until} ({window}); you can create the return all the same and say why.",
        "You could send this product back until {until}.",
    ),
    "needs_nobody": Sentences(
        "Nobody has to authorise returns of this policy.", "It begins without authorisation.", None
    ),
    "authorised_by_person": Sentences(
        "The policy has a person authorise every return.", "Authorise or reject it.", LOOKED_AT
    ),
    "no_rule_holds": Sentences(
        "No authorisation rule holds for a value of {value}, so a person decides.",
        "No rule authorises it: decide yourself.",
        LOOKED_AT,
    ),
    "rule_approves": Sentences(
        "The rule {rule!r} authorises it (value {value}).", "Authorised by the rule {rule!r}.", None
    ),
    "rule_asks": Sentences(
        "The rule {rule!r} wants a person (value {value}).", "The rule {rule!r} wants you to decide.", LOOKED_AT
    ),
    "rule_refuses": Sentences(
        "The rule {rule!r} refuses it (value {value}).",
        "The rule {rule!r} refuses it.",
        "This return cannot be started here. Please contact us.",
    ),
    "fee_of_customer": Sentences(
        "The fee {fee!r} costs the customer {amount} {currency}.",
        "The customer pays {amount} {currency} ({fee}).",
        "{fee}: {amount} {currency}.",
    ),
    "fee_of_merchant": Sentences(
        "The fee {fee!r} costs you {amount} {currency}.", "The merchant pays {amount} {currency} ({fee}).", None
    ),
    "fee_unknown": Sentences(
        "The fee {fee!r} is a share of a price that is not known.",
        "The fee {fee!r} cannot be told: a price is not known.",
        "{fee}: we tell you the amount later.",
    ),
    "keep_item": Sentences(
        "{sku} need not come back: {value} is within the ceiling of {ceiling} ({rule}).",
        "The customer may keep {sku} ({rule}).",
        "You may keep this product.",
    ),
    "routed": Sentences("The goods go to warehouse {warehouse}.", "The goods go to warehouse {warehouse}.", None),
    "routed_first": Sentences(
        "No route is for these goods, so they go to the first warehouse, {warehouse}.",
        "No route is for these goods; they go to {warehouse}.",
        None,
    ),
    "no_route": Sentences(
        "The policy has no receiving option.", "There is nowhere to send the goods.", "Please contact us."
    ),
}
CONCLUSIONS = {
    Answer.APPROVE: Sentences("It is approved.", "Approved.", "You can send this back."),
    Answer.ASK: Sentences("A person has to authorise it.", "It waits for a person.", LOOKED_AT),
    Answer.REFUSE: Sentences("It is refused.", "Refused.", "This cannot be returned here."),
}


def explain(decision: Decision, audience: Audience, translate: Callable[[str], str] = str) -> list[str]:
    """Return a decision in sentences: what follows from it first, then why, each once.

    A consumer hears only what led to the answer, and what it costs.
    """
    told = decision.findings if audience is not Audience.CONSUMER else _for_consumers(decision)
    conclusion = getattr(CONCLUSIONS[decision.answer], audience)
    filled = (say(each, audience, translate) for each in told)
    return list(dict.fromkeys([translate(conclusion), *(each for each in filled if each)]))


def _for_consumers(decision: Decision) -> Iterable[Finding]:
    return (each for each in decision.findings if decision.answer is Answer.APPROVE or each.answer is decision.answer)


def say(finding: Finding, audience: Audience, translate: Callable[[str], str] = str) -> str | None:
    """Return a finding in a sentence, nothing if this audience is not told of it."""
    template: str | None = getattr(WORDS[finding.code], audience)
    return translate(template).format_map(_shown(finding)).rstrip() if template else None


def _shown(finding: Finding) -> dict[str, str]:
    day = {"until": finding.inputs["until"][:10]} if "until" in finding.inputs else {}
    return {**finding.inputs, **day}
