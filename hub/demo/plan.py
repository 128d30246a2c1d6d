"""What will happen, as pure data: merchants, orders, what customers send back and what arrives."""

from collections.abc import Sequence

import msgspec

from hub.sdk.messages import Kind


class Part(msgspec.Struct, frozen=True):
    """Units of one product that arrive in one state, in one of the deliveries (from 0)."""

    sku: str
    quantity: int
    grade: str
    condition: str
    delivery: int = 0


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What must come out for one product: worked out here, by hand, and not by the hub's rules."""

    sku: str
    accepted: int
    rejected: int


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """A way in which returns go."""

    name: str
    declared: dict[str, int]
    parts: tuple[Part, ...]
    wanted: tuple[Wanted, ...]


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One return of the demonstration."""

    kind: Kind
    order: str
    channel_return: str
    marketplace: int
    story: Story


class Merchant(msgspec.Struct, frozen=True, kw_only=True):
    """One account with its receiving option."""

    name: str
    tenant: str
    receiving: str
    warehouse: str
    cases: tuple[Case, ...]


SHOES, SHIRT = "SHOE-42-BLUE", "SHIRT-M-WHITE"
PRICES = {SHOES: "89.95", SHIRT: "24.50"}
NAMES = {SHOES: "Running shoes, blue, 42", SHIRT: "T-shirt, white, M"}
# ChannelEngine's channels as the sandbox is told of them: the second number is the marketplace's own.
MARKETPLACES = {11: ("bol NL", "bol", 101), 12: ("Kaufland DE", "Kaufland", 102)}

STORIES = (
    Story(
        name="in full",
        declared={SHOES: 2, SHIRT: 1},
        parts=(Part(SHOES, 2, "A", "as_new"), Part(SHIRT, 1, "A", "as_new")),
        wanted=(Wanted(sku=SHOES, accepted=2, rejected=0), Wanted(sku=SHIRT, accepted=1, rejected=0)),
    ),
    Story(
        name="short",
        declared={SHOES: 2},
        parts=(Part(SHOES, 1, "A", "as_new"),),
        wanted=(Wanted(sku=SHOES, accepted=1, rejected=0),),
    ),
    Story(
        name="one damaged",
        declared={SHOES: 2, SHIRT: 1},
        parts=(
            Part(SHOES, 1, "B", "opened"),
            Part(SHOES, 1, "D", "damaged"),
            Part(SHIRT, 1, "A", "as_new"),
        ),
        wanted=(Wanted(sku=SHOES, accepted=1, rejected=1), Wanted(sku=SHIRT, accepted=1, rejected=0)),
    ),
    Story(
        name="in two boxes",
        declared={SHOES: 2, SHIRT: 1},
        parts=(Part(SHOES, 1, "A", "as_new"), Part(SHOES, 1, "A", "as_new", 1), Part(SHIRT, 1, "B", "opened", 1)),
        wanted=(Wanted(sku=SHOES, accepted=2, rejected=0), Wanted(sku=SHIRT, accepted=1, rejected=0)),
    ),
    Story(
        name="one too many",
        declared={SHIRT: 1},
        parts=(Part(SHIRT, 2, "A", "as_new"),),
        wanted=(Wanted(sku=SHIRT, accepted=1, rejected=0),),
    ),
    Story(
        name="nothing acceptable",
        declared={SHIRT: 1},
        parts=(Part(SHIRT, 1, "D", "damaged"),),
        wanted=(Wanted(sku=SHIRT, accepted=0, rejected=1),),
    ),
)

HOSTS = (
    ("Noordzee Sport", "noordzee", "return_hub", "Return hub Venlo"),
    ("Lumen Mode", "lumen", "merchant_warehouse", "Lumen warehouse Ghent"),
    ("Alpin Kontor", "alpin", "partner_app", "Handlog warehouse Aachen"),
)


def merchants(size: int) -> tuple[Merchant, ...]:
    """Return the merchants with `size` returns each: five of eight start at a marketplace."""
    return tuple(
        Merchant(name=name, tenant=tenant, receiving=receiving, warehouse=warehouse, cases=_cases(tenant, size))
        for name, tenant, receiving, warehouse in HOSTS
    )


def _cases(tenant: str, size: int) -> tuple[Case, ...]:
    kinds = [Kind.CHANNEL if number % 8 < 5 else Kind.MERCHANT for number in range(size)]  # noqa: PLR2004 - the share
    seen = {Kind.CHANNEL: 0, Kind.MERCHANT: 0}
    cases = []
    for number, kind in enumerate(kinds):
        story = STORIES[seen[kind] % len(STORIES)]
        seen[kind] += 1
        case = Case(
            kind=kind,
            order=f"{tenant[:2].upper()}-{1000 + number}",
            channel_return=f"{tenant[:2].upper()}R-{1000 + number}",
            marketplace=11 + seen[kind] % 2,
            story=story,
        )
        cases.append(case)
    return tuple(cases)


def deliveries(story: Story) -> Sequence[tuple[Part, ...]]:
    """Return the parts of each delivery, in order."""
    last = max(part.delivery for part in story.parts)
    return [tuple(part for part in story.parts if part.delivery == number) for number in range(last + 1)]
