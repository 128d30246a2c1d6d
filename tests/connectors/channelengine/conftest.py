"""The scripted vendor as fixtures."""

from tests.support.channelengine import paths, vendor

__all__ = ["paths", "vendor"]
