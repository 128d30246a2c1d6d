import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.channelengine.answers import Collection, Unreadable, decode
from connectors.channelengine.returns import channel_return, channel_returns
from connectors.channelengine.wire import VendorOrder, VendorReturn
from hub.sdk import Kind, Reason

RETURN: dict[str, Any] = {
    "Id": 71,
    "MerchantOrderNo": "SO-1001",
    "ChannelOrderNo": "5551234",
    "ChannelId": 12,
    "GlobalChannelName": "bol",
    "MerchantReturnNo": None,
    "ChannelReturnNo": "R-998",
    "Status": "IN_PROGRESS",
    "Reason": "WRONG_SIZE",
    "CustomerComment": "too small",
    "CreatedAt": "2025-02-10T08:15:02.1234567Z",
    "UpdatedAt": "2025-02-11T00:00:00Z",
    "NeverHeardOf": {"a": [1]},
    "Lines": [
        {
            "MerchantProductNo": "SHOE-42",
            "Quantity": 2,
            "ShipmentStatus": "SHIPPED",
            "OrderLine": {
                "Id": 555,
                "ChannelProductNo": "9300",
                "MerchantProductNo": "SHOE-42",
                "Gtin": "8712345678906",
                "Description": "A shoe",
                "Quantity": 3,
                "OriginalUnitPriceInclVat": 24.95,
                "IsFulfillmentByMarketplace": False,
            },
        }
    ],
}


def vendor_return(**changes: object) -> VendorReturn:
    return decode(json.dumps(RETURN | changes).encode(), VendorReturn)


def page(*elements: object) -> Collection[msgspec.Raw]:
    return decode(json.dumps({"Content": elements}).encode(), Collection[msgspec.Raw])


def test_a_return_of_a_marketplace_is_read_completely() -> None:
    read = channel_return(vendor_return())
    assert (read.external_id, read.channel_return_number, read.order_number) == ("71", "R-998", "SO-1001")
    assert (read.channel_order_number, read.marketplace, read.raw_status) == ("5551234", "12", "IN_PROGRESS")
    assert (read.reason, read.customer_comment, read.merchant_return_number) == (Reason.WRONG_SIZE, "too small", None)
    assert (read.open, read.canceled, read.marketplace_fulfilled) == (True, False, False)
    assert read.created_at == datetime(2025, 2, 10, 8, 15, 2, 123456, tzinfo=UTC)
    (only,) = read.lines
    assert (only.sku, only.quantity, only.order_line, only.name, only.shipped) == ("SHOE-42", 2, "555", "A shoe", 3)
    assert (only.unit_price, only.channel_sku, only.gtin) == (Decimal("24.95"), "9300", "8712345678906")
    assert (only.accepted, only.rejected, only.marketplace_fulfilled) == (None, None, False)
    assert (read.family, read.updated_at) == ("bol", datetime(2025, 2, 11, tzinfo=UTC))


@given(st.decimals(min_value=0, max_value=10**9, places=4))
def test_money_keeps_every_digit_of_the_json_number(price: Decimal) -> None:
    body = b'{"Quantity":1,"OriginalUnitPriceInclVat":%s}' % format(price, "f").encode()
    read = decode(b'{"Id":1,"Lines":[%s]}' % body, VendorOrder)
    assert read.lines is not None
    assert str(read.lines[0].original_unit_price_incl_vat) == format(price, "f")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2025-02-10T08:15:02Z", datetime(2025, 2, 10, 8, 15, 2, tzinfo=UTC)),
        ("2025-02-10T08:15:02", datetime(2025, 2, 10, 8, 15, 2, tzinfo=UTC)),
        ("2025-02-10T09:15:02+01:00", datetime(2025, 2, 10, 8, 15, 2, tzinfo=UTC)),
        ("2025-02-10T08:15:02.1Z", datetime(2025, 2, 10, 8, 15, 2, 100_000, tzinfo=UTC)),
        ("2025-02-10T08:15:02.99999999999999Z", datetime(2025, 2, 10, 8, 15, 2, 999_999, tzinfo=UTC)),
        ("2025-02-10T02:45:02.1234567-05:30", datetime(2025, 2, 10, 8, 15, 2, 123_456, tzinfo=UTC)),
        ("2025-02-10t09:15+01", datetime(2025, 2, 10, 8, 15, tzinfo=UTC)),
        ("2025-02-10 10:15:02 +0200", datetime(2025, 2, 10, 8, 15, 2, tzinfo=UTC)),
        ("2025-02-10", datetime(2025, 2, 10, tzinfo=UTC)),
    ],
)
def test_dates_are_read_with_any_fraction_and_any_offset(text: str, moment: datetime) -> None:
    assert channel_return(vendor_return(CreatedAt=text)).created_at == moment


