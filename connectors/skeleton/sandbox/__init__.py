"""Skeleton, played by a small server of its own: write yours from the vendor's documentation, not from the connector.

`create_app` gives the vendor's API with the control interface beside it; `SETTINGS` is what opens it, with `{address}`
where its address belongs.
"""

from connectors.skeleton.sandbox.api import create_app

SETTINGS = {"address": "{address}", "api_key": "sandbox-key-of-skeleton"}

__all__ = ["SETTINGS", "create_app"]
