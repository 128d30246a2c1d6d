"""Keep child processes running until told to stop; a child that dies is started again."""

import asyncio
import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Mapping, Sequence

import msgspec

from hub.kit.telemetry import log

SUPERVISED = "HUB_SUPERVISED"
GRACE_SECONDS = 40.0
# A child that cannot start is not started in a tight loop.
PAUSES = (0.1, 0.5, 2.0, 5.0)

_log = log("supervisor")


class Child(msgspec.Struct, frozen=True, kw_only=True):
    """A process to keep: its name, the words after `python -m`, and what its environment has besides ours."""

    name: str
    words: Sequence[str]
    environment: Mapping[str, str]


async def keep(child: Child, stop: asyncio.Event) -> None:
    """Run a child until `stop` is set, then ask it to end and wait until it has."""
    failures = 0
    while not stop.is_set():
        started = asyncio.get_running_loop().time()
        process = await _start(child)
        ended = asyncio.create_task(process.wait())
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({ended, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if stop.is_set():
            await _end(process)
            return
        lived = asyncio.get_running_loop().time() - started
        failures = 0 if lived > 10 else min(failures + 1, len(PAUSES) - 1)  # noqa: PLR2004 - ten seconds is a start that worked
        _log.warning("child ended", child=child.name, status=process.returncode, again_in_seconds=PAUSES[failures])
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), PAUSES[failures])


async def _start(child: Child) -> asyncio.subprocess.Process:
    environment = {**os.environ, **child.environment, SUPERVISED: str(os.getpid())}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", *child.words, env=environment, stdin=asyncio.subprocess.DEVNULL, start_new_session=True
    )


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), GRACE_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()


def follow_parent_from_a_thread() -> None:
    """In a supervised child that runs somebody else's loop: end the process as SIGTERM does when the parent is gone."""
    if SUPERVISED in os.environ:
        threading.Thread(target=_follow, args=(int(os.environ[SUPERVISED]),), daemon=True).start()


def _follow(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGTERM)


async def follow_parent(stop: asyncio.Event) -> None:
    """In a supervised child: set `stop` when the parent is gone, also if it was killed without a word."""
    parent = os.environ.get(SUPERVISED)
    while parent is not None and not stop.is_set():
        if os.getppid() != int(parent):
            stop.set()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), 0.5)
