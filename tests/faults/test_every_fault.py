"""Each way in which a vendor fails, on each effect that money hangs on: one effect, and hub and ledger agree."""

import asyncio

import pytest

from hub import persons
from hub.kit import db
from hub.kit.errors import Conflict, NotFound
from hub.operations import queries as operations
from hub.operations.messages import AttemptView, Call, State
from hub.returns.case import Settling, Status, Sync
from hub.returns.messages import StoredReturn
from tenants.vendors import Limits
from tests.support.judge import broken_rules, differences
from tests.support.world import Shop, World

# The last number is how long the vendor holds its answer back: longer than the hub waits for it.
KINDS = [
    "500-before",
    "500-after",
    "drop-before",
    "drop-after",
    "timeout-before:60",
    "timeout-after:60",
    "409",
    "429:3",
    "malformed",
    "slow:30",
]
PATIENCE_SECONDS = 0.2


@pytest.fixture
def impatient(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """The world with a hub that waits for a vendor no longer than a test can."""
    monkeypatch.setattr(world.hub.vendors, "_limits", {"channelengine": Limits(timeout_seconds=PATIENCE_SECONDS)})
    return world


async def attempts(shop: Shop, world: World, effect: str) -> list[AttemptView]:
    (operation,) = [each for each in await world.operations(shop) if each.effect == effect]
    async with db.transaction(db.account(shop.account)):
        return await operations.attempts(shop.account, operation.id)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_channel_return_is_paid_once_whatever_the_update_meets(impatient: World, kind: str) -> None:
    world = impatient
    shop = await world.shop()
    stored = await world.channel_return(shop, "SO-1", {"SHOE": 2, "SHIRT": 1})
    await world.work()
    await world.vendor.fail(f"settle={kind}+2")
    await world.receive(shop, stored.number, [("SHOE", 1, "A"), ("SHOE", 1, "D"), ("SHIRT", 1, "A")])
    await world.work_until_quiet()
    assert await world.vendor.refunded(shop.tenant) == {"SHOE": 1, "SHIRT": 1}
    assert (await world.again(stored)).status is Status.COMPLETED
    assert await differences(world, shop) == []
    assert await broken_rules() == {}
    assert len([call for call in await world.vendor.calls(shop.tenant, "settle") if call["done"] == 200]) == 1
    assert await world.work_items(shop) == []


@pytest.mark.parametrize("kind", KINDS)
async def test_a_merchant_return_is_created_once_whatever_the_creation_meets(impatient: World, kind: str) -> None:
    world = impatient
    shop = await world.shop()
    stored = await world.merchant_return(shop, "SO-1", {"SHOE": 2, "SHIRT": 1})
    await world.vendor.fail(f"create={kind}+2")
    await world.receive(shop, stored.number, [("SHOE", 2, "A"), ("SHIRT", 1, "D")])
    await world.work_until_quiet()
    assert await world.vendor.refunded(shop.tenant) == {"SHOE": 2}
    assert (await world.again(stored)).settlement is Settling.SETTLED
    assert len(await world.vendor.returns(shop.tenant)) == 1
    assert await differences(world, shop) == []
    assert await broken_rules() == {}
    assert await world.work_items(shop) == []


@pytest.mark.parametrize("kind", ["500-before", "500-after", "drop-after", "timeout-after:60", "409", "malformed"])
async def test_a_return_of_bol_is_created_and_marked_as_received_once(impatient: World, kind: str) -> None:
    """bol pays only after the update that follows the creation, so there are two calls that can be lost."""
    world = impatient
    shop = await world.shop()
    bol = {"channel_id": 12, "channel_name": "bol NL", "global_channel_name": "bol"}
    stored = await world.merchant_return(shop, "SO-1", {"SHOE": 2}, **bol)
    await world.vendor.fail(f"create={kind}+1", f"settle={kind}+1")
    await world.receive(shop, stored.number, [("SHOE", 2, "A")])
    await world.work_until_quiet()
    assert await world.vendor.refunded(shop.tenant) == {"SHOE": 2}
    assert len(await world.vendor.returns(shop.tenant)) == 1
    assert await differences(world, shop) == []
    assert await broken_rules() == {}


@pytest.mark.parametrize("kind", KINDS)
async def test_an_acknowledgement_arrives_once_whatever_it_meets(impatient: World, kind: str) -> None:
    world = impatient
    shop = await world.shop()
    await world.vendor.fail(f"acknowledge={kind}+2")
    stored = await world.channel_return(shop, "SO-1", {"SHOE": 1})
    await world.work_until_quiet()
    assert (await world.again(stored)).sync is Sync.ACKNOWLEDGED
    (theirs,) = await world.vendor.returns(shop.tenant)
    assert theirs["merchant_return_no"] == stored.number
    assert await world.work_items(shop) == []
    assert await broken_rules() == {}


@pytest.mark.parametrize("kind", ["500-after", "drop-after", "timeout-after:60", "malformed"])
async def test_what_happened_is_looked_up_and_not_repeated(impatient: World, kind: str) -> None:
    world = impatient
    shop = await world.shop()
    stored = await world.merchant_return(shop, "SO-1", {"SHOE": 1})
    await world.vendor.fail(f"create={kind}+1")
    await world.receive(shop, stored.number, [("SHOE", 1, "A")])
    await world.work_until_quiet()
    assert len(await world.vendor.calls(shop.tenant, "create")) == 1
    told = await attempts(shop, world, "settle")
    assert [(each.call, each.outcome) for each in told] == [(Call.EFFECT, "OutcomeUnknown"), (Call.LOOKUP, "Done")]


async def test_a_look_up_that_fails_too_is_made_again_before_anything_is_repeated(impatient: World) -> None:
    world = impatient
    shop = await world.shop()
    stored = await world.channel_return(shop, "SO-1", {"SHOE": 1})
    await world.work()
    # The first reading comes before the effect, every second one fails.
    await world.vendor.fail("settle=drop-after+1", "readback=500-before/2")
    await world.receive(shop, stored.number, [("SHOE", 1, "A")])
    await world.work_until_quiet()
    calls = [each.call for each in await attempts(shop, world, "settle")]
    assert calls == [Call.EFFECT, Call.LOOKUP, Call.LOOKUP]
    assert len(await world.vendor.calls(shop.tenant, "settle")) == 1
    assert await differences(world, shop) == []


async def test_a_vendor_that_never_works_leaves_a_dead_letter_that_a_person_replays(impatient: World) -> None:
    world = impatient
    shop = await world.shop()
    stored = await world.channel_return(shop, "SO-1", {"SHOE": 1})
    await world.work()
    await world.vendor.fail("settle=500-before", "readback=500-before", "poll=500-before")
    await world.receive(shop, stored.number, [("SHOE", 1, "A")])
    for _ in range(12):
        await world.work()
        world.watch.forward(days=2)
    (operation,) = [each for each in await world.operations(shop) if each.effect == "settle"]
    assert operation.state is State.DEAD
    assert [item.kind for item in await world.work_items(shop)] == ["settle_dead"]
    assert (await world.again(stored)).settlement is Settling.SENDING
    await world.vendor.fail()
    await persons.replay(shop.account, operation.id, actor="a person")
    await world.work_until_quiet()
    assert await world.work_items(shop) == []
    assert await differences(world, shop) == []
    assert await world.vendor.refunded(shop.tenant) == {"SHOE": 1}


async def test_what_died_a_moment_ago_and_is_replayed_is_not_repeated_before_it_is_quiet(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = await world.shop()
    stored = await world.channel_return(shop, "SO-1", {"SHOE": 1})
    await world.work()

    async def breaks(*_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as broken:
        broken.setattr(world.hub.vendors.connector("channelengine"), "settle", breaks)
        await world.receive(shop, stored.number, [("SHOE", 1, "A")])
        await world.work()
    (operation,) = [each for each in await world.operations(shop) if each.effect == "settle"]
    assert operation.state is State.DEAD
    await persons.replay(shop.account, operation.id, actor="a person")
    world.watch.forward(seconds=30)
    await world.work()
    (operation,) = [each for each in await world.operations(shop) if each.effect == "settle"]
    assert operation.state is State.UNKNOWN, "its request may still be under way"
    assert await world.vendor.calls(shop.tenant, "settle") == []
    await world.work_until_quiet()
    assert await world.vendor.refunded(shop.tenant) == {"SHOE": 1}
    assert await differences(world, shop) == []


async def given_up(world: World, shop: Shop) -> StoredReturn:
    """A return whose settlement the hub gave up sending."""
    stored = await world.merchant_return(shop, "SO-1", {"SHOE": 1})
    await world.vendor.fail("create=500-before", "readback=500-before")
    await world.receive(shop, stored.number, [("SHOE", 1, "A")])
    for _ in range(12):
        await world.work()
        world.watch.forward(days=2)
    await world.vendor.fail()
    assert [item.kind for item in await world.work_items(shop)] == ["settle_dead"]
    return await world.again(stored)


async def test_a_settlement_that_the_hub_gave_up_stays_asked_about_until_it_is_sent_or_decided_elsewhere(
    impatient: World,
) -> None:
    world = impatient
    shop = await world.shop()
    stored = await given_up(world, shop)
    (item,) = await world.work_items(shop)
    with pytest.raises(Conflict):
        await persons.close_item(shop.account, item.id, "seen", actor="Ada")
    after = await persons.settled_elsewhere(shop.account, stored.id, "refunded by hand", actor="Ada")
    assert after.settlement is Settling.ELSEWHERE
    assert await world.work_items(shop) == []
    with pytest.raises(NotFound):
        await persons.replay(shop.account, item.operation_id or item.id, actor="Bob")
    await world.work_until_quiet()
    assert await world.vendor.ledger(shop.tenant) == []
    assert await broken_rules() == {}


async def test_of_who_replays_a_settlement_and_who_decides_it_elsewhere_only_the_first_is_heard(
    impatient: World,
) -> None:
    world = impatient
    shop = await world.shop()
    stored = await given_up(world, shop)
    (operation,) = await world.operations(shop)
    told = await asyncio.gather(
        persons.replay(shop.account, operation.id, actor="Ada"),
        persons.settled_elsewhere(shop.account, stored.id, "refunded by hand", actor="Bob"),
        return_exceptions=True,
    )
    assert sum(isinstance(each, Conflict | NotFound) for each in told) == 1
    await world.work_until_quiet()
    paid = (await world.again(stored)).settlement is Settling.SETTLED
    assert await world.vendor.refunded(shop.tenant) == ({"SHOE": 1} if paid else {})
    assert await differences(world, shop) == []
    assert await broken_rules() == {}