@pytest.mark.parametrize("created", [None, "soon", "0001-01-01T00:00:00"])
def test_a_return_without_its_own_date_takes_the_date_of_the_source_system(created: str | None) -> None:
    read = channel_return(vendor_return(CreatedAt=created, ReturnDate="2025-02-09T00:00:00Z"))
    assert read.created_at == datetime(2025, 2, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "is_open", "canceled"),
    [
        ("IN_PROGRESS", True, False),
        ("RECEIVED", False, False),
        ("CANCELLED", False, True),
        ("AUTO_CLOSED", False, False),
        ("A_NEW_WORD", True, False),
        (None, True, False),
    ],
)
def test_only_a_status_known_as_closed_closes_a_return(*, status: str | None, is_open: bool, canceled: bool) -> None:
    read = channel_return(vendor_return(Status=status))
    assert (read.open, read.canceled, read.raw_status) == (is_open, canceled, status or "")


@pytest.mark.parametrize("reason", [None, "", "EXPLODED"])
def test_a_reason_nobody_knows_is_other(reason: str | None) -> None:
    assert channel_return(vendor_return(Reason=reason)).reason is Reason.OTHER


def test_nulls_where_the_description_allows_them_are_read() -> None:
    optional = dict.fromkeys([name for name in RETURN if name not in {"Id", "CreatedAt", "Lines"}])
    bare = channel_return(vendor_return(**optional, Lines=None))
    assert (bare.order_number, bare.marketplace, bare.lines) == (None, None, ())
    lines = [None, {"MerchantProductNo": "A", "OrderLine": None, "Quantity": 1}]
    thin = channel_return(vendor_return(Lines=lines))
    assert (thin.lines[0].shipped, thin.lines[0].order_line, thin.lines[0].unit_price) == (None, None, None)


@pytest.mark.parametrize("nothing", [None, "", "  ", "\0"])
def test_a_line_without_a_product_number_is_read_with_what_helps_to_find_it(nothing: str | None) -> None:
    ordered = RETURN["Lines"][0]["OrderLine"] | {"MerchantProductNo": nothing}
    (only,) = channel_return(
        vendor_return(Lines=[{"MerchantProductNo": nothing, "Quantity": 1, "OrderLine": ordered}])
    ).lines
    assert (only.sku, only.channel_sku, only.gtin, only.order_line) == (None, "9300", "8712345678906", "555")


def test_a_product_number_of_the_return_line_counts_before_that_of_the_order_line() -> None:
    ordered = {"Id": 5, "MerchantProductNo": "OLD"}
    lines = [{"MerchantProductNo": sku, "Quantity": 1, "OrderLine": ordered} for sku in ("NEW", None)]
    assert [line.sku for line in channel_return(vendor_return(Lines=lines)).lines] == ["NEW", "OLD"]


def test_numbers_that_come_as_numbers_and_numbers_that_come_as_texts_are_read() -> None:
    lines = [{"MerchantProductNo": 4711, "Quantity": "2", "OrderLine": {"Id": "555", "Quantity": 3.0}}]
    read = channel_return(vendor_return(Id="71", ChannelOrderNo=5551234, CustomerComment=5, Lines=lines))
    assert (read.external_id, read.channel_order_number, read.customer_comment) == ("71", "5551234", "5")
    (only,) = read.lines
    assert (only.sku, only.quantity, only.order_line) == ("4711", 2, "555")


def test_what_was_accepted_and_rejected_is_handed_over_where_it_is_told() -> None:
    line = {"MerchantProductNo": "A", "Quantity": 2, "AcceptedQuantity": 0, "RejectedQuantity": 2}
    (only,) = channel_return(vendor_return(Status="RECEIVED", Lines=[line])).lines
    assert (only.accepted, only.rejected) == (0, 2)


@pytest.mark.parametrize(
    ("ours", "theirs", "creator"),
    [
        (None, "R-998", Kind.CHANNEL),
        ("RMA-7", "R-998", Kind.CHANNEL),
        ("RMA-7", None, Kind.MERCHANT),
        ("RMA-7", "", Kind.MERCHANT),
        (None, None, Kind.CHANNEL),
    ],
)
def test_a_return_of_the_merchants_has_no_number_of_the_channels(
    ours: str | None, theirs: str | None, creator: Kind
) -> None:
    assert channel_return(vendor_return(MerchantReturnNo=ours, ChannelReturnNo=theirs)).created_by is creator


