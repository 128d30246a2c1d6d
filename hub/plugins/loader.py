"""Read `plugins.toml` and load what it names; all problems are told at once."""

import importlib
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import msgspec
import pluggy

from hub.plugins.messages import ENTRY_POINTS, File, Grant, PluginsWrong, Registry
from hub.sdk import Connector, contract, hooks
from tenants.vendors import Limits


def load(path: Path) -> Registry:
    """Load every plugin that the file names; raises `PluginsWrong` with one sentence per problem."""
    tables = _read(path)
    problems: list[str] = []
    manager = pluggy.PluginManager(hooks.PROJECT)
    manager.add_hookspecs(hooks)
    grants: dict[str, Grant] = {}
    for name, table in tables.items():
        grant = _grant(name, table, problems)
        if grant is not None and _register(manager, name, grant, problems):
            grants[name] = grant
    registry = _collect(manager, grants, problems)
    if problems:
        raise PluginsWrong(problems)
    return registry


def _read(path: Path) -> dict[str, Any]:
    try:
        return msgspec.toml.decode(path.read_bytes(), type=File).plugins
    except FileNotFoundError:
        raise PluginsWrong([f"There is no {path}; HUB_PLUGINS says where the file is."]) from None
    except (msgspec.DecodeError, UnicodeDecodeError, OSError) as fault:
        raise PluginsWrong([f"{path} cannot be read: {contract.said(fault)}."]) from fault


def _grant(name: str, table: Any, problems: list[str]) -> Grant | None:
    try:
        return msgspec.convert(table, Grant)
    except msgspec.ValidationError as fault:
        problems.append(f"[plugins.{name}] is wrong: {contract.said(fault)}.")
        return None


def _register(manager: pluggy.PluginManager, name: str, grant: Grant, problems: list[str]) -> bool:
    try:
        module = _module(grant)
    except Exception as fault:  # noqa: BLE001 - whatever a plugin's import raises is its problem, told in one sentence
        problems.append(
            f"[plugins.{name}] {grant.source} cannot be imported: {type(fault).__name__}: {contract.said(fault)}."
        )
        return False
    try:
        manager.register(module, name)
        manager.check_pending()
    except (pluggy.PluginValidationError, ValueError) as fault:
        problems.append(f"[plugins.{name}] {grant.source} does not fit the hooks: {contract.said(fault)}.")
        if manager.has_plugin(name):
            manager.unregister(name=name)
        return False
    if not manager.get_hookcallers(module):
        problems.append(f"[plugins.{name}] {grant.source} implements no hook.")
        return False
    return True


def _module(grant: Grant) -> Any:
    """Import what a table names; raises `ImportError` where no installed package, or more than one, offers it."""
    if grant.module is not None:
        return importlib.import_module(grant.module)
    found = list(entry_points(group=ENTRY_POINTS, name=grant.entry_point or ""))
    if len(found) != 1:
        count = "no installed package offers it" if not found else f"{len(found)} installed packages offer it"
        msg = f"{count} in the group {ENTRY_POINTS!r}"
        raise ImportError(msg)
    return found[0].load()


def _collect(manager: pluggy.PluginManager, grants: dict[str, Grant], problems: list[str]) -> Registry:
    connectors: dict[str, Connector] = {}
    limits: dict[str, Limits] = {}
    pages: dict[str, list[Any]] = {}
    for name, grant in grants.items():
        for connector in _offered(manager, "hub_connectors", name, problems):
            found = contract.problems(connector)
            problems += found
            if found:
                continue
            if connector.manifest.name in connectors:
                problems.append(f"Two plugins offer a connector {connector.manifest.name!r}.")
            connectors[connector.manifest.name] = connector
            limits[connector.manifest.name] = _limits(grant)
        pages[name] = _offered(manager, "hub_pages", name, problems)
    return Registry(connectors=connectors, limits=limits, pages=pages, hooks=manager.hook)


def _offered(manager: pluggy.PluginManager, hook: str, name: str, problems: list[str]) -> list[Any]:
    mine = [each for each in getattr(manager.hook, hook).get_hookimpls() if each.plugin_name == name]
    try:
        return [offer for each in mine for offer in each.function()]
    except Exception as fault:  # noqa: BLE001 - see _register
        problems.append(f"[plugins.{name}] {hook} failed: {type(fault).__name__}: {contract.said(fault)}.")
        return []


def _limits(grant: Grant) -> Limits:
    return Limits(
        concurrency=grant.concurrency,
        timeout_seconds=grant.timeout_seconds,
        hosts=grant.hosts,
        poll_every_seconds=grant.poll_every_seconds,
    )
