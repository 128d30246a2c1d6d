"""Tell an account's configuration, and put a file in force: checked whole before anything changes, safe to repeat."""

from uuid import UUID

import msgspec

from hub.audit.service import record
from hub.kit import db
from hub.kit.errors import Invalid
from hub.kit.ids import new_id
from hub.sdk.messages import Kind
from tenants import profiles
from tenants import queries as tenants
from tenants import service as set_up
from tenants.configuration import engine, queries
from tenants.configuration.messages import (
    Change,
    ChannelEntry,
    Configuration,
    Deed,
    Imported,
    Part,
    PolicyEntries,
    Standing,
)
from tenants.messages import ChannelView, NewChannel, NewWarehouse, Policies, ReceivingOption
from tenants.policies import service as policies
from tenants.policies.checks import Problem
from tenants.policies.messages import Policy
from tenants.policies.rules import Rules
from tenants.vendors import Vendors

Read = dict[tuple[str, Kind], Rules]


async def export(account_id: UUID) -> Configuration:
    """Return everything that is set up for an account, without a secret; raises `NotFound`."""
    async with db.transaction(db.PLATFORM):
        return engine.told(await queries.standing(account_id))


async def put_in_force(
    account_id: UUID, wanted: Configuration, vendors: Vendors, *, actor: str, dry_run: bool
) -> Imported:
    """Change what differs from a file: logins, warehouses, channels, profiles, policies, in this order.

    Raises `Invalid` with every problem before anything is changed. Each step is whole; where a vendor does not take a
    login in between, the steps before stand, and the same file may be imported again.
    """
    now = await _standing(account_id)
    told, ids = engine.told(now), _planned(now, wanted)
    rules, found = _read(ids, wanted)
    refuse([*engine.misfits(told, wanted), *found])
    changes = engine.changes(told, _written_out(wanted, rules, ids))
    if changes and not dry_run:
        await _apply(now, wanted, changes, vendors, actor)
    return Imported(changes=changes, dry_run=dry_run)


async def _standing(account_id: UUID) -> Standing:
    async with db.transaction(db.PLATFORM):
        return await queries.standing(account_id)


def refuse(found: list[Problem]) -> None:
    """Raise `Invalid` with everything that keeps a file from being imported, if there is something."""
    if found:
        message = f"This file cannot be imported; the first reason is {found[0].field}: {found[0].message}"
        raise Invalid("configuration_invalid", message, problems=found)


def _planned(now: Standing, wanted: Configuration) -> dict[str, UUID]:
    """Return the warehouses' ids by name; those that are still to be set up have one to be looked at only."""
    return {each.name: new_id() for each in wanted.warehouses} | now.ids


def _read(ids: dict[str, UUID], wanted: Configuration) -> tuple[Read, list[Problem]]:
    rules: Read = {}
    found: list[Problem] = []
    for place, channel in enumerate(wanted.channels):
        references = frozenset(each.reference for each in channel.marketplaces)
        for kind in Kind:
            field = f"channels[{place}].policies.{kind}"
            read, wrong = engine.read(field, channel.policies.of(kind), kind, ids, references)
            found += wrong
            if read is not None:
                rules[channel.name, kind] = read
    return rules, found


def _written_out(wanted: Configuration, rules: Read, ids: dict[str, UUID]) -> Configuration:
    """Return a file with all that its rules leave at their defaults, as it would be told."""
    names = {place: name for name, place in ids.items()}
    channels = tuple(
        msgspec.structs.replace(
            channel,
            policies=PolicyEntries(**{kind.value: engine.written(rules[channel.name, kind], names) for kind in Kind}),
        )
        for channel in wanted.channels
    )
    return msgspec.structs.replace(wanted, channels=channels)


async def _apply(
    now: Standing, wanted: Configuration, changes: tuple[Change, ...], vendors: Vendors, actor: str
) -> None:
    named = {(each.part, each.name) for each in changes}
    logins = {each.name: each.id for each in now.connections}
    for connection in wanted.connections:
        if (Part.CONNECTION, connection.name) in named:
            await set_up.change_settings(logins[connection.name], connection.settings, vendors, actor=actor)
    for warehouse in wanted.warehouses:
        if (Part.WAREHOUSE, warehouse.name) in named:
            place = NewWarehouse(
                name=warehouse.name, receiving_option=ReceivingOption.MERCHANT_WAREHOUSE, account_id=now.account_id,
                country=warehouse.country,
            )  # fmt: skip
            await set_up.create_warehouse(place, actor=actor)
    rules, found = _read((await _standing(now.account_id)).ids, wanted)
    refuse(found)
    for channel in wanted.channels:
        if Change(part=Part.CHANNEL, deed=Deed.CREATE, name=channel.name) in changes:
            await _create(now, channel, logins[channel.connection], rules, vendors, actor)
    await _bring_up_to_date(await _standing(now.account_id), wanted, named, rules, actor)


async def _create(
    now: Standing, channel: ChannelEntry, connection_id: UUID, rules: Read, vendors: Vendors, actor: str
) -> None:
    new = NewChannel(
        account_id=now.account_id, name=channel.name, connection_id=connection_id,
        marketplaces=tuple(each.reference for each in channel.marketplaces),
        policies=Policies(channel=rules[channel.name, Kind.CHANNEL], merchant=rules[channel.name, Kind.MERCHANT]),
    )  # fmt: skip
    await set_up.create_channel(new, vendors, actor=actor)


async def _bring_up_to_date(
    now: Standing, wanted: Configuration, named: set[tuple[Part, str]], rules: Read, actor: str
) -> None:
    views = {each.name: each for each in now.channels}
    for channel in wanted.channels:
        for marketplace in channel.marketplaces:
            if (Part.PROFILE, f"{channel.name}/{marketplace.reference}") in named:
                here = now.profiles[views[channel.name].id].get(marketplace.reference, {})
                fields = {**dict.fromkeys(here), **marketplace.profile}
                await profiles.change(views[channel.name], marketplace.reference, fields, actor=actor)
    async with db.transaction(db.PLATFORM):
        for (name, kind), each in rules.items():
            if (Part.POLICY, f"{name}/{kind}") in named:
                await policies.publish_rules(_policy(views[name], kind), each, actor=actor)
        subject = wanted.account
        await record(actor=actor, action="configuration.imported", subject=subject, account_id=now.account_id)


def _policy(channel: ChannelView, kind: Kind) -> Policy:
    (policy,) = [each for each in channel.policies if each.kind is kind]
    return Policy(account_id=channel.account_id, id=policy.id, channel_id=channel.id, kind=kind, version=policy.version)


async def changed_marketplaces(account_id: UUID, imported: Imported) -> list[tuple[UUID, str]]:
    """Return the connection and reference of every marketplace whose profile an import changed."""
    named = {each.name for each in imported.changes if each.part is Part.PROFILE}
    async with db.transaction(db.account(account_id)):
        channels = await tenants.channels(account_id)
    return [
        (channel.connection_id, marketplace.reference)
        for channel in channels
        for marketplace in channel.marketplaces
        if f"{channel.name}/{marketplace.reference}" in named
    ]
