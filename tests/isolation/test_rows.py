"""Row-level security alone: what PostgreSQL keeps apart when the code above it forgets to."""

from typing import Any

import asyncpg
import pytest

from hub.kit import db
from hub.kit.crypto import CannotOpen, place
from hub.kit.ids import new_id
from tenants import service as tenants
from tenants.messages import NewWarehouse, ReceivingOption, Role
from tests.support.judge import one, rows
from tests.support.world import ACTOR, Shop, World

OWNED = """
select table_name as name
from information_schema.columns join information_schema.tables using (table_schema, table_name)
where table_schema = current_schema() and column_name = 'account_id' and table_type = 'BASE TABLE' order by 1
"""
ALL = "select tablename as name from pg_tables where schemaname = current_schema() and tablename <> 'migrations'"
NOW = "2026-11-23T09:00:00Z"
LEFT_OUT_BY_THE_ROAD: dict[str, dict[str, object]] = {
    "deadlines": {"kind": "cancel", "at": NOW, "warn_at": NOW},
    "line_links": {
        "external_id": "1",
        "position": 1,
        "shown": "",
        "sku": "SHOE",
        "linked_by": "test",
        "linked_at": NOW,
    },
    "backfills": {
        "since": NOW,
        "state": "running",
        "next_at": NOW,
        "started_at": NOW,
        "read": 0,
        "born": 0,
        "failures": 0,
    },
    "reconciliations": {
        "since": NOW,
        "state": "running",
        "next_at": NOW,
        "started_at": NOW,
        "started_by": "test",
        "compared": 0,
        "found": 0,
        "failures": 0,
    },
    "comparisons": {"compared_at": NOW, "closer": False, "verified": False},
    "differences": {"key": "1", "kind": "extra", "cause": "", "found_at": NOW, "seen_at": NOW, "repair": "none"},
}
# Facts that only the platform reads, whoever they are about.
PLATFORM_ONLY = {"api_keys", "idempotency_keys"}


async def tables(sql: str = OWNED) -> list[str]:
    """Return the names of the tables that hold somebody's rows."""
    found = [row["name"] for row in await rows(sql)]
    assert len(found) > 15
    return found


async def full_road(world: World, name: str) -> Shop:
    """Leave a row of this shop in every table there is."""
    shop = await world.shop(name)
    stored = await world.channel_return(shop, f"SO-{name}", {"SHOE": 2})
    created = await world.merchant_return(shop, f"MO-{name}", {"SHIRT": 1})
    await world.work()
    await world.receive(shop, stored.number, [("SHOE", 2, "A")])
    await world.receive(shop, created.number, [("SHIRT", 1, "A")])
    await world.work()
    await world.receive(shop, stored.number, [("SHOE", 1, "A")])
    await world.api_key(Role.ACCOUNT, account_id=shop.account)
    own = NewWarehouse(
        name=f"Own {name}", receiving_option=ReceivingOption.MERCHANT_WAREHOUSE, account_id=shop.account
    )  # fmt: skip
    await tenants.create_warehouse(own, actor=ACTOR)
    async with db.transaction(db.PLATFORM):
        await db.execute(
            """insert into idempotency_keys (owner, key, account_id, request_digest, started_at)
            values ('test', $1, $2, 'digest', now())""",
            name, shop.account,
        )  # fmt: skip
        for table, given in LEFT_OUT_BY_THE_ROAD.items():
            await db.execute(
                f"insert into {table} select * from jsonb_populate_record(null::{table}, $1::jsonb)",
                db.to_json({"account_id": shop.account, "connection_id": shop.connection, "return_id": stored.id,
                    "id": new_id(), **given}),
            )  # fmt: skip
    return shop


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
        # A return hub is nobody's: an account sees the one its goods go to.
        assert await seen(scope, others, ours.account) == (1 if table == "warehouses" else 0), table
        expected = await one(f"select count(*) from {table} where account_id = $1", ours.account)
        # An account's own warehouse is there for it once a policy names it.
        assert own == (0 if table in {*PLATFORM_ONLY, "warehouses"} else expected), table
    assert await seen(scope, "select array_agg(id) from accounts") == [ours.account]
    assert await seen(scope, "select array_agg(id) from warehouses") == [ours.warehouse]
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
        assert told == "refused", table
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


async def test_a_warehouse_sees_returns_with_their_lines_and_nothing_around_them(ours: Shop, theirs: Shop) -> None:
    visible = {"returns", "return_lines", "warehouse_accounts", "warehouses"}
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
