"""A marketplace refuses what the channel had taken: nobody was paid, a person sees to it, no second call is made."""

import asyncio
from datetime import datetime, timedelta

import pytest

from hub import persons, process
from hub.initiation.messages import Imported
from hub.kit import clock, db
from hub.kit.errors import Conflict
from hub.returns.case import Settling, Status, Sync
from hub.returns.messages import StoredReturn
from hub.sdk.messages import Kind, Refusal
from hub.work.messages import WorkItemView
from tests.support.judge import broken_rules, differences, events_of, one
from tests.support.world import Shop, World

POOR = "The shop does not have a sufficient payable balance for the refund"


async def take(
    shop: Shop, stored: StoredReturn, key: str = "1", *, message: str = POOR, at: datetime | None = None
) -> Imported:
    """Hear of a refusal as the inbox does: in a transaction, which is run again if somebody was faster."""
    refusal = Refusal(key=key, return_number=stored.number, message=message, at=at or clock.now())

    async def work() -> Imported:
        return await process.take_refusal(shop.account, shop.connection, refusal)

    return await db.attempt(db.account(shop.account), work)


async def settled(world: World, shop: Shop, order: str = "SO-1", *, kind: Kind = Kind.CHANNEL) -> StoredReturn:
    make = world.channel_return if kind is Kind.CHANNEL else world.merchant_return
    stored = await make(shop, order, {"SHOE": 1})
    await world.receive(shop, stored.number, [("SHOE", 1, "A")])
    await world.work_until_quiet()
    found = await world.again(stored)
    assert found.settlement is Settling.SETTLED
    return found


async def item(world: World, shop: Shop) -> WorkItemView:
    (found,) = await world.work_items(shop)
    assert found.kind == "settlement_refused_late"
    return found


@pytest.mark.parametrize("kind", Kind)
async def test_a_settled_return_that_is_refused_waits_for_a_person_until_it_was_paid(world: World, kind: Kind) -> None:
    shop = await world.shop()
    stored = await settled(world, shop, kind=kind)
    told = await take(shop, stored)
    assert told.outcome == "changed"
    after = await world.again(stored)
    assert (after.settlement, after.sync, after.status) == (Settling.REFUSED, Sync.CONFLICT, Status.PROCESSED)
    assert [line.settled for line in after.lines] == [0]
    assert (await item(world, shop)).summary.endswith(
        f"{POOR}. Nobody was paid. Have it paid at the marketplace, then say here that it was paid."
    )
    why = await world.why(stored)
    assert (why.actor, why.action) == ("account", f"/api/v1/returns/{stored.number}/paid")
    assert await broken_rules() == {}
    await persons.paid(shop.account, stored.id, "the balance was topped up", actor="Ada")
    after = await world.again(stored)
    assert (after.settlement, after.sync, after.status) == (Settling.SETTLED, Sync.CONFIRMED, Status.COMPLETED)
    assert after.settled_at == stored.settled_at
    assert await world.work_items(shop) == []
    assert (await events_of(stored))[-2:] == ["settlement.refused_late", "return.settled"]
    await world.work_until_quiet()
    assert len(await world.vendor.calls(shop.tenant, "settle" if kind is Kind.CHANNEL else "create")) == 1
    assert await differences(world, shop) == []
    assert await broken_rules() == {}


async def test_a_notice_is_taken_once_whatever_happened_since(world: World) -> None:
    shop = await world.shop()
    stored = await settled(world, shop)
    await take(shop, stored)
    assert (await take(shop, stored)).outcome == "unchanged"
    await persons.paid(shop.account, stored.id, "topped up", actor="Ada")
    assert (await take(shop, stored)).outcome == "unchanged"
    assert (await world.again(stored)).settlement is Settling.SETTLED
    assert (await take(shop, stored, "2")).outcome == "changed"
    assert (await world.again(stored)).settlement is Settling.REFUSED
    assert (await events_of(stored)).count("settlement.refused_late") == 2
    assert await broken_rules() == {}


