"""What a connector is: a manifest, and one method per effect it can bring about."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from hub.sdk.context import Context
from hub.sdk.messages import (
    Acknowledgement,
    Announcement,
    Effect,
    Knock,
    ReturnKey,
    Settlement,
    Subscription,
)
from hub.sdk.profiles import Profile
from hub.sdk.wms import Catalogue, Hint, Hook, SnapshotKey, Warehousing

CONTRACT = 1


class Capability(StrEnum):
    """A method of `Connector` that a connector says it has."""

    CHECK = "check"
    POLL = "poll"
    FIND_ORDER = "find_order"
    ACKNOWLEDGE = "acknowledge"
    ANNOUNCE = "announce"
    AMEND = "amend"
    WITHDRAW = "withdraw"
    SETTLE = "settle"
    LOOKUP = "lookup"
    FETCH = "fetch"
    HISTORY = "history"
    REFUSALS = "refusals"
    SUBSCRIBE = "subscribe"
    UNSUBSCRIBE = "unsubscribe"
    SNAPSHOT = "snapshot"
    CHANGES = "changes"
    CATALOGUE = "catalogue"


# What only the connector of a warehouse's system can do.
FOR_WAREHOUSES = frozenset(
    {
        Capability.ANNOUNCE,
        Capability.AMEND,
        Capability.WITHDRAW,
        Capability.SNAPSHOT,
        Capability.CHANGES,
        Capability.CATALOGUE,
    }
)


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What the hub must know of a connector before it calls it.

    `settings` is the struct of its settings; fields of type `Secret` are sealed at rest. `hosts` are patterns
    of the vendor's own hosts, such as `*.example.com`; other hosts need the operator's leave.
    `identity` names the settings that say which account at the vendor it is: they cannot change once returns run.
    `repeatable` names effects whose repeat the vendor ignores, so that a crash needs no look-up. `warehousing` is set
    of a warehouse's system, and of nothing else.
    """

    name: str
    title: str
    version: str
    capabilities: frozenset[Capability]
    settings: type[msgspec.Struct]
    hosts: tuple[str, ...] = ()
    identity: frozenset[str] = frozenset()
    repeatable: frozenset[Effect] = frozenset()
    poll_every_seconds: float = 300.0
    warehousing: Warehousing | None = None
    contract: int = CONTRACT


class Connector:
    """The base of every connector; a subclass overrides the methods its manifest declares.

    Each method gets the call's `Context` first, answers with an `Outcome`, and may raise `Interrupted` to answer
    early. Any other exception is a bug: the hub stores it and asks nobody outside to act.
    """

    manifest: Manifest

    async def check(self, context: Context) -> Any:
        """Prove that the settings work: `Done(Checked)`, or what its owner must repair."""
        raise NotImplementedError

    async def poll(self, context: Context, cursor: str | None) -> Any:
        """Read the next page of returns after `cursor`: `Done(Page)`. Safe to repeat with the same cursor."""
        raise NotImplementedError

    async def find_order(self, context: Context, number: str) -> Any:
        """Look an order up by the number a customer knows: `Done(Order)` or `Absent`."""
        raise NotImplementedError

    async def acknowledge(self, context: Context, message: Acknowledgement) -> Any:
        """Tell the channel the hub's return number: `Done(VendorReference)`."""
        raise NotImplementedError

    async def announce(self, context: Context, message: Announcement) -> Any:
        """Tell the warehouse what will come: `Done(VendorReference)`."""
        raise NotImplementedError

    async def amend(self, context: Context, message: Announcement) -> Any:
        """Tell the warehouse that other goods will come: `Done(VendorReference)`, `too_late` once they are there."""
        raise NotImplementedError

    async def withdraw(self, context: Context, message: Announcement) -> Any:
        """Tell the warehouse that it will not come: `Done(VendorReference)`, `too_late` once it is there."""
        raise NotImplementedError

    async def settle(self, context: Context, message: Settlement) -> Any:
        """Tell the channel the decision, once: `Done(VendorReference)`."""
        raise NotImplementedError

    async def lookup(self, context: Context, effect: Effect, message: Any) -> Any:
        """Find out whether an effect happened: `Done(VendorReference)`, `Absent` or `Refused` if it differs."""
        raise NotImplementedError

    async def fetch(self, context: Context, wanted: ReturnKey) -> Any:
        """Read one return as it stands, with what was decided on each line: `Done(ChannelReturn)` or `Absent`."""
        raise NotImplementedError

    async def history(self, context: Context, since: datetime, cursor: str | None) -> Any:
        """Read the next page of all returns created since a moment, whoever created them: `Done(Page)`."""
        raise NotImplementedError

    async def refusals(self, context: Context, cursor: str | None, watched: tuple[ReturnKey, ...]) -> Any:
        """Read which of these settled returns a marketplace refused afterwards: `Done(Refusals)`."""
        raise NotImplementedError

    async def subscribe(self, context: Context, wanted: Subscription) -> Any:
        """Have the vendor knock at an address, or put right what stands there: `Done(Subscribed)`. Safe to repeat."""
        raise NotImplementedError

    async def unsubscribe(self, context: Context, wanted: Subscription) -> Any:
        """Have the vendor knock no more: `Done(Subscribed)`. Safe to repeat."""
        raise NotImplementedError

    async def snapshot(self, context: Context, wanted: SnapshotKey) -> Any:
        """Read what a warehouse holds of one return now: `Done(Snapshot)` or `Absent`."""
        raise NotImplementedError

    async def changes(self, context: Context, cursor: str | None) -> Any:
        """Read the next page of what changed at a warehouse: `Done(Changes)`. Safe to repeat with the same cursor."""
        raise NotImplementedError

    async def catalogue(self, context: Context, which: Catalogue) -> Any:
        """Read one of the vendor's own lists of codes: `Done` with a tuple of `CatalogueItem`."""
        raise NotImplementedError

    def verify(self, settings: Any, hook: Hook) -> bool:  # noqa: ARG002 - a vendor without hooks proves nothing
        """Say whether a hook was made by who knows this connection's secret; what is unsigned was not. Pure."""
        return False

    def parse(self, hook: Hook) -> tuple[Hint, ...]:  # noqa: ARG002 - a vendor without hooks tells nothing
        """Return what a verified hook is about; it is a hint and never data. Raises ValueError. Pure."""
        return ()

    def hear(self, knock: Mapping[str, str]) -> Knock:
        """Say what a knock's query is about; it is a hint and never data. Pure."""
        return Knock.OTHER if not knock else Knock.RETURNS

    def profile(self, family: str) -> Profile | None:  # noqa: ARG002 - a connector without marketplaces knows none
        """Return how a marketplace treats returns, None for one that this connector has not heard of. Pure."""
        return None
