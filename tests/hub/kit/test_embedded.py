"""The embedded engines, run for real: PostgreSQL and Valkey in folders of their own."""

import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import asyncpg
import pytest
from arq import create_pool
from arq.connections import RedisSettings
from redis.asyncio import Redis

from hub.kit.embedded import Engines, EnginesFailed, engines, postgres, status, stop
from hub.kit.embedded.account import Account, let_read
from hub.kit.embedded.home import recall
from hub.kit.embedded.locks import until

REPOSITORY = Path(__file__).parents[3]
RUNNING = {"postgres": "running", "valkey": "running"}
STOPPED = {"postgres": "stopped", "valkey": "stopped"}

# A hub in small: takes the engines, says so, and leaves when its input ends.
HUB = """
import os, sys
from pathlib import Path
from hub.kit.embedded import engines
if sys.argv[2:]:
    os.setgroups([]); os.setgid(int(sys.argv[3])); os.setuid(int(sys.argv[2]))
with engines(Path(sys.argv[1])) as found:
    print(found.database_url, flush=True)
    sys.stdin.read()
"""

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


@contextmanager
def data_folder() -> Iterator[Path]:
    base = Path(tempfile.mkdtemp(dir="/tmp"))
    try:
        yield base / "data"
    finally:
        stop(base / "data")
        shutil.rmtree(base)


@pytest.fixture
def fresh() -> Iterator[Path]:
    with data_folder() as path:
        yield path


@pytest.fixture(scope="module")
def used() -> Iterator[Path]:
    with data_folder() as path:
        with_engines(path)
        yield path


@pytest.fixture
def folder(used: Path) -> Iterator[Path]:
    """Give a folder used before, its engines stopped: it spares each test the second a new cluster takes."""
    assert status(used) == STOPPED
    try:
        yield used
    finally:
        stop(used)


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[Path, Engines]]:
    with data_folder() as path, engines(path) as found:
        yield path, found


