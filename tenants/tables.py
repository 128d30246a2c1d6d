"""The rows of this room, as Piccolo tables; their checks and policies are in `hub/migrations`."""

from piccolo.columns import JSONB, UUID, Array, Bytea, Integer, Text, Timestamptz
from piccolo.table import Table

from hub.kit.db import ENGINE


class Account(Table, db=ENGINE, tablename="accounts"):
    """One merchant."""

    id = UUID(primary_key=True)
    name = Text()
    created_at = Timestamptz()


class Partner(Table, db=ENGINE, tablename="partners"):
    """One 3PL."""

    id = UUID(primary_key=True)
    name = Text()
    created_at = Timestamptz()


class Warehouse(Table, db=ENGINE, tablename="warehouses"):
    """A place that receives goods."""

    id = UUID(primary_key=True)
    account_id = UUID(null=True, default=None)
    partner_id = UUID(null=True, default=None)
    name = Text()
    receiving_option = Text()
    connection_id = UUID(null=True, default=None)
    country = Text(null=True, default=None)
    parcels_wait_days = Integer()
    parcels_then = Text()
    created_at = Timestamptz()


class Connection(Table, db=ENGINE, tablename="connections"):
    """One login at a connector."""

    id = UUID(primary_key=True)
    account_id = UUID(null=True, default=None)
    partner_id = UUID(null=True, default=None)
    connector = Text()
    name = Text()
    settings = JSONB()
    sealed = Bytea()
    state = Text()
    paused_why = Text(null=True, default=None)
    limited_until = Timestamptz(null=True, default=None)
    checked_at = Timestamptz(null=True, default=None)
    limited = JSONB()
    knock_digest = Bytea(null=True, default=None)
    knock_sealed = Bytea(null=True, default=None)
    subscribed_at = Timestamptz(null=True, default=None)
    subscription_checked_at = Timestamptz(null=True, default=None)
    subscription_why = Text(null=True, default=None)
    created_at = Timestamptz()


class Channel(Table, db=ENGINE, tablename="channels"):
    """Where returns are created: one connection, one or more marketplaces."""

    id = UUID(primary_key=True)
    account_id = UUID()
    name = Text()
    connection_id = UUID()
    created_at = Timestamptz()


class ChannelMarketplace(Table, db=ENGINE, tablename="channel_marketplaces"):
    """A marketplace that a channel covers."""

    account_id = UUID(primary_key=True)
    channel_id = UUID()
    connection_id = UUID()
    reference = Text()
    name = Text()
    family = Text()
    profile = JSONB()
    confirmed_by = Text(null=True, default=None)
    confirmed_at = Timestamptz(null=True, default=None)
    recompute_at = Timestamptz(null=True, default=None)


class Policy(Table, db=ENGINE, tablename="policies"):
    """One of a channel's two return policies."""

    id = UUID(primary_key=True)
    account_id = UUID()
    channel_id = UUID()
    kind = Text()


class ApiKey(Table, db=ENGINE, tablename="api_keys"):
    """A key of a program; only its hash is kept."""

    id = UUID(primary_key=True)
    role = Text()
    account_id = UUID(null=True, default=None)
    partner_id = UUID(null=True, default=None)
    warehouse_id = UUID(null=True, default=None)
    name = Text()
    scopes = Array(base_column=Text(), null=True, default=None)
    prefix = Text()
    digest = Bytea()
    created_at = Timestamptz()
    expires_at = Timestamptz(null=True, default=None)
    last_used_at = Timestamptz(null=True, default=None)
    revoked_at = Timestamptz(null=True, default=None)
    replaces = UUID(null=True, default=None)


class Impersonation(Table, db=ENGINE, tablename="impersonations"):
    """Support looks with a party's eyes for a while."""

    id = UUID(primary_key=True)
    support_id = UUID()
    support_name = Text()
    account_id = UUID(null=True, default=None)
    partner_id = UUID(null=True, default=None)
    reason = Text()
    began_at = Timestamptz()
    ends_at = Timestamptz()
    ended_at = Timestamptz(null=True, default=None)
