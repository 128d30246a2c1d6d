"""What every command does: read the settings, run, and tell an operator what can be mended."""

import asyncio
import os
import sys
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

import click
import uvloop

from hub import settings as configuration
from hub.demo.driver import Refused
from hub.kit import db
from hub.kit.embedded import EnginesFailed
from hub.kit.errors import HubError
from hub.kit.telemetry import configure_logging
from hub.plugins.messages import PluginsWrong
from hub.runtime import NotReady
from hub.settings import Settings, SettingsWrong
from tenants.permissions import PermissionsWrong


def read_settings() -> Settings:
    """Return the settings of this process, and log as they say; raises `SettingsWrong`."""
    settings = configuration.read(os.environ)
    configure_logging(level=settings.log_level, style=settings.log_format)
    return settings


@contextmanager
def told() -> Iterator[None]:
    """Turn what an operator can mend into one line per problem and exit status 1."""
    try:
        yield
    except (SettingsWrong, PluginsWrong, PermissionsWrong) as wrong:
        fail(wrong.problems)
    except (NotReady, EnginesFailed, db.UnsafeRole, HubError, Refused) as wrong:
        fail([str(wrong)])
    except db.Lost as lost:
        where = f"{type(lost).__name__}: {lost}"
        fail([f"PostgreSQL or Valkey is out of reach ({where}). Is the address right, and is it up?"])
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit(130)


def fail(problems: Sequence[str]) -> NoReturn:
    """Print a line for each problem and exit with status 1."""
    for problem in problems:
        click.echo(f"hub: {problem}", err=True)
    sys.exit(1)


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """Run work to its end and return what it returned."""
    return uvloop.run(work)
