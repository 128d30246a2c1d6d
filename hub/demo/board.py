"""The live page's picture of the road, made from what the hub and the vendor's ledger say. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import msgspec

from hub.demo.plan import Merchant
from hub.returns.case import Status
from hub.sdk.messages import Kind

# Above it, dots are no picture any more but a carpet; the figures stay.
MOST_DOTS = 400


class Stage(StrEnum):
    """Where on the road a return is."""

    INITIATED = "initiated"
    RECEIVED = "received"
    SETTLING = "settling"
    SETTLED = "settled"


STAGE_OF = {
    Status.EXPECTED: Stage.INITIATED,
    Status.APPROVED: Stage.INITIATED,
    Status.PARTIALLY_RECEIVED: Stage.RECEIVED,
    Status.RECEIVED: Stage.RECEIVED,
    Status.PROCESSED: Stage.SETTLING,
    Status.COMPLETED: Stage.SETTLED,
    Status.CANCELED: Stage.SETTLED,
    Status.CHANNEL_CANCELED: Stage.SETTLED,
    # None of the demonstration's returns ends so; those that do are over.
    Status.EXPIRED: Stage.SETTLED,
    Status.INFORMATIONAL: Stage.SETTLED,
}
ORDER = tuple(Stage)


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A return as the feed told of it last; `merchant` is its place in the plan, from 1."""

    number: str
    kind: Kind
    status: Status
    merchant: int

    @property
    def stage(self) -> Stage:
        """Where on the road it is."""
        return STAGE_OF[self.status]


class Refunds(msgspec.Struct, frozen=True, kw_only=True):
    """What the vendor's ledger holds."""

    entries: int = 0
    units: int = 0
    amount: Decimal = Decimal(0)


class Wait(msgspec.Struct, frozen=True, kw_only=True):
    """Something that waits: what, how often, in whose words why, and when it goes on by itself."""

    kind: str
    count: int
    why: str = ""
    at: datetime | None = None


class Lane(msgspec.Struct, frozen=True, kw_only=True):
    """One account's returns of one kind: how many are planned, and how many came at least as far as each stage."""

    kind: Kind
    planned: int
    reached: Mapping[Stage, int]


class Road(msgspec.Struct, frozen=True, kw_only=True):
    """One account."""

    merchant: int
    name: str
    receiving: str
    warehouse: str
    lanes: tuple[Lane, ...]
    refunds: Refunds


class Board(msgspec.Struct, frozen=True, kw_only=True):
    """The whole picture."""

    planned: int
    now: Mapping[Stage, int]
    reached: Mapping[Stage, int]
    dots: Mapping[Stage, tuple[Seen, ...]]
    roads: tuple[Road, ...]
    refunds: Refunds
    waits: tuple[Wait, ...]

    @property
    def people(self) -> int:
        """How many things wait for a person."""
        return sum(each.count for each in self.waits if each.kind == "person")

    @property
    def done(self) -> bool:
        """Whether every planned return is at the end of its road."""
        return 0 < self.planned <= self.reached[Stage.SETTLED]


def told(seen: dict[str, Seen], plan: Sequence[Merchant], event: Mapping[str, Any]) -> None:
    """Take one event of the hub's feed into account; one of a return that nobody planned is left out."""
    body = event["body"]
    number = body.get("return_number", "")
    before = seen.get(number)
    merchant = before.merchant if before else _merchant(plan, body.get("order_number"))
    if merchant:
        seen[number] = Seen(number=number, kind=Kind(body["kind"]), status=Status(body["status"]), merchant=merchant)


def _merchant(plan: Sequence[Merchant], order: str | None) -> int:
    return next((place for place, each in enumerate(plan, 1) if any(case.order == order for case in each.cases)), 0)


def board(
    plan: Sequence[Merchant],
    seen: Iterable[Seen],
    ledgers: Mapping[str, Sequence[Mapping[str, Any]]],
    operations: Sequence[Mapping[str, Any]],
    items: Sequence[Mapping[str, Any]],
) -> Board:
    """Return the picture."""
    returns = sorted(seen, key=lambda each: each.number)
    now = Counter(each.stage for each in returns)
    few = len(returns) <= MOST_DOTS
    return Board(
        planned=sum(len(each.cases) for each in plan),
        now={stage: now[stage] for stage in ORDER},
        reached=reached(returns),
        dots={stage: tuple(each for each in returns if each.stage is stage) if few else () for stage in ORDER},
        roads=tuple(_road(place, each, returns, ledgers.get(each.tenant, ())) for place, each in enumerate(plan, 1)),
        refunds=refunds([entry for entries in ledgers.values() for entry in entries]),
        waits=(*_for_goods(returns), *_for_effects(operations), *_for_people(items)),
    )


def reached(returns: Iterable[Seen]) -> dict[Stage, int]:
    """Return how many returns came at least as far as each stage."""
    places = [ORDER.index(each.stage) for each in returns]
    return {stage: sum(place >= ORDER.index(stage) for place in places) for stage in ORDER}


def refunds(entries: Sequence[Mapping[str, Any]]) -> Refunds:
    """Return what a ledger adds up to."""
    return Refunds(
        entries=len(entries),
        units=sum(entry["quantity"] for entry in entries),
        amount=sum((Decimal(str(entry["amount"])) for entry in entries), Decimal(0)),
    )


def _road(place: int, merchant: Merchant, returns: Sequence[Seen], ledger: Sequence[Mapping[str, Any]]) -> Road:
    own = [each for each in returns if each.merchant == place]
    lanes = tuple(
        Lane(
            kind=kind,
            planned=sum(case.kind is kind for case in merchant.cases),
            reached=reached(each for each in own if each.kind is kind),
        )
        for kind in Kind
    )
    return Road(
        merchant=place, name=merchant.name, receiving=merchant.receiving, warehouse=merchant.warehouse,
        lanes=lanes, refunds=refunds(ledger),
    )  # fmt: skip


def _for_goods(returns: Sequence[Seen]) -> list[Wait]:
    none = sum(each.stage is Stage.INITIATED for each in returns)
    some = sum(each.status is Status.PARTIALLY_RECEIVED for each in returns)
    return [Wait(kind=kind, count=count) for kind, count in (("goods", none), ("rest", some)) if count]


def _for_effects(operations: Sequence[Mapping[str, Any]]) -> list[Wait]:
    """Group what must still happen outside by what is done, how it stands and why it is not done."""
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for each in operations:
        # What is tried for the first time has no reason to wait.
        state = "again" if each["state"] == "ready" and each["attempt"] else each["state"]
        groups.setdefault((f"{each['effect']}_{state}", each["why"] or ""), []).append(each)
    return [
        Wait(kind=kind, count=len(held), why=why, at=_earliest(held)) for (kind, why), held in sorted(groups.items())
    ]


def _earliest(held: Sequence[Mapping[str, Any]]) -> datetime | None:
    moments = [datetime.fromisoformat(each["next_at"]) for each in held if each["next_at"]]
    return min(moments, default=None)


def _for_people(items: Sequence[Mapping[str, Any]]) -> list[Wait]:
    """Group what a person must decide by its kind, with the oldest one's own words."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for each in items:
        groups.setdefault(each["kind"], []).append(each)
    return [Wait(kind="person", count=len(held), why=held[0]["summary"]) for _, held in sorted(groups.items())]
