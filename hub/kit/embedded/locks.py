"""Kernel file locks: they end with the process that holds them, so no stale pid can lie about who lives."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from hub.kit.embedded.errors import EnginesFailed

ENGINE_SECONDS = 120
"""How long one engine may take: crash recovery replays up to 1 GB of log, a large append-only file loads slowly."""

TURN_SECONDS = 2 * ENGINE_SECONDS + 60
"""How long to wait for another process that starts or stops both engines."""

POLL_SECONDS = 0.01


def until(condition: Callable[[], bool], *, timeout_seconds: float) -> bool:
    """Whether `condition` came true in time; it is asked at least once."""
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def take(descriptor: int, operation: int) -> bool:
    """Whether the lock could be had at once; `operation` is `fcntl.LOCK_SH` or `fcntl.LOCK_EX`."""
    try:
        fcntl.flock(descriptor, operation | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def opened(path: Path) -> Iterator[int]:
    """Give a descriptor of the lock file at `path`, made if missing; what is locked through it ends with it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def turn(path: Path) -> Iterator[None]:
    """Let one process at a time into the block; raises EnginesFailed when another never leaves it."""
    with opened(path) as descriptor:
        if not until(lambda: take(descriptor, fcntl.LOCK_EX), timeout_seconds=TURN_SECONDS):
            raise EnginesFailed(
                f"Another process has been starting or stopping the engines of {path.parent} for {TURN_SECONDS} "
                "seconds: end it and start again."
            )
        yield


def held(path: Path) -> bool:
    """Whether a living engine holds the lock at `path`; raises OSError where the file may not be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except (FileNotFoundError, NotADirectoryError):
        return False
    try:
        return not take(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


@contextmanager
def claim(path: Path, *, answers: Callable[[], bool]) -> Iterator[int | None]:
    """Give the locked descriptor an engine is to inherit, or None when a living engine has it and answers.

    The engine and its children keep the lock until the last of them has died, however they die. Raises
    EnginesFailed when the holder neither answers nor ends.
    """
    with opened(path) as descriptor:
        deadline = time.monotonic() + ENGINE_SECONDS
        while not take(descriptor, fcntl.LOCK_EX):
            if answers():
                yield None
                return
            if time.monotonic() > deadline:
                raise EnginesFailed(
                    f"The engine in {path.parent} runs but has not answered for {ENGINE_SECONDS} seconds: end its "
                    "processes and start again."
                )
            time.sleep(POLL_SECONDS)
        yield descriptor