async def test_one_notice_that_comes_in_twice_at_once_is_taken_once(world: World) -> None:
    shop = await world.shop()
    stored = await settled(world, shop)
    told = await asyncio.gather(*(take(shop, stored) for _ in range(4)))
    assert sorted(each.outcome for each in told) == ["changed", "unchanged", "unchanged", "unchanged"]
    assert (await events_of(stored)).count("settlement.refused_late") == 1
    await item(world, shop)


async def test_while_the_channel_tries_again_the_item_says_until_when_and_follows_each_notice(world: World) -> None:
    shop = await world.shop()
    await world.profile(shop, retry_days=5)
    stored = await settled(world, shop)
    assert stored.settled_at is not None
    until = f"{stored.settled_at + timedelta(days=5):%Y-%m-%d %H:%M} UTC"
    await take(shop, stored)
    first = await item(world, shop)
    assert f"The channel tries again by itself until {until}" in first.summary
    assert (await world.why(stored)).actor == "channel"
    world.watch.forward(days=1)
    await take(shop, stored, "2", message="Still no balance")
    second = await item(world, shop)
    assert second.id == first.id
    assert "Still no balance" in second.summary
    assert [each["message"] for each in second.detail["notices"]] == ["Still no balance", POOR]
    assert (await events_of(stored)).count("settlement.refused_late") == 1
    world.watch.forward(days=4)
    await take(shop, stored, "3", message="No balance at all")
    assert "Nobody was paid" in (await item(world, shop)).summary


async def test_when_no_new_notice_came_for_two_days_the_item_asks_to_confirm(world: World) -> None:
    shop = await world.shop()
    await world.profile(shop, retry_days=5)
    stored = await settled(world, shop)
    await take(shop, stored)
    world.watch.forward(days=1, hours=12)
    await take(shop, stored, "2")
    world.watch.forward(days=1, hours=12)
    await world.beat()
    assert "tries again by itself" in (await item(world, shop)).summary, "the second notice began the two days anew"
    world.watch.forward(hours=12)
    await world.beat()
    await world.beat()
    assert "No new refusal came for two days" in (await item(world, shop)).summary
    told = await world.why(stored)
    assert (told.actor, told.action) == ("account", f"/api/v1/returns/{stored.number}/paid")
    await take(shop, stored, "3")
    assert "tries again by itself" in (await item(world, shop)).summary
    await persons.paid(shop.account, stored.id, "seen at the marketplace", actor="Ada")
    assert await world.work_items(shop) == []
    assert await one("select count(*) from deadlines") == 0


async def test_silence_means_nothing_where_nobody_tries_again(world: World) -> None:
    shop = await world.shop()
    stored = await settled(world, shop)
    await take(shop, stored)
    world.watch.forward(days=9)
    await world.beat()
    assert "Nobody was paid" in (await item(world, shop)).summary


async def test_a_refusal_that_is_faster_than_the_answer_to_us_reopens_the_return_once_the_answer_comes(
    world: World,
) -> None:
    shop = await world.shop()
    stored = await world.channel_return(shop, "SO-1", {"SHOE": 1})
    await world.receive(shop, stored.number, [("SHOE", 1, "A")])
    await world.vendor.fail("settle=drop-after/1")
    await world.work()
    assert (await take(shop, stored)).outcome == "changed"
    assert (await world.again(stored)).settlement is Settling.SENDING
    assert "still unknown" in (await item(world, shop)).summary
    await world.vendor.fail()
    await world.work_until_quiet()
    after = await world.again(stored)
    assert (after.settlement, after.sync) == (Settling.REFUSED, Sync.CONFLICT)
    assert (await events_of(stored))[-2:] == ["return.settled", "settlement.refused_late"]
    assert "Nobody was paid" in (await item(world, shop)).summary
    assert len(await world.vendor.calls(shop.tenant, "settle")) == 1
    assert await broken_rules() == {}


