"""How returns end before they are paid, and what comes after the end: nothing is paid twice and nothing is dropped."""

import pytest

from hub import persons
from hub.kit.errors import Conflict, Invalid
from hub.returns.case import Ending, Settling, Status, Sync
from hub.returns.messages import StoredReturn
from hub.sdk import ReceivingRefused
from hub.sdk.messages import Kind
from tests.support.judge import broken_rules, differences, events_of, one
from tests.support.world import Shop, World


async def cancel(stored: StoredReturn) -> StoredReturn:
    return await persons.cancel(stored.account_id, stored.id, actor="a person")


async def cancel_at_channel(world: World, shop: Shop, stored: StoredReturn) -> None:
    await world.vendor.cancel(shop.tenant, int(stored.external_id or 0))
    await world.poll(shop)


async def settle_at_channel(world: World, shop: Shop, stored: StoredReturn) -> None:
    """Somebody settles the return at the vendor, past the hub."""
    lines = [{"MerchantProductNo": line.sku, "AcceptedQuantity": line.declared} for line in stored.lines]
    answer = await world.vendor.control.put(
        f"/{shop.tenant}/api/v2/returns",
        json={"ReturnId": int(stored.external_id or 0), "Lines": [{**line, "RejectedQuantity": 0} for line in lines]},
        headers={"x-ce-key": shop.key},
    )
    answer.raise_for_status()
    await world.poll(shop)


async def test_a_merchant_return_that_is_called_off_is_never_paid(world: World) -> None:
    shop = await world.shop()
    stored = await world.merchant_return(shop, "SO-1", {"SHOE": 1})
    assert (await cancel(stored)).status is Status.CANCELED
    assert await one("select sum(returned)::int from order_lines") == 0
    with pytest.raises(Conflict):
        await cancel(stored)
    again = await world.create(shop, "SO-1", {"SHOE": 1})
    await world.receive(shop, again.number, [("SHOE", 1, "A")])
    await world.work()
    assert len(await world.vendor.ledger(shop.tenant)) == 1
    assert await differences(world, shop) == []
    assert await broken_rules() == {}


async def test_a_channel_return_is_not_called_off_here(world: World) -> None:
    shop = await world.shop()
    stored = await world.channel_return(shop, "SO-1", {"SHOE": 1})
    with pytest.raises(Conflict) as refused:
        await cancel(stored)
    assert refused.value.code == "canceled_at_channel"
    assert (await world.again(stored)).status is Status.EXPECTED


async def test_a_settlement_on_its_way_cannot_be_called_off(world: World) -> None:
    shop = await world.shop()
    stored = await world.merchant_return(shop, "SO-1", {"SHOE": 1})
    await world.receive(shop, stored.number, [("SHOE", 1, "A")])
    with pytest.raises(Conflict):
        await cancel(stored)
    await world.work()
    assert await differences(world, shop) == []


async def test_a_cancellation_by_the_channel_before_receipt_ends_the_return(world: World) -> None:
    shop = await world.shop()
    stored = await world.channel_return(shop, "SO-1", {"SHOE": 1})
    await world.work()
    await cancel_at_channel(world, shop, stored)
    after = await world.again(stored)
    assert (after.status, after.ending) == (Status.CHANNEL_CANCELED, Ending.CHANNEL_CANCELED)
    assert await one("select sum(returned)::int from order_lines") == 0
    assert await world.work_items(shop) == []


async def test_a_cancellation_by_the_channel_after_receipt_asks_a_person(world: World) -> None:
    shop = await world.shop()
    stored = await world.channel_return(shop, "SO-1", {"SHOE": 2})
    await world.receive(shop, stored.number, [("SHOE", 1, "A")], finalise=False)
    await cancel_at_channel(world, shop, stored)
    (item,) = await world.work_items(shop)
    assert (item.kind, item.return_id) == ("canceled_after_receipt", stored.id)
    assert await one("select sum(returned)::int from order_lines") == 0
    await world.work()
    assert await world.vendor.ledger(shop.tenant) == []


