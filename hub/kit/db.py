"""PostgreSQL: every statement runs in a transaction, and every transaction has an explicit scope.

The scope is written into the transaction's settings before its first statement; row-level security
policies read it from there. A transaction without one sees no rows.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Self, TypeVar
from uuid import UUID

import asyncpg
import msgspec
from piccolo.engine.postgres import PostgresEngine, PostgresTransaction


class Engine(PostgresEngine):
    """Piccolo's engine, without a look at a database before there is an address."""

    async def check_version(self) -> None:
        """Ask nothing at import; a database that is too old fails at its first migration."""


ENGINE = Engine(config={}, extensions=())

Row = asyncpg.Record


class Scope(msgspec.Struct, frozen=True):
    """Whose rows a transaction may see: one account's, one partner's, one warehouse's, or everybody's.

    In a `read_only` one PostgreSQL refuses every write.
    """

    account: UUID | None = None
    partner: UUID | None = None
    warehouse: UUID | None = None
    platform: bool = False
    read_only: bool = False

    @property
    def settings(self) -> str:
        """The statement that opens a transaction of this scope; UUIDs cannot carry SQL."""
        return (
            f"begin{' read only' if self.read_only else ''};"
            f" set local hub.account = '{self.account or ''}';"
            f" set local hub.partner = '{self.partner or ''}';"
            f" set local hub.warehouse = '{self.warehouse or ''}';"
            f" set local hub.platform = '{'on' if self.platform else ''}'"
        )


PLATFORM = Scope(platform=True)


def account(account_id: UUID) -> Scope:
    """Return the scope of one account."""
    return Scope(account=account_id)


def partner(partner_id: UUID) -> Scope:
    """Return the scope of one partner: what is its own, and the returns that its warehouses are to receive."""
    return Scope(partner=partner_id)


def warehouse(warehouse_id: UUID) -> Scope:
    """Return the scope of one warehouse: the returns that are routed to it, of any account."""
    return Scope(warehouse=warehouse_id)


_reading: ContextVar[bool] = ContextVar("reading", default=False)


@contextmanager
def only_reading(*, reading: bool = True) -> Iterator[None]:
    """Make every transaction that begins in the block read-only, whatever its scope, or lift that again."""
    before = _reading.set(reading)
    try:
        yield
    finally:
        _reading.reset(before)


