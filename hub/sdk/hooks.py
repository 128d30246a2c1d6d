"""The hooks a plugin may implement: few, synchronous and without I/O."""

from typing import Any

import pluggy

from hub.sdk.connector import Connector

PROJECT = "hub"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def hub_connectors() -> list[Connector]:  # type: ignore[empty-body]  # a hook's specification has no body
    """Offer connectors; each name may be offered once in the whole hub."""


@hookspec
def hub_pages() -> list[Any]:  # type: ignore[empty-body]  # a hook's specification has no body
    """Contribute Litestar controllers; they are mounted under `/apps/<plugin name>`."""