@contextmanager
def launched(folder: Path, *account: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", HUB, str(folder), *account]
    with subprocess.Popen(
        command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as hub:
        try:
            yield hub
        finally:
            hub.kill()


@contextmanager
def another_hub(folder: Path, *account: str) -> Iterator[subprocess.Popen[str]]:
    with launched(folder, *account) as hub:
        assert hub.stdout is not None
        assert hub.stdout.readline().startswith("postgresql://")
        yield hub


def with_engines(folder: Path) -> None:
    with engines(folder):
        pass


def leave(hub: subprocess.Popen[str]) -> int:
    assert hub.stdin is not None
    hub.stdin.close()
    return hub.wait(timeout=20)


def postmaster(folder: Path) -> int:
    return int((folder / "postgres/data/postmaster.pid").read_text().split()[0])


def valkey_server(folder: Path) -> int:
    return int((folder / "valkey/valkey.pid").read_text())


def pids(folder: Path) -> tuple[int, int]:
    return postmaster(folder), valkey_server(folder)


def owners(folder: Path) -> set[int]:
    return {Path(f"/proc/{pid}").stat().st_uid for pid in pids(folder)}


async def sql(url: str, *statements: str) -> object:
    connection = await asyncpg.connect(dsn=url, timeout=5)
    try:
        return [await connection.fetchval(statement) for statement in statements][-1]
    finally:
        await connection.close()


async def redis(url: str, *command: str) -> object:
    async with Redis.from_url(url, decode_responses=True) as client:
        return await client.execute_command(*command)


def superuser(found: Engines) -> str:
    return found.database_url.replace("//hub@/hub", "//postgres@/hub")


# What the hub gets


async def test_both_addresses_work_with_the_clients_the_hub_uses(shared: tuple[Path, Engines]) -> None:
    _, found = shared
    assert await sql(found.database_url, "select current_user || ' in ' || current_database()") == "hub in hub"
    pool = await create_pool(RedisSettings.from_dsn(found.redis_url))
    assert await pool.enqueue_job("anything") is not None
    assert await pool.zcard("arq:queue") == 1
    await pool.aclose()


async def test_the_role_has_no_power_over_other_roles_or_row_level_security(shared: tuple[Path, Engines]) -> None:
    _, found = shared
    powers = "rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication"
    assert await sql(found.database_url, f"select {powers} from pg_roles where rolname = current_user") is False
    seen = await sql(
        found.database_url,
        "create table secret as select 1 as id",
        "alter table secret enable row level security",
        "alter table secret force row level security",
        "select count(*) from secret",
    )
    assert seen == 0


async def test_the_database_is_the_roles_own_and_sorts_the_same_everywhere(shared: tuple[Path, Engines]) -> None:
    _, found = shared
    row = "select concat_ws(' ', datdba::regrole, pg_encoding_to_char(encoding), datlocprovider, datlocale)"
    assert await sql(found.database_url, f"{row} from pg_database where datname = 'hub'") == "hub UTF8 b C.UTF-8"


async def test_nobody_can_come_in_over_the_network(shared: tuple[Path, Engines]) -> None:
    _, found = shared
    assert await sql(found.database_url, "show listen_addresses") == ""
    assert await redis(found.redis_url, "CONFIG", "GET", "port") == ["port", "0"]


def test_only_the_engines_account_may_enter_the_socket_folder(shared: tuple[Path, Engines]) -> None:
    home = recall(shared[0])
    mode = home.sockets.stat()
    assert stat.S_IMODE(mode.st_mode) == 0o700
    assert mode.st_uid == (pwd.getpwnam("pgserver").pw_uid if os.geteuid() == 0 else os.geteuid())


@as_root
def test_another_user_of_the_machine_cannot_connect(shared: tuple[Path, Engines]) -> None:
    home = recall(shared[0])
    command = [postgres._program("psql"), "-h", str(home.sockets), "-U", "hub", "-c", "select 1", "hub"]
    nobody = pwd.getpwnam("nobody")
    refused = subprocess.run(
        command, user=nobody.pw_uid, group=nobody.pw_gid, extra_groups=(), cwd="/", capture_output=True, check=False
    )
    assert b"Permission denied" in refused.stderr
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("full_page_writes", "on"),
        ("wal_level", "replica"),
        ("TimeZone", "UTC"),
        ("max_connections", "100"),
        ("data_checksums", "on"),
    ],
)
async def test_postgresql_keeps_what_it_acknowledged(shared: tuple[Path, Engines], *, setting: str, value: str) -> None:
    assert await sql(shared[1].database_url, f"show {setting}") == value


@pytest.mark.parametrize(
    ("setting", "value"),
    [("appendonly", "yes"), ("appendfsync", "everysec"), ("maxmemory-policy", "noeviction"), ("save", "")],
)
async def test_valkey_keeps_jobs_on_disk_and_evicts_none(
    shared: tuple[Path, Engines], *, setting: str, value: str
) -> None:
    assert await redis(shared[1].redis_url, "CONFIG", "GET", setting) == [setting, value]


async def test_the_log_does_not_quote_rows(shared: tuple[Path, Engines]) -> None:
    path, found = shared
    with pytest.raises(asyncpg.UniqueViolationError):
        await sql(
            found.database_url,
            "create table person (mail text primary key)",
            "insert into person select 'ann@' || 'example.org' from generate_series(1, 2)",
        )
    log = (path / "postgres/server.log").read_text()
    assert "person_pkey" in log
    assert "ann@example.org" not in log


