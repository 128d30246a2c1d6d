"""Answers of the sandbox that are not whole, not JSON, or not what anybody expects; the work behind them is done."""

import json
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from connectors.channelengine.sandbox.faults import FaultPlan, parse_fault
from connectors.channelengine.sandbox.spoiling import HARMLESS
from connectors.channelengine.sandbox.weather import ALL, Effect
from tests.support.merchant import Merchant
from tests.support.vendor import Vendor

NOON = datetime(2025, 2, 10, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
async def one_return_at_noon(shop: Merchant) -> None:
    await shop.vendor.set_clock(NOON, stopped=True)
    await shop.sent_back("Kaufland", customer_comment="Too small")


async def polled(shop: Merchant, fault: str) -> httpx.Response:
    await shop.vendor.fail(f"poll={fault}")
    return await shop.call("GET", "/returns/merchant")


async def item(shop: Merchant, fault: str) -> dict[str, Any]:
    (found,) = (await polled(shop, fault)).json()["Content"]
    return dict(found)


@pytest.mark.parametrize(("fault", "status"), [("html", 200), ("html:502", 502)])
async def test_a_page_for_people_comes_instead_of_json(shop: Merchant, fault: str, status: int) -> None:
    answer = await polled(shop, fault)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")
    with pytest.raises(json.JSONDecodeError):
        answer.json()


async def test_a_spoilt_answer_to_an_update_hides_that_it_was_done(shop: Merchant) -> None:
    await shop.vendor.fail("settle=html:502")
    assert await shop.settle(1) == 502
    assert await shop.refunded() == 5


async def test_an_answer_can_be_as_large_as_ten_megabytes_and_still_be_json(shop: Merchant) -> None:
    answer = await polled(shop, "huge:0.5")
    assert 500_000 < len(answer.content) < 600_000
    assert answer.json()["Content"][0]["Id"] == 1
    assert parse_fault("poll=huge").argument == 10


async def test_half_an_answer_ends_with_its_connection() -> None:
    vendor = Vendor()
    async with vendor.serving():
        shop = Merchant(vendor, *await vendor.tenant())
        return_id = await shop.sent_back("Kaufland")
        await vendor.fail("settle=cut")
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            await shop.settle(return_id)
        assert await shop.refunded() == 5
        assert [call["told"] for call in await vendor.calls(shop.tenant, "settle")] == ["cut"]


async def test_moments_come_with_an_offset_and_are_the_same_moments(shop: Merchant) -> None:
    created = (await item(shop, "offset"))["CreatedAt"]
    assert created == "2025-02-10T14:00:00.0000007+02:00"
    assert datetime.fromisoformat(created[:26] + created[27:]) == NOON


async def test_moments_come_with_any_number_of_digits(shop: Merchant) -> None:
    body = (await polled(shop, "fraction")).text
    digits = {len(found) for found in re.findall(r"T\d\d:\d\d:\d\d\.?(\d*)Z", body)}
    assert digits >= {0, 1, 3}


async def test_words_come_that_nobody_has_heard_of(shop: Merchant) -> None:
    found = await item(shop, "unknown-words")
    assert (found["Status"], found["Reason"]) == ("UNDER_INVESTIGATION", "NO_LONGER_NEEDED")


async def test_fields_come_that_nobody_has_heard_of_and_amounts_keep_their_digits(shop: Merchant) -> None:
    answer = await polled(shop, "unknown-fields")
    line = answer.json()["Content"][0]["Lines"][0]
    assert {"NewSince3", "AlsoNew"} <= set(answer.json()) & set(line) & set(line["OrderLine"])
    assert '"UnitPriceInclVat":10.00' in answer.text
    assert answer.json()["ValidationErrors"] == {}


async def test_null_comes_where_it_may(shop: Merchant) -> None:
    found = await item(shop, "nulls")
    assert (found["CustomerComment"], found["ReturnDate"], found["ExtraData"]) == (None, None, None)
    assert (found["ChannelReturnNo"], found["MerchantOrderNo"]) == ("CR-SO-1", "SO-1")
    assert (await polled(shop, "no-content")).json()["Content"] is None


async def test_too_many_calls_come_with_every_kind_of_retry_after(shop: Merchant) -> None:
    date = (await polled(shop, "429-date:90")).headers["retry-after"]
    assert (parsedate_to_datetime(date) - NOON).total_seconds() == 90
    assert (await polled(shop, "429:1000000000")).headers["retry-after"] == "1000000000"
    bare = await polled(shop, "429-bare")
    assert (bare.status_code, "retry-after" in bare.headers) == (429, False)


async def test_a_call_is_forbidden_and_nothing_is_done(shop: Merchant) -> None:
    await shop.vendor.fail("settle=403")
    assert (await shop.settle(1), await shop.refunded()) == (403, 0)


@pytest.mark.parametrize("text", ["webhook=409", "settle=lose", "settle=shift:1", "poll=late:5", "poll=cut:3"])
def test_a_fault_that_cannot_happen_to_an_effect_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"'{text}'")):
        parse_fault(text)


