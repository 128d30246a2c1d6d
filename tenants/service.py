"""The verbs of set-up; each is one transaction, and nothing is half done."""

import math
from typing import Any
from uuid import UUID

import msgspec

from hub.audit.service import record
from hub.kit import clock, crypto, db
from hub.kit.errors import Conflict, Invalid, NotFound, Unavailable
from hub.kit.ids import new_id
from hub.kit.refusals import taken
from hub.sdk import ActionRequired, Checked, Done, Kind, Manifest, Marketplace, RateLimited, Refused, Retry
from tenants import queries, settings, tables
from tenants.messages import (
    UNCLAIMED,
    AccountView,
    ChannelView,
    ConnectionView,
    NewAccount,
    NewChannel,
    NewConnection,
    NewPartner,
    NewWarehouse,
    PartnerView,
    PolicyView,
    Rules,
    WarehouseView,
)
from tenants.policies import queries as policy_queries
from tenants.policies import service as policies
from tenants.policies.checks import POLICY_WORDS, problems
from tenants.policies.messages import Policy
from tenants.vendors import Reach, Vendors


async def create_account(new: NewAccount, *, actor: str) -> AccountView:
    """Set up a merchant; its name is unique."""
    account_id, now = new_id(), clock.now()
    with taken("accounts_name_key", "account_exists", f"There is an account {new.name!r} already."):
        async with db.transaction(db.PLATFORM):
            await queries.add_account(account_id, new.name, now)
            await record(actor=actor, action="account.created", subject=new.name, account_id=account_id, after=new)
            return await queries.account(account_id)


async def create_partner(new: NewPartner, *, actor: str) -> PartnerView:
    """Set up a 3PL; its name is unique."""
    partner = PartnerView(id=new_id(), name=new.name, created_at=clock.now())
    with taken("partners_name_key", "partner_exists", f"There is a partner {new.name!r} already."):
        async with db.transaction(db.PLATFORM):
            await queries.add_partner(partner.id, partner.name, partner.created_at)
            await record(actor=actor, action="partner.created", subject=new.name, after=new)
    return partner


OWNER_WORDS = {
    "return_hub": "A return hub is run by the operator of this hub: give neither account_id nor partner_id.",
    "merchant_warehouse": "A merchant warehouse is run by an account: give account_id and no partner_id.",
    "partner_app": "This warehouse is run by a partner: give partner_id and no account_id.",
    "partner_wms": "A partner with its own WMS runs this warehouse: give partner_id and connection_id, no account_id.",
}


async def create_warehouse(new: NewWarehouse, *, actor: str, vendors: Vendors | None = None) -> WarehouseView:
    """Set up a place; who runs it must fit its receiving option.

    One that a system runs needs `vendors`, by whom its connection is known to be a warehouse's.
    """
    owners = {"return_hub": (False, False), "merchant_warehouse": (True, False)}
    expected = owners.get(new.receiving_option, (False, True))
    has_connection = new.connection_id is not None
    if (new.account_id is not None, new.partner_id is not None) != expected or has_connection != (
        new.receiving_option == "partner_wms"
    ):
        raise Invalid("warehouse_owner", OWNER_WORDS[new.receiving_option])
    if new.parcels_then not in UNCLAIMED:
        ways = ", ".join(sorted(UNCLAIMED))
        raise Invalid("parcels_then", f"An unclaimed parcel cannot go to {new.parcels_then}; choose of: {ways}.")
    row = tables.Warehouse(id=new_id(), created_at=clock.now(), **msgspec.structs.asdict(new))
    with taken("warehouses_name_key", "warehouse_exists", f"There is a warehouse {new.name!r} already."):
        async with db.transaction(db.PLATFORM):
            await _require_owner(new.account_id, new.partner_id)
            await _require_system(new, vendors)
            await queries.add_warehouse(row)
            await record(
                actor=actor, action="warehouse.created", subject=new.name, account_id=new.account_id, after=new
            )
            return await queries.warehouse(row.id)


async def _require_system(new: NewWarehouse, vendors: Vendors | None) -> None:
    """Raise `Invalid` unless the connection of a warehouse is its partner's, and to a warehouse's system."""
    if new.connection_id is None:
        return
    held = await queries.connection(new.connection_id)
    if held.partner_id != new.partner_id:
        raise Invalid("warehouse_owner", "The connection is not this partner's: take one that belongs to it.")
    if vendors is None:
        raise RuntimeError("who speaks to vendors is needed to know what a connection is to")
    manifest = vendors.connector(held.connector).manifest
    if manifest.warehousing is None:
        message = f"{manifest.title} is no warehouse's system: take a connection to one, or another receiving option."
        raise Invalid("warehouse_owner", message)


async def _require_owner(account_id: UUID | None, partner_id: UUID | None) -> None:
    if account_id is not None:
        await queries.account(account_id)
    if partner_id is not None:
        await queries.partner(partner_id)


