"""How each marketplace of an account treats returns: what its connector knows, changed by what the account says."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec

from hub.kit.errors import Invalid
from hub.sdk import Connector, Profile
from tenants import queries

_connectors: dict[str, Connector] = {}


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A marketplace's profile as it holds for one account.

    `known` is false while neither the connector nor a person of the account has said how it behaves: then a person
    settles the first return.
    """

    profile: Profile
    known: bool


UNKNOWN = Standing(profile=Profile(), known=False)


def know(connectors: Mapping[str, Connector]) -> None:
    """Take the profiles of these connectors as the ones that hold in this process."""
    _connectors.clear()
    _connectors.update(connectors)


def standing(connector: str, family: str, changes: Mapping[str, Any], *, confirmed: bool) -> Standing:
    """Return a marketplace's profile: the connector's own, with the account's changes over it."""
    held = _connectors.get(connector)
    own = held.profile(family) if held is not None else None
    return Standing(
        profile=changed(own or Profile(), changes), known=own is not None or confirmed or "channel_returns" in changes
    )


def changed(profile: Profile, changes: Mapping[str, Any]) -> Profile:
    """Return a profile with some fields changed; raises `Invalid` that names the one that cannot be."""
    unknown = sorted(set(changes) - set(Profile.__struct_fields__))
    if unknown:
        there = ", ".join(Profile.__struct_fields__)
        raise Invalid("profile_invalid", f"A profile has no field {unknown[0]!r}; it has: {there}.")
    try:
        return msgspec.convert({**msgspec.to_builtins(profile), **changes}, Profile)
    except msgspec.ValidationError as fault:
        raise Invalid("profile_invalid", f"This profile does not hold: {fault}.") from fault


async def of_marketplace(account_id: UUID, connection_id: UUID, reference: str | None) -> Standing:
    """Return the standing of one marketplace; one that no channel covers is unknown."""
    held = await queries.held_marketplace(account_id, connection_id, reference or "")
    if held is None:
        return UNKNOWN
    return standing(held.connector, held.family, held.profile, confirmed=held.confirmed)
