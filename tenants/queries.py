"""All SQL of this room; each query runs in the caller's scoped transaction."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from hub.kit import clock, db
from hub.kit.errors import NotFound
from tenants import tables
from tenants.messages import (
    AccountView,
    ChannelView,
    ConnectionView,
    Limited,
    MarketplaceView,
    PartnerView,
    PolicyView,
    Rules,
    WarehouseView,
)

Found = dict[str, Any]
# Policy versions that are kept at hand.
MOST_RULES = 10_000
_rules: dict[tuple[UUID, UUID], Rules] = {}


class StoredConnection(msgspec.Struct, frozen=True, kw_only=True):
    """A connection as the hub uses it; its secrets are sealed."""

    id: UUID
    account_id: UUID | None
    partner_id: UUID | None
    connector: str
    name: str
    settings: dict[str, Any]
    sealed: bytes
    state: str
    paused_why: str | None
    limited_until: datetime | None
    limited: Limited
    checked_at: datetime | None
    created_at: datetime
    knock_sealed: bytes | None = None
    subscribed_at: datetime | None = None
    subscription_checked_at: datetime | None = None
    subscription_why: str | None = None


class RoutingPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """The policy version that a return is born under."""

    channel_id: UUID
    connection_id: UUID
    version_id: UUID
    version: int
    rules: Rules


async def add_account(account_id: UUID, name: str, now: datetime) -> None:
    """Store an account."""
    await tables.Account.insert(tables.Account(id=account_id, name=name, created_at=now))


async def accounts(after: UUID | None, limit: int) -> list[AccountView]:
    """List accounts in the order they were made."""
    query = tables.Account.select().order_by(tables.Account.id).limit(limit)
    found = await (query.where(tables.Account.id > after) if after else query)
    return msgspec.convert(found, list[AccountView])


async def account(account_id: UUID) -> AccountView:
    """Return one account; raises `NotFound`."""
    found = await tables.Account.select().where(tables.Account.id == account_id).first()
    if found is None:
        raise NotFound("account_not_found", "There is no such account.")
    return msgspec.convert(found, AccountView)


async def add_partner(partner_id: UUID, name: str, now: datetime) -> None:
    """Store a partner."""
    await tables.Partner.insert(tables.Partner(id=partner_id, name=name, created_at=now))


async def partners(after: UUID | None, limit: int) -> list[PartnerView]:
    """List partners in the order they were made."""
    query = tables.Partner.select().order_by(tables.Partner.id).limit(limit)
    found = await (query.where(tables.Partner.id > after) if after else query)
    return msgspec.convert(found, list[PartnerView])


async def partner(partner_id: UUID) -> PartnerView:
    """Return one partner; raises `NotFound`."""
    found = await tables.Partner.select().where(tables.Partner.id == partner_id).first()
    if found is None:
        raise NotFound("partner_not_found", "There is no such partner.")
    return msgspec.convert(found, PartnerView)


async def add_warehouse(row: tables.Warehouse) -> None:
    """Store a warehouse."""
    await tables.Warehouse.insert(row)


async def warehouses(after: UUID | None, limit: int) -> list[WarehouseView]:
    """List the warehouses in scope."""
    query = tables.Warehouse.select().order_by(tables.Warehouse.id).limit(limit)
    found = await (query.where(tables.Warehouse.id > after) if after else query)
    return msgspec.convert(found, list[WarehouseView])


async def warehouse(warehouse_id: UUID) -> WarehouseView:
    """Return one warehouse; raises `NotFound`."""
    found = await tables.Warehouse.select().where(tables.Warehouse.id == warehouse_id).first()
    if found is None:
        raise NotFound("warehouse_not_found", "There is no such warehouse.")
    return msgspec.convert(found, WarehouseView)


async def assign(account_id: UUID, warehouse_ids: Collection[UUID]) -> None:
    """Let warehouses receive for an account; safe to repeat."""
    # Whoever takes an account off a warehouse waits until this is durable, and the other way round.
    await db.execute("select from warehouses where id = any($1) for share", list(warehouse_ids))
    await db.execute(
        """insert into warehouse_accounts (account_id, warehouse_id) select $1, unnest($2::uuid[])
        on conflict do nothing""",
        account_id, list(warehouse_ids),
    )  # fmt: skip


async def add_connection(row: tables.Connection) -> None:
    """Store a connection."""
    await tables.Connection.insert(row)


async def connection(connection_id: UUID) -> StoredConnection:
    """Return one connection; raises `NotFound`."""
    found = await tables.Connection.select().where(tables.Connection.id == connection_id).first()
    if found is None:
        raise NotFound("connection_not_found", "There is no such connection.")
    return _stored(found)


async def connections(after: UUID | None, limit: int) -> list[ConnectionView]:
    """List the connections in scope."""
    query = tables.Connection.select().order_by(tables.Connection.id).limit(limit)
    found = await (query.where(tables.Connection.id > after) if after else query)
    return [view_connection(_stored(row)) for row in found]


def view_connection(stored: StoredConnection) -> ConnectionView:
    """Return what people may see of a connection."""
    shown = {name: getattr(stored, name) for name in ConnectionView.__struct_fields__}
    return msgspec.convert({**shown, "limited": stored.limited.at(clock.now()).calls}, ConnectionView)


def _stored(found: Found) -> StoredConnection:
    settings, limited = msgspec.json.decode(found["settings"]), msgspec.json.decode(found["limited"], type=Limited)
    return msgspec.convert({**found, "settings": settings, "limited": limited}, StoredConnection)


async def is_used(connection_id: UUID) -> bool:
    """Say whether a channel or a warehouse uses a connection."""
    row = await db.fetch_one(
        """select exists (select from channels where connection_id = $1)
            or exists (select from warehouses where connection_id = $1) as used""",
        connection_id,
    )
    return bool(row and row["used"])


async def mark_checked(connection_id: UUID, now: datetime) -> None:
    """Note that a connection worked."""
    await tables.Connection.update({tables.Connection.checked_at: now}).where(tables.Connection.id == connection_id)


async def replace_settings(connection_id: UUID, settings: str, sealed: bytes) -> None:
    """Store new settings of a connection."""
    change: dict[Any, Any] = {tables.Connection.settings: settings, tables.Connection.sealed: sealed}
    await tables.Connection.update(change).where(tables.Connection.id == connection_id)


async def pause(connection_id: UUID, why: str, sealed: bytes) -> bool:
    """Pause a connection; returns whether it was active, so that its owner is told once.

    `sealed` are the secrets that did not work: a call that began before they were replaced pauses nothing.
    """
    sql = """update connections set state = 'paused', paused_why = $2
        where id = $1 and state = 'active' and sealed = $3 returning id"""
    return await db.fetch_one(sql, connection_id, why, sealed) is not None


async def count_paused() -> int:
    """Count the connections that wait for their owner."""
    row = await db.fetch_one("select count(*) as held from connections where state = 'paused'")
    return int(row["held"]) if row else 0


async def resume(connection_id: UUID) -> None:
    """Let a connection's operations run again."""
    await db.execute("update connections set state = 'active', paused_why = null where id = $1", connection_id)


