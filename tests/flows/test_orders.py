"""Returns and the orders they belong to: seconds, rivals, echoes and strangers."""

import asyncio
from datetime import UTC, datetime

import httpx
import pytest

from hub import persons, process
from hub.initiation.counting import returnable
from hub.initiation.messages import NewLine, NewReturn
from hub.kit import db
from hub.kit.errors import Invalid
from hub.returns.case import Settling, Status
from hub.returns.messages import StoredReturn
from hub.sdk import ActionRequired, Outcome, RateLimited, ReceivingRefused, Retry
from hub.sdk.messages import ChannelReturn, ChannelReturnLine, Kind, Order, OrderLine, Reason
from tests.support.judge import broken_rules, counts, differences, one, rows
from tests.support.judge import stored as returns
from tests.support.market import Stall, line
from tests.support.world import Shop, World


async def test_a_second_return_of_an_order_is_a_return_of_its_own(world: World) -> None:
    shop = await world.shop()
    await world.vendor.sell(shop.tenant, "SO-1", {"SHOE": 3})
    await world.vendor.send_back(shop.tenant, "SO-1", {"SHOE": 1})
    await world.poll(shop)
    second = await world.create(shop, "SO-1", {"SHOE": 1})
    await world.vendor.send_back(shop.tenant, "SO-1", {"SHOE": 1}, channel_return_no="CR-3")
    await world.poll(shop)
    found = await returns(shop)
    assert len({each.id for each in found}) == 3
    assert [each.kind for each in found if each.id == second.id] == [Kind.MERCHANT]
    for each in found:
        await world.receive(shop, each.number, [("SHOE", 1, "A")])
    await world.work()
    assert await world.vendor.refunded(shop.tenant) == {"SHOE": 3}
    assert await differences(world, shop) == []
    assert await broken_rules() == {}


async def test_a_return_whose_lines_do_not_say_what_was_shipped_leaves_no_room_for_another(stall: Stall) -> None:
    bought = OrderLine(reference="7", sku="SHOE", name=None, shipped=1)
    order = Order(number="SO-7", marketplace="bol", currency=None, country=None, lines=(bought,))
    stall.market.orders["SO-7"] = order
    told = stall.market.send_back(line("SHOE", order_line="7", shipped=None), order_number="SO-7")
    await stall.poll()
    await stall.of(told)
    new = NewReturn(channel_id=stall.shop.channel, order_number="SO-7", lines=(NewLine(sku="SHOE", quantity=1),))
    with pytest.raises(Invalid) as refused:
        await process.create_merchant_return(stall.shop.account, new, order, key="once more", actor="test")
    assert refused.value.code == "more_than_shipped"
    assert await broken_rules() == {}


async def test_goods_whose_return_the_channel_does_not_import_are_paid_once_by_a_merchant_return(world: World) -> None:
    shop = await world.shop()
    await world.vendor.sell(shop.tenant, "SO-1", {"SHOE": 1})
    with pytest.raises(ReceivingRefused):
        await world.receive(shop, "CR-SO-1", [("SHOE", 1, "A")])
    made = await world.create(shop, "SO-1", {"SHOE": 1})
    await world.vendor.send_back(shop.tenant, "SO-1", {"SHOE": 1})
    await world.poll(shop)
    (late,) = [each for each in await returns(shop) if each.id != made.id]
    await world.vendor.cancel(shop.tenant, int(late.external_id or 0))
    await world.receive(shop, made.number, [("SHOE", 1, "A")])
    await world.work_until_quiet()
    assert late.settlement is Settling.HELD, "the channel imported it after all, and the unit is spoken for"
    assert await world.vendor.refunded(shop.tenant) == {"SHOE": 1}
    assert await differences(world, shop) == []


@pytest.mark.parametrize("answer", [RateLimited(30.0), Retry("down"), ActionRequired("a new key")])
async def test_an_order_that_cannot_be_had_now_is_waited_for_and_not_for_ever(stall: Stall, answer: Outcome) -> None:
    bought = OrderLine(reference="7", sku="SHOE", name=None, shipped=1)
    for number in ("SO-7", "SO-8"):
        order = Order(number=number, marketplace="bol", currency=None, country=None, lines=(bought,))
        stall.market.orders[number] = order
    stall.market.send_back(line("SHOE", order_line="7", shipped=None), order_number="SO-7")
    stall.market.answers["find_order"] = [answer]
    await stall.poll()
    assert await stall.found() == []
    stall.watch.forward(minutes=5)
    await stall.poll()
    assert len(await stall.found()) == 1
    assert await one("select sum(returned)::int from order_lines") == 1
    stall.market.send_back(line("SHOE", order_line="9", shipped=None), order_number="SO-8")
    stall.market.answers["find_order"] = [Retry("down")] * 20
    for _ in range(2):
        await stall.poll()
        stall.watch.forward(minutes=61)
    assert len(await stall.found()) == 2
    assert await broken_rules() == {}


