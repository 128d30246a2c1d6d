"""Row-level security alone: what PostgreSQL keeps apart when the code above it forgets to."""

from typing import Any

import asyncpg
import pytest

from hub.kit import db
from hub.kit.crypto import CannotOpen, place
from tests.support.judge import one, rows
from tests.support.parties import full_road
from tests.support.world import Shop, World

OWNED = """
select table_name as name
from information_schema.columns join information_schema.tables using (table_schema, table_name)
where table_schema = current_schema() and column_name = 'account_id' and table_type = 'BASE TABLE' order by 1
"""
ALL = "select tablename as name from pg_tables where schemaname = current_schema() and tablename <> 'migrations'"
# Facts that only the platform reads, whoever they are about.
PLATFORM_ONLY = {"idempotency_keys", "impersonations"}
# What an account may read of its own and not write.
READ_ONLY = {
    "api_keys", "warehouses", "memberships", "invitations", "identity_providers", "parcels", "parcel_candidates",
}  # fmt: skip


async def tables(sql: str = OWNED) -> list[str]:
    """Return the names of the tables that hold somebody's rows."""
    found = [row["name"] for row in await rows(sql)]
    assert len(found) > 15
    return found


@pytest.fixture
async def ours(world: World) -> Shop:
    return await full_road(world, "ours")


@pytest.fixture
async def theirs(world: World) -> Shop:
    return await full_road(world, "theirs")


async def seen(scope: db.Scope, sql: str, *values: Any) -> Any:
    async with db.transaction(scope):
        row = await db.fetch_one(sql, *values)
    assert row is not None
    return row[0]


async def changed(scope: db.Scope, sql: str, *values: Any) -> str:
    """Try a change, undo it, and return PostgreSQL's word on it: `UPDATE 0`, or the refusal."""
    try:
        async with db.transaction(scope) as held:
            told: str = await held.connection.execute(sql, *values)
            raise Undone(told)  # noqa: TRY301 - leaving by an exception is what undoes it
    except Undone as undone:
        return undone.told
    except asyncpg.InsufficientPrivilegeError:
        return "refused"


class Undone(Exception):  # noqa: N818 - it says the fact
    """Rolls a change back that went through."""

    def __init__(self, told: str) -> None:
        super().__init__(told)
        self.told = told


async def test_every_table_with_an_owner_holds_rows_of_both(ours: Shop, theirs: Shop) -> None:
    for table in await tables():
        for shop in (ours, theirs):
            held = await one(f"select count(*) from {table} where account_id = $1", shop.account)
            assert held > 0, table


async def test_an_account_sees_its_own_rows_and_none_of_anothers(ours: Shop, theirs: Shop) -> None:
    scope = db.account(ours.account)
    for table in await tables():
        own = await seen(scope, f"select count(*) from {table} where account_id = $1", ours.account)
        assert await seen(scope, f"select count(*) from {table} where account_id = $1", theirs.account) == 0, table
        others = f"select count(*) from {table} where account_id is distinct from $1"
        # A return hub is nobody's: an account sees the one its goods go to. Its own warehouse's key names no account.
        assert await seen(scope, others, ours.account) == (1 if table in {"warehouses", "api_keys"} else 0), table
        expected = await one(f"select count(*) from {table} where account_id = $1", ours.account)
        assert own == (0 if table in PLATFORM_ONLY else expected), table
    assert await seen(scope, "select array_agg(id) from accounts") == [ours.account]
    assert await seen(scope, "select count(*) from warehouses where id = $1", ours.warehouse) == 1
    assert await seen(scope, "select count(*) from partners") == 0


async def test_a_connection_without_a_scope_sees_nothing(ours: Shop) -> None:
    assert db.ENGINE.pool is not None
    async with db.ENGINE.pool.acquire() as connection:
        for table in await tables(ALL):
            assert await connection.fetchval(f"select count(*) from {table}") == 0, table
            assert await connection.execute(f"delete from {table}") == "DELETE 0", table


async def sample(table: str, shop: Shop) -> str:
    """Return a row of a shop as JSON."""
    return str(await one(f"select to_jsonb(t)::text from {table} t where account_id = $1 limit 1", shop.account))


async def test_an_account_adds_no_row_for_another(ours: Shop, theirs: Shop) -> None:
    for table in await tables():
        insert = f"insert into {table} select * from jsonb_populate_record(null::{table}, $1::jsonb)"
        assert await changed(db.account(ours.account), insert, await sample(table, theirs)) == "refused", table


async def test_an_account_changes_no_row_of_another(ours: Shop, theirs: Shop) -> None:
    scope = db.account(ours.account)
    for table in await tables():
        update = f"update {table} set account_id = account_id where account_id = $1"
        assert await changed(scope, update, theirs.account) == "UPDATE 0", table
        assert await changed(scope, f"delete from {table} where account_id = $1", theirs.account) == "DELETE 0", table


async def test_an_account_gives_no_row_away(ours: Shop, theirs: Shop) -> None:
    given = 0
    for table in await tables():
        if await seen(db.account(ours.account), f"select count(*) from {table} where account_id is not null") == 0:
            continue
        try:
            told = await changed(db.account(ours.account), f"update {table} set account_id = $1", theirs.account)
        except asyncpg.RestrictViolationError:
            told = "refused"
        # What it may read only, it does not even find.
        assert told == ("UPDATE 0" if table in READ_ONLY else "refused"), table
        given += 1
    assert given > 12


async def test_a_warehouse_changes_nothing_of_what_it_sees(ours: Shop, theirs: Shop) -> None:
    scope = db.warehouse(ours.warehouse)
    assert await seen(scope, "select array_agg(distinct account_id) from returns") == [ours.account]
    for table in await tables():
        insert = f"insert into {table} select * from jsonb_populate_record(null::{table}, $1::jsonb)"
        assert await changed(scope, insert, await sample(table, ours)) == "refused", table
        # A warehouse sees itself and more; none of it is there to be changed.
        assert await changed(scope, f"update {table} set account_id = account_id") == "UPDATE 0", table
        assert await changed(scope, f"delete from {table}") == "DELETE 0", table
    assert await changed(scope, "delete from accounts") == "DELETE 0"


async def test_a_warehouse_sees_returns_with_what_receiving_needs_and_nothing_around_them(
    ours: Shop, theirs: Shop
) -> None:
    visible = {
        "returns", "return_lines", "warehouse_accounts", "warehouses", "receipts", "receipt_items", "scan_keys",
        "photos", "products", "product_codes", "grading_sets", "parcels", "parcel_candidates",
    }  # fmt: skip
    for table in await tables():
        held = await seen(db.warehouse(ours.warehouse), f"select count(*) from {table}")
        assert (held > 0) is (table in visible), table
    assert await seen(db.warehouse(ours.warehouse), "select array_agg(id) from accounts") == [ours.account]


async def test_a_sealed_key_is_not_in_its_row_and_opens_nowhere_else(world: World) -> None:
    shop, other = await world.shop("sealed"), await world.shop("other")
    (row,) = await rows("select settings::text, sealed from connections where id = $1", shop.connection)
    assert shop.key not in row["settings"]
    assert shop.key.encode() not in bytes(row["sealed"])
    keyring = world.hub.vendors.keyring
    assert shop.key.encode() in keyring.open(bytes(row["sealed"]), place("connections", "sealed", shop.connection))
    with pytest.raises(CannotOpen):
        keyring.open(bytes(row["sealed"]), place("connections", "sealed", other.connection))
