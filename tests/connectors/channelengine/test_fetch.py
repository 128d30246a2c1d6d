from typing import Any

import pytest

from hub.sdk import Absent, ChannelReturn, Done, Kind, Outcome, Refused, Retry, ReturnKey
from tests.support.channelengine import (
    BY_ORDER,
    ENGINE,
    RETURNS,
    Script,
    answer,
    line_there,
    outcome,
    page,
    vendor_return,
)
from tests.support.merchant import Merchant
from tests.support.sandboxed import Sandboxed

KEY = ReturnKey(return_number="RMA-7", external_id="71", order_number="SO-1001", channel_order_number="5551234")
SETTLED = vendor_return(Status="RECEIVED", Lines=[line_there("A", 2, 1, 1)], ChannelOrderNo=None)


async def fetch(vendor: Script, key: ReturnKey = KEY) -> Outcome:
    return await outcome(ENGINE.fetch(vendor.context(), key))


async def test_a_return_is_read_in_its_order_with_what_was_decided(vendor: Script) -> None:
    vendor.on(f"GET {BY_ORDER}", page(vendor_return(Id=70), SETTLED))
    found = await fetch(vendor)
    assert isinstance(found, Done)
    assert (found.result.external_id, found.result.open, found.result.channel_order_number) == ("71", False, "5551234")
    assert [(line.accepted, line.rejected) for line in found.result.lines] == [(1, 1)]


async def test_without_an_id_it_is_known_by_the_hubs_number(vendor: Script) -> None:
    ours = vendor_return(Id=80, MerchantReturnNo="RMA-7", ChannelReturnNo=None)
    vendor.on(f"GET {BY_ORDER}", page(vendor_return(), ours))
    found = await fetch(vendor, ReturnKey(return_number="RMA-7", order_number="SO-1001"))
    assert isinstance(found, Done)
    assert (found.result.external_id, found.result.created_by) == ("80", Kind.MERCHANT)


async def test_a_return_whose_order_got_its_number_meanwhile_is_found_by_the_marketplaces(vendor: Script) -> None:
    vendor.on(f"GET {RETURNS}", page(vendor_return(Status="RECEIVED")))
    vendor.on(f"GET {BY_ORDER}", page(SETTLED))
    found = await fetch(vendor, ReturnKey(return_number="RMA-7", external_id="71", channel_order_number="5551234"))
    assert isinstance(found, Done)
    assert found.result.lines[0].accepted == 1
    assert vendor.queries[0] == [("channelOrderNos", "5551234"), ("page", "1")]


async def test_what_the_lists_show_is_taken_where_the_order_has_no_number(vendor: Script) -> None:
    vendor.on(f"GET {RETURNS}", page(vendor_return(MerchantOrderNo=None, Status="CANCELLED")))
    found = await fetch(vendor, ReturnKey(return_number="RMA-7", external_id="71"))
    assert isinstance(found, Done)
    assert found.result.canceled


@pytest.mark.parametrize(
    "key",
    [
        ReturnKey(return_number="RMA-7"),
        ReturnKey(return_number="RMA-7", external_id="not ours"),
        ReturnKey(return_number="RMA-7", order_number="SO-1001"),
        ReturnKey(return_number="RMA-7", external_id="71", order_number="SO-1001"),
    ],
)
async def test_what_is_nowhere_is_absent(vendor: Script, key: ReturnKey) -> None:
    if key.order_number:
        vendor.on(f"GET {BY_ORDER}", answer(404))
    if key.external_id == "71":
        vendor.on(f"GET {RETURNS}", page(), page(), page())
    assert await fetch(vendor, key) == Absent()


async def test_a_list_without_an_end_does_not_make_it_absent(vendor: Script) -> None:
    vendor.on(f"GET {RETURNS}", *[page(vendor_return(Id=1), total=10**6)] * 20, page())
    found = await fetch(vendor, ReturnKey(return_number="RMA-7", external_id="71"))
    assert isinstance(found, Refused)


@pytest.mark.parametrize("odd", [{"Lines": 3}, {"CreatedAt": None}])
async def test_a_return_that_cannot_be_read_is_not_absent(vendor: Script, odd: dict[str, Any]) -> None:
    vendor.on(f"GET {BY_ORDER}", page(vendor_return(**odd)))
    assert isinstance(await fetch(vendor), Retry)


class TestAtTheSandbox:
    async def test_it_tells_what_was_decided_in_the_web_pages(self, shop: Merchant) -> None:
        return_id = await shop.sent_back("bol")
        key = ReturnKey(return_number="RMA-7", external_id=str(return_id), order_number="SO-1")
        assert (await self.fetched(shop, key)).open
        await shop.vendor.settle_in_web(shop.tenant, return_id, {"SHOE": (1, 2), "HAT": (0, 2)})
        found = await self.fetched(shop, key)
        assert {line.sku: (line.accepted, line.rejected) for line in found.lines} == {"SHOE": (1, 2), "HAT": (0, 2)}
        assert (found.open, found.family) == (False, "bol")

    async def test_it_finds_a_return_whose_order_the_shop_has_not_taken_over(self, shop: Merchant) -> None:
        sold = await shop.vendor.sell(
            shop.tenant, "", {"SHOE": 1}, merchant_order_no=None, channel_order_no="555", global_channel_name="bol"
        )
        made = await shop.vendor.send_back(
            shop.tenant, "", {"SHOE": 1}, channel_return_no="R-1", merchant_order_no=None, channel_order_no="555"
        )
        key = ReturnKey(return_number="RMA-7", external_id=str(made["id"]), channel_order_number="555")
        assert (await self.fetched(shop, key)).order_number is None
        await shop.vendor.acknowledge_order(shop.tenant, sold["id"], "SO-9")
        assert (await self.fetched(shop, key)).order_number == "SO-9"

    @staticmethod
    async def fetched(shop: Merchant, key: ReturnKey) -> ChannelReturn:
        way = Sandboxed(shop)
        found = await way.done(ENGINE.fetch(way.context, key))
        assert isinstance(found, ChannelReturn)
        return found
