"""Picqer, the system of many Dutch 3PLs: it is told what will come, calls when goods arrived, and is read.

`connector` has one method per effect, `wire` the vendor's words, `settings` what the partner enters; the README is for
the partner. The facts were read in Picqer's API reference (v1); the words for the state of goods stand in no reference,
so that every account can say what its own mean.
"""

from connectors.picqer.connector import Picqer
from hub.sdk import Connector, hookimpl

__all__ = ["Picqer", "hub_connectors"]


@hookimpl
def hub_connectors() -> list[Connector]:
    """Offer the one connector of this room."""
    return [Picqer()]