@on_linux
def test_the_engines_inherit_nothing_of_the_hubs_environment(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setenv("PGPORT", "6543")
    monkeypatch.setenv("HUB_MASTER_KEY", "a-secret")
    with engines(folder):
        for pid in pids(folder):
            assert b"a-secret" not in Path(f"/proc/{pid}/environ").read_bytes()
        assert (recall(folder).sockets / ".s.PGSQL.5432").is_socket()


# Coming, going and being killed


async def test_data_outlive_an_orderly_stop_which_leaves_nothing_behind(folder: Path) -> None:
    assert status(folder) == STOPPED
    with engines(folder) as found:
        assert status(folder) == RUNNING
        await sql(found.database_url, "create table kept as select 42 as n")
        await redis(found.redis_url, "SET", "kept", "42")
        sockets = recall(folder).sockets
    assert status(folder) == STOPPED
    assert not sockets.exists()
    with engines(folder) as found:
        assert await sql(found.database_url, "select n from kept") == 42
        assert await redis(found.redis_url, "GET", "kept") == "42"


async def test_the_engines_of_a_killed_hub_are_taken_over_and_stopped_by_the_last_to_leave(folder: Path) -> None:
    with another_hub(folder) as hub:
        before = pids(folder)
        hub.kill()
        hub.wait()
    assert status(folder) == RUNNING
    with engines(folder) as found:
        assert pids(folder) == before
        assert await sql(found.database_url, "select 1") == 1
    assert status(folder) == STOPPED


def test_the_engines_of_a_killed_hub_can_be_stopped_by_hand(folder: Path) -> None:
    with another_hub(folder) as hub:
        with pytest.raises(EnginesFailed, match="A running hub uses"):
            stop(folder)
        hub.kill()
        hub.wait()
    stop(folder)
    assert status(folder) == STOPPED


async def test_engines_whose_sockets_were_swept_away_are_started_anew(folder: Path) -> None:
    with another_hub(folder) as hub:
        before = pids(folder)
        hub.kill()
        hub.wait()
    shutil.rmtree(recall(folder).sockets)
    assert set(status(folder).values()) == {"unreadable"}
    with engines(folder) as found:
        assert not set(pids(folder)) & set(before)
        assert await sql(found.database_url, "select 1") == 1
        assert await redis(found.redis_url, "ECHO", "hello") == "hello"


def test_a_signal_to_the_hubs_terminal_does_not_reach_the_engines(folder: Path) -> None:
    with another_hub(folder) as hub:
        sessions = {os.getsid(pid) for pid in (hub.pid, *pids(folder))}
        assert len(sessions) == 3


async def test_the_first_of_two_hubs_to_leave_does_not_stop_the_engines(folder: Path) -> None:
    with engines(folder) as found:
        with another_hub(folder) as hub:
            before = pids(folder)
            assert leave(hub) == 0
        assert pids(folder) == before
        assert await sql(found.database_url, "select 1") == 1
    assert status(folder) == STOPPED


def test_two_hubs_that_start_at_once_share_one_pair_of_engines(fresh: Path) -> None:
    with launched(fresh) as one, launched(fresh) as other:
        assert one.stdout is not None
        assert other.stdout is not None
        assert one.stdout.readline() == other.stdout.readline() != ""
        assert leave(one) == 0
        assert status(fresh) == RUNNING
        assert leave(other) == 0
    assert status(fresh) == STOPPED


async def test_two_folders_do_not_disturb_each_other(shared: tuple[Path, Engines], folder: Path) -> None:
    other, kept = shared
    with engines(folder) as left:
        assert left != kept
        await redis(left.redis_url, "SET", "whose", "left")
    assert status(folder) == STOPPED
    assert status(other) == RUNNING
    assert await redis(kept.redis_url, "GET", "whose") is None
    assert await sql(kept.database_url, "select 1") == 1


def test_a_copy_of_a_running_folder_does_not_pass_for_the_original(folder: Path) -> None:
    with engines(folder), data_folder() as copy:
        copy.mkdir()
        (copy / "sockets").symlink_to((folder / "sockets").readlink())
        (copy / "engines.lock").touch()
        assert status(copy) == STOPPED
        stop(copy)
        assert status(folder) == RUNNING


async def test_a_hub_with_another_temporary_folder_finds_running_engines(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    with engines(folder) as found:
        monkeypatch.setattr(tempfile, "tempdir", str(folder.parent))
        with engines(folder) as again:
            assert again == found


async def test_a_killed_postgresql_recovers_though_its_pid_belongs_to_another_program_now(folder: Path) -> None:
    with another_hub(folder) as hub, engines(folder) as found:
        await sql(found.database_url, "create table recovered as select 42 as n")
        hub.kill()
        account = recall(folder).account
        killed = postmaster(folder)
        os.kill(killed, signal.SIGKILL)
        assert until(lambda: status(folder)["postgres"] == "stopped", timeout_seconds=10)
        with stranger(account.uid) as recycled:
            for name in (folder / "postgres/data/postmaster.pid", recall(folder).sockets / ".s.PGSQL.5432.lock"):
                name.write_text(name.read_text().replace(str(killed), str(recycled.pid), 1))
            with engines(folder) as again:
                assert await sql(again.database_url, "select n from recovered") == 42
            assert recycled.poll() is None


@contextmanager
def stranger(uid: int) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["/bin/sleep", "60"], user=uid if os.geteuid() == 0 else None) as process:
        try:
            yield process
        finally:
            process.kill()


async def test_a_killed_valkey_comes_back_with_its_data(folder: Path) -> None:
    with engines(folder) as found:
        await redis(found.redis_url, "SET", "kept", "42")
        os.kill(valkey_server(folder), signal.SIGKILL)
        assert until(lambda: status(folder)["valkey"] == "stopped", timeout_seconds=10)
        with engines(folder) as again:
            assert await redis(again.redis_url, "GET", "kept") == "42"


# Starts that were cut short, and places that are odd


async def test_a_start_completes_what_a_killed_one_left_half_done(fresh: Path) -> None:
    half = fresh / "postgres" / "new-killed"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    with engines(fresh) as found:
        assert not half.exists()
        by_superuser = superuser(found).replace("@/hub", "@/postgres")
        await sql(by_superuser, "drop database hub")
        await sql(by_superuser, "drop role hub")
        with engines(fresh):
            assert await sql(found.database_url, "select current_user") == "hub"


async def test_a_role_that_was_given_more_is_put_back_at_the_next_start(folder: Path) -> None:
    with engines(folder) as found:
        await sql(superuser(found), "alter role hub superuser bypassrls")
        with engines(folder):
            powers = "select rolsuper or rolbypassrls from pg_roles where rolname = 'hub'"
            assert await sql(found.database_url, powers) is False


async def test_a_long_path_with_odd_signs_works(fresh: Path) -> None:
    deep = fresh / ("d" * 100) / 'it\'s $HOME `id` "a, b" #é' / ("e" * 50)
    with ExitStack() as after:
        after.callback(stop, deep)
        found = after.enter_context(engines(deep))
        assert len(str(deep)) > 180
        assert await sql(found.database_url, "select 1") == 1
        assert await redis(found.redis_url, "ECHO", "hello") == "hello"


@as_root
def test_root_opens_the_way_to_the_data_and_no_more(shared: tuple[Path, Engines]) -> None:
    folder, _ = shared
    assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o701
    assert owners(folder) == {pwd.getpwnam("pgserver").pw_uid}


def test_a_package_that_a_strict_umask_kept_for_root_is_opened_for_reading_only(tmp_path: Path) -> None:
    program = tmp_path / "package" / "bin" / "program"
    program.parent.mkdir(parents=True)
    for path, mode in ((program, 0o700), (program.with_name("data"), 0o600), (tmp_path / "beside", 0o600)):
        path.touch()
        path.chmod(mode)
    for folder in (program.parent, program.parents[1]):
        folder.chmod(0o700)
    let_read(program.parents[1], Account(uid=os.geteuid() + 1, gid=os.getegid() + 1))
    found = {path.name: stat.S_IMODE(path.stat().st_mode) & 0o007 for path in tmp_path.rglob("*")}
    assert found == {"package": 0o5, "bin": 0o5, "program": 0o5, "data": 0o4, "beside": 0}


@as_root
def test_an_ordinary_user_needs_no_more_than_a_folder(fresh: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    fresh.parent.chmod(0o755)
    fresh.mkdir()
    os.chown(fresh, nobody.pw_uid, nobody.pw_gid)
    with another_hub(fresh, str(nobody.pw_uid), str(nobody.pw_gid)) as hub:
        assert owners(fresh) == {nobody.pw_uid}
        assert leave(hub) == 0
    with engines(fresh):  # root keeps to the owner of the data
        assert owners(fresh) == {nobody.pw_uid}
    with another_hub(fresh, str(nobody.pw_uid), str(nobody.pw_gid)) as hub:
        assert leave(hub) == 0


# Starts that fail


def test_a_folder_that_cannot_be_written_is_named(fresh: Path) -> None:
    fresh.parent.joinpath("file").touch()
    with pytest.raises(EnginesFailed, match=r"The engines cannot use .*/file/data: .* Choose a folder"):
        with_engines(fresh.parent / "file" / "data")


@as_root
def test_a_folder_of_another_user_is_refused_and_unreadable(folder: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    with engines(folder), launched(folder, str(nobody.pw_uid), str(nobody.pw_gid)) as hub:
        assert hub.wait(timeout=20) == 1
    script = HUB.partition("with engines")[0] + (
        "from hub.kit.embedded import status; print(sorted(status(Path(sys.argv[1])).values()))"
    )
    command = [sys.executable, "-c", script, str(folder), str(nobody.pw_uid), str(nobody.pw_gid)]
    told = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert told.stdout == "['unreadable', 'unreadable']\n"


def test_data_of_another_major_version_are_refused(fresh: Path) -> None:
    (fresh / "postgres/data").mkdir(parents=True)
    (fresh / "postgres/data/PG_VERSION").write_text("15\n")
    with pytest.raises(EnginesFailed, match=r"PostgreSQL 15 data and this hub brings PostgreSQL 18: dump it"):
        with_engines(fresh)


def test_a_full_disk_is_told_before_anything_is_written(monkeypatch: pytest.MonkeyPatch, fresh: Path) -> None:
    monkeypatch.setattr(postgres, "NEEDED_BYTES", 10**18)
    with pytest.raises(EnginesFailed, match="No space"):
        with_engines(fresh)
    assert not (fresh / "postgres/data").exists()


def test_a_server_that_cannot_start_shows_the_end_of_its_log_and_nothing_stays_up(folder: Path) -> None:
    with (
        broken(folder / "postgres/data/global/pg_control"),
        pytest.raises(EnginesFailed, match=r"PostgreSQL did not start .*\n.*PANIC:  could not read"),
    ):
        with_engines(folder)
    assert status(folder) == STOPPED


def test_a_valkey_that_cannot_start_shows_the_end_of_its_log_and_stops_postgresql_too(folder: Path) -> None:
    with (
        broken(folder / "valkey/appendonlydir/appendonly.aof.manifest"),
        pytest.raises(EnginesFailed, match=r"Valkey did not start .*\n(.*\n)*.*manifest"),
    ):
        with_engines(folder)
    assert status(folder) == STOPPED


@contextmanager
def broken(file: Path) -> Iterator[None]:
    whole = file.read_bytes()
    file.write_bytes(b"nonsense")
    try:
        yield
    finally:
        file.write_bytes(whole)


def test_a_socket_folder_that_a_stranger_has_put_there_is_refused(fresh: Path) -> None:
    trap = recall(fresh.resolve()).sockets
    prey = fresh.parent / "prey"
    prey.mkdir(mode=0o755)
    trap.symlink_to(prey)
    try:
        with pytest.raises(EnginesFailed, match=str(trap)):
            with_engines(fresh)
        assert stat.S_IMODE(prey.stat().st_mode) == 0o755
        assert prey.stat().st_uid == os.geteuid()
    finally:
        trap.unlink()
