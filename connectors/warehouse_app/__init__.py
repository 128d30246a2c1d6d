"""The warehouse app: the hub's own receiving desk, for a merchant's warehouse, a 3PL's or a return hub.

It is a plugin like any other: it knows the contract only, and what it books goes through `ReceivingDesk`, as a
3PL's own system would. `form` is what an operator typed and what it means, `pages` shows and takes it
without scripts. With them, `static/js` is the app, `calls` answers it, and `installing` lets it be installed and open
without a connection. The module itself is the plugin.
"""

from typing import Any

from connectors.warehouse_app.calls import Calls
from connectors.warehouse_app.installing import Installing
from connectors.warehouse_app.pages import WarehouseApp
from hub.sdk import hookimpl

__all__ = ["WarehouseApp", "hub_pages"]


@hookimpl
def hub_pages() -> list[Any]:
    """Offer the app's pages."""
    return [WarehouseApp, Calls, Installing]
