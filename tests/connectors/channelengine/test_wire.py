import json
import os
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # it has no types of its own
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.channelengine import mapping
from connectors.channelengine.wire import (
    Collection,
    Shipment,
    Unreadable,
    VendorOrder,
    VendorReturn,
    decode,
    explain,
)
from hub.sdk import Kind, Reason, Settlement, SettlementLine

REFERENCE = Path(os.environ.get("HUB_REFERENCE", Path(__file__).parents[4] / "shared" / "reference"))
DESCRIPTION = REFERENCE / "channelengine" / "merchant-openapi.json"
KEY = "0123456789abcdef0123456789abcdef01234567"
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


def settlement(*lines: SettlementLine, **changes: object) -> Settlement:
    told: dict[str, Any] = {
        "kind": Kind.MERCHANT,
        "return_number": "RMA-7",
        "order_number": "SO-1001",
        "marketplace": "12",
        "reason": Reason.WRONG_SIZE,
        "comment": "fine",
        "returned_at": datetime(2025, 2, 12, 9, 30, tzinfo=UTC),
        "lines": lines,
    }
    told.update(changes)
    return Settlement(**told)


def line(
    sku: str = "SHOE-42", accepted: int = 0, rejected: int = 0, missing: int = 0, at: str | None = None
) -> SettlementLine:
    return SettlementLine(sku=sku, order_line=at, accepted=accepted, rejected=rejected, missing=missing)


def test_a_return_of_a_marketplace_is_read_completely() -> None:
    read = mapping.channel_return(vendor_return())
    assert (read.external_id, read.channel_return_number, read.order_number) == ("71", "R-998", "SO-1001")
    assert (read.channel_order_number, read.marketplace, read.raw_status) == ("5551234", "12", "IN_PROGRESS")
    assert (read.reason, read.customer_comment, read.merchant_return_number) == (Reason.WRONG_SIZE, "too small", None)
    assert (read.open, read.canceled, read.marketplace_fulfilled) == (True, False, False)
    assert read.created_at == datetime(2025, 2, 10, 8, 15, 2, 123457, tzinfo=UTC)
    (only,) = read.lines
    assert (only.sku, only.quantity, only.order_line, only.name, only.shipped) == ("SHOE-42", 2, "555", "A shoe", 3)
    assert only.unit_price == Decimal("24.95")


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
        ("2025-02-10T08:15:02.9999999Z", datetime(2025, 2, 10, 8, 15, 3, tzinfo=UTC)),
        ("2025-02-10T02:45:02.1234567-05:30", datetime(2025, 2, 10, 8, 15, 2, 123_457, tzinfo=UTC)),
    ],
)
def test_dates_are_read_with_any_fraction_and_any_offset(text: str, moment: datetime) -> None:
    assert mapping.channel_return(vendor_return(CreatedAt=text)).created_at == moment


def test_a_return_without_its_own_date_takes_the_date_of_the_source_system() -> None:
    read = mapping.channel_return(vendor_return(CreatedAt=None, ReturnDate="2025-02-09T00:00:00Z"))
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
    read = mapping.channel_return(vendor_return(Status=status))
    assert (read.open, read.canceled, read.raw_status) == (is_open, canceled, status or "")


@pytest.mark.parametrize("reason", [None, "", "EXPLODED"])
def test_a_reason_nobody_knows_is_other(reason: str | None) -> None:
    assert mapping.channel_return(vendor_return(Reason=reason)).reason is Reason.OTHER


def test_nulls_where_the_description_allows_them_are_read() -> None:
    optional = dict.fromkeys([name for name in RETURN if name not in {"Id", "CreatedAt", "Lines"}])
    bare = mapping.channel_return(vendor_return(**optional, Lines=None))
    assert (bare.order_number, bare.marketplace, bare.lines) == (None, None, ())
    thin = mapping.channel_return(vendor_return(Lines=[{"MerchantProductNo": "A", "OrderLine": None, "Quantity": 1}]))
    assert (thin.lines[0].shipped, thin.lines[0].order_line, thin.lines[0].unit_price) == (None, None, None)


def test_a_line_of_nothing_is_left_out() -> None:
    empty = {"MerchantProductNo": "A", "Quantity": 0}
    assert [item.sku for item in mapping.channel_return(vendor_return(Lines=[empty, *RETURN["Lines"]])).lines] == [
        "SHOE-42"
    ]


def test_the_same_product_on_two_lines_stays_two_lines() -> None:
    twice = RETURN["Lines"] * 2
    assert [item.quantity for item in mapping.channel_return(vendor_return(Lines=twice)).lines] == [2, 2]


