"""What the vendor shows of its records, in the fields of the Merchant API 2.19.0."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from connectors.channelengine.sandbox.book import Book
from connectors.channelengine.sandbox.records import Note, Order, OrderLine, Return, ReturnLine
from connectors.channelengine.sandbox.tenancy import Webhook
from connectors.channelengine.sandbox.wire import encoder, stamp, stamp_or_none

CENT = Decimal("0.01")
STOCK_LOCATION = {"Id": 1, "Name": "Main"}
Json = dict[str, Any]


def settings(book: Book) -> Json:
    """Show a tenant's settings."""
    return {
        "Name": book.tenant,
        "CompanyName": book.tenant.replace("-", " ").title(),
        "CurrencyCode": "EUR",
        "DefaultCultureCode": "nl-NL",
        "Settings": {"Advanced": {"ManageStock": True, "DefaultVatRate": Decimal(21)}},
        "Vat": [{"CountryIso": "NL", "StandardRate": Decimal(21), "ReducedRate": Decimal(9)}],
    }


def channels(book: Book) -> list[Json]:
    """Show the marketplaces the tenant has sold on, each with the tenant's channels there."""
    known: dict[tuple[int, str], dict[int, str]] = {}
    for order in book.orders.values():
        known.setdefault((order.global_channel_id, order.global_channel_name), {})[order.channel_id] = (
            order.channel_name
        )
    return [
        {
            "GlobalChannelId": global_id,
            "GlobalChannelName": name,
            "CountryCode": "NL",
            "LanguageCode": "nl",
            "Channels": [
                {"ChannelId": number, "ChannelName": title, "IsEnabled": True, "Reference": None}
                for number, title in mine.items()
            ],
        }
        for (global_id, name), mine in known.items()
    ]


def order(book: Book, found: Order) -> Json:
    """Show one order with its lines."""
    total = sum((line.unit_price_incl_vat * line.quantity for line in found.lines), Decimal(0))
    vat = sum((_vat(line.unit_price_incl_vat * line.quantity, line.vat_rate) for line in found.lines), Decimal(0))
    acknowledged = None if found.merchant_order_no is None else stamp(found.acknowledged_at or found.created_at)
    address = _address(found)
    return {
        "Id": found.id,
        **_channel(found),
        "ChannelName": found.channel_name,
        "ChannelOrderSupport": "SPLIT_ORDER_LINES",
        "ChannelOrderNo": found.channel_order_no,
        "CommercialOrderNo": found.commercial_order_no,
        "MerchantOrderNo": found.merchant_order_no,
        "Status": found.status,
        "IsBusinessOrder": False,
        "IsTest": False,
        "AcknowledgedDate": acknowledged,
        "CreatedAt": stamp(found.created_at),
        "UpdatedAt": stamp(found.updated_at or found.created_at),
        "ClosedAt": None,
        "MerchantComment": None,
        "BillingAddress": address,
        "ShippingAddress": address,
        "SubTotalInclVat": total,
        "SubTotalVat": vat,
        "ShippingCostsInclVat": Decimal(0),
        "TotalInclVat": total,
        "TotalVat": vat,
        "OriginalSubTotalInclVat": total,
        "OriginalTotalInclVat": total,
        "OriginalTotalVat": vat,
        "Lines": [order_line(book, found, line) for line in found.lines],
        "Phone": found.customer.phone,
        "Email": found.customer.email,
        "LanguageCode": "nl",
        "PaymentMethod": None,
        "CurrencyCode": found.currency_code,
        "OrderDate": stamp(found.order_date),
        "ChannelCustomerNo": None,
        "ExtraData": {},
    }


def order_line(book: Book, found: Order, line: OrderLine) -> msgspec.Raw:
    """Show one order line; it never changes, so it is drawn once."""
    drawn = book.drawn_lines.get(line.id)
    if drawn is None:
        drawn = book.drawn_lines[line.id] = msgspec.Raw(encoder.encode(_order_line(found, line)))
    return drawn


def found_return(book: Book, found: Return) -> Json:
    """Show a return the way lists do: before 2.22.12 without what was accepted and rejected."""
    order = book.order_of(found)
    lines = {line.id: order_line(book, order, line) for line in order.lines}
    newer = book.terms.switches.update_dates
    return {
        **_return(found, order),
        "ChannelOrderNo": order.channel_order_no,
        "AcknowledgedDate": stamp_or_none(found.acknowledged_at),
        "Lines": [
            {
                **_return_line(line, lines[line.order_line_id]),
                "StockLocation": STOCK_LOCATION,
                **(_decided(line) if newer else {}),
            }
            for line in found.lines
        ],
        **({"ChannelName": order.channel_name, "TrackTraceNo": None} if newer else {}),
    }


def return_of_order(book: Book, found: Return) -> Json:
    """Show a return the way one order's returns are shown: with what was accepted and rejected."""
    order = book.order_of(found)
    lines = {line.id: order_line(book, order, line) for line in order.lines}
    return {
        **_return(found, order),
        "Lines": [{**_return_line(line, lines[line.order_line_id]), **_decided(line)} for line in found.lines],
    }


