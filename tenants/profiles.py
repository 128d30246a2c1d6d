"""How each marketplace of an account treats returns: what its connector knows, changed by what the account says."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from hub.audit.service import record
from hub.kit import clock, db
from hub.kit.errors import Invalid, NotFound
from hub.sdk import Connector, Profile
from tenants.marketplaces import queries
from tenants.marketplaces.queries import HeldMarketplace
from tenants.messages import ChannelView, MarketplaceProfileView, Source

_connectors: dict[str, Connector] = {}

NAMELESS = "The marketplace"
# A birth under the profile before has ended one way or the other by then.
SETTLED_DOWN = timedelta(minutes=1)


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A marketplace's profile as it holds for one account; `name` is how people call the marketplace.

    `known` is false while neither the connector nor a person of the account has said how it behaves: then a person
    settles the first return.
    """

    profile: Profile
    known: bool
    name: str = NAMELESS


UNKNOWN = Standing(profile=Profile(), known=False)


def know(connectors: Mapping[str, Connector]) -> None:
    """Take the profiles of these connectors as the ones that hold in this process."""
    _connectors.clear()
    _connectors.update(connectors)


def standing(
    connector: str, family: str, changes: Mapping[str, Any], *, confirmed: bool, name: str = NAMELESS
) -> Standing:
    """Return a marketplace's profile: the connector's own, with the account's changes over it."""
    own = _own(connector, family)
    known = own is not None or confirmed or "channel_returns" in changes
    return Standing(profile=changed(own or Profile(), changes), known=known, name=name)


def _own(connector: str, family: str) -> Profile | None:
    held = _connectors.get(connector)
    return held.profile(family) if held is not None else None


def of_held(held: HeldMarketplace | None) -> Standing:
    """Return the standing of a marketplace that a channel covers; any other is unknown."""
    if held is None:
        return UNKNOWN
    confirmed, name = held.confirmed_at is not None, held.name or held.reference
    return standing(held.connector, held.family, held.profile, confirmed=confirmed, name=name)


def changed(profile: Profile, changes: Mapping[str, Any]) -> Profile:
    """Return a profile with some fields changed; raises `Invalid` that names the one that cannot be."""
    if not changes:
        return profile
    unknown = sorted(set(changes) - set(Profile.__struct_fields__))
    if unknown:
        there = ", ".join(Profile.__struct_fields__)
        raise Invalid("profile_invalid", f"A profile has no field {unknown[0]!r}; it has: {there}.")
    try:
        return msgspec.convert({**msgspec.to_builtins(profile), **changes}, Profile)
    except msgspec.ValidationError as fault:
        raise Invalid("profile_invalid", f"This profile does not hold: {fault}.") from fault


def view(held: HeldMarketplace) -> MarketplaceProfileView:
    """Return a marketplace as people see it, with who said each field of its profile."""
    here, own = of_held(held), _own(held.connector, held.family)
    others = Source.DEFAULT if own is None else Source.CONNECTOR
    return MarketplaceProfileView(
        reference=held.reference,
        name=held.name,
        family=held.family,
        known=here.known,
        profile=here.profile,
        sources={name: Source.ACCOUNT if name in held.profile else others for name in Profile.__struct_fields__},
        confirmed_by=held.confirmed_by,
        confirmed_at=held.confirmed_at,
    )


async def of_marketplace(account_id: UUID, connection_id: UUID, reference: str | None) -> Standing:
    """Return the standing of one marketplace; one that no channel covers is unknown."""
    return of_held(await queries.of_connection(account_id, connection_id, reference or ""))


async def of_channel(channel: ChannelView) -> list[MarketplaceProfileView]:
    """Return the marketplaces of a channel with their profiles, in the caller's transaction."""
    return [view(held) for held in await queries.of_channel(channel.account_id, channel.id)]


async def change(
    channel: ChannelView, reference: str, changes: Mapping[str, Any], *, actor: str
) -> MarketplaceProfileView:
    """Change fields of a profile; None gives a field back to the connector. Raises `NotFound` or `Invalid`."""
    now = clock.now()
    async with db.transaction(db.PLATFORM):
        held = await queries.hold(channel.account_id, channel.id, reference)
        if held is None:
            there = ", ".join(each.reference for each in channel.marketplaces)
            raise NotFound("marketplace_not_found", f"This channel has no marketplace {reference!r}; it has: {there}.")
        merged = {name: value for name, value in {**held.profile, **changes}.items() if value is not None}
        after = msgspec.structs.replace(held, profile=merged)
        _require_good(changes)
        told = view(after)
        await queries.change(channel.account_id, channel.id, reference, merged, now + SETTLED_DOWN)
        await record(
            actor=actor,
            action="profile.changed",
            subject=f"{channel.name}/{reference}",
            account_id=channel.account_id,
            before=held.profile,
            after=merged,
        )
    return told


def _require_good(changes: Mapping[str, Any]) -> None:
    """Refuse a field that does not exist also where it is given back."""
    changed(Profile(), {name: value for name, value in changes.items() if value is not None})
    changed(Profile(), {name: None for name in changes if name not in Profile.__struct_fields__})


async def confirm(account_id: UUID, connection_id: UUID, reference: str | None, *, actor: str) -> None:
    """Note in the caller's platform transaction who let an unknown marketplace settle; only the first one counts."""
    now = clock.now()
    if await queries.confirm(account_id, connection_id, reference or "", actor, now):
        await record(
            actor=actor,
            action="marketplace.confirmed",
            subject=str(reference),
            account_id=account_id,
            after={"at": now},
        )