@pytest.mark.parametrize("where", ["elsewhere", "expected", "held"])
async def test_a_refusal_of_a_return_that_is_not_settled_is_a_work_item_and_changes_nothing(
    world: World, where: str
) -> None:
    shop = await world.shop(settle_by="person" if where == "held" else "itself")
    stored = await world.channel_return(shop, "SO-1", {"SHOE": 1})
    if where == "elsewhere":
        await persons.settled_elsewhere(shop.account, stored.id, "by phone", actor="Ada")
    if where == "held":
        await world.receive(shop, stored.number, [("SHOE", 1, "A")])
    before = await world.again(stored)
    assert (await take(shop, stored)).outcome == "changed"
    assert await world.again(stored) == before
    (told,) = [each for each in await world.work_items(shop) if each.kind == "settlement_refused_late"]
    assert POOR in told.summary
    assert told.return_id == stored.id
    assert (await take(shop, stored, "2")).outcome == "changed"
    assert len([each for each in await world.work_items(shop) if each.kind == "settlement_refused_late"]) == 1
    assert await broken_rules() == {}


async def test_a_refusal_of_a_return_that_is_not_here_is_for_support(world: World) -> None:
    ours, theirs = await world.shop("ours"), await world.shop("theirs")
    stored = await settled(world, theirs)
    told = await take(ours, stored)
    assert told.stored is None
    found = await item(world, ours)
    assert (found.owner, found.return_id) == ("support", None)
    assert (await take(ours, stored)).outcome == "unchanged"
    assert await world.work_items(theirs) == []
    assert (await world.again(stored)).settlement is Settling.SETTLED


async def test_no_second_decision_is_sent_and_the_item_stands_until_it_is_paid(world: World) -> None:
    shop = await world.shop()
    stored = await settled(world, shop)
    await take(shop, stored)
    operation = await one("select id from operations where effect = 'settle'")
    attempts = [
        persons.settle(shop.account, stored.id, actor="Ada"),
        persons.settled_elsewhere(shop.account, stored.id, "why", actor="Ada"),
        persons.close_item(shop.account, (await item(world, shop)).id, "seen", actor="Ada"),
    ]
    for attempt in attempts:
        with pytest.raises(Conflict):
            await attempt
    with pytest.raises(Exception, match="no such operation"):
        await persons.replay(shop.account, operation, actor="Ada")
    await world.work_until_quiet()
    assert len(await world.vendor.calls(shop.tenant, "settle")) == 1
    await item(world, shop)


async def test_only_what_was_refused_afterwards_is_said_to_be_paid_after_all(world: World) -> None:
    shop = await world.shop()
    stored = await settled(world, shop)
    with pytest.raises(Conflict) as never:
        await persons.paid(shop.account, stored.id, "sure", actor="Ada")
    assert never.value.code == "not_refused_late"
    await take(shop, stored)
    answers = await asyncio.gather(
        *(persons.paid(shop.account, stored.id, "sure", actor=actor) for actor in ("Ada", "Bob")),
        return_exceptions=True,
    )
    (late,) = [each for each in answers if isinstance(each, Conflict)]
    assert late.facts["first_by"] in {"Ada", "Bob"}
    assert await one("select count(*) from audit where action = 'return.paid'") == 1


async def test_a_marketplace_that_refuses_the_export_is_heard_of_and_what_it_pays_after_all_is_settled(
    world: World,
) -> None:
    await world.vendor.set_clock(clock.now())
    shop = await world.shop()
    await world.profile(shop, retry_days=5)
    stored = await world.channel_return(shop, "SO-1", {"SHOE": 1})
    await world.vendor.fail_exports(shop.tenant, times=2, text=POOR)
    await world.receive(shop, stored.number, [("SHOE", 1, "A")])
    await world.work_until_quiet()
    assert (await world.again(stored)).settlement is Settling.SETTLED
    world.watch.forward(minutes=20)
    await world.poll(shop)
    after = await world.again(stored)
    assert (after.settlement, [line.settled for line in after.lines]) == (Settling.REFUSED, [0])
    assert POOR in (await item(world, shop)).summary
    assert await world.vendor.ledger(shop.tenant) == []
    assert await differences(world, shop) == []
    await world.vendor.retry_exports(shop.tenant)
    world.watch.forward(minutes=20)
    await world.poll(shop)
    assert (await events_of(stored)).count("settlement.refused_late") == 1
    assert len((await item(world, shop)).detail["notices"]) == 2
    await world.vendor.retry_exports(shop.tenant)
    world.watch.forward(days=3)
    await world.poll(shop)
    await world.beat()
    assert "No new refusal came for two days" in (await item(world, shop)).summary
    await persons.paid(shop.account, stored.id, "the marketplace shows the refund", actor="Ada")
    assert await differences(world, shop) == []
    assert await broken_rules() == {}


