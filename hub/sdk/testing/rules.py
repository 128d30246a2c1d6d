"""What a rule of the kit is, and the list of all of them."""

from collections.abc import Awaitable, Callable
from enum import IntEnum
from typing import NamedTuple

from hub.sdk import Manifest
from hub.sdk.testing.bench import Bench


class Tier(IntEnum):
    """How much a connector has proven; each tier includes the ones before."""

    NONE = 0
    BRONZE = 1
    SILVER = 2
    GOLD = 3
    PLATINUM = 4


Check = Callable[[Bench], Awaitable[None]]
Applies = Callable[[Manifest], bool]


class Rule(NamedTuple):
    """One promise: its name, its tier, the sentence that a person reads, how it is checked, and of whom."""

    name: str
    tier: Tier
    promise: str
    check: Check
    applies: Applies


RULES: dict[str, Rule] = {}


def is_a_warehouses(manifest: Manifest) -> bool:
    """Say whether a connector speaks to a warehouse's system."""
    return manifest.warehousing is not None


def everybodys(_: Manifest) -> bool:
    """Say that a rule is for every connector."""
    return True


def rule(tier: Tier, promise: str, *, applies: Applies = is_a_warehouses) -> Callable[[Check], Check]:
    """Add a check to the list of rules, under its own name."""

    def add(check: Check) -> Check:
        name = check.__name__.replace("_", "-")
        RULES[name] = Rule(name, tier, promise, check, applies)
        return check

    return add
