"""The road of a return, from the customer's first step to the vendor's ledger."""

from hub.returns.case import Settling, Status
from hub.sdk.messages import Kind
from tests.support.world import World


async def test_a_channel_return_is_acknowledged_received_and_settled_by_one_update(world: World) -> None:
    shop = await world.shop()
    stored = await world.channel_return(shop, "SO-1", {"SHOE": 2, "SHIRT": 1})
    assert (stored.kind, stored.status) == (Kind.CHANNEL, Status.EXPECTED)
    await world.work()
    (theirs,) = await world.vendor.returns(shop.tenant)
    assert theirs["merchant_return_no"] == stored.number
    await world.receive(shop, stored.number, [("SHOE", 1, "A"), ("SHOE", 1, "D"), ("SHIRT", 1, "B")])
    await world.work()
    after = await world.again(stored)
    assert (after.status, after.settlement) == (Status.COMPLETED, Settling.SETTLED)
    assert await world.vendor.refunded(shop.tenant) == {"SHOE": 1, "SHIRT": 1}
    assert [call["done"] for call in await world.vendor.calls(shop.tenant, "settle")] == [200]


async def test_a_merchant_return_is_settled_by_one_create(world: World) -> None:
    shop = await world.shop()
    stored = await world.merchant_return(shop, "SO-2", {"SHOE": 2})
    assert (stored.kind, stored.status) == (Kind.MERCHANT, Status.APPROVED)
    assert await world.vendor.returns(shop.tenant) == []
    await world.receive(shop, stored.number, [("SHOE", 2, "A")])
    await world.work()
    assert (await world.again(stored)).status is Status.COMPLETED
    assert await world.vendor.refunded(shop.tenant) == {"SHOE": 2}
    assert len(await world.vendor.calls(shop.tenant, "create")) == 1