@pytest.mark.parametrize("on_its_way", [True, False])
async def test_goods_that_came_before_the_channel_canceled_are_paid_by_a_merchant_return(
    world: World, *, on_its_way: bool
) -> None:
    shop = await world.shop()
    canceled = await world.channel_return(shop, "SO-1", {"SHOE": 2})
    await world.receive(shop, canceled.number, [("SHOE", 2, "A")], finalise=on_its_way)
    await cancel_at_channel(world, shop, canceled)
    await world.work_until_quiet()
    assert (await world.again(canceled)).ending is Ending.CHANNEL_CANCELED
    stored = await world.create(shop, "SO-1", {"SHOE": 2})
    await world.receive(shop, stored.number, [("SHOE", 2, "A")])
    await world.work_until_quiet()
    assert await world.vendor.refunded(shop.tenant) == {"SHOE": 2}
    with pytest.raises(Invalid):
        await world.create(shop, "SO-1", {"SHOE": 1})
    assert await differences(world, shop) == []
    assert await broken_rules() == {}


async def test_what_was_decided_past_the_hub_may_have_been_paid_and_does_not_come_back_again(world: World) -> None:
    shop = await world.shop()
    stored = await world.channel_return(shop, "SO-1", {"SHOE": 1})
    await persons.settled_elsewhere(shop.account, stored.id, "refunded by hand, the goods are kept", actor="Ada")
    with pytest.raises(Invalid):
        await world.create(shop, "SO-1", {"SHOE": 1})
    assert await broken_rules() == {}


async def test_a_cancellation_after_nothing_but_wrong_goods_came_asks_a_person_too(world: World) -> None:
    shop = await world.shop(settle_by="person")
    stored = await world.channel_return(shop, "SO-1", {"SHOE": 1})
    await world.receive(shop, stored.number, [("HAT", 1, "A")])
    await cancel_at_channel(world, shop, stored)
    assert (await world.again(stored)).status is Status.CHANNEL_CANCELED
    kinds = {item.kind for item in await world.work_items(shop)}
    assert kinds == {"unexpected_goods", "canceled_after_receipt"}


async def test_a_cancellation_that_meets_a_settlement_on_its_way_ends_without_money(world: World) -> None:
    shop = await world.shop()
    stored = await world.channel_return(shop, "SO-1", {"SHOE": 3})
    await world.receive(shop, stored.number, [("SHOE", 2, "A")])
    await cancel_at_channel(world, shop, stored)
    assert (await world.again(stored)).settlement is Settling.SENDING
    await world.work_until_quiet()
    after = await world.again(stored)
    assert (after.ending, after.settlement) == (Ending.CHANNEL_CANCELED, Settling.REFUSED)
    assert [item.kind for item in await world.work_items(shop)] == ["settle_refused"]
    assert await one("select sum(returned)::int from order_lines") == 0
    assert await world.vendor.ledger(shop.tenant) == []
    assert await broken_rules() == {}


async def test_a_return_settled_elsewhere_is_not_settled_again(world: World) -> None:
    shop = await world.shop()
    stored = await world.channel_return(shop, "SO-1", {"SHOE": 1})
    await settle_at_channel(world, shop, stored)
    after = await world.again(stored)
    assert (after.settlement, after.sync, after.status) == (Settling.ELSEWHERE, Sync.CONFLICT, Status.COMPLETED)
    await world.receive(shop, stored.number, [("SHOE", 1, "A")])
    await world.work_until_quiet()
    assert len(await world.vendor.ledger(shop.tenant)) == 1
    assert [item.kind for item in await world.work_items(shop)] == ["late_receipt"]


async def test_a_decision_made_elsewhere_while_ours_is_on_its_way_stands_alone(world: World) -> None:
    shop = await world.shop()
    stored = await world.channel_return(shop, "SO-1", {"SHOE": 2})
    await world.receive(shop, stored.number, [("SHOE", 1, "A")])
    await settle_at_channel(world, shop, stored)
    await world.work_until_quiet()
    assert (await world.again(stored)).settlement is Settling.ELSEWHERE
    assert await world.vendor.refunded(shop.tenant) == {"SHOE": 2}
    assert [item.kind for item in await world.work_items(shop)] == ["settle_refused"]


