"""What callers of this room say and hear."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from hub.sdk.messages import Kind
from hub.sdk.receiving import Condition, Grade

Name = Annotated[str, Meta(min_length=1, max_length=100)]
Country = Annotated[str, Meta(pattern="^[A-Z]{2}$")]


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The root of what callers send: an unknown field is a mistake, so it is refused."""


class View(msgspec.Struct, frozen=True, kw_only=True):
    """The root of what callers get."""


class ReceivingOption(StrEnum):
    """The four ways in which goods may be received."""

    RETURN_HUB = "return_hub"
    MERCHANT_WAREHOUSE = "merchant_warehouse"
    PARTNER_APP = "partner_app"
    PARTNER_WMS = "partner_wms"


class WhenShort(StrEnum):
    """What to do when less arrived than was declared and receiving is finalised."""

    SETTLE = "settle"
    ASK = "ask"


class SettleBy(StrEnum):
    """Whether the settlement goes out by itself or waits for a person."""

    ITSELF = "itself"
    PERSON = "person"


class Route(Request, frozen=True):
    """Goods from these countries go to this warehouse; no countries means from anywhere."""

    warehouse_id: UUID
    countries: tuple[Country, ...] = ()


class Rules(Request, frozen=True):
    """What a return policy says; a part is accepted if its grade is and its condition is not refused."""

    receiving: tuple[Route, ...]
    accept_grades: frozenset[Grade] = frozenset({Grade.A, Grade.B})
    reject_conditions: frozenset[Condition] = frozenset({Condition.DAMAGED, Condition.INCOMPLETE, Condition.WRONG_ITEM})
    when_short: WhenShort = WhenShort.SETTLE
    settle_by: SettleBy = SettleBy.ITSELF


class NewAccount(Request, frozen=True):
    """A merchant to set up."""

    name: Name


class AccountView(View, frozen=True):
    """A merchant."""

    id: UUID
    name: str
    created_at: datetime


class NewPartner(Request, frozen=True):
    """A 3PL to set up."""

    name: Name


class PartnerView(View, frozen=True):
    """A 3PL."""

    id: UUID
    name: str
    created_at: datetime


class NewWarehouse(Request, frozen=True):
    """A place to set up, with the party that runs it."""

    name: Name
    receiving_option: ReceivingOption
    account_id: UUID | None = None
    partner_id: UUID | None = None
    connection_id: UUID | None = None
    country: Country | None = None


class WarehouseView(View, frozen=True):
    """A place that receives goods."""

    id: UUID
    name: str
    receiving_option: ReceivingOption
    account_id: UUID | None
    partner_id: UUID | None
    country: str | None


class NewConnection(Request, frozen=True):
    """A login at a connector; `settings` are the connector's own, secrets included."""

    connector: Name
    name: Name
    settings: dict[str, Any]
    account_id: UUID | None = None
    partner_id: UUID | None = None


class Limited(msgspec.Struct, frozen=True, kw_only=True):
    """Until when a vendor asked not to be called: by kind of call, as `settle channel`, and by its endpoint."""

    calls: dict[str, datetime] = {}
    endpoints: dict[str, datetime] = {}

    def at(self, now: datetime) -> "Limited":
        """Return what still holds."""
        return Limited(calls=_to_come(self.calls, now), endpoints=_to_come(self.endpoints, now))

    def joined(self, other: "Limited") -> "Limited":
        """Return what holds by either; the later moment of each."""
        return Limited(calls=_later(self.calls, other.calls), endpoints=_later(self.endpoints, other.endpoints))


def _to_come(moments: dict[str, datetime], now: datetime) -> dict[str, datetime]:
    return {name: until for name, until in moments.items() if until > now}


def _later(one: dict[str, datetime], other: dict[str, datetime]) -> dict[str, datetime]:
    return one | {name: max(until, one.get(name, until)) for name, until in other.items()}


class ConnectionView(View, frozen=True):
    """A login at a connector, without its secrets; `limited` says until when kinds of call wait for a rate limit.

    Where its vendor knocks, `subscribed_at` says since when, and `subscription_why` why it does not.
    """

    id: UUID
    account_id: UUID | None
    partner_id: UUID | None
    connector: str
    name: str
    settings: dict[str, Any]
    state: str
    paused_why: str | None
    checked_at: datetime | None
    limited: dict[str, datetime] = {}
    subscribed_at: datetime | None = None
    subscription_checked_at: datetime | None = None
    subscription_why: str | None = None


class MarketplaceView(View, frozen=True):
    """A marketplace behind a connection."""

    reference: str
    name: str
    family: str


class Policies(Request, frozen=True):
    """The rules of both policies."""

    channel: Rules
    merchant: Rules


class NewChannel(Request, frozen=True):
    """A channel with its marketplaces and both its policies, set up in one call.

    With `history_since`, returns that were created since then are read once, too.
    """

    account_id: UUID
    name: Name
    connection_id: UUID
    marketplaces: Annotated[tuple[str, ...], Meta(min_length=1)]
    policies: Policies
    history_since: Annotated[datetime, Meta(tz=True)] | None = None


class PolicyView(View, frozen=True):
    """One return policy as it is published now."""

    id: UUID
    channel_id: UUID
    kind: Kind
    version: int
    rules: Rules
    published_at: datetime


class ChannelView(View, frozen=True):
    """A channel with its marketplaces and policies."""

    id: UUID
    account_id: UUID
    name: str
    connection_id: UUID
    marketplaces: tuple[MarketplaceView, ...]
    policies: tuple[PolicyView, ...]


class Role(StrEnum):
    """What a key's holder is."""

    PLATFORM = "platform"
    ACCOUNT = "account"
    WAREHOUSE = "warehouse"


class NewKey(Request, frozen=True):
    """A key to make: for the platform, one account or one warehouse."""

    name: Name
    role: Role
    account_id: UUID | None = None
    warehouse_id: UUID | None = None


class KeyView(View, frozen=True):
    """A key without its secret."""

    id: UUID
    name: str
    role: Role
    account_id: UUID | None
    warehouse_id: UUID | None
    prefix: str
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


class KeyShown(View, frozen=True):
    """A new key, shown this once."""

    id: UUID
    key: str
    prefix: str


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """Who makes a request."""

    key_id: UUID
    name: str
    role: Role
    account_id: UUID | None = None
    warehouse_id: UUID | None = None

    @property
    def actor(self) -> str:
        """The name under which deeds are recorded."""
        return f"{self.role}:{self.name}"
