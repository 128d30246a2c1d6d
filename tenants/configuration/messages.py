"""What the file says, and what importing it does."""

from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

import msgspec

from hub.sdk.messages import Kind
from tenants.messages import ChannelView, Name, ReceivingOption
from tenants.policies.rules import Country

FORMAT: Literal["returns-hub-configuration-1"] = "returns-hub-configuration-1"


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The root of what the file consists of: an unknown field is a mistake, so it is refused."""


class ConnectionEntry(Entry, frozen=True, kw_only=True):
    """A login at a connector, without its secrets."""

    name: Name
    connector: Name
    settings: dict[str, Any]


class WarehouseEntry(Entry, frozen=True, kw_only=True):
    """A warehouse that the account runs itself."""

    name: Name
    country: Country | None = None


class MarketplaceEntry(Entry, frozen=True, kw_only=True):
    """A marketplace of a channel, with what the account changed of its profile."""

    reference: str
    profile: dict[str, Any] = msgspec.field(default_factory=dict)


class PolicyEntries(Entry, frozen=True, kw_only=True):
    """The rules of both policies in force; their routes name a `warehouse` where rules have its id."""

    channel: dict[str, Any]
    merchant: dict[str, Any]

    def of(self, kind: Kind) -> dict[str, Any]:
        """Return the rules of one kind."""
        return self.channel if kind is Kind.CHANNEL else self.merchant


class ChannelEntry(Entry, frozen=True, kw_only=True):
    """A channel over one connection, with its marketplaces and both its policies."""

    name: Name
    connection: Name
    marketplaces: tuple[MarketplaceEntry, ...]
    policies: PolicyEntries


class Configuration(Entry, frozen=True, kw_only=True):
    """Everything that is set up for one account, each by its name, so that it can be put in force elsewhere."""

    format: Literal["returns-hub-configuration-1"] = FORMAT
    account: Name
    connections: tuple[ConnectionEntry, ...] = ()
    warehouses: tuple[WarehouseEntry, ...] = ()
    channels: tuple[ChannelEntry, ...] = ()


class Part(StrEnum):
    """What a change is about."""

    CONNECTION = "connection"
    WAREHOUSE = "warehouse"
    CHANNEL = "channel"
    PROFILE = "profile"
    POLICY = "policy"


class Deed(StrEnum):
    """What importing does to it."""

    CREATE = "create"
    CHANGE = "change"


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that importing changes, by its name."""

    part: Part
    deed: Deed
    name: str


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """What importing a file changed, or would change; nothing of what the file does not name."""

    changes: tuple[Change, ...]
    dry_run: bool


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A warehouse that policies may name."""

    id: UUID
    name: str
    account_id: UUID | None
    receiving_option: ReceivingOption
    country: str | None


class Connected(msgspec.Struct, frozen=True, kw_only=True):
    """A connection of the account."""

    id: UUID
    name: str
    connector: str
    settings: dict[str, Any]


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What is set up for an account now."""

    account_id: UUID
    account: str
    places: tuple[Place, ...]
    connections: tuple[Connected, ...]
    channels: tuple[ChannelView, ...]
    profiles: dict[UUID, dict[str, dict[str, Any]]]

    @property
    def ids(self) -> dict[str, UUID]:
        """The warehouses' ids by name."""
        return {each.name: each.id for each in self.places}
