"""Picqer, played by a small server of its own for development, demonstration and tests.

It keeps to what Picqer's API reference (v1) says of returns, products and webhooks. Two things stand in no reference
and are our reading: the strings of a line's status, and that a line which arrives in two states is split. It shares no
code with the connector, so that neither can hide the other's mistake.
"""

from connectors.picqer.sandbox.api import create_app

# What opens it; it is no secret, for it opens nothing else.
SETTINGS = {
    "address": "{address}",
    "api_key": "sandbox-key-of-picqer",
    "contact": "sandbox@example.com",
    "template": 2,
    "reason": 11,
    "hook_secret": "sandbox-hook-secret-of-picqer",
    "former_hook_secret": "sandbox-hook-secret-before-it",
}

__all__ = ["SETTINGS", "create_app"]
