"""Every statement in a transaction, every transaction with a scope: proved on the real database."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from piccolo.engine.exceptions import TransactionError

from hub.kit import clock, db
from hub.kit.embedded import Engines
from hub.kit.ids import new_id
from hub.runtime import Runtime
from tenants.tables import Account

ANN, BOB = UUID(int=1), UUID(int=2)


async def add_account(account_id: UUID, name: str) -> None:
    await db.execute("insert into accounts (id, name, created_at) values ($1, $2, $3)", account_id, name, clock.now())


async def two_accounts() -> None:
    async with db.transaction(db.PLATFORM):
        await add_account(ANN, "ann")
        await add_account(BOB, "bob")
        for account_id in (ANN, BOB):
            await add_work_item(account_id)


async def add_work_item(account_id: UUID, key: str = "key") -> None:
    await db.execute(
        """insert into work_items (account_id, id, key, kind, owner, summary, detail, opened_at)
        values ($1, $2, $3, 'kind', 'account', 'summary', '{}', $4)""",
        account_id, new_id(), key, clock.now(),
    )  # fmt: skip


async def seen(scope: db.Scope) -> tuple[set[str], int]:
    """The names of the accounts and the number of work items that a scope sees."""
    async with db.transaction(scope):
        names = {row["name"] for row in await db.fetch("select name from accounts")}
        (items,) = await db.fetch("select count(*) as held from work_items")
        return names, items["held"]


async def test_without_a_scope_no_row_is_seen(hub: Runtime) -> None:
    await two_accounts()
    assert await seen(db.Scope()) == (set(), 0)


async def test_a_scope_sees_its_own_rows_and_the_platform_all(hub: Runtime) -> None:
    await two_accounts()
    assert await seen(db.account(ANN)) == ({"ann"}, 1)
    assert await seen(db.account(new_id())) == (set(), 0)
    assert await seen(db.warehouse(new_id())) == (set(), 0)
    assert await seen(db.PLATFORM) == ({"ann", "bob"}, 2)


async def test_the_scope_of_one_transaction_does_not_reach_the_next_on_the_same_connection(hub: Runtime) -> None:
    await two_accounts()
    assert db.ENGINE.pool is not None
    for _ in range(2 * db.ENGINE.pool.get_size()):
        await seen(db.PLATFORM)
        assert await seen(db.Scope()) == (set(), 0)
    for scope in (db.account(ANN), db.PLATFORM):
        await seen(scope)
        # The pool hands out the connection that was used last.
        async with db.ENGINE.pool.acquire() as connection:
            assert await connection.fetch("select from accounts") == []


async def test_a_read_only_scope_shows_its_rows_and_lets_nothing_be_written(hub: Runtime) -> None:
    await two_accounts()
    for scope in (db.Scope(platform=True, read_only=True), db.Scope(account=ANN, read_only=True)):
        assert (await seen(scope))[1] > 0
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            async with db.transaction(scope):
                await add_work_item(ANN, "another")
    assert await seen(db.PLATFORM) == ({"ann", "bob"}, 2)


async def test_whoever_only_reads_writes_in_no_scope_until_that_is_lifted(hub: Runtime) -> None:
    await two_accounts()

    async def write(key: str) -> None:
        await db.attempt(db.PLATFORM, lambda: add_work_item(ANN, key))

    with db.only_reading():
        assert await seen(db.PLATFORM) == ({"ann", "bob"}, 2)
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await write("first")
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await asyncio.create_task(write("second"))
        with db.only_reading(reading=False):
            await write("third")
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await write("fourth")
    await write("fifth")
    assert await seen(db.account(ANN)) == ({"ann"}, 3)


async def test_piccolos_own_queries_run_in_the_scope(hub: Runtime) -> None:
    await two_accounts()
    async with db.transaction(db.account(BOB)):
        assert [row["name"] for row in await Account.select(Account.name)] == ["bob"]


@pytest.mark.parametrize("scope", [db.account(ANN), db.Scope(), db.warehouse(ANN)])
async def test_a_row_for_another_account_is_refused(hub: Runtime, scope: db.Scope) -> None:
    await two_accounts()
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        async with db.transaction(scope):
            await add_work_item(BOB, "foreign")


async def test_a_row_cannot_be_moved_to_another_account_or_changed_there(hub: Runtime) -> None:
    await two_accounts()
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        async with db.transaction(db.account(ANN)):
            await db.execute("update work_items set account_id = $1", BOB)
    async with db.transaction(db.account(ANN)):
        await db.execute("update work_items set summary = 'changed'")
        await db.execute("delete from work_items where account_id = $1", BOB)
    async with db.transaction(db.PLATFORM):
        summaries = await db.fetch("select summary from work_items order by account_id")
    assert [row["summary"] for row in summaries] == ["changed", "summary"]


async def test_a_query_outside_of_a_transaction_is_a_mistake(hub: Runtime) -> None:
    with pytest.raises(RuntimeError, match="outside of a scoped transaction"):
        await db.fetch("select 1")


async def test_a_transaction_in_a_transaction_is_refused_and_the_outer_one_lives_on(hub: Runtime) -> None:
    async with db.transaction(db.PLATFORM) as outer:
        with pytest.raises(TransactionError, match="nested"):
            async with db.transaction(db.account(ANN)):
                pytest.fail("a scope was widened inside another")
        assert db.current() is outer
        await add_account(ANN, "ann")
    assert await seen(db.PLATFORM) == ({"ann"}, 0)


async def test_transactions_of_two_tasks_are_two(hub: Runtime) -> None:
    await two_accounts()
    one, other = await asyncio.gather(seen(db.account(ANN)), seen(db.account(BOB)))
    assert (one, other) == (({"ann"}, 1), ({"bob"}, 1))


async def test_what_was_left_for_after_the_commit_runs_after_it_and_in_order(hub: Runtime) -> None:
    ran: list[Any] = []

    async def look() -> None:
        # Another transaction sees the row, so it is durable; and there is none around us any more.
        ran.append(await seen(db.PLATFORM))

    async def note() -> None:
        ran.append("noted")

    async with db.transaction(db.PLATFORM) as current:
        await add_account(ANN, "ann")
        current.after_commit += [look, note]
        assert ran == []
    assert ran == [({"ann"}, 0), "noted"]


async def test_what_was_left_for_after_the_commit_does_not_run_after_a_rollback(hub: Runtime) -> None:
    ran = []

    async def note() -> None:
        ran.append("noted")

    with suppress(ZeroDivisionError):
        async with db.transaction(db.PLATFORM) as current:
            current.after_commit.append(note)
            await add_account(ANN, "ann")
            raise ZeroDivisionError
    assert ran == []
    assert await seen(db.PLATFORM) == (set(), 0)


async def test_a_commit_that_fails_runs_nothing_and_spoils_no_connection(hub: Runtime) -> None:
    ran = []

    async def note() -> None:
        ran.append("noted")

    async def write() -> None:
        async with db.transaction(db.PLATFORM) as current:
            current.after_commit.append(note)
            await add_account(ANN, "ann")
            # Checked at the end of the transaction: every statement succeeds, and the commit does not.
            await db.execute("create temporary table parents (id integer primary key) on commit drop")
            await db.execute(
                """create temporary table children (id integer references parents deferrable initially deferred)
                on commit drop"""
            )
            await db.execute("insert into children values (1)")

    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await write()
    assert ran == []
    assert await seen(db.PLATFORM) == (set(), 0)


# attempts -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [db.Stale, asyncpg.UniqueViolationError, asyncpg.DeadlockDetectedError])
async def test_an_attempt_that_meets_a_newer_row_or_a_twin_starts_again(hub: Runtime, fault: type[Exception]) -> None:
    runs = 0

    async def work() -> str:
        nonlocal runs
        runs += 1
        assert await db.fetch("select from accounts") == [], "the run before left a trace"
        await add_account(ANN, "ann")
        if runs < 3:
            raise fault
        return "done"

    assert await db.attempt(db.PLATFORM, work) == "done"
    assert runs == 3
    assert await seen(db.PLATFORM) == ({"ann"}, 0)


async def test_an_attempt_gives_up_and_says_what_it_met(hub: Runtime) -> None:
    runs = 0

    async def work() -> None:
        nonlocal runs
        runs += 1
        raise db.Stale

    with pytest.raises(db.Stale):
        await db.attempt(db.PLATFORM, work)
    assert runs == db.TRIES


async def test_an_attempt_does_not_repeat_a_mistake(hub: Runtime) -> None:
    runs = 0

    async def work() -> None:
        nonlocal runs
        runs += 1
        raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        await db.attempt(db.PLATFORM, work)
    assert runs == 1


async def test_attempts_against_each_other_all_come_through(hub: Runtime) -> None:
    async with db.transaction(db.PLATFORM):
        await add_account(ANN, "0")

    async def count_up() -> None:
        (row,) = await db.fetch("select name from accounts")
        await asyncio.sleep(0)
        held = await db.fetch(
            "update accounts set name = $2 where name = $1 returning id", row["name"], str(int(row["name"]) + 1)
        )
        if not held:
            raise db.Stale

    await asyncio.gather(*(db.attempt(db.PLATFORM, count_up) for _ in range(6)))
    assert (await seen(db.PLATFORM))[0] == {"6"}


# what must not be lost ----------------------------------------------------------------------------------


async def test_a_connection_that_dies_in_a_transaction_is_told_as_lost_and_replaced(hub: Runtime) -> None:
    with pytest.raises(db.Lost):
        async with db.transaction(db.PLATFORM):
            await db.execute("select pg_terminate_backend(pg_backend_pid())")
    assert await seen(db.PLATFORM) == (set(), 0)


async def test_a_transaction_that_is_canceled_gives_its_connection_back(hub: Runtime) -> None:
    assert db.ENGINE.pool is not None
    started = asyncio.Event()

    async def wait() -> None:
        async with db.transaction(db.PLATFORM):
            await add_account(ANN, "ann")
            started.set()
            await asyncio.Event().wait()

    for _ in range(2 * db.ENGINE.pool.get_max_size()):
        started.clear()
        task = asyncio.create_task(wait())
        await started.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert db.ENGINE.pool.get_idle_size() == db.ENGINE.pool.get_size()
    assert await seen(db.PLATFORM) == (set(), 0)


async def test_a_statement_that_is_canceled_leaves_a_connection_that_works(hub: Runtime) -> None:
    async def wait() -> None:
        async with db.transaction(db.PLATFORM):
            await add_account(ANN, "ann")
            await db.execute("select pg_sleep(60)")

    task = asyncio.create_task(wait())
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.gather(*(seen(db.PLATFORM) for _ in range(5))) == [(set(), 0)] * 5


# roles --------------------------------------------------------------------------------------------------


@asynccontextmanager
async def as_role(monkeypatch: pytest.MonkeyPatch, url: str) -> AsyncIterator[None]:
    """Connect as another role, without a pool, for as long as the block runs."""
    with monkeypatch.context() as patch:
        patch.setattr(db, "ENGINE", db.Engine(config={"dsn": url}, extensions=()))
        yield


own_superuser = pytest.mark.skipif(
    "HUB_TEST_DATABASE_URL" in os.environ, reason="the superuser of a foreign server is not ours"
)


async def test_the_hubs_own_role_is_held_to_row_level_security(hub: Runtime) -> None:
    await db.refuse_unsafe_role()


@own_superuser
async def test_a_superuser_is_refused(hub: Runtime, own_engines: Engines, monkeypatch: pytest.MonkeyPatch) -> None:
    url = own_engines.database_url.replace("//hub@", "//postgres@")
    async with as_role(monkeypatch, url):
        with pytest.raises(db.UnsafeRole, match="'postgres' is a superuser, so one account could see another's rows"):
            await db.refuse_unsafe_role()


@own_superuser
async def test_a_role_that_bypasses_row_level_security_is_refused(
    hub: Runtime, own_engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    superuser = await asyncpg.connect(own_engines.database_url.replace("//hub@", "//postgres@"))
    await superuser.execute("create role sly login bypassrls")
    try:
        async with as_role(monkeypatch, own_engines.database_url.replace("//hub@", "//sly@")):
            with pytest.raises(db.UnsafeRole, match="'sly' has BYPASSRLS"):
                await db.refuse_unsafe_role()
    finally:
        await superuser.execute("drop role sly")
        await superuser.close()
