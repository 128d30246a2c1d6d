"""What the sandboxes of warehouses' systems have in common: a clock, faults on purpose, and people in the warehouse.

Each sandbox plays its vendor's API by itself; here is only what no vendor has. Nothing of the hub is imported.
"""

from connectors.sandboxes.control import House, Stock, application
from connectors.sandboxes.faults import Faults

__all__ = ["Faults", "House", "Stock", "application"]
