"""Does a connector keep the contract? A pure inspection that answers with sentences."""

from collections.abc import Callable
from inspect import iscoroutinefunction
from typing import Any

import msgspec

from hub.sdk import CONTRACT, Capability, Connector, Effect, Hooks, Manifest
from hub.sdk.fields import form

WRITES = {
    Capability.ACKNOWLEDGE: Effect.ACKNOWLEDGE,
    Capability.ANNOUNCE: Effect.ANNOUNCE,
    Capability.AMEND: Effect.AMEND,
    Capability.WITHDRAW: Effect.WITHDRAW,
    Capability.SETTLE: Effect.SETTLE,
}

# What every warehouse's system must be able to; where a vendor cannot be told something, its connector says so.
OF_WAREHOUSES = (
    Capability.CHECK,
    Capability.ANNOUNCE,
    Capability.AMEND,
    Capability.WITHDRAW,
    Capability.SNAPSHOT,
    Capability.CHANGES,
)


def problems(connector: Any) -> list[str]:
    """Return one sentence for each way in which a connector breaks the contract; none if it keeps it."""
    manifest = getattr(connector, "manifest", None)
    if not isinstance(connector, Connector) or not isinstance(manifest, Manifest):
        return [f"{type(connector).__name__} is no connector: it needs hub.sdk.Connector as base and a manifest."]
    checks: list[Callable[[Connector], list[str]]] = [_contract, _methods, _settings, _effects, _warehousing]
    return [f"The connector {manifest.name!r} {text}" for check in checks for text in check(connector)]


def said(fault: Exception) -> str:
    """Return what an exception says as the end of a sentence: on one line, without its full stop."""
    lines = (line.strip() for line in str(fault).splitlines())
    return "; ".join(line for line in lines if line).rstrip(".")


def _contract(connector: Connector) -> list[str]:
    theirs = connector.manifest.contract
    return [] if theirs == CONTRACT else [f"was written for contract {theirs}; this hub has contract {CONTRACT}."]


def _methods(connector: Connector) -> list[str]:
    strangers = sorted(str(each) for each in set(connector.manifest.capabilities) - set(Capability))
    found = [f"declares {each!r}, which is no capability." for each in strangers]
    for capability in Capability:
        method = getattr(type(connector), capability.value)
        present = method is not getattr(Connector, capability.value)
        declared = capability in connector.manifest.capabilities
        if declared and not present:
            found.append(f"declares {capability.value!r} and has no such method.")
        if present and not declared:
            found.append(f"has a method {capability.value!r} that it does not declare.")
        if present and not iscoroutinefunction(method):
            found.append(f"has a method {capability.value!r} that is not 'async def'.")
    return found


def _settings(connector: Connector) -> list[str]:
    settings: Any = connector.manifest.settings
    if not (isinstance(settings, type) and issubclass(settings, msgspec.Struct)):
        return ["has settings that are no msgspec.Struct."]
    try:
        form(settings)
    except (TypeError, NameError, KeyError) as fault:
        return [f"has settings that make no form: {said(fault)}."]
    return []


def _effects(connector: Connector) -> list[str]:
    manifest = connector.manifest
    if Capability.LOOKUP in manifest.capabilities:
        return []
    return [
        f"can {capability.value!r} but neither declares it repeatable nor can look up what happened."
        for capability, effect in WRITES.items()
        if capability in manifest.capabilities and effect not in manifest.repeatable
    ]


def _warehousing(connector: Connector) -> list[str]:
    manifest, kind = connector.manifest, type(connector)
    if manifest.warehousing is None:
        only = {Capability.AMEND, Capability.SNAPSHOT, Capability.CHANGES, Capability.CATALOGUE}
        return [f"declares {each.value!r} without 'warehousing'." for each in sorted(only & manifest.capabilities)]
    found = [
        f"is a warehouse's and cannot {each.value!r}." for each in OF_WAREHOUSES if each not in manifest.capabilities
    ]
    hears = manifest.warehousing.hooks is not Hooks.NONE
    told = "has hooks and no" if hears else "has no hooks and a"
    methods = {name: getattr(kind, name) is not getattr(Connector, name) for name in ("verify", "parse")}
    found += [f"{told} method {name!r}." for name, present in methods.items() if present is not hears]
    if hears and not manifest.warehousing.header:
        found.append("has hooks and names no header that proves who made them.")
    return found
