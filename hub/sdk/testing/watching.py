"""What a connector does besides its calls: files, sockets and processes, noticed by Python's own audit events."""

import sys
from types import TracebackType
from typing import Any, Self

EVENTS = {
    "open": "opened the file {}",
    "socket.connect": "opened a connection of its own",
    "socket.getaddrinfo": "looked up the host {}",
    "subprocess.Popen": "started the process {}",
    "os.system": "ran the command {}",
    "os.putenv": "set the environment variable {}",
    "time.sleep": "slept",
}
# What Python itself reads: modules, and the time zones that `hub.sdk.moment` needs.
PYTHONS = (sys.prefix, sys.base_prefix, "/usr/share/zoneinfo", "/usr/lib/python")
_watches: list["Watch"] = []


class Watch:
    """Notes what happens while it is entered; one at a time."""

    def __init__(self) -> None:
        self.noticed: list[str] = []

    def __enter__(self) -> Self:
        """Watch from now on."""
        _install()
        _watches.append(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        """Watch no more."""
        _watches.remove(self)


def _install() -> None:
    # A hook stays for the life of the process, so that there is one for all.
    if not _installed:
        _installed.append(True)
        sys.addaudithook(_hear)


_installed: list[bool] = []


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watches or event not in EVENTS:
        return
    first = str(arguments[0]) if arguments else ""
    if event == "open" and (first.startswith(PYTHONS) or first.endswith((".py", ".pyc"))):
        return
    _watches[-1].noticed.append(EVENTS[event].format(first))
