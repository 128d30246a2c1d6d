"""Which rule holds for a product, and which of several wins: pure.

Of rules that hold, the one that says more precisely what it is for wins: by product number before by tag, before by
reason, country, marketplace and season. Between equals the caller decides; `overlap` says which could both hold.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from functools import lru_cache
from typing import TypeVar

import msgspec

from tenants.policies.facts import Facts, LineFacts
from tenants.policies.rules import Group, Scoped, Season

Rule = TypeVar("Rule", bound=Scoped)
DIMENSIONS = ("skus", "tags", "reasons", "countries", "marketplaces", "season")


class Subject(msgspec.Struct, frozen=True):
    """One product of a return, as scopes look at it."""

    sku: str
    tags: frozenset[str]
    reason: str | None
    country: str | None
    marketplace: str | None
    ordered_on: date | None


def subjects(facts: Facts, groups: Sequence[Group]) -> list[Subject]:
    """Return the products of a return with the tags that they have and that the policy gives them."""
    began = facts.ordered_at or facts.shipped_at or facts.delivered_at
    return [
        Subject(
            sku=line.sku,
            tags=_tags(line, groups),
            reason=facts.reason,
            country=facts.country,
            marketplace=facts.marketplace,
            ordered_on=began.date() if began else None,
        )
        for line in facts.lines
    ]


def _tags(line: LineFacts, groups: Sequence[Group]) -> frozenset[str]:
    return frozenset(line.tags).union(group.tag for group in groups if any(fits(each, line.sku) for each in group.skus))


def fits(pattern: str, sku: str) -> bool:
    """Say whether a product number is one that a pattern means."""
    if pattern.startswith("*"):
        return sku.endswith(pattern[1:])
    if pattern.endswith("*"):
        return sku.startswith(pattern[:-1])
    return sku == pattern


# A policy may have thousands of rules, and each is looked at for each product.
@lru_cache(maxsize=20_000)
def _forms(patterns: tuple[str, ...]) -> tuple[frozenset[str], tuple[str, ...], tuple[str, ...]]:
    """Part patterns into whole numbers, beginnings and ends."""
    whole = frozenset(each for each in patterns if "*" not in each)
    ends = tuple(each[1:] for each in patterns if each.startswith("*"))
    beginnings = tuple(each[:-1] for each in patterns if each not in whole and not each.startswith("*"))
    return whole, beginnings, ends


def _among(patterns: tuple[str, ...], sku: str) -> bool:
    whole, beginnings, ends = _forms(patterns)
    return sku in whole or sku.startswith(beginnings) or sku.endswith(ends)


def holds(rule: Scoped, subject: Subject) -> bool:
    """Say whether a rule is for a product; what is not known fits no field that is filled."""
    return (
        (not rule.skus or _among(rule.skus, subject.sku))
        and (not rule.tags or not subject.tags.isdisjoint(rule.tags))
        and (not rule.reasons or subject.reason in rule.reasons)
        and (not rule.countries or subject.country in rule.countries)
        and (not rule.marketplaces or subject.marketplace in rule.marketplaces)
        and (rule.season is None or _within(rule.season, subject.ordered_on))
    )


def _within(season: Season, day: date | None) -> bool:
    return day is not None and season.first <= day <= season.last


def specificity(rule: Scoped) -> tuple[bool, ...]:
    """Return how precisely a rule says what it is for, the weightiest dimension first."""
    return tuple(bool(getattr(rule, name)) for name in DIMENSIONS)


def _first(_: Scoped) -> float:
    return 0


def winner(
    rules: Sequence[Rule], everything: Iterable[Subject], prefer: Callable[[Rule], float] = _first
) -> tuple[int, Rule] | None:
    """Return the most specific rule that holds for all of these products, with its place; the first among equals."""
    holding = list(enumerate(rules))
    for subject in everything:
        holding = [found for found in holding if holds(found[1], subject)]
    if not holding:
        return None
    return max(holding, key=lambda found: (specificity(found[1]), prefer(found[1]), -found[0]))


def overlap(one: Scoped, other: Scoped) -> bool:
    """Say whether two rules are equally specific and could both hold for the same product."""
    if specificity(one) != specificity(other):
        return False
    return (
        _meet(one.skus, other.skus, patterns_meet)
        and all(_meet(getattr(one, name), getattr(other, name), _same) for name in DIMENSIONS[1:5])
        and (one.season is None or other.season is None or _seasons_meet(one.season, other.season))
    )


def _meet(ones: Sequence[str], others: Sequence[str], test: Callable[[str, str], bool]) -> bool:
    return not ones or any(test(one, other) for one in ones for other in others)


def _same(one: str, other: str) -> bool:
    return one == other


def patterns_meet(one: str, other: str) -> bool:
    """Say whether some product number fits both patterns."""
    if "*" not in one:
        return fits(other, one)
    if "*" not in other:
        return fits(one, other)
    if one.startswith("*") != other.startswith("*"):
        return True
    stem, longer = sorted((one.strip("*"), other.strip("*")), key=len)
    return longer.endswith(stem) if one.startswith("*") else longer.startswith(stem)


def _seasons_meet(one: Season, other: Season) -> bool:
    return one.first <= other.last and other.first <= one.last
