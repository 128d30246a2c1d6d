"""Skeleton, a warehouse's system that does not exist: the connector that new ones begin as.

`hub connector new NAME` copies this folder. `connector` has one method per effect, `wire` the vendor's words,
`settings` what the partner enters; the README is for the partner.
"""

from connectors.skeleton.connector import Skeleton
from hub.sdk import Connector, hookimpl

__all__ = ["Skeleton", "hub_connectors"]


@hookimpl
def hub_connectors() -> list[Connector]:
    """Offer the one connector of this room."""
    return [Skeleton()]
