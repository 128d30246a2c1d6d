"""Lines that nobody knows what they are: parked with candidates, linked by a sighting or by a person, never lost."""

from decimal import Decimal
from typing import Any

import httpx
import pytest

from hub.returns.case import Settling, Status
from hub.sdk import Order, OrderLine, Refused
from hub.sdk.messages import ChannelReturn
from tenants.messages import Role
from tests.support.caller import Caller, code
from tests.support.judge import broken_rules, events_of, one, rows
from tests.support.market import Stall, line


def order(number: str, *lines: OrderLine, marketplace: str | None = "bol") -> Order:
    return Order(number=number, marketplace=marketplace, currency="EUR", country="NL", lines=lines)


def sold(sku: str, reference: str, shipped: int = 1, **more: Any) -> OrderLine:
    return OrderLine(reference=reference, sku=sku, name=more.pop("name", None), shipped=shipped, **more)


def sell(stall: Stall, told: ChannelReturn, *lines: OrderLine) -> None:
    stall.market.orders[str(told.order_number)] = order(str(told.order_number), *lines)


async def unhandled() -> int:
    return int(await one("select count(*) from inbox where state <> 'handled'"))


async def test_a_line_without_a_product_is_parked_with_candidates_of_its_order(stall: Stall) -> None:
    told = stall.market.send_back(line("HAT", 1), line(None, 2, gtin="0042", name="Red shoe"))
    sell(stall, told, sold("SHOE", "L-1", 2, gtin="42"), sold("SHOES", "L-2", name="Red shoes"), sold("HAT", "L-3"))
    await stall.poll()
    assert await stall.found() == []
    (item,) = await stall.work_items()
    assert (item.kind, item.owner) == ("line_unlinked", "account")
    assert [each["position"] for each in item.detail["lines"]] == [2]
    found = item.detail["candidates"]
    assert [(each["sku"], each["order_line"], each["position"]) for each in found] == [
        ("SHOE", "L-1", 2),
        ("SHOES", "L-2", 2),
    ]
    assert found[0]["score"] > found[1]["score"] > 0.5
    assert all(each["reason"] for each in found)
    assert await unhandled() == 1


async def test_it_is_linked_by_itself_once_the_channel_shows_the_product(stall: Stall) -> None:
    told = stall.market.send_back(line(None, 2))
    await stall.poll()
    assert [item.kind for item in await stall.work_items()] == ["line_unlinked"]
    stall.market.change(told, lines=(line("SHOE", 2),))
    await stall.poll()
    assert (await stall.of(told)).status is Status.EXPECTED
    assert await stall.work_items() == []
    assert await unhandled() == 0
    assert await broken_rules() == {}


async def test_a_product_that_is_not_on_the_order_is_parked_and_one_that_is_is_tied_to_its_line(stall: Stall) -> None:
    loose = {"order_line": None, "shipped": None}
    wrong, right = stall.market.send_back(line("HAT", 1, **loose)), stall.market.send_back(line("SHOE", 1, **loose))
    for told in (wrong, right):
        sell(stall, told, sold("SHOE", "L-1", unit_price=Decimal(9)))
    await stall.poll()
    (item,) = await stall.work_items()
    assert (item.kind, item.detail["external_id"]) == ("line_unlinked", wrong.external_id)
    assert [each.order_line for each in (await stall.of(right)).lines] == ["L-1"]
    assert await rows("select line, returned from order_lines") == [{"line": "L-1", "returned": 1}]