async def ended(world: World, shop: Shop, how: str) -> StoredReturn:
    make = world.channel_return if how.startswith("channel") else world.merchant_return
    stored = await make(shop, "SO-1", {"SHOE": 2})
    if how == "merchant canceled":
        await cancel(stored)
    if how == "channel canceled":
        await cancel_at_channel(world, shop, stored)
    if how.endswith(("finalised", "settled")):
        await world.receive(shop, stored.number, [("SHOE", 1, "A")])
    if how.endswith("settled"):
        await world.work()
    return await world.again(stored)


ENDS = ["channel finalised", "merchant finalised", "channel settled", "merchant settled", "channel canceled"]


@pytest.mark.parametrize("how", [*ENDS, "merchant canceled"])
async def test_a_late_receipt_is_a_fact_and_a_work_item_and_changes_nothing(world: World, how: str) -> None:
    shop = await world.shop()
    before = await ended(world, shop, how)
    told = await world.receive(shop, before.number, [("SHOE", 1, "A")], key="late parcel")
    again = await world.receive(shop, before.number, [("SHOE", 1, "A")], key="late parcel")
    assert (told.repeated, again.repeated) == (False, True)
    after = await world.again(before)
    assert (after.status, after.settlement, after.lines) == (before.status, before.settlement, before.lines)
    (item,) = [each for each in await world.work_items(shop) if each.kind == "late_receipt"]
    assert (item.return_id, item.detail["items"][0]["quantity"]) == (before.id, 1)
    assert (await events_of(before))[-1] == "return.received_late"
    assert await one("select count(*) from receipts where late") == 1
    await world.work_until_quiet()
    assert await world.vendor.refunded(shop.tenant) == ({} if "canceled" in how else {"SHOE": 1})
    assert await differences(world, shop) == []
    assert await broken_rules() == {}


@pytest.mark.parametrize("kind", Kind)
async def test_nothing_is_finalised_before_anything_came(world: World, kind: Kind) -> None:
    shop = await world.shop()
    make = world.channel_return if kind is Kind.CHANNEL else world.merchant_return
    stored = await make(shop, "SO-1", {"SHOE": 1})
    with pytest.raises(ReceivingRefused):
        await world.receive(shop, stored.number, [])
    assert await one("select count(*) from receipts") == 0


async def refused(world: World, shop: Shop) -> StoredReturn:
    """A merchant return whose settlement the vendor refused, because its units went back in another return."""
    stored = await world.merchant_return(shop, "SO-1", {"SHOE": 1})
    await world.receive(shop, stored.number, [("SHOE", 1, "A")])
    await world.vendor.send_back(shop.tenant, "SO-1", {"SHOE": 1})
    await world.work_until_quiet()
    assert (await world.again(stored)).settlement is Settling.REFUSED
    return stored


async def replay(world: World, shop: Shop) -> None:
    (operation,) = [each for each in await world.operations(shop) if each.effect == "settle"]
    await persons.replay(shop.account, operation.id, actor="a person")


async def test_a_refused_settlement_is_replayed_soon_and_paid_once_when_the_way_is_free(world: World) -> None:
    shop = await world.shop()
    stored = await refused(world, shop)
    (theirs,) = await world.vendor.returns(shop.tenant)
    await world.vendor.cancel(shop.tenant, theirs["id"])
    await replay(world, shop)
    await world.work_until_quiet(hours=0.1)
    assert (await world.again(stored)).settlement is Settling.SETTLED
    assert await world.work_items(shop) == []
    assert await differences(world, shop) == []


async def test_a_refused_settlement_of_a_return_that_was_called_off_is_not_replayed(world: World) -> None:
    shop = await world.shop()
    stored = await refused(world, shop)
    await cancel(stored)
    assert await one("select sum(returned)::int from order_lines") == 1, "what stands there may have been paid"
    (theirs,) = await world.vendor.returns(shop.tenant)
    await world.vendor.cancel(shop.tenant, theirs["id"])
    with pytest.raises(Conflict):
        await replay(world, shop)
    await world.work_until_quiet()
    assert await world.vendor.ledger(shop.tenant) == []
    assert await differences(world, shop) == []
