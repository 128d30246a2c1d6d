"""Monta, played by a small server of its own for development, demonstration and tests.

Forecasts, returns and reasons of the REST API v6, as public clients use it; what stands nowhere is our reading. It
shares no code with the connector, so that neither can hide the other's mistake.
"""

from connectors.monta.sandbox.api import create_app

# What opens it; it is no secret, for it opens nothing else.
SETTINGS = {"address": "{address}", "user": "returns-hub", "password": "sandbox-password-of-monta"}

__all__ = ["SETTINGS", "create_app"]
