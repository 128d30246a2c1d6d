"""What a channel does to a return that the hub knows: its word holds, and what the hub did is never undone by it."""

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub import persons
from hub.returns.case import Settling, Status
from hub.sdk.messages import ChannelReturn, ChannelReturnLine
from tests.support.judge import broken_rules, events_of, one, rows
from tests.support.market import Stall, line


def shoe(quantity: int = 1, **more: Any) -> ChannelReturnLine:
    return line("SHOE", quantity, order_line="L-1", shipped=5, **more)


def hat(quantity: int = 1) -> ChannelReturnLine:
    return line("HAT", quantity, order_line="L-2", shipped=5)


async def imported(stall: Stall, *lines: ChannelReturnLine, **more: Any) -> ChannelReturn:
    told = stall.market.send_back(*lines, **more)
    await stall.poll()
    return told


async def counted() -> dict[str, int]:
    return {
        row["line"]: row["returned"] for row in await rows("select line, returned from order_lines where returned > 0")
    }


async def declared(stall: Stall, told: ChannelReturn) -> list[tuple[str, int]]:
    return [(each.sku, each.declared) for each in (await stall.of(told)).lines]


@pytest.mark.parametrize(
    "lines",
    [
        (shoe(4),),
        (shoe(1),),
        (shoe(2), hat(3)),
        (hat(1),),
        (line("SHOE", 1, order_line="L-1", shipped=5), line("SHOE", 2, order_line="L-3", shipped=5)),
    ],
    ids=["more", "less", "another line", "another product", "split over two order lines"],
)
async def test_before_anything_arrived_the_channels_lines_are_taken_over_with_what_they_count(
    stall: Stall, lines: tuple[ChannelReturnLine, ...]
) -> None:
    told = await imported(stall, shoe(2))
    stall.market.change(told, lines=lines)
    await stall.poll()
    assert sorted(await declared(stall, told)) == sorted((str(each.sku), each.quantity) for each in lines)
    assert await counted() == {str(each.order_line): each.quantity for each in lines}
    assert await events_of(await stall.of(told)) == ["return.initiated", "return.redeclared"]
    assert await stall.work_items() == []
    assert await broken_rules() == {}
    found = await stall.of(told)
    await stall.receive(found.number, *((each.sku, each.declared, "A") for each in found.lines))
    await stall.work()
    assert (await stall.of(told)).settlement is Settling.SETTLED
    assert await broken_rules() == {}


async def test_a_quantity_that_goes_back_to_what_it_was_is_followed_back(stall: Stall) -> None:
    told = await imported(stall, shoe(2))
    for quantity in (3, 2, 3, 1):
        # The vendor says nothing of when: the same content comes again, and is news again.
        stall.market.change(told, lines=(shoe(quantity),), updated_at=None)
        stall.watch.forward(minutes=10)
        await stall.poll()
        assert await declared(stall, told) == [("SHOE", quantity)]
    assert await counted() == {"L-1": 1}


async def test_what_has_no_room_after_a_change_is_held_and_let_go_when_it_has_room_again(stall: Stall) -> None:
    told = await imported(stall, shoe(2))
    stall.market.change(told, lines=(shoe(6),))
    await stall.poll()
    assert (await stall.of(told)).settlement is Settling.HELD
    assert [item.kind for item in await stall.work_items()] == ["more_returned_than_shipped"]
    assert await counted() == {}
    stall.market.change(told, lines=(shoe(5),))
    await stall.poll()
    assert (await stall.of(told)).settlement is Settling.NONE
    assert await stall.work_items() == []
    assert await counted() == {"L-1": 5}
    assert await broken_rules() == {}


