"""The system account that engines run under, and what it may reach."""

import os
import pwd
import stat
import subprocess
from pathlib import Path

import msgspec

from hub.kit.embedded.errors import EnginesFailed
from hub.kit.embedded.locks import until

SERVICE_ACCOUNT = "pgserver"
READ = stat.S_IROTH
PASS = stat.S_IXOTH
ADD = (
    *("useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"),
    *("--shell", "/usr/sbin/nologin", SERVICE_ACCOUNT),
)


class Account(msgspec.Struct, frozen=True):
    """A system account by its numbers."""

    uid: int
    gid: int


def is_root() -> bool:
    """Whether this process may become another account."""
    return os.geteuid() == 0


def owner(data: Path) -> Account:
    """Whose engines these are: this process's own account, and for root whoever owns their data, if they have any."""
    if is_root() and data.exists():
        found = data.stat()
        return Account(found.st_uid, found.st_gid)
    return Account(os.geteuid(), os.getegid())


def service_account() -> Account:
    """Give the account `pgserver`, made if missing: PostgreSQL refuses to run as root. Raises EnginesFailed."""
    known = _lookup()
    if known is not None:
        return known
    reason = _add()
    # Another folder's start may be adding it at this moment; then ours failed on the lock of the account file.
    until(lambda: _lookup() is not None, timeout_seconds=5)
    made = _lookup()
    if made is None:
        raise EnginesFailed(
            f"The system account {SERVICE_ACCOUNT}, which PostgreSQL needs when root starts the hub, could not be made "
            f"({reason}): add it, or start the hub as an ordinary user."
        )
    return made


def own(path: Path, account: Account) -> None:
    """Make `path` a folder of `account` that nobody else may enter; one that a stranger has put there is refused."""
    path.mkdir(mode=0o700, exist_ok=True)
    # All through one descriptor: nobody can put a link in the place of the folder between the check and the change.
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if os.fstat(descriptor).st_uid not in {account.uid, os.geteuid()}:
            raise EnginesFailed(f"{path} belongs to another user: start the hub as that user, or remove it.")
        os.fchown(descriptor, account.uid, account.gid)
        os.fchmod(descriptor, 0o700)
    finally:
        os.close(descriptor)


def let_through(path: Path, account: Account) -> None:
    """Let `account` pass through `path` and every folder above it; others come to pass too, none may list or read."""
    for folder in (path, *path.parents):
        found = folder.stat()
        if not _may(account, PASS, found):
            folder.chmod(stat.S_IMODE(found.st_mode) | PASS)


def let_read(tree: Path, account: Account) -> None:
    """Let `account` read an installed package, which a strict umask may have kept for root alone."""
    let_through(tree, account)
    if _may(account, READ, tree.stat()):
        return
    for item in (*tree.rglob("*"), tree):
        if item.is_symlink():
            continue
        mode = stat.S_IMODE(item.stat().st_mode)
        item.chmod(mode | READ | (PASS if mode & stat.S_IXUSR else 0))


def _may(account: Account, wanted: int, found: os.stat_result) -> bool:
    """Whether the mode bits allow `wanted`, one of READ and PASS, to `account`."""
    if found.st_uid == account.uid:
        return bool(found.st_mode & wanted << 6)
    if found.st_gid == account.gid:
        return bool(found.st_mode & wanted << 3)
    return bool(found.st_mode & wanted)


def _lookup() -> Account | None:
    try:
        entry = pwd.getpwnam(SERVICE_ACCOUNT)
    except KeyError:
        return None
    return Account(entry.pw_uid, entry.pw_gid)


def _add() -> str:
    """Add the account and give what the tool had to say."""
    try:
        done = subprocess.run(ADD, capture_output=True, text=True, check=False)  # noqa: S603 - constants only
    except OSError as error:
        return str(error)
    return done.stderr.strip()
