"""The rules of the kit, by what they are about; importing this package fills the list of rules."""

from hub.sdk.testing.checks import faults, hooks, manners, reading, road, shape, telling

__all__ = ["faults", "hooks", "manners", "reading", "road", "shape", "telling"]