async def test_an_order_that_the_channel_does_not_know_or_tell_delays_nothing(stall: Stall) -> None:
    loose = {"order_line": None, "shipped": None}
    unknown = stall.market.send_back(line("SHOE", 1, **loose))
    numberless = stall.market.send_back(line("SHOE", 1, **loose), order_number=None, channel_order_number=None)
    of_others = stall.market.send_back(line("SHOE", 1, **loose))
    stall.market.orders[str(of_others.order_number)] = order("X", sold("HAT", "L-1"), marketplace="amazon")
    out_of_reach = stall.market.send_back(line("SHOE", 1, **loose))
    stall.market.answers["find_order"] = [Refused("odd", "no"), ZeroDivisionError(), Refused("odd", "no")]
    await stall.poll()
    for told in (unknown, numberless, of_others, out_of_reach):
        assert (await stall.of(told)).status is Status.EXPECTED
    assert f"find_order:{numberless.order_number}" not in stall.market.asked
    assert await stall.work_items() == []


async def test_a_product_on_two_order_lines_takes_the_one_with_room(stall: Stall) -> None:
    loose = {"order_line": None, "shipped": None}
    lines = (sold("SHOE", "L-1"), sold("SHOE", "L-2"))
    stall.market.orders["SO"] = order("SO", *lines)
    told = [stall.market.send_back(line("SHOE", 1, **loose), order_number="SO") for _ in range(3)]
    await stall.poll()
    taken = [(await stall.of(each)).lines[0].order_line for each in told[:2]]
    assert taken == ["L-1", "L-2"]
    assert (await stall.of(told[2])).settlement is Settling.HELD
    assert [item.kind for item in await stall.work_items()] == ["more_returned_than_shipped"]
    assert await broken_rules() == {}


@pytest.fixture
async def caller(stall: Stall, market_api: httpx.AsyncClient) -> Caller:
    """The merchant's own key at the API of the stall's hub."""
    return Caller(market_api, await stall.api_key(Role.ACCOUNT))


async def parked_message() -> str:
    return str(await one("select id from inbox where state = 'parked'"))


async def test_a_person_links_a_line_and_later_sightings_keep_it(stall: Stall, caller: Caller) -> None:
    told = stall.market.send_back(line(None, 2, gtin="42"))
    sell(stall, told, sold("SHOE", "L-1", 2))
    await stall.poll()
    answer = await caller.post(f"/inbox/{await parked_message()}/link", {"lines": [{"position": 1, "sku": "SHOE"}]})
    assert answer.status_code == 200, answer.text
    found = await stall.of(told)
    assert answer.json() == {
        "state": "handled", "why": None, "return_id": str(found.id), "return_number": found.number
    }  # fmt: skip
    assert [(each.sku, each.order_line) for each in found.lines] == [("SHOE", "L-1")]
    assert await stall.work_items() == []
    assert await events_of(found) == ["return.initiated", "return.linked"]
    stall.market.change(told, customer_comment="still without a product", lines=(line(None, 1, gtin="42"),))
    await stall.poll()
    assert [(each.sku, each.declared) for each in (await stall.of(told)).lines] == [("SHOE", 1)]
    await stall.receive(found.number, ("SHOE", 1, "A"))
    await stall.work()
    assert (await stall.of(told)).settlement is Settling.SETTLED
    assert await broken_rules() == {}


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"position": 3, "sku": "SHOE"}, (422, "position_unknown")),
        ({"position": 2, "sku": "SHOE"}, (422, "position_unknown")),
        ({"position": 1, "sku": "BOOT"}, (422, "sku_unknown")),
        ({"position": 1, "sku": "SHOE"}, (422, "line_ambiguous")),
        ({"position": 1, "sku": "SHOE", "order_line": "L-9"}, (422, "line_ambiguous")),
    ],
)
async def test_a_link_that_cannot_be_says_so_and_leaves_the_return_parked(
    stall: Stall, caller: Caller, wanted: dict[str, Any], said: tuple[int, str]
) -> None:
    told = stall.market.send_back(line(None, 2), line("SOCK", 1, marketplace_fulfilled=True))
    sell(stall, told, sold("SHOE", "L-1"), sold("SHOE", "L-2"))
    await stall.poll()
    answer = await caller.post(f"/inbox/{await parked_message()}/link", {"lines": [wanted]})
    assert code(answer) == said
    assert await parked_message()
    assert await rows("select * from line_links") == []


