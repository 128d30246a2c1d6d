from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.sdk import Done, Kind, Page
from tests.support.channelengine import ENGINE, Script, outcome, page, vendor_return
from tests.support.merchant import Merchant
from tests.support.sandboxed import Sandboxed

SINCE = datetime(2025, 1, 31, 23, tzinfo=UTC)
ALL = "GET /v2/returns"


async def test_it_asks_for_both_creators_by_name_since_a_moment(vendor: Script) -> None:
    vendor.on(ALL, page(vendor_return(), vendor_return(Id=80, MerchantReturnNo="RMA-7", ChannelReturnNo=None)))
    found = await outcome(ENGINE.history(vendor.context(), SINCE, None))
    assert isinstance(found, Done)
    assert [item.created_by for item in found.result.items] == [Kind.CHANNEL, Kind.MERCHANT]
    assert (found.result.more, found.result.total, found.result.all_open_since) == (False, 2, None)
    assert vendor.queries == [[("creatorType", "MIXED"), ("fromDate", "2025-01-31T23:00:00.000Z"), ("page", "1")]]


async def test_one_that_cannot_be_read_is_told_beside_the_others(vendor: Script) -> None:
    vendor.on(ALL, page(vendor_return(), vendor_return(Id=72, Lines=3)))
    found = await outcome(ENGINE.history(vendor.context(), SINCE, None))
    assert isinstance(found, Done)
    assert [name for name, _ in found.result.rejected] == ["72"]


@pytest.mark.parametrize("cursor", ["", "nonsense", '{"page": 3}'])
async def test_a_cursor_of_another_format_begins_anew(vendor: Script, cursor: str) -> None:
    vendor.on(ALL, page())
    assert isinstance(await outcome(ENGINE.history(vendor.context(), SINCE, cursor)), Done)
    assert vendor.queries[0][1:] == [("fromDate", "2025-01-31T23:00:00.000Z"), ("page", "1")]


@given(crashes=st.lists(st.booleans(), max_size=12), newest_first=st.booleans())
async def test_everything_is_read_wherever_the_hub_stops(
    shop: Merchant, *, crashes: list[bool], newest_first: bool
) -> None:
    if not await shop.vendor.returns(shop.tenant):
        for number in range(7):
            await shop.vendor.sell(shop.tenant, f"SO-{number}", {"SHOE": 1})
            await shop.vendor.send_back(shop.tenant, f"SO-{number}", {"SHOE": 1})
    await shop.vendor.switch(shop.tenant, items_per_page=2, newest_first=newest_first)
    way, since = Sandboxed(shop), datetime.now(UTC) - timedelta(days=1)
    cursor, seen, more = None, set[str](), True
    while more:
        read: Page = await way.done(ENGINE.history(way.context, since, cursor))
        if crashes and crashes.pop():
            continue
        cursor, more = read.cursor, read.more
        seen |= {item.order_number or "" for item in read.items}
    assert seen == {f"SO-{number}" for number in range(7)}
    again: Page = await way.done(ENGINE.history(way.context, since, cursor))
    assert not again.more
