"""Each rule that a constraint guards, broken on purpose with plain SQL: PostgreSQL refuses, whatever the code does."""

import asyncpg
import pytest

from hub.kit import db
from hub.kit.ids import new_id
from hub.returns.messages import StoredReturn
from tests.support.judge import counts, one
from tests.support.world import Shop, World

Road = tuple[Shop, StoredReturn, StoredReturn]


@pytest.fixture
async def road(world: World) -> Road:
    """A shop, a return that was settled, and one that nothing has come of yet."""
    shop = await world.shop()
    settled = await world.channel_return(shop, "SO-1", {"SHOE": 2})
    await world.work()
    await world.receive(shop, settled.number, [("SHOE", 1, "A"), ("SHOE", 1, "D")])
    await world.work()
    return shop, await world.again(settled), await world.merchant_return(shop, "SO-2", {"SHOE": 2})


async def refused(sql: str, *values: object) -> str:
    """Run a statement that must be refused and leave nothing; returns the constraint that spoke, or the reason."""
    before = await counts()
    with pytest.raises((asyncpg.IntegrityConstraintViolationError, asyncpg.PostgresError)) as told:
        await _run(sql, *values)
    assert not isinstance(told.value, asyncpg.SyntaxOrAccessError), told.value
    assert await counts() == before
    return str(getattr(told.value, "constraint_name", None) or told.value)


async def _run(sql: str, *values: object) -> None:
    async with db.transaction(db.PLATFORM):
        await db.execute(sql, *values)


async def test_a_return_has_no_second_settlement(road: Road) -> None:
    _, settled, _ = road
    told = await refused(
        """insert into operations (account_id, id, return_id, kind, connection_id, effect, phase, key, state, next_at,
            request, created_at)
        select account_id, $2, return_id, kind, connection_id, effect, phase, 'another', 'ready', now(), request, now()
        from operations where return_id = $1 and effect = 'settle'""",
        settled.id,
        new_id(),
    )
    assert told == "operations_settle_once"


async def test_the_same_intention_is_not_written_twice(road: Road) -> None:
    _, settled, _ = road
    told = await refused(
        """insert into operations (account_id, id, return_id, kind, connection_id, effect, phase, key, state, next_at,
            request, created_at)
        select account_id, $2, return_id, kind, connection_id, effect, phase, key, 'ready', now(), request, now()
        from operations where return_id = $1 and effect = 'acknowledge'""",
        settled.id,
        new_id(),
    )
    assert told == "operations_account_id_key_key"


async def test_the_kind_of_a_return_is_fixed_at_birth(road: Road) -> None:
    _, settled, _ = road
    assert "fixed at birth" in await refused("update returns set kind = 'merchant' where id = $1", settled.id)


async def test_an_operation_has_the_kind_of_its_return(road: Road) -> None:
    _, settled, _ = road
    told = await refused("update operations set kind = 'merchant' where return_id = $1", settled.id)
    assert told == "operations_account_id_return_id_kind_fkey"


QUANTITIES = [
    "settled = accepted + 1",
    "accepted = received + 1, declared = 99",
    "accepted = 1, rejected = received, declared = 99",
    "received = 99, accepted = declared + 1",
    "received = -1",
    "accepted = -1",
    "settled = -1",
    "declared = 0",
    "counted = declared + 1",
    "counted = -1",
]


async def test_the_quantities_of_a_line_close(road: Road) -> None:
    _, settled, _ = road
    for change in QUANTITIES:
        told = await refused(f"update return_lines set {change} where return_id = $1", settled.id)
        assert told.startswith("return_lines_"), change


async def test_no_more_comes_back_than_was_shipped(road: Road) -> None:
    assert await refused("update order_lines set returned = shipped + 1") == "order_lines_check"
    assert await refused("update order_lines set shipped = returned - 1") == "order_lines_check"
    assert (await refused("update order_lines set returned = -1")).startswith("order_lines_")


