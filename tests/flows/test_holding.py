"""What waits for a person before the money moves, and under which version of the policy."""

import pytest

from hub import persons
from hub.kit import db
from hub.kit.errors import Conflict
from hub.returns.case import Settling, Status
from hub.returns.messages import StoredReturn
from hub.sdk.messages import Kind
from hub.sdk.receiving import Grade
from hub.settlement import queries as memos
from hub.settlement.messages import MemoView
from tenants import queries as tenant_queries
from tenants import service as tenants
from tenants.messages import Route, Rules, SettleBy, WhenShort
from tests.support.judge import broken_rules, differences, one
from tests.support.judge import stored as returns
from tests.support.world import ACTOR, Shop, World


async def settle(stored: StoredReturn) -> StoredReturn:
    return await persons.settle(stored.account_id, stored.id, actor="a person")


@pytest.mark.parametrize("kind", Kind)
async def test_a_policy_that_wants_a_person_pays_only_after_one_said_so(world: World, kind: Kind) -> None:
    shop = await world.shop(settle_by=SettleBy.PERSON)
    make = world.channel_return if kind is Kind.CHANNEL else world.merchant_return
    stored = await make(shop, "SO-1", {"SHOE": 1})
    await world.receive(shop, stored.number, [("SHOE", 1, "A")])
    await world.work_until_quiet()
    held = await world.again(stored)
    assert (held.settlement, held.status) == (Settling.HELD, Status.PROCESSED)
    assert await world.vendor.ledger(shop.tenant) == []
    assert [item.kind for item in await world.work_items(shop)] == ["settlement_held"]
    await settle(stored)
    assert await world.work_items(shop) == []
    await world.work()
    assert await world.vendor.refunded(shop.tenant) == {"SHOE": 1}
    assert await differences(world, shop) == []


async def test_a_held_settlement_is_let_go_once(world: World) -> None:
    shop = await world.shop(settle_by=SettleBy.PERSON)
    stored = await world.merchant_return(shop, "SO-1", {"SHOE": 1})
    await world.receive(shop, stored.number, [("SHOE", 1, "A")])
    await settle(stored)
    with pytest.raises(Conflict):
        await settle(stored)
    await world.work()
    with pytest.raises(Conflict):
        await settle(stored)
    assert len(await world.vendor.ledger(shop.tenant)) == 1


async def test_a_return_that_is_not_received_cannot_be_settled_by_a_person(world: World) -> None:
    shop = await world.shop(settle_by=SettleBy.PERSON)
    stored = await world.merchant_return(shop, "SO-1", {"SHOE": 1})
    with pytest.raises(Conflict):
        await settle(stored)
    assert await one("select count(*) from operations") == 0


async def test_a_short_return_waits_for_a_person_where_the_policy_asks(world: World) -> None:
    shop = await world.shop(when_short=WhenShort.ASK)
    short = await world.channel_return(shop, "SO-1", {"SHOE": 2})
    whole = await world.channel_return(shop, "SO-2", {"SHOE": 2})
    for stored, units in ((short, 1), (whole, 2)):
        await world.receive(shop, stored.number, [("SHOE", units, "A")])
    await world.work_until_quiet()
    assert (await world.again(short)).settlement is Settling.HELD
    assert (await world.again(whole)).settlement is Settling.SETTLED
    await settle(short)
    await world.work()
    assert await world.vendor.refunded(shop.tenant) == {"SHOE": 3}
    assert await differences(world, shop) == []


async def memo(stored: StoredReturn) -> MemoView:
    async with db.transaction(db.account(stored.account_id)):
        found = await memos.memo(stored.account_id, stored.id)
    assert found is not None
    return found


async def publish(world: World, shop: Shop, **rules: object) -> None:
    chosen = Rules(receiving=(Route(warehouse_id=shop.warehouse),), **rules)  # type: ignore[arg-type]  # the test's own
    async with db.transaction(db.account(shop.account)):
        channel = await tenant_queries.channel(shop.channel)
    for policy in channel.policies:
        await tenants.publish_policy(shop.account, policy.id, chosen, actor=ACTOR)


async def test_a_return_keeps_the_policy_version_it_was_born_under(world: World) -> None:
    shop = await world.shop()
    before = await world.channel_return(shop, "SO-1", {"SHOE": 1})
    await publish(world, shop, accept_grades=frozenset({Grade.A}))
    after = await world.channel_return(shop, "SO-2", {"SHOE": 1})
    assert before.policy_version_id != after.policy_version_id
    for stored in (before, after):
        await world.receive(shop, stored.number, [("SHOE", 1, "B")])
    await world.work()
    assert [entry["merchant_return_no"] for entry in await world.vendor.ledger(shop.tenant)] == [before.number]
    for stored, rule in ((before, "grade B is accepted"), (after, "grade B is not accepted")):
        told = await memo(stored)
        assert told.policy_version_id == stored.policy_version_id
        assert [why.rule for line in told.lines for why in line.why] == [rule]
    assert await broken_rules() == {}


async def test_a_stricter_policy_does_not_hold_what_was_born_before_it(world: World) -> None:
    shop = await world.shop()
    stored = await world.merchant_return(shop, "SO-1", {"SHOE": 1})
    await publish(world, shop, settle_by=SettleBy.PERSON)
    await world.receive(shop, stored.number, [("SHOE", 1, "A")])
    await world.work()
    assert (await world.again(stored)).settlement is Settling.SETTLED


async def test_more_than_was_shipped_is_held_with_a_work_item_and_paid_only_by_a_person(world: World) -> None:
    shop = await world.shop()
    first = await world.merchant_return(shop, "SO-1", {"SHOE": 1})
    await world.vendor.send_back(shop.tenant, "SO-1", {"SHOE": 1})
    await world.poll(shop)
    (excess,) = [each for each in await returns(shop) if each.id != first.id]
    assert excess.settlement is Settling.HELD
    (item,) = await world.work_items(shop)
    assert (item.kind, item.return_id) == ("more_returned_than_shipped", excess.id)
    await world.receive(shop, excess.number, [("SHOE", 1, "A")])
    await world.work_until_quiet()
    assert await world.vendor.ledger(shop.tenant) == []
    await settle(excess)
    await world.work()
    assert await world.vendor.refunded(shop.tenant) == {"SHOE": 1}
    assert await world.work_items(shop) == []
    assert await differences(world, shop) == []


async def test_a_held_return_that_is_called_off_gives_back_nothing_that_others_have_counted(world: World) -> None:
    shop = await world.shop()
    first = await world.merchant_return(shop, "SO-1", {"SHOE": 1})
    theirs = await world.vendor.send_back(shop.tenant, "SO-1", {"SHOE": 1})
    await world.poll(shop)
    await world.vendor.cancel(shop.tenant, theirs["id"])
    await world.poll(shop)
    assert await one("select sum(returned)::int from order_lines") == 1
    assert await broken_rules() == {}
    assert await world.work_items(shop) == []
    await world.receive(shop, first.number, [("SHOE", 1, "A")])
    await world.work()
    assert await world.vendor.refunded(shop.tenant) == {"SHOE": 1}
