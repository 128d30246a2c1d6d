"""What is unusual about the returns of a made-up world, how often, and what has to become of each."""

from enum import StrEnum

from connectors.channelengine.sandbox.tenancy import ChannelReturns, DeedKind, Manner, Upon


class Twist(StrEnum):
    """What is unusual about a return; `plain` is nothing."""

    PLAIN = "plain"
    ORDER_NUMBER_LATER = "order_number_later"
    SAME_PRODUCT_TWICE = "same_product_twice"
    TWO_RETURNS = "two_returns"
    PRODUCT_LINKED_LATER = "product_linked_later"
    PARTIAL = "partial"
    MARKETPLACE_FULFILLED = "marketplace_fulfilled"
    PARTLY_MARKETPLACE_FULFILLED = "partly_marketplace_fulfilled"
    CANCELLED_BEFORE = "cancelled_before"
    CANCELLED_WHEN_ACKNOWLEDGED = "cancelled_when_acknowledged"
    CANCELLED_WHEN_SETTLED = "cancelled_when_settled"
    SETTLED_IN_WEB_BEFORE = "settled_in_web_before"
    SETTLED_IN_WEB_WHEN_ACKNOWLEDGED = "settled_in_web_when_acknowledged"
    SETTLED_IN_WEB_WHEN_SETTLED = "settled_in_web_when_settled"


class Expected(StrEnum):
    """What a correct client must end with."""

    SETTLE = "settle"  # one update with what the warehouse reports
    CREATE = "create"  # one creation with what the warehouse accepts
    CREATE_AND_UPDATE = "create_and_update"  # and one update that marks it as received
    INFORMATIONAL = "informational"  # known, never updated
    MARKETPLACE_FULFILLED = "marketplace_fulfilled"  # known, never updated
    CANCELLED = "cancelled"  # the marketplace cancelled it: nothing is settled
    ELSEWHERE = "elsewhere"  # somebody settled it in the vendor's pages: nothing is settled again


# How many of every forty cards are which; a card of two returns makes two.
DECK: tuple[Twist, ...] = (
    *[Twist.PLAIN] * 12,
    *[Twist.ORDER_NUMBER_LATER] * 4,
    *[Twist.SAME_PRODUCT_TWICE] * 3,
    *[Twist.TWO_RETURNS] * 3,
    *[Twist.PRODUCT_LINKED_LATER] * 3,
    *[Twist.PARTIAL] * 3,
    *[Twist.MARKETPLACE_FULFILLED] * 2,
    *[Twist.PARTLY_MARKETPLACE_FULFILLED] * 2,
    *[Twist.CANCELLED_WHEN_ACKNOWLEDGED] * 2,
    *[Twist.SETTLED_IN_WEB_WHEN_SETTLED] * 2,
    Twist.CANCELLED_BEFORE,
    Twist.CANCELLED_WHEN_SETTLED,
    Twist.SETTLED_IN_WEB_BEFORE,
    Twist.SETTLED_IN_WEB_WHEN_ACKNOWLEDGED,
)
# What somebody else does to the return, and upon what; None is before anybody has seen it.
ENDS: dict[Twist, tuple[DeedKind, Upon | None]] = {
    Twist.CANCELLED_BEFORE: (DeedKind.CANCEL, None),
    Twist.CANCELLED_WHEN_ACKNOWLEDGED: (DeedKind.CANCEL, "acknowledge"),
    Twist.CANCELLED_WHEN_SETTLED: (DeedKind.CANCEL, "settle"),
    Twist.SETTLED_IN_WEB_BEFORE: (DeedKind.SETTLE_IN_WEB, None),
    Twist.SETTLED_IN_WEB_WHEN_ACKNOWLEDGED: (DeedKind.SETTLE_IN_WEB, "acknowledge"),
    Twist.SETTLED_IN_WEB_WHEN_SETTLED: (DeedKind.SETTLE_IN_WEB, "settle"),
}


def suited(twist: Twist, manner: Manner) -> Twist:
    """Return the twist that a marketplace of these manners can have: what nobody settles has no unlucky end."""
    informational = manner.channel_returns is ChannelReturns.INFORMATIONAL
    return Twist.PLAIN if informational and twist in ENDS else twist


def expected(twist: Twist, manner: Manner) -> Expected:
    """Return what a channel return must end with."""
    if twist is Twist.MARKETPLACE_FULFILLED:
        return Expected.MARKETPLACE_FULFILLED
    if manner.channel_returns is ChannelReturns.INFORMATIONAL:
        return Expected.INFORMATIONAL
    if twist not in ENDS:
        return Expected.SETTLE
    return Expected.CANCELLED if ENDS[twist][0] is DeedKind.CANCEL else Expected.ELSEWHERE