async def test_a_message_that_is_not_parked_or_not_yours_is_not_there_to_be_linked(
    stall: Stall, caller: Caller, market_api: httpx.AsyncClient
) -> None:
    stall.market.send_back(line("SHOE", 1))
    stall.market.send_back(line(None, 1))
    await stall.poll()
    handled = await one("select id from inbox where state = 'handled'")
    body = {"lines": [{"position": 1, "sku": "SHOE"}]}
    assert code(await caller.post(f"/inbox/{handled}/link", body)) == (404, "message_not_found")
    mine = stall.shop.account
    await stall._set_up()
    stranger = Caller(market_api, await stall.api_key(Role.ACCOUNT))
    assert stall.shop.account != mine
    assert code(await stranger.post(f"/inbox/{await parked_message()}/link", body)) == (404, "message_not_found")


async def test_what_is_parked_is_tried_again_daily(stall: Stall) -> None:
    told = stall.market.send_back(line("HAT", 1, order_line=None, shipped=None))
    sell(stall, told, sold("SHOE", "L-1"))
    await stall.poll()
    sell(stall, told, sold("SHOE", "L-1"), sold("HAT", "L-2"))
    stall.watch.forward(hours=23)
    await stall.poll()
    assert await stall.found() == []
    stall.watch.forward(hours=2)
    await stall.poll()
    assert (await stall.of(told)).status is Status.EXPECTED
    assert await stall.work_items() == []


async def test_candidates_are_brought_up_to_date_when_it_is_tried_again(stall: Stall) -> None:
    told = stall.market.send_back(line(None, 1, gtin="42"))
    await stall.poll()
    (before,) = await stall.work_items()
    assert before.detail["candidates"] == []
    sell(stall, told, sold("SHOE", "L-1", gtin="42"))
    stall.watch.forward(hours=25)
    await stall.poll()
    (after,) = await stall.work_items()
    assert (after.id, [each["sku"] for each in after.detail["candidates"]]) == (before.id, ["SHOE"])


async def test_what_a_parked_return_waits_for_is_asked_once(stall: Stall) -> None:
    told = stall.market.send_back(line(None, 1), marketplace="amazon")
    await stall.poll()
    assert [item.kind for item in await stall.work_items()] == ["return_parked"]
    await stall.cover("amazon")
    stall.watch.forward(hours=25)
    await stall.poll()
    assert [item.kind for item in await stall.work_items()] == ["line_unlinked"]
    stall.market.change(told, lines=(line("SHOE", 1),))
    await stall.poll()
    assert await stall.work_items() == []


async def test_a_parked_return_that_the_channel_does_not_know_any_more_waits_no_longer(stall: Stall) -> None:
    told = stall.market.send_back(line(None, 1))
    await stall.poll()
    del stall.market.returns[told.external_id]
    stall.watch.forward(hours=25)
    await stall.poll()
    assert (await stall.found(), await stall.work_items()) == ([], [])
    assert await rows("select state, why from inbox") == [
        {"state": "handled", "why": "the channel does not know it any more"}
    ]


async def test_many_returns_that_want_their_orders_are_all_imported_over_some_polls(stall: Stall) -> None:
    told = [stall.market.send_back(line("SHOE", 1, order_line=None, shipped=None)) for _ in range(12)]
    for _ in range(3):
        await stall.poll()
    assert len(await stall.found()) == len(told)
    assert len([each for each in stall.market.asked if each.startswith("find_order")]) == len(told)


async def test_a_return_that_is_canceled_while_it_is_parked_is_only_shown(stall: Stall) -> None:
    told = stall.market.send_back(line(None, 1, channel_sku="C-1"))
    await stall.poll()
    await stall.see(stall.market.cancel(told))
    assert [(each.status, each.lines[0].sku) for each in await stall.found()] == [(Status.INFORMATIONAL, "C-1")]
    assert await stall.work_items() == []
    assert await unhandled() == 0
