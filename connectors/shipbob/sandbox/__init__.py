"""ShipBob, played by a small server of its own for development, demonstration and tests.

It keeps to ShipBob's OpenAPI description of 2026-01 for returns, inventory, channels, fulfillment centers and webhooks.
What a webhook's body holds is published nowhere and is our reading. It shares no code with the connector, so that
neither can hide the other's mistake.
"""

from connectors.shipbob.sandbox.api import create_app

# What opens it; it is no secret, for it opens nothing else.
SETTINGS = {
    "address": "{address}",
    "token": "sandbox-token-of-shipbob",
    "channel": 900,
    "center": 135,
    "hook_secret": "whsec_c2FuZGJveC1vZi1zaGlwYm9iLWhvb2tz",
    "former_hook_secret": "whsec_YmVmb3JlLXNhbmRib3gtb2Ytc2hpcGJv",
}

__all__ = ["SETTINGS", "create_app"]