def test_all_faults_at_once_are_one_word_and_leave_most_calls_alone() -> None:
    plan = FaultPlan(["all"])
    assert [state.text for state in plan.states()] == list(ALL)
    for effect in {parse_fault(text).effect for text in ALL} - {Effect.WEBHOOK}:
        drawn = [plan.draw("shop", effect) for _ in range(5000)]
        bad = [fault for fault in drawn if fault and fault.kind not in HARMLESS]
        assert len(bad) < len(drawn) / 2
    assert [state.text for state in plan.states() if not state.struck and "webhook" not in state.text] == []


async def open_ones(shop: Merchant) -> list[int]:
    return [found["id"] for found in await shop.vendor.returns(shop.tenant) if found["status"] == "IN_PROGRESS"]


async def read_through(shop: Merchant, **query: Any) -> list[int]:
    """Read a list page by page, as a client does, and return the ids that were seen."""
    seen: list[int] = []
    for page in range(1, 9):
        content = (await shop.call("GET", "/returns/merchant", page=page, **query)).json()["Content"]
        seen += [found["Id"] for found in content]
    return seen


@pytest.fixture
async def long_list(shop: Merchant) -> Merchant:
    await shop.vendor.switch(shop.tenant, items_per_page=3)
    for number in range(2, 10):
        await shop.sent_back("Kaufland", f"SO-{number}")
    return shop


async def test_a_list_moves_up_between_two_pages_when_returns_of_a_page_read_are_ended(long_list: Merchant) -> None:
    await long_list.vendor.fail("poll=shift:2+1")
    seen = await read_through(long_list, statuses="IN_PROGRESS")
    gone = {*range(1, 10)} - set(await open_ones(long_list))
    assert (seen, len(gone), gone < {1, 2, 3}) == ([1, 2, 3, 6, 7, 8, 9], 2, True)


async def test_the_same_seed_moves_the_same_returns() -> None:
    async def ended(seed: int) -> list[tuple[int, str]]:
        async with Vendor().in_memory(seed=seed) as vendor:
            await vendor.control.post("/_sandbox/tenants", json={"name": "noordzee", "key": "k"})
            shop = Merchant(vendor, "noordzee", "k")
            await vendor.switch(shop.tenant, items_per_page=5)
            for number in range(30):
                await shop.sent_back("Kaufland", f"SO-{number}")
            await vendor.fail("poll=shift:2/2")
            await read_through(shop, statuses="IN_PROGRESS")
            return [(found["id"], found["status"]) for found in await vendor.returns(shop.tenant)]

    assert await ended(1) == await ended(1)
    assert {status for _, status in await ended(1)} == {"IN_PROGRESS", "RECEIVED", "CANCELLED"}
    assert await ended(1) != await ended(2)


async def test_new_returns_push_those_read_already_onto_the_next_page(long_list: Merchant) -> None:
    await long_list.vendor.switch(long_list.tenant, newest_first=True)
    await long_list.vendor.fail("poll=grow:2+1")
    assert await read_through(long_list) == [9, 8, 7, 8, 7, 6, 5, 4, 3, 2, 1]
    assert len(await open_ones(long_list)) == 11


async def test_a_list_of_one_page_does_not_move(shop: Merchant) -> None:
    await shop.vendor.fail("poll=shift:1")
    assert await read_through(shop) == [1]
    assert await open_ones(shop) == [1]