async def test_a_change_after_goods_arrived_is_noted_once_and_a_person_settles(stall: Stall) -> None:
    told = await imported(stall, shoe(2))
    number = (await stall.of(told)).number
    await stall.receive(number, ("SHOE", 1, "A"), finalise=False)
    for comment in ("first", "second"):
        stall.market.change(told, lines=(shoe(1),), customer_comment=comment)
        await stall.poll()
    assert await declared(stall, told) == [("SHOE", 2)]
    (item,) = await stall.work_items()
    assert (item.kind, item.detail) == ("changed_by_channel", {"lines": [{"sku": "SHOE", "before": 2, "after": 1}]})
    assert (await events_of(await stall.of(told))).count("return.changed_by_channel") == 1
    await stall.receive(number, ("SHOE", 1, "A"))
    await stall.work()
    assert "settle" not in stall.market.asked
    await persons.settle(stall.shop.account, (await stall.of(told)).id, actor="a person")
    assert await stall.work_items() == []
    await stall.work()
    assert (await stall.of(told)).settlement is Settling.SETTLED
    assert await broken_rules() == {}


async def test_a_line_that_nobody_knows_what_it_is_is_not_taken_over(stall: Stall) -> None:
    told = await imported(stall, shoe(2))
    stall.market.change(told, lines=(shoe(2), line(None, 1, gtin="42")))
    await stall.poll()
    assert await declared(stall, told) == [("SHOE", 2)]
    assert [item.kind for item in await stall.work_items()] == ["changed_by_channel"]
    assert await broken_rules() == {}


async def test_while_a_settlement_is_on_its_way_nothing_moves(stall: Stall) -> None:
    told = await imported(stall, shoe(2))
    await stall.receive((await stall.of(told)).number, ("SHOE", 2, "A"))
    before = await stall.of(told)
    assert before.settlement is Settling.SENDING
    stall.market.change(told, lines=(shoe(1),))
    await stall.poll()
    stall.market.cancel(told)
    await stall.poll()
    stall.market.close(told)
    await stall.poll()
    after = await stall.of(told)
    assert (after.settlement, after.ending, after.lines) == (before.settlement, before.ending, before.lines)
    await stall.work()
    assert (await stall.of(told)).settlement is Settling.SETTLED
    assert await broken_rules() == {}


async def settled(stall: Stall) -> ChannelReturn:
    told = await imported(stall, shoe(1))
    await stall.receive((await stall.of(told)).number, ("SHOE", 1, "A"))
    await stall.work()
    assert (await stall.of(told)).settlement is Settling.SETTLED
    return told


async def test_a_cancellation_after_the_settlement_asks_a_person_once_and_changes_nothing(stall: Stall) -> None:
    told = await settled(stall)
    for comment in ("first", "second"):
        canceled = stall.market.change(
            told, raw_status="CANCELLED", open=False, canceled=True, customer_comment=comment
        )
        await stall.take(canceled)
    after = await stall.of(told)
    assert (after.settlement, after.status) == (Settling.SETTLED, Status.COMPLETED)
    assert (await events_of(after)).count("return.canceled_after_settlement") == 1
    assert [item.kind for item in await stall.work_items()] == ["canceled_after_settlement"]


async def test_a_settled_return_that_the_channel_opens_again_asks_a_person(stall: Stall) -> None:
    told = await settled(stall)
    # What the channel showed before it had taken the settlement in is nothing new.
    await stall.take(told)
    assert await stall.work_items() == []
    await stall.take(stall.market.close(told))
    reopened = stall.market.change(told, raw_status="IN_PROGRESS", open=True)
    for _ in range(2):
        await stall.take(reopened)
    assert [item.kind for item in await stall.work_items()] == ["reopened_by_channel"]
    assert (await events_of(await stall.of(told)))[-1] == "return.reopened_by_channel"
    await stall.work()
    assert stall.market.asked.count("settle") == 1


async def test_a_canceled_return_that_the_channel_opens_again_asks_a_person(stall: Stall) -> None:
    told = await imported(stall, shoe(1))
    stall.market.cancel(told)
    await stall.poll()
    assert (await stall.of(told)).status is Status.CHANNEL_CANCELED
    stall.market.change(told, raw_status="IN_PROGRESS", open=True, canceled=False)
    await stall.poll()
    assert [item.kind for item in await stall.work_items()] == ["reopened_by_channel"]
    assert (await stall.of(told)).status is Status.CHANNEL_CANCELED