async def test_the_last_unit_goes_to_one_of_two_hundred_who_ask_at_once(world: World) -> None:
    shop = await world.shop()
    await world.vendor.sell(shop.tenant, "SO-1", {"SHOE": 1, "SHIRT": 200})
    order = await world.order(shop, "SO-1")
    new = NewReturn(
        channel_id=shop.channel, order_number="SO-1",
        lines=(NewLine(sku="SHIRT", quantity=1), NewLine(sku="SHOE", quantity=1)),
    )  # fmt: skip
    tries = [
        process.create_merchant_return(shop.account, new, order, key=f"{who}:{each}", actor=who)
        for each in range(100)
        for who in ("portal", "agent")
    ]
    before = await counts()
    told = await asyncio.gather(*tries, return_exceptions=True)
    assert [type(each) for each in told].count(StoredReturn) == 1
    losers = [each for each in told if not isinstance(each, StoredReturn)]
    assert {(type(each), getattr(each, "code", None)) for each in losers} == {(Invalid, "more_than_shipped")}
    after = await counts()
    grown = {name: after[name] - before[name] for name in after if after[name] != before[name]}
    assert grown == {
        "returns": 1, "return_lines": 2, "order_lines": 2, "timeline": 1, "outbox": 1, "policy_decisions": 1,
        "scan_keys": 4,
    }  # fmt: skip
    assert await rows("select sku, returned from order_lines order by sku") == [
        {"sku": "SHIRT", "returned": 1},
        {"sku": "SHOE", "returned": 1},
    ]


async def test_what_is_left_of_an_order_is_what_was_shipped_and_not_returned(world: World) -> None:
    shop = await world.shop()
    await world.vendor.sell(shop.tenant, "SO-1", {"SHOE": 3, "SHIRT": 2})
    order = await world.order(shop, "SO-1")
    created = await world.create(shop, "SO-1", {"SHOE": 2})

    async def left() -> dict[str, int]:
        async with db.transaction(db.account(shop.account)):
            return {line.sku: units for line, units in await returnable(shop.account, shop.connection, order)}

    assert await left() == {"SHOE": 1, "SHIRT": 2}
    await persons.cancel(shop.account, created.id, actor="test")
    assert await left() == {"SHOE": 3, "SHIRT": 2}


async def test_one_request_made_twenty_times_at_once_makes_one_return(world: World) -> None:
    shop = await world.shop()
    await world.vendor.sell(shop.tenant, "SO-1", {"SHOE": 20})
    told = await asyncio.gather(*(world.create(shop, "SO-1", {"SHOE": 1}, key="same") for _ in range(20)))
    assert len({each.number for each in told}) == 1
    assert await one("select sum(returned)::int from order_lines") == 1


@pytest.mark.parametrize(
    ("lines", "code"),
    [({"SHOE": 3}, "more_than_shipped"), ({"HAT": 1}, "sku_unknown"), ({"SHOE": 1, "HAT": 1}, "sku_unknown")],
)
async def test_what_was_not_shipped_cannot_come_back_and_leaves_nothing_behind(
    world: World, lines: dict[str, int], code: str
) -> None:
    shop = await world.shop()
    await world.vendor.sell(shop.tenant, "SO-1", {"SHOE": 2})
    before = await counts()
    with pytest.raises(Invalid) as refused:
        await world.create(shop, "SO-1", lines)
    assert refused.value.code == code
    assert await counts() == before


async def test_an_order_of_a_marketplace_that_the_channel_does_not_cover_is_refused(world: World) -> None:
    shop = await world.shop()
    await world.vendor.sell(shop.tenant, "SO-1", {"SHOE": 1}, channel_id=13, channel_name="Amazon DE")
    with pytest.raises(Invalid) as refused:
        await world.create(shop, "SO-1", {"SHOE": 1})
    assert refused.value.code == "marketplace_not_covered"


def seen(world: World, shop: Shop, **more: object) -> ChannelReturn:
    told: dict[str, object] = {
        "external_id": "9001", "channel_return_number": "CR-9", "order_number": "SO-9", "channel_order_number": None,
        "marketplace": "11", "raw_status": "IN_PROGRESS", "open": True, "canceled": False,
        "marketplace_fulfilled": False, "reason": Reason.OTHER, "customer_comment": None,
        "created_at": datetime(2026, 11, 20, tzinfo=UTC), **more,
        "lines": (ChannelReturnLine(sku="SHOE", quantity=1, shipped=1),),
    }  # fmt: skip
    return ChannelReturn(**told)  # type: ignore[arg-type]  # a table of what tests change


async def imported(shop: Shop, told: ChannelReturn) -> str:
    async with db.transaction(db.account(shop.account)):
        return (await process.import_channel_return(shop.account, shop.connection, told)).outcome


