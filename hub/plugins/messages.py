"""What this room says and hears."""

from typing import Annotated, Any

import msgspec
import pluggy
from msgspec import Meta

from hub.sdk import Connector
from tenants.vendors import Limits

# The group of entry points under which packages from elsewhere offer their module.
ENTRY_POINTS = "returns_hub.connectors"
# Bounds how long a crash can leave an operation in doubt.
LONGEST_CALL_SECONDS = 30.0


class Grant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One plugin's table in `plugins.toml`: its module, or the entry point of an installed package, one of the two."""

    module: Annotated[str, Meta(min_length=1)] | None = None
    entry_point: Annotated[str, Meta(min_length=1)] | None = None
    concurrency: Annotated[int, Meta(ge=1, le=100)] = 8
    timeout_seconds: Annotated[float, Meta(gt=0, le=LONGEST_CALL_SECONDS)] = 20.0
    hosts: tuple[str, ...] = ()
    poll_every_seconds: Annotated[float, Meta(ge=1)] | None = None

    def __post_init__(self) -> None:
        """Refuse a table that names no plugin, or two."""
        if (self.module is None) == (self.entry_point is None):
            raise ValueError("give `module` or `entry_point`, one of the two")

    @property
    def source(self) -> str:
        """What the operator named."""
        return self.module or f"the entry point {self.entry_point!r}"


class File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole of `plugins.toml`, its tables still unread so that one bad one does not hide the others."""

    plugins: dict[str, Any]


class Registry(msgspec.Struct, frozen=True, kw_only=True):
    """What was loaded: connectors by name, their limits, pages by plugin, and the hooks they came by."""

    connectors: dict[str, Connector]
    limits: dict[str, Limits]
    pages: dict[str, list[Any]]
    hooks: pluggy.HookRelay


class PluginsWrong(Exception):  # noqa: N818 - it says the fact
    """Some plugins cannot be loaded; `problems` has one sentence for each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems
