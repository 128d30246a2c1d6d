"""ChannelEngine, the hub's way to the marketplaces: it hands over their returns and is told the decisions.

The room speaks the Merchant API v2, as documented for 2.19.0, and the beta v2.1 of its returns. `connector` has one
method per effect, `wire` and `bodies` hold the vendor's words, `settings` what the owner enters, `profiles` how the
marketplaces differ; the README says where the rest stands. The module itself is the plugin.
"""

from connectors.channelengine.connector import ChannelEngine
from hub.sdk import Connector, hookimpl

__all__ = ["ChannelEngine", "hub_connectors"]


@hookimpl
def hub_connectors() -> list[Connector]:
    """Offer the one connector of this room."""
    return [ChannelEngine()]
