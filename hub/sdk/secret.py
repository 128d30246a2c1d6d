"""A secret that does not show itself."""

from hub.kit.crypto import Secret

__all__ = ["Secret"]