async def test_an_older_picture_of_a_return_undoes_nothing(stall: Stall) -> None:
    told = await imported(stall, shoe(1))
    stall.market.cancel(told)
    await stall.poll()
    # A copy of the vendor's list that lags behind shows it as it was in between.
    stall.market.returns[told.external_id] = told
    stall.market.change(told, customer_comment="later than the first, earlier than the end", updated_at=told.updated_at)
    await stall.poll()
    assert await stall.work_items() == []
    assert (await events_of(await stall.of(told)))[-1] == "return.canceled_by_channel"


async def test_a_number_of_the_order_that_comes_later_is_filled_in_and_counts_move_with_it(stall: Stall) -> None:
    loose = line("SHOE", 2, order_line=None, shipped=5)
    told = await imported(stall, loose, order_number=None, channel_order_number="CH-1")
    assert await rows("select order_number, returned from order_lines") == [{"order_number": "CH-1", "returned": 2}]
    stall.market.change(told, order_number="SO-1")
    await stall.poll()
    found = await stall.of(told)
    assert (found.order_number, await events_of(found)) == ("SO-1", ["return.initiated", "return.linked"])
    moved = await rows("select order_number, returned from order_lines where returned > 0")
    assert moved == [{"order_number": "SO-1", "returned": 2}]
    await stall.receive(found.number, ("SHOE", 1, "A"))
    await stall.work()
    assert (await stall.of(told)).settlement is Settling.SETTLED
    assert await one("select sum(returned)::int from order_lines") == 1
    assert await broken_rules() == {}


async def test_a_return_without_any_number_of_its_order_is_settled_as_any_other(stall: Stall) -> None:
    told = await imported(stall, shoe(1), order_number=None, channel_order_number=None)
    assert await counted() == {"L-1": 1}
    await stall.receive((await stall.of(told)).number, ("SHOE", 1, "A"))
    await stall.work()
    assert (await stall.of(told)).settlement is Settling.SETTLED
    assert await broken_rules() == {}


async def test_two_returns_that_turn_out_to_be_of_one_order_share_its_room(stall: Stall) -> None:
    loose = line("SHOE", 2, order_line=None, shipped=3)
    first = await imported(stall, loose, order_number="SO-1")
    second = await imported(stall, loose, order_number=None, channel_order_number="CH-1")
    assert (await stall.of(second)).settlement is Settling.NONE
    stall.market.change(second, order_number="SO-1")
    await stall.poll()
    assert (await stall.of(second)).settlement is Settling.HELD
    assert (await stall.of(first)).settlement is Settling.NONE
    assert [item.kind for item in await stall.work_items()] == ["more_returned_than_shipped"]
    assert await broken_rules() == {}


@dataclass
class Deed:
    what: str
    number: int


DEEDS = st.lists(
    st.builds(
        Deed,
        what=st.sampled_from(["lines", "lines", "cancel", "close", "reopen", "receive", "finalise", "work", "link"]),
        number=st.integers(1, 6),
    ),
    max_size=8,
)


@settings(max_examples=12)
@given(DEEDS)
async def test_whatever_a_channel_does_rules_hold_and_nobody_is_paid_twice(stall: Stall, deeds: list[Deed]) -> None:
    told = await imported(stall, shoe(2), order_number=None)
    paid = stall.market.asked.count("settle")
    for deed in deeds:
        await do(stall, told, deed)
        stall.watch.forward(minutes=10)
        await stall.poll()
    assert await broken_rules() == {}
    assert stall.market.asked.count("settle") - paid <= 1


async def do(stall: Stall, told: ChannelReturn, deed: Deed) -> None:
    market, found = stall.market, await stall.of(told)
    changes: dict[str, dict[str, Any]] = {
        "lines": {"lines": (shoe(deed.number), hat(deed.number))[: 1 + deed.number % 2]},
        "cancel": {"raw_status": "CANCELLED", "open": False, "canceled": True},
        "close": {"raw_status": "RECEIVED", "open": False, "canceled": False},
        "reopen": {"raw_status": "IN_PROGRESS", "open": True, "canceled": False},
        "link": {"order_number": "SO-9"},
    }
    if deed.what in changes:
        market.change(told, **changes[deed.what])
    elif deed.what == "work":
        await stall.work()
    else:
        items = () if found.case.finalised else (("SHOE", 1, "A"),)
        if items:
            await stall.receive(found.number, *items, finalise=deed.what == "finalise" and not found.case.over)
