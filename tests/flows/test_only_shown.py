"""Returns that are only shown: never expected, received, settled or acknowledged, and counted if units came back."""

import pytest

from hub.returns.case import Informational, Status
from hub.sdk import ChannelReturns, Profile
from hub.sdk.messages import ChannelReturn, Kind
from tests.support.judge import broken_rules, events_of, one, rows
from tests.support.market import Stall, line


async def shown(stall: Stall, told: ChannelReturn) -> tuple[Informational | None, Status, str | None]:
    await stall.poll()
    found = await stall.of(told)
    return found.informational, found.status, found.channel_status


async def counted() -> int:
    return int(await one("select coalesce(sum(returned), 0)::int from order_lines"))


async def test_what_the_marketplace_sent_itself_is_shown_with_all_its_lines(stall: Stall) -> None:
    told = stall.market.send_back(
        line("SHOE", 2, marketplace_fulfilled=True), line(None, 1, channel_sku="B00", marketplace_fulfilled=True)
    )
    assert await shown(stall, told) == (Informational.MARKETPLACE_FULFILLED, Status.INFORMATIONAL, "IN_PROGRESS")
    assert [(each.sku, each.declared) for each in (await stall.of(told)).lines] == [("SHOE", 2), ("B00", 1)]
    assert await stall.work_items() == []
    await stall.work()
    assert "acknowledge" not in stall.market.asked
    assert await broken_rules() == {}


async def test_of_a_mixed_return_only_the_merchants_lines_are_expected(stall: Stall) -> None:
    told = stall.market.send_back(line("SHOE", 1), line("SOCK", 3, marketplace_fulfilled=True))
    assert await shown(stall, told) == (None, Status.EXPECTED, "IN_PROGRESS")
    assert [(each.sku, each.declared) for each in (await stall.of(told)).lines] == [("SHOE", 1)]
    stall.market.change(told, reason="refused")
    await stall.poll()
    assert await events_of(await stall.of(told)) == ["return.initiated"]


async def test_where_the_marketplace_refunds_by_itself_returns_are_only_shown(stall: Stall) -> None:
    stall.market.profiles["bol"] = Profile(channel_returns=ChannelReturns.INFORMATIONAL)
    told = stall.market.send_back(line("SHOE", 2))
    assert await shown(stall, told) == (Informational.MARKETPLACE_REFUNDS, Status.INFORMATIONAL, "IN_PROGRESS")
    assert await counted() == 2
    stall.market.cancel(told)
    assert await shown(stall, told) == (Informational.MARKETPLACE_REFUNDS, Status.INFORMATIONAL, "CANCELLED")
    assert await events_of(await stall.of(told)) == ["return.initiated", "return.moved_at_channel"]
    assert await counted() == 0
    assert await broken_rules() == {}


@pytest.mark.parametrize(
    ("status", "canceled", "decided", "units"),
    [
        ("RECEIVED", False, {}, 3),
        ("RECEIVED", False, {"accepted": 1, "rejected": 1}, 2),
        ("RECEIVED", False, {"accepted": 0, "rejected": 0}, 0),
        ("CANCELLED", True, {}, 0),
    ],
)
async def test_what_was_over_before_the_hub_saw_it_counts_what_came_back(
    *, stall: Stall, status: str, canceled: bool, decided: dict[str, int], units: int
) -> None:
    told = stall.market.send_back(line("SHOE", 3, **decided), raw_status=status, open=False, canceled=canceled)
    assert await stall.take(told) == "born"
    found = await stall.of(told)
    assert (found.informational, found.channel_status) == (Informational.BEFORE_THE_HUB, status)
    assert await counted() == units
    assert await stall.take(told) == "unchanged"
    assert await counted() == units
    assert await broken_rules() == {}


async def test_units_that_came_back_before_the_hub_leave_no_room_for_another_return(stall: Stall) -> None:
    sold = {"order_line": "7", "shipped": 1}
    await stall.take(stall.market.send_back(line("SHOE", 1, **sold), raw_status="RECEIVED", open=False))
    again = stall.market.send_back(line("SHOE", 1, **sold))
    await stall.poll()
    assert (await stall.of(again)).settlement == "held"
    assert [item.kind for item in await stall.work_items()] == ["more_returned_than_shipped"]


async def test_goods_of_a_return_that_is_only_shown_become_a_work_item(stall: Stall) -> None:
    stall.market.profiles["bol"] = Profile(channel_returns=ChannelReturns.INFORMATIONAL)
    told = stall.market.send_back(line("SHOE", 1))
    await stall.poll()
    found = await stall.of(told)
    await stall.receive(found.number, ("SHOE", 1, "A"))
    assert [item.kind for item in await stall.work_items()] == ["late_receipt"]
    await stall.work()
    assert "settle" not in stall.market.asked
    assert await rows("select received from return_lines") == [{"received": 0}]
    assert await broken_rules() == {}


async def test_what_is_only_shown_and_opened_again_asks_a_person(stall: Stall) -> None:
    told = stall.market.send_back(line("SHOE", 1), raw_status="RECEIVED", open=False)
    await stall.take(told)
    stall.market.change(told, raw_status="IN_PROGRESS", open=True)
    await stall.poll()
    assert [item.kind for item in await stall.work_items()] == ["reopened_by_channel"]
    assert (await stall.of(told)).status is Status.INFORMATIONAL


async def test_what_another_system_declared_is_left_to_it(stall: Stall) -> None:
    told = stall.market.send_back(line("SHOE", 1), created_by=Kind.MERCHANT)
    assert await stall.take(told) == "unchanged"
    assert await stall.found() == []


async def test_what_nobody_covers_and_needs_nothing_is_taken_up_once_a_channel_is_set_up(stall: Stall) -> None:
    stall.market.send_back(line("SHOE", 1, marketplace_fulfilled=True), marketplace="amazon")
    await stall.poll()
    assert (await stall.found(), await stall.work_items()) == ([], [])
    await stall.cover("amazon")
    await stall.try_again()
    await stall.poll()
    assert [each.status for each in await stall.found()] == [Status.INFORMATIONAL]
