"""Monta, a Dutch 3PL with a system of its own: it is told what will come, and asked again and again what came.

Monta calls nobody. `connector` has one method per effect, `wire` the vendor's words, `settings` what the partner
enters; the README is for the partner. Shapes and words are those of Monta's REST API v6 as a public client of another
returns platform uses it; the vendor's own pages could not be read.
"""

from connectors.monta.connector import Monta
from hub.sdk import Connector, hookimpl

__all__ = ["Monta", "hub_connectors"]


@hookimpl
def hub_connectors() -> list[Connector]:
    """Offer the one connector of this room."""
    return [Monta()]