class Transaction(PostgresTransaction):
    """One scoped transaction; Piccolo's queries inside it join it."""

    __slots__ = ("after_commit", "scope")

    def __init__(self, scope: Scope) -> None:
        super().__init__(engine=ENGINE, allow_nested=False)
        self.scope = msgspec.structs.replace(scope, read_only=True) if _reading.get() else scope
        self.after_commit: list[Callable[[], Awaitable[None]]] = []

    async def __aenter__(self) -> Self:
        """Take a connection and open the transaction on it."""
        self.connection = await self.get_connection()  # type: ignore[no-untyped-call]  # Piccolo left it untyped
        try:
            await self.begin()
        except BaseException:
            await self._give_back(torn=True)
            raise
        self.context = ENGINE.current_transaction.set(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """End the transaction; its connection goes back whatever happens, torn if nobody knows its state."""
        ENGINE.current_transaction.reset(self.context)
        try:
            await (self.commit() if fault is None else self.rollback())
        except BaseException:
            await self._give_back(torn=True)
            raise
        await self._give_back(torn=False)
        return False

    async def _give_back(self, *, torn: bool) -> None:
        if torn:
            # A connection that PostgreSQL closed has gone back by itself and takes no more calls.
            with suppress(asyncpg.InterfaceError):
                self.connection.terminate()
        if ENGINE.pool is not None:
            await ENGINE.pool.release(self.connection)
        elif not torn:
            await self.connection.close()

    async def begin(self) -> None:
        """Open the transaction and set its scope in one round trip."""
        await self.connection.execute(self.scope.settings)

    async def commit(self) -> None:
        """Make it durable."""
        await self.connection.execute("commit")
        self._committed = True

    async def rollback(self) -> None:
        """Undo it, also when the connection is already gone."""
        self._rolled_back = True
        if not self.connection.is_closed():
            await self.connection.execute("rollback")


@asynccontextmanager
async def transaction(scope: Scope) -> AsyncIterator[Transaction]:
    """Run the block in one transaction of this scope; what it left in `after_commit` runs once it is durable."""
    current = Transaction(scope)
    async with current:
        yield current
    for action in current.after_commit:
        await action()


class Stale(Exception):  # noqa: N818 - it says the fact
    """Somebody else changed the row since this transaction read it."""


TRIES = 8
Result = TypeVar("Result")


async def attempt(scope: Scope, work: Callable[[], Awaitable[Result]]) -> Result:
    """Run `work` in a transaction; if it meets a newer row, or a twin that was first, run it again from the start.

    `work` must do everything through the transaction, so that a rolled back run leaves no trace.
    """
    for _ in range(TRIES - 1):
        try:
            async with transaction(scope):
                return await work()
        except (Stale, asyncpg.UniqueViolationError, asyncpg.DeadlockDetectedError):
            await asyncio.sleep(0)
    async with transaction(scope):
        return await work()


def current() -> Transaction:
    """Return the transaction of this task; raises `RuntimeError` where there is none."""
    found = ENGINE.current_transaction.get()
    if not isinstance(found, Transaction):
        msg = "a query outside of a scoped transaction"
        raise RuntimeError(msg)  # noqa: TRY004 - the fault is the place of the call, not a type
    return found


async def fetch(sql: str, *values: Any) -> list[Row]:
    """Run a statement and return its rows."""
    rows: list[Row] = await current().connection.fetch(sql, *values)
    return rows


async def fetch_one(sql: str, *values: Any) -> Row | None:
    """Run a statement and return its first row, if any."""
    row: Row | None = await current().connection.fetchrow(sql, *values)
    return row


async def execute(sql: str, *values: Any) -> None:
    """Run a statement for its effect."""
    await current().connection.execute(sql, *values)


def to_json(value: Any) -> str:
    """Encode a value for a `jsonb` parameter."""
    return msgspec.json.encode(value).decode()


async def _keep_session(_connection: Any) -> None:
    """Nothing of a session outlives its transaction (`set local`), so there is nothing to reset."""


async def connect(url: str, *, least: int = 1, most: int = 20, command_seconds: float | None = 30.0) -> None:
    """Open the pool that the whole process shares; a statement that takes longer than `command_seconds` is given up."""
    ENGINE.config = {"dsn": url}
    await ENGINE.start_connection_pool(
        min_size=least, max_size=most, reset=_keep_session, timeout=10, command_timeout=command_seconds
    )


async def disconnect() -> None:
    """Close the pool, if it is open."""
    if ENGINE.pool is not None:
        await ENGINE.close_connection_pool()


class UnsafeRole(Exception):  # noqa: N818 - it says the fact
    """The database role would bypass row-level security."""


async def refuse_unsafe_role() -> None:
    """Raise `UnsafeRole` if PostgreSQL would not hold this role to row-level security."""
    async with transaction(PLATFORM):
        row = await fetch_one(
            """select rolname, rolsuper, rolbypassrls from pg_roles
            where rolname = current_user and (rolsuper or rolbypassrls)"""
        )
    if row is None:
        return
    right = "is a superuser" if row["rolsuper"] else "has BYPASSRLS"
    msg = (
        f"The database role {row['rolname']!r} {right}, so one account could see another's rows. "
        "Give HUB_DATABASE_URL a role without SUPERUSER and BYPASSRLS that owns its database."
    )
    raise UnsafeRole(msg)


# What asyncpg and the operating system raise when PostgreSQL is out of reach, is stopping or has no room left;
# `InternalClientError` is what a connection says that was used in the moment of its end.
Lost = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
)