def shipment(book: Book, found: Order) -> Json:
    """Show the one shipment of an order that was shipped."""
    return {
        "MerchantShipmentNo": f"S-{found.id}",
        "MerchantOrderNo": found.merchant_order_no,
        "ChannelShipmentNo": None,
        "ChannelOrderNo": found.channel_order_no,
        "ChannelId": found.channel_id,
        "GlobalChannelId": found.global_channel_id,
        "Lines": [
            {
                "MerchantProductNo": line.merchant_product_no or line.channel_product_no,
                "ChannelProductNo": line.channel_product_no,
                "OrderLine": order_line(book, found, line),
                "ShipmentStatus": "SHIPPED",
                "ExtraData": {},
                "Quantity": line.shipped,
            }
            for line in found.lines
            if line.shipped
        ],
        "CreatedAt": stamp(found.created_at),
        "UpdatedAt": stamp(found.created_at),
        "ChannelExportStatus": "SUCCEEDED",
        "ChannelExportAttempts": 1,
        "ExtraData": {},
        "ReturnTrackTraceNo": found.return_track_trace_no,
        "ShippedFromStockLocationId": STOCK_LOCATION["Id"],
        "ShipmentDate": stamp(found.created_at),
    }


def notification(note: Note) -> Json:
    """Show a notification, which names its return in text only."""
    return {
        "Id": note.id,
        "Read": False,
        "CreatedAt": stamp(note.created_at),
        "Subject": note.subject,
        "Message": note.message,
        "Count": 1,
        "Type": note.type,
    }


def webhook(found: Webhook) -> Json:
    """Show a webhook as the merchant asked for it."""
    return {
        "Name": found.name,
        "Url": found.url,
        "IsActive": found.is_active,
        "RequestType": found.request_type,
        "Events": list(found.events),
    }


def _return(found: Return, order: Order) -> Json:
    return {
        "Id": found.id,
        "MerchantOrderNo": order.merchant_order_no,
        **_channel(order),
        "CreatedAt": stamp(found.created_at),
        "UpdatedAt": stamp(found.updated_at),
        "MerchantReturnNo": found.merchant_return_no,
        "ChannelReturnNo": found.channel_return_no,
        "Status": found.status,
        "Reason": found.reason,
        "CustomerComment": found.customer_comment,
        "MerchantComment": found.merchant_comment,
        "RefundInclVat": found.refund_incl_vat,
        "RefundExclVat": found.refund_excl_vat,
        "ReturnDate": stamp_or_none(found.return_date),
        "ExtraData": found.extra_data,
    }


def _return_line(line: ReturnLine, sold: msgspec.Raw) -> Json:
    return {
        # Journals from before there were unlinked products have an empty text for none.
        "MerchantProductNo": line.merchant_product_no or None,
        "OrderLine": sold,
        "ShipmentStatus": "SHIPPED",
        "Quantity": line.quantity,
        "ExtraData": {},
    }


def _decided(line: ReturnLine) -> Json:
    return {"AcceptedQuantity": line.accepted, "RejectedQuantity": line.rejected}


def _channel(found: Order) -> Json:
    return {
        "ChannelId": found.channel_id,
        "GlobalChannelId": found.global_channel_id,
        "GlobalChannelName": found.global_channel_name,
    }


def _address(found: Order) -> Mapping[str, str]:
    customer = found.customer
    return {
        "Line1": f"{customer.street_name} {customer.house_nr}",
        "Gender": "NOT_APPLICABLE",
        "FirstName": customer.first_name,
        "LastName": customer.last_name,
        "StreetName": customer.street_name,
        "HouseNr": customer.house_nr,
        "ZipCode": customer.zip_code,
        "City": customer.city,
        "CountryIso": customer.country_iso,
    }


def _order_line(found: Order, line: OrderLine) -> Json:
    price, total = line.unit_price_incl_vat, line.unit_price_incl_vat * line.quantity
    unit_vat, line_vat = _vat(price, line.vat_rate), _vat(total, line.vat_rate)
    prices = {"UnitPriceInclVat": price, "UnitVat": unit_vat, "LineTotalInclVat": total, "LineVat": line_vat}
    return {
        "Id": line.id,
        "ChannelOrderLineNo": None,
        "Status": found.status,
        "IsFulfillmentByMarketplace": line.fulfilled_by_marketplace,
        "Gtin": line.gtin,
        "Description": line.description,
        "StockLocation": STOCK_LOCATION,
        **prices,
        **{f"Original{name}": amount for name, amount in prices.items()},
        "UnitPriceExclVat": price - unit_vat,
        "LineTotalExclVat": total - line_vat,
        "VatRate": line.vat_rate,
        "ExtraData": [],
        "ChannelProductNo": line.channel_product_no,
        "MerchantProductNo": line.merchant_product_no,
        "Quantity": line.quantity,
        "CancellationRequestedQuantity": 0,
        "Condition": "NEW",
    }


def _vat(incl: Decimal, rate: Decimal) -> Decimal:
    return (incl * rate / (100 + rate)).quantize(CENT)