def test_a_return_that_a_page_shows_twice_is_read_once() -> None:
    items, _ = channel_returns(page(RETURN | {"Status": "IN_PROGRESS"}, RETURN | {"Status": "RECEIVED"}))
    assert [item.raw_status for item in items] == ["RECEIVED"]


def test_a_line_of_nothing_is_left_out() -> None:
    empty = {"MerchantProductNo": "A", "Quantity": 0}
    assert [item.sku for item in channel_return(vendor_return(Lines=[empty, *RETURN["Lines"]])).lines] == ["SHOE-42"]


def test_the_same_product_on_two_lines_stays_two_lines() -> None:
    twice = RETURN["Lines"] * 2
    assert [item.quantity for item in channel_return(vendor_return(Lines=twice)).lines] == [2, 2]


@pytest.mark.parametrize(("flags", "fulfilled"), [([True], True), ([True, True], True), ([True, False], False)])
def test_a_return_is_the_marketplaces_own_only_if_all_its_lines_are(*, flags: list[bool], fulfilled: bool) -> None:
    lines = [
        {"MerchantProductNo": "A", "Quantity": 1, "OrderLine": {"Id": 1, "IsFulfillmentByMarketplace": flag}}
        for flag in flags
    ]
    read = channel_return(vendor_return(Lines=lines))
    assert read.marketplace_fulfilled is fulfilled
    assert [line.marketplace_fulfilled for line in read.lines] == flags


@pytest.mark.parametrize(
    ("broken", "named", "why"),
    [
        (RETURN | {"Lines": [{"MerchantProductNo": "A", "Quantity": "two"}]}, "71", "$.Lines[0].Quantity"),
        (RETURN | {"Lines": [{"MerchantProductNo": "A", "Quantity": -1}]}, "71", "$.Lines[0].Quantity"),
        (RETURN | {"Lines": [{"MerchantProductNo": "A", "Quantity": None}]}, "71", "$.Lines[0].Quantity"),
        (RETURN | {"CreatedAt": "yesterday"}, "71", "no creation date"),
        (RETURN | {"CreatedAt": None}, "71", "no creation date"),
        (RETURN | {"CreatedAt": "0001-01-01T00:00:00+01:00"}, "71", "no creation date"),
        ({"Status": "RECEIVED"}, "element 2 of the page", "Id"),
        (17, "element 2 of the page", "object"),
    ],
)
def test_an_unreadable_return_is_named_with_its_reason_and_loses_no_neighbour(
    broken: object, named: str, why: str
) -> None:
    items, rejected = channel_returns(page(RETURN | {"Id": 1}, broken, RETURN | {"Id": 3}))
    assert [item.external_id for item in items] == ["1", "3"]
    ((name, reason),) = rejected
    assert name == named
    assert why in reason


def test_a_reason_for_rejection_repeats_nothing_the_customer_wrote() -> None:
    _, rejected = channel_returns(page(RETURN | {"CustomerComment": ["call me: 0612345678"]}))
    assert "0612345678" not in rejected[0][1]


@pytest.mark.parametrize(
    ("escaped", "text"),
    [
        (rb"half \ud83d", "half \ufffd"),
        (rb"\ude00 half", "\ufffd half"),
        (rb"\ud83d\u0041", "\ufffdA"),
        (rb"whole \ud83d\ude00 and \ud83d", "whole \U0001f600 and \ufffd"),
        (rb"\\ud83d and \ud83d", "\\ud83d and \ufffd"),
    ],
)
def test_a_comment_cut_inside_a_character_does_not_spoil_the_page(escaped: bytes, text: str) -> None:
    body = json.dumps({"Content": [RETURN, RETURN | {"Id": 72, "CustomerComment": "CUT"}]}).encode()
    items, rejected = channel_returns(decode(body.replace(b"CUT", escaped), Collection[msgspec.Raw]))
    assert [item.customer_comment for item in items] == ["too small", text]
    assert not rejected


def test_bytes_that_are_no_text_reject_one_element_only() -> None:
    body = json.dumps({"Content": [RETURN, RETURN | {"Id": 72, "CustomerComment": "CUT"}]}).encode()
    items, rejected = channel_returns(decode(body.replace(b"CUT", b"\xff"), Collection[msgspec.Raw]))
    assert [item.external_id for item in items] == ["71"]
    assert [name for name, _ in rejected] == ["72"]


def test_a_text_never_carries_the_character_that_postgresql_refuses() -> None:
    assert channel_return(vendor_return(CustomerComment="a\0b")).customer_comment == "ab"


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"<html>", b'{"Content":', b'{"Content":3}', b"\xff\xfe"])
def test_what_is_not_an_answer_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        decode(body, Collection[msgspec.Raw])
