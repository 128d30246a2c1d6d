"""The sandbox as a judge: what a correct client does not do, and whether the ledger is what was decided."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from connectors.channelengine.sandbox import selling
from connectors.channelengine.sandbox.book import Book
from connectors.channelengine.sandbox.change import Change
from connectors.channelengine.sandbox.elsewhere import Decision, settle_in_web
from connectors.channelengine.sandbox.judgement import judge
from connectors.channelengine.sandbox.patience import Patience
from connectors.channelengine.sandbox.selling import Sale, SentBack, SentBackLine, SoldLine
from tests.support.merchant import MANY, Merchant

NOON = datetime(2025, 2, 10, 12, tzinfo=UTC)


async def codes(shop: Merchant) -> list[str]:
    return [found["code"] for found in await shop.vendor.violations(shop.tenant)]


async def test_what_a_correct_client_does_is_no_violation(shop: Merchant) -> None:
    return_id = await shop.sent_back("bol")
    query = {"fromDate": "2025-02-10T12:00:00.000Z", "toDate": "2100-02-10T12:00:00+01:00", "isAcknowledged": False}
    assert (await shop.call("GET", "/returns/merchant", statuses=["IN_PROGRESS", "RECEIVED"], **query)).is_success
    await shop.call("POST", "/returns/merchant/acknowledge", {"ReturnId": return_id, "MerchantReturnNo": "M-1"})
    await shop.settle(return_id)
    await shop.call("GET", "/returns/merchant/SO-1")
    await shop.call("GET", "/notifications", types="CHANNEL_RETURN_EXPORT_FAILED", merchantReturnNos="M-1")
    assert await codes(shop) == []
    assert (await shop.vendor.judgement(shop.tenant))["ok"] is True


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/returns?apikey=KEY", "key_in_query"),
        ("/returns?pageSize=50", "unknown_query"),
        ("/returns/merchant?creatorType=MIXED", "unknown_query"),
        ("/returns/merchant/new?statuses=IN_PROGRESS", "unknown_query"),
        ("/returns?fromDate=2025-02-10T12:00:00", "date_without_zone"),
        ("/returns?toDate=2025-02-10", "date_without_zone"),
        ("/returns?fromUpdateDate=2025-02-10T12:00:00+01:00", "date_raw_plus"),
        ("/shipments/merchant?fromDeliveredAt=2025-02-10T12:00:00%2B01:00", None),
        ("/orders?merchantOrderNos=" + "x" * 1048, "url_too_long"),
    ],
)
async def test_an_address_that_a_correct_client_does_not_ask_is_a_violation(
    shop: Merchant, path: str, code: str | None
) -> None:
    url = f"/{shop.tenant}/api/v2{path.replace('KEY', shop.key)}"
    await shop.vendor.control.get(url, headers={"X-CE-KEY": shop.key})
    assert await codes(shop) == ([code] if code else [])


@pytest.mark.parametrize(
    ("method", "path", "body", "wrong"),
    [
        (
            "PUT",
            "/returns",
            {"ReturnId": 1, "Lines": [{"OrderLineId": 1}], "Status": "RECEIVED"},
            ["OrderLineId", "Status"],
        ),
        ("POST", "/returns/merchant", {"Lines": [{"AcceptedQuantity": 1}]}, ["AcceptedQuantity"]),
        ("POST", "/returns/merchant/acknowledge", {"returnId": 1}, ["returnId"]),
        ("POST", "/webhooks", {"Name": "x", "Secret": "y"}, ["Secret"]),
    ],
)
async def test_a_field_that_no_endpoint_knows_is_a_violation(
    shop: Merchant, method: str, path: str, body: Any, wrong: list[str]
) -> None:
    await shop.call(method, path, body)
    found = await shop.vendor.violations(shop.tenant)
    assert [each["code"] for each in found] == ["unknown_field"] * len(wrong)
    assert sorted(wrong) == sorted(each["why"].split("'")[1].rpartition(".")[2] for each in found)


async def test_a_return_date_without_a_zone_is_a_violation(shop: Merchant) -> None:
    await shop.call("POST", "/returns/merchant", {"ReturnDate": "2025-02-10T12:00:00"})
    assert await codes(shop) == ["date_without_zone"]


async def test_settling_again_is_a_violation_only_after_success_was_told(shop: Merchant) -> None:
    first, second = await shop.sent_back("Kaufland", "SO-1"), await shop.sent_back("Kaufland", "SO-2")
    await shop.vendor.fail("settle=500-after+1")
    assert [await shop.settle(first), await shop.settle(first)] == [500, 409]
    await shop.vendor.fail("settle=malformed+1")
    assert [await shop.settle(second), await shop.settle(second)] == [200, 409]
    assert await codes(shop) == []
    third = await shop.sent_back("Kaufland", "SO-3")
    assert [await shop.settle(third), await shop.settle(third)] == [200, 409]
    (found,) = await shop.vendor.violations(shop.tenant)
    assert (found["code"], found["return_id"]) == ("settled_twice", third)


async def test_what_was_settled_in_the_web_pages_may_be_tried(shop: Merchant) -> None:
    return_id = await shop.sent_back("Kaufland")
    await shop.vendor.settle_in_web(shop.tenant, return_id)
    assert await shop.settle(return_id) == 409
    assert await codes(shop) == []


async def test_creating_again_what_was_told_to_be_created_is_a_violation(shop: Merchant) -> None:
    assert [await shop.create("Kaufland"), await shop.create("Kaufland")] == [201, 409]
    assert await codes(shop) == ["created_twice"]


async def test_updating_what_is_only_information_is_a_violation(shop: Merchant) -> None:
    assert await shop.settle(await shop.sent_back("Amazon")) == 200
    assert await codes(shop) == ["informational_updated"]


async def test_updating_what_the_marketplace_handles_is_a_violation_and_rejecting_its_part_is_not(
    shop: Merchant,
) -> None:
    theirs = {"merchant_product_no": "HAT", "quantity": 2, "fulfilled_by_marketplace": True}
    ours = {"merchant_product_no": "SHOE", "quantity": 3}
    for number, lines in (("SO-1", [theirs]), ("SO-2", [theirs, ours])):
        sale = {"merchant_order_no": number, "channel_id": 1, "global_channel_name": "bol", "lines": lines}
        await shop.vendor.control.post(f"/_sandbox/{shop.tenant}/orders", json=sale)
    whole = (await shop.vendor.send_back(shop.tenant, "SO-1", {"HAT": 2}))["id"]
    mixed = (await shop.vendor.send_back(shop.tenant, "SO-2", MANY))["id"]
    assert await shop.settle(whole, HAT=(0, 2)) == 409
    assert await shop.settle(mixed, HAT=(1, 0), SHOE=(1, 0)) == 400
    assert await codes(shop) == ["marketplace_fulfilled_updated"] * 2
    assert await shop.settle(mixed, HAT=(0, 2), SHOE=(3, 0)) == 200
    assert len(await codes(shop)) == 2
    assert (await shop.vendor.judgement(shop.tenant))["wrong_refunds"] == []


@pytest.mark.parametrize(
    ("asked", "later", "arrived", "early"),
    [(30, 29, 0.3, True), (30, 29, 0.2, False), (30, 30, 9.0, False), (10**9, 59, 0.3, True), (10**9, 60, 0.3, False)],
)
def test_a_call_is_too_early_while_it_was_asked_to_wait_and_had_time_to_know(
    asked: float, later: float, arrived: float, *, early: bool
) -> None:
    patience = Patience()
    patience.ask("shop", "GET /v2/returns", asked, NOON, 100.0)
    now = NOON + timedelta(seconds=later)
    assert patience.tried("shop", "GET /v2/returns", now, 100.0 + arrived) is early
    assert patience.tried("shop", "GET /v2/orders", now, 100.0 + arrived) is False


@pytest.mark.parametrize("fault", ["poll=429:30+1", "poll=429-date:30+1"])
async def test_a_call_of_an_endpoint_that_was_to_be_left_alone_is_a_violation(
    shop: Merchant, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.channelengine.sandbox.patience.GRACE_SECONDS", 0.0)
    await shop.vendor.fail(fault)
    assert (await shop.call("GET", "/returns/merchant")).status_code == 429
    await shop.call("GET", "/returns/merchant/new")
    assert await codes(shop) == []
    await shop.call("GET", "/returns/merchant")
    assert await codes(shop) == ["too_early"]
    await shop.vendor.forward(31)
    await shop.call("GET", "/returns/merchant")
    assert await codes(shop) == ["too_early"]


async def test_a_stranger_with_a_wrong_key_breaks_no_rule_of_the_tenant(shop: Merchant) -> None:
    url = f"/{shop.tenant}/api/v2/returns?pageSize=1"
    await shop.vendor.control.get(url, headers={"X-CE-KEY": "wrong"})
    assert await codes(shop) == []


async def test_violations_are_counted_and_can_be_struck_out(shop: Merchant) -> None:
    await shop.call("GET", "/returns", pageSize=1, page_number=2)
    path = f"/_sandbox/{shop.tenant}/violations"
    assert (await shop.vendor.control.get(path)).json()["by_code"] == {"unknown_query": 2}
    assert (await shop.vendor.judgement(shop.tenant))["ok"] is False
    assert (await shop.vendor.control.delete(path)).json() == {"violations": [], "by_code": {}}


async def test_the_latest_exchanges_are_kept_word_by_word_without_the_key(shop: Merchant) -> None:
    await shop.call("PUT", "/returns", {"ReturnId": 9}, apikey=shop.key)
    await shop.vendor.fail("poll=html:502")
    for number in range(99):
        await shop.call("GET", "/returns/merchant", page=number + 1)
    first, second, *_ = await shop.vendor.exchanges(shop.tenant)
    assert (first["method"], first["path"], first["query"], first["status"]) == ("PUT", "/v2/returns", "", 400)
    assert (first["request"], first["response"]["StatusCode"]) == ({"ReturnId": 9}, 400)
    assert (second["query"], second["status"], second["fault"]) == ("page=1", 502, "poll=html:502")
    assert second["response"].startswith("<!doctype html>")
    await shop.call("GET", "/settings")
    assert len(await shop.vendor.exchanges(shop.tenant)) == 100


async def test_the_judgement_tells_units_decided_on_and_refunded_line_by_line(shop: Merchant) -> None:
    return_id = await shop.sent_back("Kaufland")
    await shop.settle(return_id, SHOE=(2, 1), HAT=(0, 2))
    told = await shop.vendor.judgement(shop.tenant)
    (found,) = told["returns"]
    assert (found["return_id"], found["marketplace"], found["cause"], found["export"]) == (
        return_id, "Kaufland", "update", "SUCCEEDED",
    )  # fmt: skip
    units = [
        (line["merchant_product_no"], line["accepted"], line["rejected"], line["refunded"]) for line in found["lines"]
    ]
    assert units == [("SHOE", 2, 1, 2), ("HAT", 0, 2, 0)]
    assert (told["ok"], told["never_acknowledged"]) == (True, [return_id])


async def test_the_judgement_names_exports_that_wait_or_failed_and_what_was_never_acknowledged(shop: Merchant) -> None:
    await shop.vendor.fail_exports(shop.tenant, marketplace="bol")
    waiting, failed, informational, cancelled, in_web = [
        await shop.sent_back(name, f"SO-{number}")
        for number, name in enumerate(("bol", "OTTO", "Amazon", "Kaufland", "Kaufland"))
    ]
    await shop.settle(waiting)
    await shop.settle(failed, SHOE=(2, 1), HAT=(2, 0))
    await shop.vendor.cancel(shop.tenant, cancelled)
    await shop.vendor.settle_in_web(shop.tenant, in_web)
    told = await shop.vendor.judgement(shop.tenant)
    assert (told["waiting_exports"], told["failed_exports"]) == ([waiting], [failed])
    assert told["never_acknowledged"] == [waiting, failed, informational]
    assert (told["ok"], told["wrong_refunds"]) == (True, [])


def a_settled_book() -> Book:
    book = Book("noordzee")
    line = SoldLine(merchant_product_no="SHOE", quantity=2)
    sale = Sale(channel_id=1, global_channel_name="Kaufland", merchant_order_no="SO-1", lines=(line,))
    back = SentBackLine(merchant_product_no="SHOE", quantity=2)
    book.apply(selling.place(book, sale, NOON))
    book.apply(selling.send_back(book, SentBack(channel_return_no="C", merchant_order_no="SO-1", lines=(back,)), NOON))
    book.apply(settle_in_web(book, 1, Decision(), NOON))
    return book


def test_a_refund_that_is_missing_or_made_twice_is_seen() -> None:
    book = a_settled_book()
    assert judge(book).ok
    book.apply(Change(tenant="noordzee", refunds=(replace(book.ledger[0], quantity=1),)))
    told = judge(book)
    assert (told.ok, told.double_refunds, told.over_refunded) == (False, ((1, 1),), (1,))
    assert [(wrong.due, wrong.refunded) for wrong in told.wrong_refunds] == [(2, 3)]
    book.ledger.clear()
    assert [(wrong.due, wrong.refunded) for wrong in judge(book).wrong_refunds] == [(2, 0)]
