"""ShipBob, a 3PL in America and Europe: it is told what will come, calls when something changed, and is read.

`connector` has one method per effect, `wire` the vendor's words, `settings` what its owner enters; the README is for
whoever connects it. Shapes are those of ShipBob's OpenAPI description of 2026-01, the version that every path names.
"""

from connectors.shipbob.connector import ShipBob
from hub.sdk import Connector, hookimpl

__all__ = ["ShipBob", "hub_connectors"]


@hookimpl
def hub_connectors() -> list[Connector]:
    """Offer the one connector of this room."""
    return [ShipBob()]