async def create_connection(new: NewConnection, vendors: Vendors, *, actor: str) -> ConnectionView:
    """Store a login that works: the vendor is asked before anything is written."""
    if (new.account_id is None) == (new.partner_id is None):
        raise Invalid(
            "connection_owner", "A connection belongs to one account or one partner: give one of the two ids."
        )
    connector = vendors.connector(new.connector)
    if connector.manifest.warehousing is not None and new.partner_id is None:
        raise Invalid("connection_owner", f"{connector.manifest.title} is a warehouse's system: give partner_id.")
    settings.parse(connector, new.settings)
    connection_id = new_id()
    shown, sealed = settings.seal(connector, new.settings, vendors.keyring, connection_id)
    async with db.transaction(db.PLATFORM):
        await _require_owner(new.account_id, new.partner_id)
    await probe(vendors, Reach(id=connection_id, connector=new.connector, settings=shown, sealed=sealed))
    now = clock.now()
    row = tables.Connection(
        id=connection_id, account_id=new.account_id, partner_id=new.partner_id, connector=new.connector, name=new.name,
        settings=shown, sealed=sealed, state="active", checked_at=now, created_at=now,
    )  # fmt: skip
    with taken("connections_name", "connection_exists", f"There is a connection {new.name!r} already."):
        async with db.transaction(db.PLATFORM):
            await queries.add_connection(row)
            view = queries.view_connection(await queries.connection(connection_id))
            await record(
                actor=actor, action="connection.created", subject=new.name, account_id=new.account_id, after=view
            )
            return view


async def change_settings(
    connection_id: UUID, values: dict[str, Any], vendors: Vendors, *, actor: str
) -> ConnectionView:
    """Replace a connection's settings by ones that work, and let it run again; what is left out stays as it was."""
    async with db.transaction(db.PLATFORM):
        held = await queries.connection(connection_id)
    connector = vendors.connector(held.connector)
    secrets = msgspec.json.decode(vendors.keyring.open(held.sealed, crypto.place("connections", "sealed", held.id)))
    merged = {**held.settings, **secrets, **values}
    settings.parse(connector, merged)
    await _keep_identity(held, merged, connector.manifest)
    shown, sealed = settings.seal(connector, merged, vendors.keyring, held.id)
    await probe(vendors, Reach(id=held.id, connector=held.connector, settings=shown, sealed=sealed))
    async with db.transaction(db.PLATFORM):
        await queries.replace_settings(held.id, db.to_json(shown), sealed)
        await queries.mark_checked(held.id, clock.now())
        await queries.resume(held.id)
        before, after = queries.view_connection(held), queries.view_connection(await queries.connection(held.id))
        await record(
            actor=actor,
            action="connection.changed",
            subject=held.name,
            account_id=held.account_id,
            before=before,
            after=after,
        )
        return after


async def _keep_identity(held: queries.StoredConnection, merged: dict[str, Any], manifest: Manifest) -> None:
    """Refuse to point a connection that is in use at another account: ids there mean other returns."""
    # A setting that came with a later version of its connector stands at its default until somebody says otherwise.
    usual = {field.encode_name: field.default for field in msgspec.structs.fields(manifest.settings)}
    before, after = {**usual, **held.settings}, {**usual, **merged}
    changed = sorted(name for name in manifest.identity if before.get(name) != after.get(name))
    if not changed:
        return
    async with db.transaction(db.PLATFORM):
        if not await queries.is_used(held.id):
            return
    message = f"{changed[0]!r} cannot change once a channel uses the connection; make a new connection and channel."
    raise Conflict("connection_in_use", message)


async def probe(vendors: Vendors, reach: Reach) -> Checked:
    """Ask the vendor whether a login works; raises `Invalid` that says what is wrong with it."""
    called = await vendors.call(reach, "check", key=f"check:{reach.id}")
    match called.outcome:
        case Done(result=Checked() as checked):
            return checked
        case ActionRequired(message=why) | Refused(message=why):
            raise Invalid("connection_refused", f"The connection does not work: {why}")
        case Retry(why=why):
            raise Invalid("connection_unreachable", f"The connection could not be tried: {why}. Check the address.")
        case RateLimited(after_seconds=seconds):
            raise Unavailable(
                "connection_limited", f"The vendor asks to wait {math.ceil(seconds)} seconds; try again then."
            )
        case other:
            raise Invalid("connection_refused", f"The connection does not work ({type(other).__name__}).")


async def check_connection(connection_id: UUID, vendors: Vendors) -> Checked:
    """Try a stored connection now."""
    async with db.transaction(db.PLATFORM):
        held = await queries.connection(connection_id)
    checked = await probe(vendors, reach_of(held))
    async with db.transaction(db.PLATFORM):
        await queries.mark_checked(connection_id, clock.now())
    return checked