async def test_a_return_that_carries_another_systems_number_is_found_refused_by_the_channels_own(world: World) -> None:
    await world.vendor.set_clock(clock.now())
    shop = await world.shop()
    await world.vendor.sell(shop.tenant, "SO-1", {"SHOE": 1})
    there = await world.vendor.send_back(shop.tenant, "SO-1", {"SHOE": 1})
    await acknowledge_elsewhere(world, shop, there["id"])
    await world.poll(shop)
    stored = await world.of_order(shop, "SO-1")
    await world.vendor.fail_exports(shop.tenant, text=POOR)
    await world.receive(shop, stored.number, [("SHOE", 1, "A")])
    await world.work_until_quiet()
    assert (await world.again(stored)).settlement is Settling.SETTLED
    world.watch.forward(minutes=20)
    await world.poll(shop)
    assert (await world.again(stored)).settlement is Settling.REFUSED
    kinds = {each.kind for each in await world.work_items(shop)}
    assert kinds == {"acknowledge_refused", "settlement_refused_late"}
    assert await differences(world, shop) == []


async def acknowledge_elsewhere(world: World, shop: Shop, return_id: int) -> None:
    """Let another system give a return its number, past the hub."""
    answer = await world.vendor.control.post(
        f"/{shop.tenant}/api/v2/returns/merchant/acknowledge",
        json={"ReturnId": return_id, "MerchantReturnNo": "ERP-1"},
        headers={"x-ce-key": shop.key},
    )
    answer.raise_for_status()


async def test_a_refusal_is_not_lost_although_nobody_knew_for_days_that_the_channel_had_taken_it(world: World) -> None:
    await world.vendor.set_clock(clock.now())
    shop = await world.shop()
    stored = await world.channel_return(shop, "SO-1", {"SHOE": 1})
    await world.vendor.fail("settle=500-after")
    await world.vendor.fail_exports(shop.tenant, text=POOR, final=True)
    await world.receive(shop, stored.number, [("SHOE", 1, "A")])
    await world.work()
    await world.vendor.fail()
    # The polls go on while the look-up does not come to its turn.
    for _ in range(3):
        world.watch.forward(days=1, minutes=1)
        await world.vendor.set_clock(clock.now())
        await world.poll(shop)
    assert (await world.again(stored)).settlement is Settling.SENDING
    await world.work_until_quiet()
    assert (await world.again(stored)).settlement is Settling.REFUSED
    await item(world, shop)
    assert await differences(world, shop) == []
    assert await broken_rules() == {}


async def test_an_old_notice_does_not_reopen_what_is_sent_anew(world: World) -> None:
    shop = await world.shop()
    stored = await world.merchant_return(shop, "SO-1", {"SHOE": 1})
    await world.receive(shop, stored.number, [("SHOE", 1, "A")])
    theirs = await world.vendor.send_back(shop.tenant, "SO-1", {"SHOE": 1})
    await take(shop, stored)
    assert (await world.again(stored)).refused_at is not None
    await world.work_until_quiet()
    assert (await world.again(stored)).settlement is Settling.REFUSED
    await world.vendor.cancel(shop.tenant, theirs["id"])
    await persons.replay(shop.account, await one("select id from operations where effect = 'settle'"), actor="Ada")
    await world.work_until_quiet(hours=0.1)
    after = await world.again(stored)
    assert (after.settlement, after.refused_at) == (Settling.SETTLED, None)
    assert await differences(world, shop) == []


async def test_what_the_marketplace_may_pay_still_is_not_called_off(world: World) -> None:
    shop = await world.shop()
    stored = await settled(world, shop, kind=Kind.MERCHANT)
    await take(shop, stored)
    with pytest.raises(Conflict, match="may pay it still") as refused:
        await persons.cancel(shop.account, stored.id, actor="a person")
    assert refused.value.code == "taken_by_channel"
    paid = await persons.paid(shop.account, stored.id, "the balance was topped up", actor="a person")
    assert paid.settlement is Settling.SETTLED
    assert await differences(world, shop) == []