async def limit(connection_id: UUID, until: datetime) -> None:
    """Hold a connection's calls until a moment; a longer hold is kept."""
    sql = "update connections set limited_until = greatest(limited_until, $2) where id = $1"
    await db.execute(sql, connection_id, until)


async def limit_calls(connection_id: UUID, fresh: Limited, now: datetime) -> None:
    """Hold some kinds of a connection's calls, and endpoints of its vendor; longer holds are kept."""
    sql = "select limited from connections where id = $1 for no key update"
    row = await db.fetch_one(sql, connection_id)
    if row is not None:
        held = msgspec.json.decode(row["limited"], type=Limited).joined(fresh).at(now)
        await db.execute("update connections set limited = $2 where id = $1", connection_id, db.to_json(held))


async def count_limited(now: datetime) -> int:
    """Count the connections of which a kind of call waits because the vendor asked for it."""
    row = await db.fetch_one(
        """select count(*) as held from connections where exists (
            select from jsonb_each_text(limited -> 'calls') each where each.value::timestamptz > $1)""",
        now,
    )
    return int(row["held"]) if row else 0


async def add_channel(row: tables.Channel, marketplaces: Iterable[tables.ChannelMarketplace]) -> None:
    """Store a channel with its marketplaces."""
    await tables.Channel.insert(row)
    await tables.ChannelMarketplace.insert(*marketplaces)


async def add_policy(row: tables.Policy) -> None:
    """Store a policy, still without a version."""
    await tables.Policy.insert(row)


async def is_used_by_another(held: StoredConnection, setting: str) -> bool:
    """Say whether another connection with the same address has channels; asks one after the other."""
    plain = f"lower(rtrim(btrim(connections.settings ->> '{setting}'), '/'))"
    await db.execute(
        f"""select pg_advisory_xact_lock(hashtextextended(connector || {plain}, 0)) from connections where id = $1""",
        held.id,
    )
    row = await db.fetch_one(
        f"""select from connections own where own.id = $1 and exists (
            select from connections join channels on channels.connection_id = connections.id
            where connections.id <> own.id and connections.connector = own.connector
                and {plain} = {plain.replace("connections.", "own.")})""",
        held.id,
    )
    return row is not None