@pytest.mark.parametrize(("flags", "fulfilled"), [([True], True), ([True, True], True), ([True, False], False)])
def test_a_return_is_the_marketplaces_own_only_if_all_its_lines_are(*, flags: list[bool], fulfilled: bool) -> None:
    lines = [
        {"MerchantProductNo": "A", "Quantity": 1, "OrderLine": {"Id": 1, "IsFulfillmentByMarketplace": flag}}
        for flag in flags
    ]
    assert mapping.channel_return(vendor_return(Lines=lines)).marketplace_fulfilled is fulfilled


@pytest.mark.parametrize(
    ("broken", "named", "why"),
    [
        (RETURN | {"Lines": [{"MerchantProductNo": "A", "Quantity": "two"}]}, "71", "$.Lines[0].Quantity"),
        (RETURN | {"Lines": [{"MerchantProductNo": "A", "Quantity": -1}]}, "71", "$.Lines[0].Quantity"),
        (RETURN | {"Lines": [{"MerchantProductNo": None, "Quantity": 1}]}, "71", "MerchantProductNo"),
        (RETURN | {"CreatedAt": "yesterday"}, "71", "$.CreatedAt"),
        (RETURN | {"CreatedAt": None}, "71", "no creation date"),
        (RETURN | {"CreatedAt": "0001-01-01T00:00:00+01:00"}, "71", "calendar"),
        ({"Status": "RECEIVED"}, "element 2 of the page", "Id"),
        (17, "element 2 of the page", "object"),
    ],
)
def test_an_unreadable_return_is_named_with_its_reason_and_loses_no_neighbour(
    broken: object, named: str, why: str
) -> None:
    items, rejected = mapping.channel_returns(page(RETURN | {"Id": 1}, broken, RETURN | {"Id": 3}))
    assert [item.external_id for item in items] == ["1", "3"]
    ((name, reason),) = rejected
    assert name == named
    assert why in reason


def test_a_reason_for_rejection_repeats_nothing_the_customer_wrote() -> None:
    _, rejected = mapping.channel_returns(page(RETURN | {"CustomerComment": ["call me: 0612345678"]}))
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
    items, rejected = mapping.channel_returns(decode(body.replace(b"CUT", escaped), Collection[msgspec.Raw]))
    assert [item.customer_comment for item in items] == ["too small", text]
    assert not rejected


def test_bytes_that_are_no_text_reject_one_element_only() -> None:
    body = json.dumps({"Content": [RETURN, RETURN | {"Id": 72, "CustomerComment": "CUT"}]}).encode()
    items, rejected = mapping.channel_returns(decode(body.replace(b"CUT", b"\xff"), Collection[msgspec.Raw]))
    assert [item.external_id for item in items] == ["71"]
    assert [name for name, _ in rejected] == ["72"]


def test_a_text_never_carries_the_character_that_postgresql_refuses() -> None:
    assert mapping.channel_return(vendor_return(CustomerComment="a\0b")).customer_comment == "ab"


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"<html>", b'{"Content":', b'{"Content":3}', b"\xff\xfe"])
def test_what_is_not_an_answer_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        decode(body, Collection[msgspec.Raw])


ORDER: dict[str, Any] = {
    "Id": 9,
    "MerchantOrderNo": "SO-1001",
    "ChannelOrderNo": "5551234",
    "ChannelId": 12,
    "CurrencyCode": "SEK",
    "Email": "somebody@example.org",
    "ShippingAddress": {"CountryIso": "SE", "LastName": "Svensson"},
    "Lines": [
        {
            "Id": 1,
            "MerchantProductNo": "A",
            "ChannelProductNo": "c1",
            "Quantity": 3,
            "Status": "CLOSED",
            "UnitPriceInclVat": 9.99,
            "OriginalUnitPriceInclVat": 110.0,
        },
        {"Id": 2, "MerchantProductNo": "B", "ChannelProductNo": "c2", "Quantity": 2, "Status": "IN_BACKORDER"},
    ],
}


def vendor_order(*lines: dict[str, Any], **changes: object) -> VendorOrder:
    return decode(json.dumps(ORDER | ({"Lines": lines} if lines else {}) | changes).encode(), VendorOrder)


def shipment(*lines: dict[str, Any], of: str = "SO-1001") -> Shipment:
    return decode(json.dumps({"MerchantOrderNo": of, "Lines": lines}).encode(), Shipment)


def sent(quantity: int, status: str | None = "SHIPPED", at: int | None = None, sku: str = "A") -> dict[str, Any]:
    order_line = {"Id": at, "Quantity": 99} if at else None
    return {"MerchantProductNo": sku, "Quantity": quantity, "ShipmentStatus": status, "OrderLine": order_line}


