"""The scripted vendor as a fixture."""

from tests.support.channelengine import vendor

__all__ = ["vendor"]
