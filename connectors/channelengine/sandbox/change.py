"""One change of what the vendor remembers: the unit in which things happen, and one line of the journal."""

from datetime import datetime

from connectors.channelengine.sandbox.records import Note, Order, Record, Refund, Return
from connectors.channelengine.sandbox.tenancy import Deed, Manner, Mishap, Switches, Violation, Webhook


class ClockHands(Record, frozen=True):
    """How the vendor's clock differs from a real one: so many seconds ahead, or standing still."""

    ahead_seconds: float = 0.0
    stopped_at: datetime | None = None


class Change(Record, frozen=True, omit_defaults=True):
    """Everything one effect does, as one unit: it is one journal line, so it happens whole or not at all.

    A pair of a name and None takes away what stood under that name. `told` names what the merchant was told to have
    succeeded, `done` the deeds that have happened, `pardoned` strikes out the violations so far.
    """

    tenant: str
    key: str | None = None
    orders: tuple[Order, ...] = ()
    returns: tuple[Return, ...] = ()
    refunds: tuple[Refund, ...] = ()
    notes: tuple[Note, ...] = ()
    manners: tuple[tuple[str, Manner | None], ...] = ()
    balances: tuple[tuple[str, bool], ...] = ()
    switches: Switches | None = None
    mishaps: tuple[Mishap, ...] = ()
    webhooks: tuple[tuple[str, Webhook | None], ...] = ()
    deeds: tuple[Deed, ...] = ()
    done: tuple[int, ...] = ()
    told: tuple[str, ...] = ()
    violations: tuple[Violation, ...] = ()
    pardoned: bool = False
    clock: ClockHands | None = None
