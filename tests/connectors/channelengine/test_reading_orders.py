import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from connectors.channelengine import orders
from connectors.channelengine.answers import decode
from connectors.channelengine.wire import Shipment, VendorOrder

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
            "Gtin": "8712345678906",
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
    return [item.shipped for item in orders.order(told, shipments).lines]


def test_an_order_is_read_in_the_currency_the_customer_paid_in() -> None:
    read = orders.order(vendor_order(), [])
    assert (read.number, read.marketplace, read.currency, read.country) == ("SO-1001", "12", "SEK", "SE")
    assert (read.lines[0].reference, read.lines[0].unit_price) == ("1", Decimal(110))
    assert read.lines[1].unit_price is None
    assert [(line.channel_sku, line.gtin) for line in read.lines] == [("c1", "8712345678906"), ("c2", None)]
    assert "Svensson" not in repr(read)


def test_an_order_tells_when_it_was_made_and_when_the_last_of_it_left() -> None:
    told = vendor_order(OrderDate="2026-11-01T10:00:00+01:00")
    dates = ({"ShipmentDate": "2026-11-03T09:00:00Z", "CreatedAt": "2026-11-04T09:00:00Z"}, {"CreatedAt": "2026-11-02"})
    own = {"MerchantOrderNo": "SO-1001", "Lines": []}
    parcels = [decode(json.dumps(own | each).encode(), Shipment) for each in dates]
    strange = decode(json.dumps({"MerchantOrderNo": "SO-9", "CreatedAt": "2026-12-01"}).encode(), Shipment)
    read = orders.order(told, [*parcels, strange])
    assert read.ordered_at == datetime(2026, 11, 1, 9, tzinfo=UTC)
    assert read.shipped_at == datetime(2026, 11, 3, 9, tzinfo=UTC)
    assert read.delivered_at is None
    unknown = orders.order(vendor_order(OrderDate="0001-01-01T00:00:00"), [])
    assert (unknown.ordered_at, unknown.shipped_at) == (None, None)


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