def shipped(told: VendorOrder, *shipments: Shipment) -> list[int]:
    return [item.shipped for item in mapping.order(told, shipments).lines]


def test_an_order_is_read_in_the_currency_the_customer_paid_in() -> None:
    read = mapping.order(vendor_order(), [])
    assert (read.number, read.marketplace, read.currency, read.country) == ("SO-1001", "12", "SEK", "SE")
    assert (read.lines[0].reference, read.lines[0].unit_price) == ("1", Decimal(110))
    assert read.lines[1].unit_price is None
    assert "Svensson" not in repr(read)


def test_without_shipments_the_status_of_a_line_tells_what_left() -> None:
    assert shipped(vendor_order()) == [3, 0]


def test_shipments_tell_what_left_and_only_what_was_shipped_counts() -> None:
    first = shipment(sent(1, at=1), sent(1, status="MANCO", at=1), sent(1, status=None, at=1))
    assert shipped(vendor_order(), first, shipment(sent(1, at=1), sent(2, status="IN_BACKORDER", at=2))) == [2, 0]


def test_more_than_was_ordered_never_counts_as_shipped() -> None:
    assert shipped(vendor_order(), shipment(sent(9, at=1), sent(9, sku="B"))) == [3, 2]


def test_a_shipment_without_order_lines_is_spread_over_the_lines_of_its_product() -> None:
    lines = [{"Id": at, "MerchantProductNo": "A", "Quantity": 2} for at in (1, 2)]
    assert shipped(vendor_order(*lines), shipment(sent(3))) == [2, 1]
    assert shipped(vendor_order(*lines), shipment(sent(1, at=2), sent(2))) == [2, 1]


def test_too_many_of_one_line_do_not_count_for_another_line_of_the_product() -> None:
    lines = [{"Id": at, "MerchantProductNo": "A", "Quantity": 2} for at in (1, 2)]
    assert shipped(vendor_order(*lines), shipment(sent(9, at=1))) == [2, 0]


def test_shipments_of_other_orders_do_not_count() -> None:
    assert shipped(vendor_order(), shipment(sent(3, at=1), of="SO-2")) == [3, 0]


def test_what_the_marketplace_keeps_or_nobody_can_name_cannot_come_back() -> None:
    theirs = {"Id": 1, "MerchantProductNo": "A", "Quantity": 1, "Status": "SHIPPED", "IsFulfillmentByMarketplace": True}
    nameless = {"Id": 2, "ChannelProductNo": "c2", "Quantity": 1, "Status": "SHIPPED"}
    assert shipped(vendor_order(theirs, nameless)) == [0, 0]


def test_what_never_arrived_is_told_as_rejected_so_that_the_sum_is_what_was_declared() -> None:
    decided = mapping.decided([line("A", accepted=1, rejected=1, missing=1), line("B", missing=2), line("C")])
    assert decided == {"A": (1, 2), "B": (0, 2)}


def test_lines_of_one_product_are_one_line_of_the_update() -> None:
    body = json.loads(
        mapping.update_body(71, mapping.decided([line("A", accepted=1, at="5"), line("A", rejected=2, at="6")]))
    )
    assert body == {
        "ReturnId": 71,
        "Lines": [{"MerchantProductNo": "A", "AcceptedQuantity": 1, "RejectedQuantity": 2}],
    }


def test_a_creation_holds_what_was_accepted_and_nothing_else() -> None:
    lines = [
        line("A", accepted=1, rejected=1, at="555"),
        line("A", accepted=1, at="556"),
        line("A", accepted=2, at="555"),
        line("B", rejected=1),
        line("C", accepted=1, at="x-1"),
    ]
    assert json.loads(mapping.create_body(settlement(*lines, reason=Reason.PRODUCT_DEFECT))) == {
        "MerchantOrderNo": "SO-1001",
        "MerchantReturnNo": "RMA-7",
        "Reason": "PRODUCT_DEFECT",
        "ReturnDate": "2025-02-12T09:30:00.000Z",
        "MerchantComment": "fine",
        "Lines": [
            {"MerchantProductNo": "A", "Quantity": 3, "OrderLineId": 555},
            {"MerchantProductNo": "A", "Quantity": 1, "OrderLineId": 556},
            {"MerchantProductNo": "C", "Quantity": 1},
        ],
    }


@pytest.mark.parametrize("comment", [None, "", "   "])
def test_an_empty_comment_is_not_sent(comment: str | None) -> None:
    assert "MerchantComment" not in json.loads(mapping.create_body(settlement(line(accepted=1), comment=comment)))


