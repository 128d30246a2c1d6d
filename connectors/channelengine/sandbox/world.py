"""A world of shops, marketplaces, orders and returns, made from a seed: the same seed, the same world. Pure."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from hashlib import sha256
from itertools import cycle, islice
from random import Random
from typing import NamedTuple

from msgspec.structs import replace

from connectors.channelengine.sandbox.manners import manner_by_itself
from connectors.channelengine.sandbox.records import Record, ReturnReason
from connectors.channelengine.sandbox.selling import Sale, SoldLine
from connectors.channelengine.sandbox.tenancy import ChannelReturns, MerchantReturns
from connectors.channelengine.sandbox.twists import DECK, Expected, Twist, expected, suited

# The first are in every world; `Hoekhandel` is a marketplace that nobody knows anything of.
MARKETPLACES = ("bol", "Kaufland", "Amazon", "OTTO", "Blokker", "Hoekhandel", "Zalando", "vidaXL", "fonQ", "Conrad")
FIRST_CHANNEL = 11
PRODUCTS = 30
KEY_LENGTH = 40
SOONEST_MINUTES, LATEST_MINUTES = 5, 120

# The place of a line in its order, and how many of its units come back.
Sent = tuple[int, int]


class Shop(NamedTuple):
    """A tenant to make."""

    name: str
    key: str


class Channel(NamedTuple):
    """A tenant's channel at a marketplace."""

    number: int
    marketplace: str


class Planned(Record, frozen=True):
    """An order with the returns of it; what is told `later` becomes true so many minutes after the beginning."""

    sale: Sale
    backs: tuple[tuple[Sent, ...], ...]
    reason: ReturnReason
    twist: Twist
    expected: Expected
    number: str
    later_minutes: int = 0


def shops(seed: int, number: int) -> list[Shop]:
    """Return so many tenants, with keys as long as the vendor's."""
    names = [f"world-{seed}-{place}" for place in range(1, number + 1)]
    return [Shop(name, sha256(f"{seed}/{name}".encode()).hexdigest()[:KEY_LENGTH]) for name in names]


def channels(marketplaces: Sequence[str]) -> list[Channel]:
    """Return a tenant's channels, one at each marketplace."""
    return [Channel(number, name) for number, name in enumerate(marketplaces, FIRST_CHANNEL)]


def plan_returns(seed: int, tenant: str, marketplaces: Sequence[str], returns: int) -> Iterator[Planned]:
    """Yield the orders of one tenant that customers send back, until there are so many returns."""
    dice = _dice(seed, tenant, "returns")
    telling = [each for each in channels(marketplaces) if _tells_of_returns(each.marketplace)]
    deck, left = dice.sample(DECK, len(DECK)), returns
    for place, channel in enumerate(cycle(telling), 1):
        if left <= 0:
            return
        # Each time round, the deck meets the marketplaces in another order.
        turn, card = divmod(place - 1, len(deck))
        twist = suited(deck[(card + turn) % len(deck)], manner_by_itself(channel.marketplace))
        twist = Twist.PLAIN if twist is Twist.TWO_RETURNS and left == 1 else twist
        # Two channels may use the same number, so every two that follow each other do.
        channel_order = place if len(telling) == 1 else (place + 1) // 2
        order = _order(dice, channel, f"{tenant}-{place:04}", f"CH-{tenant}-{channel_order:04}", twist)
        left -= len(order.backs)
        yield order


def plan_orders(seed: int, tenant: str, marketplaces: Sequence[str], orders: int) -> Iterator[Planned]:
    """Yield so many orders of one tenant that nobody has sent back yet: they are for merchant returns."""
    dice = _dice(seed, tenant, "orders")
    for place, channel in enumerate(islice(cycle(channels(marketplaces)), orders), 1):
        number = f"{tenant}-M{place:04}"
        at_once = manner_by_itself(channel.marketplace).merchant_returns is MerchantReturns.AT_ONCE
        ends = Expected.CREATE if at_once else Expected.CREATE_AND_UPDATE
        yield replace(_order(dice, channel, number, f"CH-{number}", Twist.PLAIN), backs=(), expected=ends)


def _order(dice: Random, channel: Channel, number: str, channel_order_no: str, twist: Twist) -> Planned:
    lines = tuple(_lines(dice, twist, number))
    sale = Sale(
        channel_id=channel.number,
        channel_name=f"{channel.marketplace} {channel.number}",
        global_channel_name=channel.marketplace,
        merchant_order_no=None if twist is Twist.ORDER_NUMBER_LATER else f"SO-{number}",
        channel_order_no=channel_order_no,
        lines=lines,
    )
    return Planned(
        sale=sale,
        backs=tuple(_backs(dice, twist, lines)),
        reason=dice.choice(list(ReturnReason)),
        twist=twist,
        expected=expected(twist, manner_by_itself(channel.marketplace)),
        number=number,
        later_minutes=dice.randint(SOONEST_MINUTES, LATEST_MINUTES),
    )


def _lines(dice: Random, twist: Twist, number: str) -> Iterator[SoldLine]:
    first, *others = (_line(dice, product) for product in dice.sample(range(PRODUCTS), dice.randint(1, 3)))
    match twist:
        case Twist.SAME_PRODUCT_TWICE:
            yield from (first, replace(first, quantity=dice.randint(1, 2)))
        case Twist.TWO_RETURNS | Twist.PARTIAL:
            yield from (replace(first, quantity=first.quantity + 1), *others)
        case Twist.PRODUCT_LINKED_LATER:
            yield from (replace(first, merchant_product_no=None, channel_product_no=f"CP-{number}"), *others)
        case Twist.MARKETPLACE_FULFILLED:
            yield from (replace(line, fulfilled_by_marketplace=True) for line in (first, *others))
        case Twist.PARTLY_MARKETPLACE_FULFILLED:
            yield from (replace(first, fulfilled_by_marketplace=True), _line(dice, PRODUCTS))
        case _:
            yield from (first, *others)


def _line(dice: Random, product: int) -> SoldLine:
    return SoldLine(
        merchant_product_no=f"SKU-{product:03}",
        channel_product_no=f"CP-{product:03}",
        description=f"Product {product}",
        quantity=dice.randint(1, 3),
        unit_price_incl_vat=Decimal(dice.randint(500, 15_000)) / 100,
    )


def _backs(dice: Random, twist: Twist, lines: Sequence[SoldLine]) -> Iterator[tuple[Sent, ...]]:
    whole = tuple((place, line.quantity) for place, line in enumerate(lines))
    match twist:
        case Twist.TWO_RETURNS:
            yield ((0, 1),)
            yield ((0, lines[0].quantity - 1), *whole[1:])
        case Twist.PARTIAL:
            yield ((0, dice.randint(1, lines[0].quantity - 1)),)
        case _:
            yield whole


def _tells_of_returns(marketplace: str) -> bool:
    return manner_by_itself(marketplace).channel_returns is not ChannelReturns.NONE


def _dice(seed: int, tenant: str, purpose: str) -> Random:
    return Random(f"{seed}/{tenant}/{purpose}")  # noqa: S311 - nothing here is a secret