async def taken_marketplaces(connection_id: UUID, references: Iterable[str]) -> list[str]:
    """Return which of these marketplaces belong to a channel already."""
    held = tables.ChannelMarketplace
    found = await held.select(held.reference).where(
        (held.connection_id == connection_id) & held.reference.is_in(list(references))
    )
    return sorted(row["reference"] for row in found)


POLICY_NOW = """
select distinct on (policies.id) policies.id, policies.channel_id, policies.kind, versions.number as version,
    versions.rules, versions.published_at
from policies join policy_versions versions
    on versions.account_id = policies.account_id and versions.policy_id = policies.id
where policies.account_id = $1 and {condition}
order by policies.id, versions.number desc
"""


async def policies_of(account_id: UUID, channel_id: UUID) -> tuple[PolicyView, ...]:
    """Return a channel's policies as they are published now."""
    rows = await db.fetch(POLICY_NOW.format(condition="policies.channel_id = $2"), account_id, channel_id)
    return tuple(_policy(row) for row in rows)


async def policy(account_id: UUID, policy_id: UUID) -> PolicyView:
    """Return one policy as it is published now; raises `NotFound`."""
    row = await db.fetch_one(POLICY_NOW.format(condition="policies.id = $2"), account_id, policy_id)
    if row is None:
        raise NotFound("policy_not_found", "There is no such policy.")
    return _policy(row)


def _policy(row: db.Row) -> PolicyView:
    return msgspec.convert({**dict(row), "rules": msgspec.json.decode(row["rules"])}, PolicyView)


async def channels(account_id: UUID) -> list[ChannelView]:
    """List an account's channels with their marketplaces and policies."""
    rows = await tables.Channel.select().where(tables.Channel.account_id == account_id).order_by(tables.Channel.id)
    return [await _channel(row) for row in rows]


async def channel(channel_id: UUID) -> ChannelView:
    """Return one channel in scope; raises `NotFound`."""
    found = await tables.Channel.select().where(tables.Channel.id == channel_id).first()
    if found is None:
        raise NotFound("channel_not_found", "There is no such channel.")
    return await _channel(found)


async def _channel(found: Found) -> ChannelView:
    held = tables.ChannelMarketplace
    marketplaces = await held.select(held.reference, held.name, held.family).where(
        (held.account_id == found["account_id"]) & (held.channel_id == found["id"])
    )
    policies = await policies_of(found["account_id"], found["id"])
    return ChannelView(
        id=found["id"],
        account_id=found["account_id"],
        name=found["name"],
        connection_id=found["connection_id"],
        marketplaces=tuple(msgspec.convert(marketplaces, list[MarketplaceView])),
        policies=policies,
    )


ROUTING = """
select channels.id as channel_id, channels.connection_id, versions.id as version_id, versions.number, versions.rules
from channels
join policies on policies.account_id = channels.account_id and policies.channel_id = channels.id
join policy_versions versions on versions.account_id = policies.account_id and versions.policy_id = policies.id
where channels.account_id = $1 and policies.kind = $2 and {condition}
order by versions.number desc limit 1
"""
BY_MARKETPLACE = """channels.connection_id = $3 and exists (
    select from channel_marketplaces held where held.account_id = channels.account_id
        and held.channel_id = channels.id and held.reference = $4)"""


async def policy_for_marketplace(
    account_id: UUID, kind: str, connection_id: UUID, marketplace: str
) -> RoutingPolicy | None:
    """Return the policy that a return of this marketplace is born under, if a channel covers it."""
    row = await db.fetch_one(ROUTING.format(condition=BY_MARKETPLACE), account_id, kind, connection_id, marketplace)
    return _routing(row) if row else None


async def policy_for_channel(account_id: UUID, kind: str, channel_id: UUID) -> RoutingPolicy | None:
    """Return the policy that a return of this channel is born under, if the channel is the account's."""
    row = await db.fetch_one(ROUTING.format(condition="channels.id = $3"), account_id, kind, channel_id)
    return _routing(row) if row else None


def _routing(row: db.Row) -> RoutingPolicy:
    return RoutingPolicy(
        channel_id=row["channel_id"],
        connection_id=row["connection_id"],
        version_id=row["version_id"],
        version=row["number"],
        rules=msgspec.json.decode(row["rules"], type=Rules),
    )


async def rules_of(account_id: UUID, version_id: UUID) -> Rules:
    """Return the rules of one policy version; a version never changes, so it is read once."""
    known = _rules.get((account_id, version_id))
    if known is not None:
        return known
    row = await db.fetch_one(
        "select rules from policy_versions where account_id = $1 and id = $2", account_id, version_id
    )
    if row is None:
        raise NotFound("policy_not_found", "There is no such policy version.")
    if len(_rules) >= MOST_RULES:
        _rules.clear()
    return _rules.setdefault((account_id, version_id), msgspec.json.decode(row["rules"], type=Rules))
