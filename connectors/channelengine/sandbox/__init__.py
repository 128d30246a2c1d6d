"""ChannelEngine's Merchant API v2, played by a small server of its own for development, demo and tests.

It keeps to what the vendor documents (Merchant API 2.19.0) and takes the stricter reading where that is silent. Several
tenants live side by side under `/{tenant}/api`; a ledger under `/_sandbox/{tenant}/ledger` tells what was really
refunded, whatever the callers were told. It shares no code with the connector, so neither can hide the other's mistake.
"""

from connectors.channelengine.sandbox.faults import Fault, parse_fault
from connectors.channelengine.sandbox.server import create_app

__all__ = ["Fault", "create_app", "parse_fault"]