def reach_of(held: queries.StoredConnection) -> Reach:
    """Return what calling a stored connection needs."""
    return Reach(
        id=held.id,
        connector=held.connector,
        settings=held.settings,
        sealed=held.sealed,
        limited=held.limited,
    )


async def create_channel(new: NewChannel, vendors: Vendors, *, actor: str) -> ChannelView:
    """Set up a channel with both its policies in one call, if its connection works and goods have somewhere to go."""
    async with db.transaction(db.PLATFORM):
        await queries.account(new.account_id)
        held = await queries.connection(new.connection_id)
        for kind, rules in ((Kind.CHANNEL, new.policies.channel), (Kind.MERCHANT, new.policies.merchant)):
            await _require_receiving(new.account_id, kind, rules)
    if held.account_id != new.account_id:
        raise NotFound("connection_not_found", "There is no such connection of this account.")
    checked = await probe(vendors, reach_of(held))
    marketplaces = _choose(checked, new.marketplaces)
    channel_id = new_id()
    with taken("channels_account_id_name_key", "channel_exists", f"There is a channel {new.name!r} already."):
        async with db.transaction(db.PLATFORM):
            await _require_sole(held, vendors)
            await _store_channel(new, channel_id, marketplaces, actor)
            await record(actor=actor, action="channel.created", subject=new.name, account_id=new.account_id, after=new)
            return await queries.channel(channel_id)


async def _require_sole(held: queries.StoredConnection, vendors: Vendors) -> None:
    """Refuse channels of two logins at one vendor account: each would see the same returns, and pay them."""
    setting = vendors.connector(held.connector).manifest.address
    if setting is not None and await queries.is_used_by_another(held, setting):
        message = "Channels of another connection lead to this vendor account already; use that one."
        raise Conflict("vendor_account_taken", message)


async def _store_channel(new: NewChannel, channel_id: UUID, marketplaces: list[Marketplace], actor: str) -> None:
    taken_already = await queries.taken_marketplaces(new.connection_id, new.marketplaces)
    if taken_already:
        raise Invalid("marketplace_taken", f"These marketplaces have a channel already: {', '.join(taken_already)}.")
    row = tables.Channel(
        id=channel_id, account_id=new.account_id, name=new.name, connection_id=new.connection_id, created_at=clock.now()
    )
    held = [
        tables.ChannelMarketplace(
            account_id=new.account_id,
            channel_id=channel_id,
            connection_id=new.connection_id,
            reference=each.reference,
            name=each.name,
            family=each.family,
        )
        for each in marketplaces
    ]
    await queries.add_channel(row, held)
    await _add_policy(new.account_id, channel_id, Kind.CHANNEL, new.policies.channel, actor)
    await _add_policy(new.account_id, channel_id, Kind.MERCHANT, new.policies.merchant, actor)


def _choose(checked: Checked, references: tuple[str, ...]) -> list[Marketplace]:
    known = {marketplace.reference: marketplace for marketplace in checked.marketplaces}
    unknown = sorted(set(references) - set(known))
    if unknown:
        there = ", ".join(f"{each.reference} ({each.name})" for each in checked.marketplaces) or "none"
        raise Invalid(
            "marketplace_unknown", f"No such marketplace behind this connection: {unknown[0]}. There are: {there}."
        )
    return [known[reference] for reference in dict.fromkeys(references)]


async def _add_policy(account_id: UUID, channel_id: UUID, kind: Kind, rules: Rules, actor: str) -> None:
    fresh = Policy(account_id=account_id, id=new_id(), channel_id=channel_id, kind=kind, version=0)
    await queries.add_policy(tables.Policy(id=fresh.id, account_id=account_id, channel_id=channel_id, kind=kind.value))
    policies.refuse(problems(kind, rules, await policy_queries.known(account_id, channel_id)))
    await policy_queries.publish(fresh, new_id(), rules, clock.now(), by=actor)


async def _require_receiving(account_id: UUID, kind: Kind, rules: Rules) -> None:
    if not rules.receiving:
        raise Invalid(
            "no_receiving_option",
            f"The policy {POLICY_WORDS[kind]!r} has no receiving option, so its goods have nowhere to go: "
            "name at least one warehouse under 'receiving'.",
            policy=kind.value,
        )
    for route in rules.receiving:
        warehouse = await queries.warehouse(route.warehouse_id)
        if warehouse.account_id not in (None, account_id):
            raise NotFound("warehouse_not_found", "There is no such warehouse.")


async def publish_policy(account_id: UUID, policy_id: UUID, rules: Rules, *, actor: str) -> PolicyView:
    """Publish a policy's next version; returns born before keep theirs."""
    async with db.transaction(db.PLATFORM):
        held = await policy_queries.policy(policy_id)
        if held.account_id != account_id:
            raise NotFound("policy_not_found", "There is no such policy.")
        await _require_receiving(account_id, held.kind, rules)
        await policies.publish_rules(held, rules, actor=actor)
        return await queries.policy(account_id, policy_id)
