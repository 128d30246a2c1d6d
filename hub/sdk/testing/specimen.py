"""The connector under test: its package, its sources, its sandbox."""

import ast
import importlib
from pathlib import Path
from typing import Any

import msgspec

from hub.sdk import Connector, Secret


class Specimen:
    """A connector's package as the kit sees it; raises `ValueError` that says what is missing."""

    def __init__(self, package: str) -> None:
        self.package = package
        self.module = importlib.import_module(package)
        offered = self.module.hub_connectors() if hasattr(self.module, "hub_connectors") else []
        if len(offered) != 1 or not isinstance(offered[0], Connector):
            msg = f"{package} offers no connector: hub_connectors() in its __init__.py returns exactly one"
            raise ValueError(msg)
        self.connector: Connector = offered[0]
        self.folder = Path(str(self.module.__file__)).parent

    @property
    def sandbox(self) -> Any:
        """The module that plays the vendor: `create_app()`, and `SETTINGS` with `{address}` where it belongs."""
        try:
            found = importlib.import_module(f"{self.package}.sandbox")
        except ModuleNotFoundError as fault:
            msg = f"{self.package} has no sandbox: a module that plays the vendor, with create_app() and SETTINGS"
            raise ValueError(msg) from fault
        return found

    def sources(self, *, sandbox: bool = False) -> dict[str, ast.Module]:
        """Return the connector's own modules, or its sandbox's, by their path in its folder."""
        found = {path.relative_to(self.folder): path for path in sorted(self.folder.rglob("*.py"))}
        return {
            str(place): ast.parse(path.read_text(encoding="utf-8"))
            for place, path in found.items()
            if (place.parts[0].removesuffix(".py") == "sandbox") is sandbox
        }

    def settings(self, address: str, **changes: Any) -> Any:
        """Return the settings that open the sandbox at this address."""
        values = {
            name: value.format(address=address) if isinstance(value, str) else value
            for name, value in self.sandbox.SETTINGS.items()
        }
        return msgspec.convert(values | changes, self.connector.manifest.settings, dec_hook=_secret)


def _secret(kind: type, value: Any) -> Any:
    if kind is Secret and isinstance(value, str):
        return Secret(value)
    msg = "Expected a text"
    raise ValueError(msg)


def secrets_of(settings: Any) -> list[str]:
    """Return every secret among settings."""
    values = (getattr(settings, name) for name in settings.__struct_fields__)
    return [value.reveal() for value in values if isinstance(value, Secret)]