@given(st.text(max_size=20), st.sampled_from(["a", "é", "\U0001f600"]))
def test_a_comment_is_cut_to_4001_characters_as_dotnet_counts_them(before: str, filling: str) -> None:
    body = json.loads(mapping.create_body(settlement(line(accepted=1), comment=before + filling * 4_100)))
    units = len(body["MerchantComment"].encode("utf-16-le")) // 2
    assert 4_000 <= units <= 4_001


@pytest.fixture(scope="module")
def description() -> dict[str, Any]:
    if not DESCRIPTION.is_file():
        pytest.skip("ChannelEngine's OpenAPI description is not here; set HUB_REFERENCE to the folder that holds it")
    found: dict[str, Any] = json.loads(DESCRIPTION.read_text())
    return found


def conforms(body: bytes, name: str, description: dict[str, Any]) -> None:
    schema = {"$ref": f"#/components/schemas/{name}", "components": description["components"]}
    jsonschema.Draft202012Validator(schema).validate(json.loads(body))


quantities = st.integers(0, 3)
lines = st.builds(
    line, st.sampled_from("ABC"), quantities, quantities, quantities, st.sampled_from([None, "1", "2", "x"])
)


@given(st.lists(lines, min_size=1, max_size=5), st.sampled_from(Reason), st.none() | st.text(max_size=30))
def test_every_body_is_what_the_description_asks_for(
    description: dict[str, Any], decided: list[SettlementLine], reason: Reason, comment: str | None
) -> None:
    if sums := mapping.decided(decided):
        conforms(mapping.update_body(71, sums), "MerchantReturnUpdateRequest", description)
    if mapping.accepted(decided):
        body = mapping.create_body(settlement(*decided, reason=reason, comment=comment))
        conforms(body, "MerchantReturnRequest", description)
    conforms(mapping.acknowledge_body(71, "RMA-7"), "MerchantReturnAcknowledgeRequest", description)


@given(st.lists(lines, max_size=5))
def test_what_was_created_is_what_was_accepted(decided: list[SettlementLine]) -> None:
    created = json.loads(mapping.create_body(settlement(*decided)))["Lines"]
    told = decode(json.dumps({"Id": 1, "Lines": created}).encode(), VendorReturn)
    assert mapping.declared(told) == mapping.accepted(decided)
    assert all(entry["Quantity"] for entry in created)


def told_back(*pairs: tuple[int | None, int | None]) -> VendorReturn:
    lines = [
        {"MerchantProductNo": "A", "Quantity": 1, "AcceptedQuantity": yes, "RejectedQuantity": no} for yes, no in pairs
    ]
    return vendor_return(Lines=lines)


def test_what_was_decided_there_is_known_only_if_a_line_says_so() -> None:
    assert mapping.reported(told_back((None, None), (None, None))) is None
    assert mapping.reported(told_back((1, None), (None, 2))) == {"A": (1, 2)}
    assert mapping.reported(told_back((0, 0))) == {}


@pytest.mark.parametrize(
    ("status", "body", "means"),
    [
        (200, {"Success": True}, (200, "")),
        (201, {}, (201, "")),
        (200, {"Success": False, "Message": "no"}, (400, "no")),
        (200, {"Success": False, "StatusCode": 409, "Message": "no"}, (409, "no")),
        (200, {"Success": False, "StatusCode": 200, "Message": "no"}, (400, "no")),
        (400, {"Message": "m", "ValidationErrors": {"Lines": ["a", "b"], "X": None}}, (400, "Lines: a, b; X: None")),
        (400, {"Message": "m", "ValidationErrors": {}}, (400, "m")),
        (400, {"Message": "m", "ValidationErrors": ["odd"]}, (400, "m")),
        (404, {"Message": f"key {KEY} of jan@example.org\n unknown"}, (404, "key [key] of [address] unknown")),
        (400, {"ValidationErrors": {"Key": ["short-key"]}}, (400, "Key: [key]")),
        (200, {"Success": False, "StatusCode": 401, "Message": "API key is unknown: short-key"}, (401, "")),
    ],
)
def test_what_an_answer_really_says(status: int, body: dict[str, Any], means: tuple[int, str]) -> None:
    assert explain(status, json.dumps(body).encode(), "short-key") == means


def test_a_refusal_need_not_be_readable_but_a_success_must_be() -> None:
    assert explain(400, b"<html>", "k") == (400, "")
    with pytest.raises(Unreadable):
        explain(200, b"<html>", "k")


def test_long_complaints_are_cut() -> None:
    assert len(explain(400, json.dumps({"Message": "no " * 1_000}).encode(), "k")[1]) == 500
