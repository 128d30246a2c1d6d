"""The file from what is set up, the rules from the file, and what differs: pure."""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

import msgspec

from hub.sdk.messages import Kind
from tenants.configuration.messages import (
    Change,
    ChannelEntry,
    Configuration,
    ConnectionEntry,
    Deed,
    MarketplaceEntry,
    Part,
    PolicyEntries,
    Standing,
    WarehouseEntry,
)
from tenants.messages import ChannelView, ReceivingOption
from tenants.policies.checks import Known, Problem, problems
from tenants.policies.rules import Rules


def told(standing: Standing) -> Configuration:
    """Return what is set up as a file; the same set-up gives the same file."""
    return Configuration(
        account=standing.account,
        connections=tuple(
            ConnectionEntry(name=each.name, connector=each.connector, settings=each.settings)
            for each in sorted(standing.connections, key=lambda each: each.name)
        ),
        warehouses=tuple(
            WarehouseEntry(name=each.name, country=each.country)
            for each in sorted(standing.places, key=lambda each: each.name)
            if each.account_id == standing.account_id and each.receiving_option is ReceivingOption.MERCHANT_WAREHOUSE
        ),
        channels=tuple(_channel(standing, each) for each in sorted(standing.channels, key=lambda each: each.name)),
    )


def _channel(standing: Standing, channel: ChannelView) -> ChannelEntry:
    (connection,) = [each.name for each in standing.connections if each.id == channel.connection_id]
    names = {place: name for name, place in standing.ids.items()}
    rules = {policy.kind.value: written(policy.rules, names) for policy in channel.policies}
    profiles = standing.profiles[channel.id]
    return ChannelEntry(
        name=channel.name,
        connection=connection,
        marketplaces=tuple(
            MarketplaceEntry(reference=each, profile=profiles.get(each, {}))
            for each in sorted(marketplace.reference for marketplace in channel.marketplaces)
        ),
        policies=PolicyEntries(**rules),
    )


def written(rules: Rules, names: Mapping[UUID, str]) -> dict[str, Any]:
    """Return rules as the file has them: each route with its warehouse's name."""
    plain: dict[str, Any] = msgspec.to_builtins(rules, order="deterministic")
    for route in plain["receiving"]:
        route["warehouse"] = names[UUID(route.pop("warehouse_id"))]
    return plain


def read(
    field: str, entry: Mapping[str, Any], kind: Kind, ids: Mapping[str, UUID], marketplaces: frozenset[str]
) -> tuple[Rules | None, list[Problem]]:
    """Return the rules of one policy in the file, or what is wrong with them by their fields."""
    routes, found = [], []
    for place, route in enumerate(_list(entry.get("receiving"))):
        name = route.get("warehouse") if isinstance(route, dict) else None
        if not isinstance(name, str) or name not in ids:
            message = f"There is no warehouse {name!r} that may receive for this account: set it up first."
            at = f"{field}.receiving[{place}].warehouse"
            found.append(Problem(field=at, code="warehouse_unknown", message=message))
            continue
        rest = {key: value for key, value in route.items() if key != "warehouse"}
        routes.append({**rest, "warehouse_id": str(ids[name])})
    if found:
        return None, found
    try:
        rules = msgspec.convert({**entry, "receiving": routes}, Rules)
    except msgspec.ValidationError as fault:
        return None, [Problem(field=field, code="rules_unreadable", message=f"These rules cannot be read: {fault}.")]
    known = Known(warehouses=frozenset(ids.values()), marketplaces=marketplaces)
    wrong = problems(kind, rules, known)
    return rules, [msgspec.structs.replace(each, field=f"{field}.{each.field}") for each in wrong]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def changes(now: Configuration, wanted: Configuration) -> tuple[Change, ...]:
    """Return what importing a file changes; what it does not name stays as it is."""
    return tuple(_changes(now, wanted))


def _changes(now: Configuration, wanted: Configuration) -> Iterator[Change]:
    settings = {each.name: each.settings for each in now.connections}
    for connection in wanted.connections:
        here = settings.get(connection.name, {})
        if here | connection.settings != here:
            yield Change(part=Part.CONNECTION, deed=Deed.CHANGE, name=connection.name)
    warehouses = {each.name for each in now.warehouses}
    for warehouse in wanted.warehouses:
        if warehouse.name not in warehouses:
            yield Change(part=Part.WAREHOUSE, deed=Deed.CREATE, name=warehouse.name)
    channels = {each.name: each for each in now.channels}
    for channel in wanted.channels:
        if channel.name not in channels:
            yield Change(part=Part.CHANNEL, deed=Deed.CREATE, name=channel.name)
        yield from _within(channels.get(channel.name), channel)


def _within(now: ChannelEntry | None, wanted: ChannelEntry) -> Iterator[Change]:
    profiles = {each.reference: each.profile for each in now.marketplaces} if now else {}
    for each in wanted.marketplaces:
        if profiles.get(each.reference, {}) != each.profile:
            yield Change(part=Part.PROFILE, deed=Deed.CHANGE, name=f"{wanted.name}/{each.reference}")
    for kind in Kind:
        if now is not None and now.policies.of(kind) != wanted.policies.of(kind):
            yield Change(part=Part.POLICY, deed=Deed.CHANGE, name=f"{wanted.name}/{kind}")


def misfits(now: Configuration, wanted: Configuration) -> Iterator[Problem]:
    """Give what importing cannot do: secrets are not in the file, and some things never change."""
    connections = {each.name: each for each in now.connections}
    for place, connection in enumerate(wanted.connections):
        here, field = connections.get(connection.name), f"connections[{place}]"
        if here is None:
            message = f"This account has no connection {connection.name!r}: make it first, for a file has no secrets."
            yield Problem(field=f"{field}.name", code="connection_missing", message=message)
        elif here.connector != connection.connector:
            message = f"The connection {connection.name!r} is one at {here.connector}, and stays one."
            yield Problem(field=f"{field}.connector", code="connector_differs", message=message)
    channels = {each.name: each for each in now.channels}
    for place, channel in enumerate(wanted.channels):
        yield from _misfits_of(f"channels[{place}]", channels.get(channel.name), channel, connections)


def _misfits_of(
    field: str, here: ChannelEntry | None, wanted: ChannelEntry, connections: Mapping[str, ConnectionEntry]
) -> Iterator[Problem]:
    if wanted.connection not in connections:
        message = f"This account has no connection {wanted.connection!r}: make it first, for a file has no secrets."
        yield Problem(field=f"{field}.connection", code="connection_missing", message=message)
    if here is None:
        return
    if here.connection != wanted.connection:
        message = f"The channel {here.name!r} goes over {here.connection!r}, and stays there: name a new channel."
        yield Problem(field=f"{field}.connection", code="connection_differs", message=message)
    there, named = [{each.reference for each in channel.marketplaces} for channel in (here, wanted)]
    if there != named:
        message = f"The channel {here.name!r} covers {', '.join(sorted(there))}, and importing does not change that."
        yield Problem(field=f"{field}.marketplaces", code="marketplaces_differ", message=message)
