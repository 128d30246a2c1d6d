"""What can go wrong on purpose, in words, and all of it at once."""

from enum import StrEnum


class Effect(StrEnum):
    """What a call is for, in the words of the hub; faults are aimed at these. `webhook` is a call the vendor makes."""

    SETTLE = "settle"
    CREATE = "create"
    ACKNOWLEDGE = "acknowledge"
    POLL = "poll"
    ORDERS = "orders"
    READBACK = "readback"
    CHECK = "check"
    NOTIFICATIONS = "notifications"
    SHIPMENTS = "shipments"
    REGISTER = "register"
    WEBHOOK = "webhook"


class Kind(StrEnum):
    """How a call goes wrong; `before` means nothing is done, `after` that it is done and the caller cannot know."""

    ERROR_BEFORE = "500-before"
    ERROR_AFTER = "500-after"
    DROP_BEFORE = "drop-before"
    DROP_AFTER = "drop-after"
    TIMEOUT_BEFORE = "timeout-before"
    TIMEOUT_AFTER = "timeout-after"
    CONFLICT = "409"
    FORBIDDEN = "403"
    TOO_MANY = "429"  # with `retry-after` in seconds, as absurd as the argument is
    TOO_MANY_DATE = "429-date"  # with `retry-after` as a date
    TOO_MANY_BARE = "429-bare"  # without `retry-after`
    SLOW = "slow"
    # The work is done; what is wrong is the answer.
    MALFORMED = "malformed"  # half of the JSON as if it were all
    CUT = "cut"  # half of the announced length, then the connection ends
    HTML = "html"  # a page for people, with this status
    HUGE = "huge"  # so many megabytes of JSON
    OFFSET = "offset"  # moments with seven digits of fraction and `+02:00`
    FRACTION = "fraction"  # moments with any number of digits, none included
    UNKNOWN_WORDS = "unknown-words"  # statuses and reasons that nobody has heard of
    UNKNOWN_FIELDS = "unknown-fields"  # more fields than are documented, at every level
    NULLS = "nulls"  # null wherever that is documented and no number is lost by it
    NO_CONTENT = "no-content"  # a list whose `Content` is null
    # The list moves between two pages.
    SHIFT = "shift"  # so many returns of the pages read so far are settled elsewhere or cancelled
    GROW = "grow"  # so many returns are new
    # What becomes of a webhook.
    LOSE = "lose"
    DOUBLE = "double"
    LATE = "late"


DEFAULT_ARGUMENT = {
    Kind.TIMEOUT_BEFORE: 60.0,  # seconds until a gateway would give up
    Kind.TIMEOUT_AFTER: 60.0,
    Kind.TOO_MANY: 1.0,  # seconds of retry-after
    Kind.TOO_MANY_DATE: 1.0,
    Kind.SLOW: 1000.0,  # milliseconds of delay before the call is handled
    Kind.HTML: 200.0,  # the status
    Kind.HUGE: 10.0,  # megabytes
    Kind.SHIFT: 1.0,  # returns
    Kind.GROW: 1.0,
    Kind.LATE: 1000.0,  # milliseconds of delay before a webhook is called
}
OF_WEBHOOKS = frozenset({Kind.LOSE, Kind.DOUBLE, Kind.LATE})
OF_LISTS = frozenset({Kind.SHIFT, Kind.GROW})
# Together these still let a correct client finish: none is final, and none strikes every call. `all` stands for them.
# The numbers are primes, so that the faults of one effect do not fall into step with each other or with the caller.
ALL = tuple(
    """
    poll=500-before/7 poll=429:1/11 poll=html:502/19 poll=malformed/23 poll=unknown-fields/59 poll=unknown-words/61
    poll=nulls/29 poll=huge/31 poll=429-date:1/37 poll=cut/41 poll=429:1000000000/43 poll=html/47 poll=drop-before/53
    poll=shift:1/13 poll=grow:1/17 poll=offset/2
    settle=500-after/7 settle=500-before/11 settle=drop-after/13 settle=429:1/17 settle=409/19 settle=malformed/23
    settle=html/29 settle=timeout-after:0.2/31 settle=cut/37 settle=429-bare/41 settle=drop-before/43
    create=500-after/7 create=500-before/11 create=drop-after/13 create=429:1/17 create=409/19 create=malformed/23
    create=html:502/29 create=timeout-after:0.2/31 create=cut/37 create=429-bare/41 create=drop-before/43
    acknowledge=500-after/7 acknowledge=500-before/11 acknowledge=drop-after/13 acknowledge=409/17
    acknowledge=429:1/19 acknowledge=html/23 acknowledge=malformed/29
    readback=500-before/7 readback=malformed/11 readback=429:1/13 readback=html/17 readback=unknown-words/19
    readback=unknown-fields/23 readback=nulls/29 readback=drop-before/31 readback=cut/37 readback=offset/2
    orders=500-before/7 orders=html:502/11 orders=429-bare/13 orders=unknown-fields/3 orders=fraction/2
    notifications=500-before/5 notifications=html/7 notifications=429:1/11 notifications=offset/2
    shipments=500-before/7 shipments=unknown-fields/3 register=500-after/3
    webhook=lose/3 webhook=double/5 webhook=late:50/7
    """.split()  # noqa: SIM905 - so many words read better as text than as a list
)


def suits(kind: Kind, effect: Effect) -> bool:
    """Say whether this can happen to that."""
    if kind in OF_LISTS:
        return effect is Effect.POLL
    return (kind in OF_WEBHOOKS) is (effect is Effect.WEBHOOK)