async def test_nothing_is_settled_before_its_receiving_was_finalised(road: Road) -> None:
    _, settled, fresh = road
    for word in ("sending", "settled"):
        assert await refused("update returns set settlement = $2 where id = $1", fresh.id, word) == "returns_check1"
    assert await refused("update returns set finalised_at = null where id = $1", settled.id) == "returns_check1"


async def test_a_channel_return_is_known_to_its_channel(road: Road) -> None:
    _, settled, _ = road
    assert await refused("update returns set external_id = null where id = $1", settled.id) == "returns_check"


FACTS = {
    "timeline": "actor",
    "receipts": "operator",
    "receipt_items": "sku",
    "policy_versions": "rules",
    "audit": "actor",
}


async def test_a_fact_is_neither_changed_nor_taken_away(road: Road) -> None:
    for table, column in FACTS.items():
        assert await one(f"select count(*) from {table}") > 0
        for sql in (f"update {table} set {column} = {column}", f"delete from {table}"):
            assert "is a fact and is never changed" in await refused(sql)


STATES = [
    ("returns", "kind"),
    ("returns", "status"),
    ("returns", "ending"),
    ("returns", "sync"),
    ("returns", "settlement"),
    ("operations", "state"),
    ("operations", "effect"),
    ("operations", "phase"),
    ("inbox", "state"),
    ("connections", "state"),
    ("warehouses", "receiving_option"),
    ("policies", "kind"),
    ("attempts", "call"),
]


async def test_a_state_nobody_knows_is_refused(road: Road) -> None:
    for table, column in STATES:
        told = await refused(f"update {table} set {column} = 'on the moon'")
        assert told.startswith(table) or "fixed at birth" in told, (table, column)


WAITS = [
    "state = 'claimed', next_at = null, lease_until = null",
    "state = 'ready', next_at = null",
    "state = 'done', lease_until = now()",
    "state = 'unknown', next_at = null",
    "state = 'done', next_at = now()",
    "attempt = -1",
]


async def test_an_operation_that_waits_has_a_time_and_one_that_is_held_has_a_lease(road: Road) -> None:
    for change in WAITS:
        assert (await refused(f"update operations set {change}")).startswith("operations_"), change


async def test_one_return_of_the_channel_is_one_return_here(road: Road) -> None:
    _, settled, fresh = road
    told = await refused("update returns set external_id = $2 where id = $1", fresh.id, settled.external_id)
    assert told == "returns_external"
    assert (
        await refused("update returns set number = $2 where id = $1", fresh.id, settled.number) == "returns_number_key"
    )


async def test_one_delivery_is_booked_once(road: Road) -> None:
    told = await refused(
        """insert into receipts (account_id, id, return_id, warehouse_id, key, request_digest, operator, late,
            finalised, received_at)
        select account_id, $1, return_id, warehouse_id, key, request_digest, operator, late, finalised, received_at
        from receipts""",
        new_id(),
    )
    assert told == "receipts_account_id_warehouse_id_key_key"


async def test_a_row_of_one_account_hangs_on_no_row_of_another(world: World, road: Road) -> None:
    _, settled, _ = road
    other = await world.shop()
    # Facts cannot move at all; the rest is held by foreign keys that lead with the account.
    for table in ("return_lines", "timeline", "receipts", "receipt_items", "memos", "operations"):
        told = await refused(f"update {table} set account_id = $2 where return_id = $1", settled.id, other.account)
        assert "is a fact" in told or told.endswith("_fkey")


async def test_a_warehouse_has_the_owner_that_its_receiving_option_asks_for(road: Road) -> None:
    shop, _, _ = road
    assert (await refused("update warehouses set account_id = $1", shop.account)).startswith("warehouses_")
    assert (await refused("update warehouses set receiving_option = 'partner_app'")).startswith("warehouses_")
    assert (await refused("update warehouses set connection_id = $1", shop.connection)).startswith("warehouses_")


async def test_a_connection_and_a_key_have_exactly_one_owner(road: Road) -> None:
    assert (await refused("update connections set account_id = null")).startswith("connections_")
    assert (await refused("update connections set state = 'paused'")).startswith("connections_")
