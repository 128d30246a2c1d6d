"""A channel that forgets returns, or cannot be read, is asked about and never told twice."""

import msgspec
import pytest

from hub.kit import db
from hub.kit.errors import Invalid
from hub.reconciliation import repairs, service
from hub.reconciliation.jobs import Reconciler
from hub.reconciliation.messages import DifferenceView, Kind, Repair
from hub.returns.case import Ending
from hub.sdk import Capability, Refused
from tenants import queries as tenants
from tests.support.judge import rows
from tests.support.market import Market, Stall, line
from tests.support.reconciling import found


async def compared(stall: Stall) -> list[DifferenceView]:
    stall.watch.forward(minutes=10)
    async with db.transaction(db.PLATFORM):
        held = await tenants.connection(stall.shop.connection)
    begun = await service.start(held, stall.vendors, by="test")
    while await Reconciler(stall.vendors).step(begun.id):
        pass
    return await found(stall.shop)


async def test_an_open_return_that_the_channel_knows_no_more_ends_when_somebody_says_so(stall: Stall) -> None:
    told = stall.market.send_back(line("SHOE", 2))
    await stall.poll()
    await stall.work()
    stall.market.returns[told.external_id] = msgspec.structs.replace(
        told, merchant_return_number=(await stall.of(told)).number
    )
    assert await compared(stall) == []
    held = await stall.of(told)
    del stall.market.returns[told.external_id]
    (gone,) = await compared(stall)
    assert (gone.kind, gone.repair, gone.return_id) == (Kind.MISSING, Repair.FOLLOW, held.id)
    assert (
        gone.cause == f"{held.number} is open here, and the channel does not know return {told.external_id} any more."
    )
    done = await repairs.repair(stall.vendors, gone, actor="a person")
    assert done.outcome == "followed: it is channel_canceled here"
    assert (await stall.of(told)).ending is Ending.CHANNEL_CANCELED
    assert await compared(stall) == []


async def test_a_settled_return_that_the_channel_knows_no_more_is_asked_about_and_never_sent_again(
    stall: Stall,
) -> None:
    told = stall.market.send_back(line("SHOE", 1))
    await stall.poll()
    await stall.work()
    await stall.receive((await stall.of(told)).number, ("SHOE", 1, "A"))
    await stall.work()
    del stall.market.returns[told.external_id]
    (gone,) = await compared(stall)
    assert gone.repair is Repair.ASK
    await repairs.repair(stall.vendors, gone, actor="a person")
    await stall.work()
    assert stall.market.asked.count("settle") == 1
    assert [item.kind for item in await stall.work_items()] == ["channel_differs"]


async def test_a_page_that_cannot_be_stored_or_read_loses_no_neighbour(stall: Stall) -> None:
    good, bad = stall.market.send_back(line("SHOE", 1)), stall.market.send_back(line("NUL\0", 1))
    stall.market.hidden = {good.external_id, bad.external_id}
    (missing,) = await compared(stall)
    assert missing.external_id == good.external_id
    assert [item.kind for item in await stall.work_items()] == ["message_unreadable"]


async def test_a_return_that_cannot_be_asked_for_is_neither_there_nor_gone(stall: Stall) -> None:
    told = stall.market.send_back(line("SHOE", 1))
    await stall.poll()
    await stall.work()
    del stall.market.returns[told.external_id]
    stall.market.answers["fetch"] = [Refused("too_many", "The list has too many pages.")]
    assert await compared(stall) == []
    assert len(await compared(stall)) == 1


async def test_a_connector_with_a_bug_ends_the_run_with_a_word_about_it(stall: Stall) -> None:
    stall.market.answers["history"] = [ZeroDivisionError() for _ in range(20)]
    async with db.transaction(db.PLATFORM):
        held = await tenants.connection(stall.shop.connection)
    begun = await service.start(held, stall.vendors, by="test")
    for _ in range(12):
        await Reconciler(stall.vendors).step(begun.id)
        stall.watch.forward(hours=25)
    (ended,) = await rows("select state, why from reconciliations")
    assert ended == {"state": "failed", "why": "the hub failed on it (ZeroDivisionError)"}


async def test_a_connection_whose_vendor_lists_nothing_is_not_compared(stall: Stall) -> None:
    async with db.transaction(db.PLATFORM):
        held = await tenants.connection(stall.shop.connection)
    no_list = msgspec.structs.replace(Market.manifest, capabilities=Market.manifest.capabilities - {Capability.HISTORY})
    stall.market.manifest = no_list
    with pytest.raises(Invalid, match="does not list"):
        await service.start(held, stall.vendors, by="test")
    assert await service.nightly(stall.vendors) == 0