async def test_the_hubs_own_returns_come_back_as_echoes_and_are_not_born_again(world: World) -> None:
    shop = await world.shop()
    on_its_way = await world.merchant_return(shop, "SO-1", {"SHOE": 1})
    echo = seen(world, shop, merchant_return_number=on_its_way.number)
    assert await imported(shop, echo) == "unchanged"
    await world.receive(shop, on_its_way.number, [("SHOE", 1, "A")])
    await world.work()
    settled = await world.again(on_its_way)
    theirs = seen(world, shop, external_id=settled.external_id, raw_status="RECEIVED", open=False)
    assert await imported(shop, theirs) == "unchanged"
    assert (await world.again(on_its_way)).settlement is Settling.SETTLED
    assert len(await returns(shop)) == 1


@pytest.mark.parametrize(
    "told",
    [
        {"raw_status": "RECEIVED", "open": False},
        {"raw_status": "CANCELLED", "open": False, "canceled": True},
        {"marketplace_fulfilled": True},
    ],
)
async def test_what_is_over_or_in_the_marketplaces_hands_is_only_shown(world: World, told: dict[str, object]) -> None:
    shop = await world.shop()
    assert await imported(shop, seen(world, shop, **told)) == "born"
    assert [each.status for each in await returns(shop)] == [Status.INFORMATIONAL]
    assert await world.operations(shop) == []


async def test_a_status_nobody_knows_counts_as_open(world: World) -> None:
    shop = await world.shop()
    assert await imported(shop, seen(world, shop, raw_status="ON_THE_MOON")) == "born"


async def test_one_return_imported_ten_times_at_once_is_born_once(world: World) -> None:
    shop = await world.shop()

    async def take() -> str:
        async def work() -> str:
            return (await process.import_channel_return(shop.account, shop.connection, seen(world, shop))).outcome

        return await db.attempt(db.account(shop.account), work)

    told = await asyncio.gather(*(take() for _ in range(10)))
    assert sorted(told) == ["born"] + ["unchanged"] * 9
    assert len(await world.operations(shop)) == 1
    assert await one("select sum(returned)::int from order_lines") == 1


async def test_units_of_an_order_without_a_shop_number_are_given_back_too(world: World) -> None:
    shop = await world.shop()
    told = {"order_number": None, "channel_order_number": "CH-9"}
    await imported(shop, seen(world, shop, **told))
    assert await one("select sum(returned)::int from order_lines") == 1
    await imported(shop, seen(world, shop, **told, raw_status="CANCELLED", open=False, canceled=True))
    assert await one("select sum(returned)::int from order_lines") == 0
    assert await broken_rules() == {}


HOEKHANDEL = {"channel_id": 13, "channel_name": "Hoekhandel DE", "global_channel_name": "Hoekhandel"}


async def park(world: World, shop: Shop, order: str) -> int:
    await world.vendor.sell(shop.tenant, order, {"SHOE": 1}, **HOEKHANDEL)
    theirs = await world.vendor.send_back(shop.tenant, order, {"SHOE": 1})
    await world.poll(shop)
    return int(theirs["id"])


async def cover(world: World, api: httpx.AsyncClient, shop: Shop) -> None:
    """Set a channel up for the marketplace that nobody covered, through the API."""
    rules = {"receiving": [{"warehouse_id": str(shop.warehouse)}]}
    body = {
        "account_id": str(shop.account), "name": "Stalls", "connection_id": str(shop.connection),
        "marketplaces": ["13"], "policies": {"channel": rules, "merchant": rules},
    }  # fmt: skip
    key = await world.api_key()
    headers = {"authorization": f"Bearer {key}", "idempotency-key": "cover"}
    answer = await api.post("/api/v1/channels", json=body, headers=headers)
    assert answer.status_code == 201, answer.text


async def test_a_return_of_an_unknown_marketplace_is_parked_and_born_once_a_channel_covers_it(
    world: World, api: httpx.AsyncClient
) -> None:
    shop = await world.shop()
    await park(world, shop, "SO-1")
    await world.poll(shop)
    assert await returns(shop) == []
    (item,) = await world.work_items(shop)
    assert (item.kind, item.detail["marketplace"]) == ("return_parked", "13")
    assert await one("select state from inbox") == "parked"
    await cover(world, api, shop)
    assert await world.work_items(shop) == []
    await world.poll(shop)
    (stored,) = await returns(shop)
    await world.receive(shop, stored.number, [("SHOE", 1, "A")])
    await persons.settle(shop.account, stored.id, actor="a person")
    await world.work()
    assert (await world.again(stored)).status is Status.COMPLETED
    assert await differences(world, shop) == []


async def test_a_parked_return_that_was_canceled_meanwhile_is_only_shown(world: World, api: httpx.AsyncClient) -> None:
    shop = await world.shop()
    canceled = await park(world, shop, "SO-1")
    await park(world, shop, "SO-2")
    await world.vendor.cancel(shop.tenant, canceled)
    await world.poll(shop)
    await cover(world, api, shop)
    await world.poll(shop)
    found = {each.order_number: each.status for each in await returns(shop)}
    assert found == {"SO-1": Status.INFORMATIONAL, "SO-2": Status.EXPECTED}
    assert await one("select count(*) from inbox where state in ('parked', 'received')") == 0
