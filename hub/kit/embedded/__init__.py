"""PostgreSQL and Valkey in a data folder, for a hub that brings its own engines.

    folder/
      start.lock     one process at a time starts or stops engines
      engines.lock   shared by every process that uses them
      sockets        link to the short private folder where they listen
      postgres/      data/, server.log, alive.lock (held by the server itself)
      valkey/        appendonlydir/, server.log, alive.lock

The engines are no children that die with the hub: a killed hub leaves them running, the next start takes them over,
and whichever process leaves last stops them.
"""

import errno
import fcntl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from subprocess import TimeoutExpired
from typing import Literal

import msgspec

from hub.kit.embedded import postgres, valkey
from hub.kit.embedded.errors import EnginesFailed
from hub.kit.embedded.home import Home, recall, settle, tidy
from hub.kit.embedded.locks import held, opened, take, turn

__all__ = ["Engines", "EnginesFailed", "State", "engines", "status", "stop"]

State = Literal["running", "stopped", "unreadable"]


class Engines(msgspec.Struct, frozen=True):
    """Where the hub finds its engines: role and database `hub`, and database 0 of Valkey."""

    database_url: str
    redis_url: str


@contextmanager
def engines(folder: Path) -> Iterator[Engines]:
    """Give running engines with their data in `folder`, and stop them afterwards unless another process uses them.

    Waits for processes that start or stop them, up to minutes when one recovers from a crash. Raises EnginesFailed,
    whose message is for the person who started the hub.
    """
    folder = folder.resolve()
    with ExitStack() as leaving:
        with _readable(folder):
            found = _join(folder, leaving)
        yield found


def status(folder: Path) -> dict[str, State]:
    """Tell the state of each engine without changing anything; "unreadable" is one that hides or does not answer."""
    return {
        "postgres": _state(folder.resolve(), postgres.NAME, postgres.answers),
        "valkey": _state(folder.resolve(), valkey.NAME, valkey.answers),
    }


def stop(folder: Path) -> None:
    """Stop engines that a killed hub has left; raises EnginesFailed while a living one uses them."""
    folder = folder.resolve()
    with _readable(folder):
        if (folder / "engines.lock").exists():
            _stop_unused(folder)


def _join(folder: Path, leaving: ExitStack) -> Engines:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    users = leaving.enter_context(opened(folder / "engines.lock"))
    with turn(folder / "start.lock"):
        if take(users, fcntl.LOCK_EX):
            _stop_lost(recall(folder))
        take(users, fcntl.LOCK_SH)  # nobody holds it alone outside a turn
        home = settle(folder)
        leaving.callback(_leave, home, users)
        postgres.start(home)
        valkey.start(home)
    return Engines(database_url=postgres.url(home), redis_url=valkey.url(home))


def _leave(home: Home, users: int) -> None:
    with _readable(home.folder), turn(home.folder / "start.lock"):
        if take(users, fcntl.LOCK_EX):
            _stop_both(home)


def _stop_unused(folder: Path) -> None:
    with opened(folder / "engines.lock") as users, turn(folder / "start.lock"):
        if not take(users, fcntl.LOCK_EX):
            raise EnginesFailed(f"A running hub uses the engines of {folder}: stop the hub, and they stop with it.")
        _stop_both(recall(folder))


def _stop_lost(home: Home) -> None:
    """Stop engines that nobody uses and nobody can reach: their sockets were swept out of the temporary folder."""
    if not valkey.socket_path(home).exists():
        valkey.stop(home)
    if not postgres.socket_path(home).exists():
        postgres.stop(home)


def _stop_both(home: Home) -> None:
    try:
        valkey.stop(home)
    finally:
        postgres.stop(home)
    tidy(home)


def _state(folder: Path, engine: str, answers: Callable[[Home], bool]) -> State:
    try:
        home = recall(folder)
        if not held(home.alive(engine)):
            return "stopped"
        return "running" if answers(home) else "unreadable"
    except (OSError, TimeoutExpired):
        return "unreadable"


@contextmanager
def _readable(folder: Path) -> Iterator[None]:
    """Turn what the system says into a sentence for the person who started the hub."""
    try:
        yield
    except TimeoutExpired as error:
        raise EnginesFailed(
            f"{error.cmd[0]} did not end in {error.timeout} seconds for the engines in {folder}."
        ) from error
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        advice = "Free some space." if full else "Choose a folder that this user may write to."
        place = error.filename or folder
        raise EnginesFailed(f"The engines cannot use {folder}: {error.strerror} ({place}). {advice}") from error
