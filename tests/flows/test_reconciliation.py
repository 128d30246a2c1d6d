"""Everything in which the hub and its channels differ is found, explained, and repaired once; nothing else is."""

from typing import Any

import pytest

from hub.kit import clock
from tests.support.disorder import (
    MENDED_BY_A_POLL,
    SORTS,
    Disorder,
)
from tests.support.judge import rows, stored
from tests.support.reconciling import doubles, found, later, reconcile, repair
from tests.support.world import Shop, World

# What may change although nothing was repaired: when something was looked at.
LOOKED = {"reconciliations", "comparisons", "connections", "polls", "idempotency_keys", "api_keys", "inbox"}


async def everything() -> dict[str, list[dict[str, Any]]]:
    """Return all that the hub holds."""
    names = [row["tablename"] for row in await rows("select tablename from pg_tables where schemaname = 'public'")]
    return {
        name: await rows(f"select to_jsonb(t) - 'seen_at' as row from {name} t order by 1")
        for name in names
        if name not in LOOKED
    }


@pytest.fixture
async def disorders(world: World) -> list[Disorder]:
    await world.vendor.set_clock(clock.now())
    made = [Disorder(world, await world.shop()) for _ in range(2)]
    for each in made:
        await each.make_all()
    await world.work_until_quiet()
    await later(world, minutes=10)
    return made


async def test_every_difference_is_found_and_nothing_else_and_each_is_repaired_once(
    world: World, disorders: list[Disorder]
) -> None:
    assert sum(len(each.expected) for each in disorders) == 2 * len(SORTS + MENDED_BY_A_POLL) >= 40
    for each in disorders:
        ended = await reconcile(world, each.shop)
        held = await found(each.shop)
        assert {difference.key for difference in held} == each.expected
        assert (ended.state, ended.found) == ("done", len(each.expected))
        assert all(difference.cause and difference.repair_does for difference in held)
    before = {each.shop: await world.vendor.ledger(each.shop.tenant) for each in disorders}
    for each in disorders:
        for difference in await found(each.shop):
            done = await repair(world, difference)
            assert (done.repaired_by, bool(done.outcome)) == ("a person", True)
    await world.work_until_quiet()
    await later(world, minutes=10)
    for each in disorders:
        assert (await reconcile(world, each.shop)).found == 0
        assert await found(each.shop) == []
        ledger = await world.vendor.ledger(each.shop.tenant)
        assert doubles(ledger) == []
        assert ledger[: len(before[each.shop])] == before[each.shop]
    settled = await everything()
    ledgers = [await world.vendor.ledger(each.shop.tenant) for each in disorders]
    for each in disorders:
        for difference in await found(each.shop, "all"):
            await repair(world, difference, "somebody else")
    await world.work_until_quiet()
    for each in disorders:
        assert (await reconcile(world, each.shop)).found == 0
    assert await everything() == settled
    assert [await world.vendor.ledger(each.shop.tenant) for each in disorders] == ledgers


async def received_and_settled(world: World, shop: Shop) -> None:
    """Let everything that waits for goods get them, in shifting states, and settle."""
    for number, each in enumerate(await stored(shop)):
        if each.case.over or each.finalised_at is not None:
            continue
        arrived = [(line.sku, line.declared, "ABD"[number % 3]) for line in each.lines if number % 5]
        await world.receive(shop, each.number, arrived or [(each.lines[0].sku, 1, "A")])
    await world.work_until_quiet()


async def test_in_a_world_that_was_followed_nothing_differs_but_what_was_over_before_anybody_saw_it(
    world: World,
) -> None:
    await world.vendor.set_clock(clock.now())
    shop = await world.shop()
    made = await world.vendor.world(
        11, tenants=[{"name": shop.tenant, "key": shop.key}], marketplaces=["Kaufland", "bol"], returns=60,
        merchant_orders=0,
    )  # fmt: skip
    for _ in range(16):
        await later(world, minutes=10)
        await world.poll(shop)
        await world.work()
    await received_and_settled(world, shop)
    await later(world, minutes=10)
    await world.poll(shop)
    await world.work_until_quiet()
    await later(world, minutes=10)
    (tenant,) = made["tenants"]
    unseen = {each["return_id"] for each in tenant["returns"] if "settled_in_web_before" in each["twists"]}
    assert unseen
    ended = await reconcile(world, shop)
    assert ended.state == "done"
    assert {each.key for each in await found(shop)} == {f"missing:here:{each}" for each in unseen}
    for each in await found(shop):
        await repair(world, each)
    await later(world, minutes=10)
    assert (await reconcile(world, shop)).found == 0
    assert (await world.vendor.judgement(shop.tenant))["double_refunds"] == []
