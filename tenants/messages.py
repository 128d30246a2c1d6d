"""What callers of this room say and hear."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from hub.sdk.messages import Kind
from hub.sdk.profiles import Profile
from hub.sdk.receiving import Disposition
from tenants.policies.rules import Country, Route, Rules, SettleBy, Unchecked, WhenOverdue, WhenShort

__all__ = ["Route", "Rules", "SettleBy", "Unchecked", "WhenOverdue", "WhenShort"]

Name = Annotated[str, Meta(min_length=1, max_length=100)]


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


WaitDays = Annotated[int, Meta(ge=1, le=365)]
# Where a parcel may go that nobody claimed.
UNCLAIMED = frozenset(
    {Disposition.QUARANTINE, Disposition.RETURN_TO_CUSTOMER, Disposition.RECYCLE, Disposition.DESTROY}
)


class NewWarehouse(Request, frozen=True):
    """A place to set up, with the party that runs it.

    An unknown parcel waits `parcels_wait_days` to be claimed and then goes where `parcels_then` says.
    """

    name: Name
    receiving_option: ReceivingOption
    account_id: UUID | None = None
    partner_id: UUID | None = None
    connection_id: UUID | None = None
    country: Country | None = None
    parcels_wait_days: WaitDays = 30
    parcels_then: Disposition = Disposition.QUARANTINE


class WarehouseView(View, frozen=True):
    """A place that receives goods, and who runs it: an account, a partner, or with neither the operator of this hub."""

    id: UUID
    name: str
    receiving_option: ReceivingOption
    account_id: UUID | None
    partner_id: UUID | None
    country: str | None
    parcels_wait_days: int
    parcels_then: Disposition

    @property
    def run_by(self) -> "Party":
        """The party that runs it."""
        if self.account_id is not None:
            return Party.ACCOUNT
        return Party.PARTNER if self.partner_id is not None else Party.PLATFORM


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


class Source(StrEnum):
    """Who said a field of a profile; `default` where neither the connector nor the account did."""

    CONNECTOR = "connector"
    ACCOUNT = "account"
    DEFAULT = "default"


class MarketplaceProfileView(View, frozen=True):
    """A marketplace of a channel with its profile as it holds, and who said each field.

    Until it is `known`, a person settles its returns.
    """

    reference: str
    name: str
    family: str
    known: bool
    profile: Profile
    sources: dict[str, Source]
    confirmed_by: str | None
    confirmed_at: datetime | None


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


class Party(StrEnum):
    """Whom a role works for, which is whose rows it sees."""

    PLATFORM = "platform"
    ACCOUNT = "account"
    PARTNER = "partner"
    WAREHOUSE = "warehouse"


class Role(StrEnum):
    """What somebody is; `permissions.toml` says what each role may do."""

    SUPPORT_AGENT = "support_agent"
    SUPPORT_ADMIN = "support_admin"
    AUDITOR = "auditor"
    ACCOUNT_ADMIN = "account_admin"
    ACCOUNT_VIEWER = "account_viewer"
    PARTNER_ADMIN = "partner_admin"
    PARTNER_OPERATOR = "partner_operator"
    WAREHOUSE_OPERATOR = "warehouse_operator"
    # API keys that act for a party as a whole
    PLATFORM = "platform"
    ACCOUNT = "account"
    PARTNER = "partner"
    WAREHOUSE = "warehouse"

    @property
    def party(self) -> Party:
        """Whom this role works for."""
        return PARTIES[self]


PARTIES = {
    Role.SUPPORT_AGENT: Party.PLATFORM,
    Role.SUPPORT_ADMIN: Party.PLATFORM,
    Role.AUDITOR: Party.PLATFORM,
    Role.ACCOUNT_ADMIN: Party.ACCOUNT,
    Role.ACCOUNT_VIEWER: Party.ACCOUNT,
    Role.PARTNER_ADMIN: Party.PARTNER,
    Role.PARTNER_OPERATOR: Party.PARTNER,
    Role.WAREHOUSE_OPERATOR: Party.WAREHOUSE,
    Role.PLATFORM: Party.PLATFORM,
    Role.ACCOUNT: Party.ACCOUNT,
    Role.PARTNER: Party.PARTNER,
    Role.WAREHOUSE: Party.WAREHOUSE,
}
# Roles that change nothing, whatever an action's list says; PostgreSQL refuses their writes too.
READ_ONLY = frozenset({Role.AUDITOR, Role.ACCOUNT_VIEWER})


class PrincipalKind(StrEnum):
    """By what somebody is known."""

    KEY = "key"
    USER = "user"
    DEVICE = "device"


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """Who makes a request, whom they act for, and what narrows it.

    `id` is the key's, user's or device's own. Of the party ids exactly the one of the role's party is set, none for
    the platform; anything else raises `ValueError`. `scopes` are the actions a key was narrowed to, None for all that
    its role may do. `impersonator` names who looks with another party's eyes; such a principal is always read-only.
    """

    kind: PrincipalKind
    id: UUID
    name: str
    role: Role
    account_id: UUID | None = None
    partner_id: UUID | None = None
    warehouse_id: UUID | None = None
    scopes: frozenset[str] | None = None
    read_only: bool = False
    impersonator: str | None = None

    def __post_init__(self) -> None:
        """Refuse ids that do not fit the role: a scope is made from them."""
        if not owner_fits(self.role, self.account_id, self.partner_id, self.warehouse_id):
            msg = f"a principal of the role {self.role} has other ids than its party's: {self.party} wants its own only"
            raise ValueError(msg)
        if self.impersonator is not None and not self.read_only:
            raise ValueError("who impersonates changes nothing: give read_only=True")

    @property
    def party(self) -> Party:
        """Whom this principal works for."""
        return self.role.party

    @property
    def may_write(self) -> bool:
        """Whether this principal may change anything at all."""
        return not self.read_only and self.role not in READ_ONLY

    @property
    def actor(self) -> str:
        """The name under which deeds are recorded, the impersonator's included."""
        own = f"{self.role}:{self.name}"
        return f"{own} (seen by {self.impersonator})" if self.impersonator else own


def owner_fits(role: Role, account_id: UUID | None, partner_id: UUID | None, warehouse_id: UUID | None) -> bool:
    """Say whether these ids are those of the role's party: its own one, none for the platform."""
    given = {Party.ACCOUNT: account_id, Party.PARTNER: partner_id, Party.WAREHOUSE: warehouse_id}
    wanted = set() if role.party is Party.PLATFORM else {role.party}
    return {party for party, id_ in given.items() if id_ is not None} == wanted
