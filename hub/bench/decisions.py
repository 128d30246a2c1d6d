"""How many decisions a second the policy engine makes, and how that falls with the number of rules."""

import statistics
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from uuid import UUID

import click
import msgspec

from hub.sdk.messages import Kind
from tenants.policies.engine import decide
from tenants.policies.facts import Facts, LineFacts
from tenants.policies.rules import (
    Answer,
    Authorisation,
    AuthorisationRule,
    AuthoriseBy,
    Fee,
    FeeKind,
    Payer,
    Route,
    Rules,
    Window,
)

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
SIZES = (10, 100, 1000)
SECONDS = 0.5


class Speed(msgspec.Struct, frozen=True):
    """Decisions per second under so many rules; of several rounds the middle one."""

    rules: int
    per_second: float


def rules_of(size: int) -> Rules:
    """Return a policy with so many rules in all: windows, fees and authorisation by product, and one for the rest."""
    each = size // 3
    skus = [(f"BRAND-{number}-*",) for number in range(each)]
    return Rules(
        receiving=(Route(warehouse_id=UUID(int=1)),),
        windows=(
            Window(name="All", days=14),
            *(Window(name=f"W{place}", days=30, skus=sku) for place, sku in enumerate(skus)),
        ),
        fees=tuple(
            Fee(name=f"F{place}", kind=FeeKind.SHIPPING, payer=Payer.CUSTOMER, amount=Decimal("4.95"), skus=sku)
            for place, sku in enumerate(skus)
        ),
        authorisation=Authorisation(
            by=AuthoriseBy.RULES,
            rules=tuple(
                AuthorisationRule(name=f"A{place}", then=Answer.APPROVE, skus=sku) for place, sku in enumerate(skus)
            ),
        ),
    )


def facts_of(number: int) -> Facts:
    """Return a return of two products, one of a brand."""
    skus = (f"BRAND-{number}-RED", "SHIRT-1")
    lines = tuple(LineFacts(sku=sku, quantity=1, unit_price=Decimal("19.95")) for sku in skus)
    return Facts(kind=Kind.MERCHANT, lines=lines, country="NL", delivered_at=NOW - timedelta(days=number % 40))


def speed(size: int) -> float:
    """Return decisions per second under so many rules."""
    rules, cases = rules_of(size), [facts_of(number) for number in range(97)]
    began, made = time.perf_counter(), 0
    while time.perf_counter() - began < SECONDS:
        for facts in cases:
            decide(rules, 1, facts, NOW)
        made += len(cases)
    return made / (time.perf_counter() - began)


def run(*, rounds: int, as_json: bool) -> None:
    """Measure every size in turn, round after round, and print the figures with their ratios."""
    measured = [[speed(size) for size in SIZES] for _ in range(rounds)]
    speeds = [
        Speed(size, statistics.median(column)) for size, column in zip(SIZES, zip(*measured, strict=True), strict=True)
    ]
    growth = [before.per_second / after.per_second for before, after in pairwise(speeds)]
    if as_json:
        click.echo(msgspec.json.encode({"speeds": speeds, "growth": growth}).decode())
        return
    for each in speeds:
        click.echo(f"{each.rules:>5} rules: {each.per_second:.0f} decisions/s")
    for size, factor in zip(SIZES[1:], growth, strict=True):
        click.echo(f"ten times the rules, {size} in all: {factor:.1f} times the time")
