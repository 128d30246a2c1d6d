"""How an order and its shipments are read as the hub's order: pure."""

from collections import Counter
from collections.abc import Iterable, Sequence

from connectors.channelengine.values import moment, number, sku, text
from connectors.channelengine.wire import Shipment, VendorOrder, VendorOrderLine
from hub.sdk import Order, OrderLine

SENT = frozenset({"SHIPPED", "CLOSED", "RETURNED"})


def matching_orders(orders: Iterable[VendorOrder], field: str, wanted: str) -> list[VendorOrder]:
    """Return the distinct orders that really carry the number; a filter that is ignored answers with all orders."""
    known = {told.id: told for told in orders if _carried(told, field).casefold() == wanted.casefold()}
    return list(known.values())


def _carried(told: VendorOrder, field: str) -> str:
    numbers = {
        "merchantOrderNos": told.merchant_order_no,
        "channelOrderNos": told.channel_order_no,
        "commercialOrderNos": told.commercial_order_no,
    }
    return text(numbers[field]) or ""


def order(told: VendorOrder, shipments: Iterable[Shipment]) -> Order:
    """Map one order; prices and currency are those that the customer paid in."""
    own = [parcel for parcel in shipments if _belongs(parcel, told)]
    shipped = _shipped(told, own)
    return Order(
        number=text(told.merchant_order_no) or "",
        marketplace=number(told.channel_id),
        currency=text(told.currency_code),
        country=text(told.shipping_address.country_iso) if told.shipping_address else None,
        lines=tuple(_order_line(line, quantity) for line, quantity in zip(told.lines or (), shipped, strict=True)),
        ordered_at=moment(told.order_date),
        shipped_at=max(
            (at for parcel in own if (at := moment(parcel.shipment_date) or moment(parcel.created_at))), default=None
        ),
    )


def _order_line(line: VendorOrderLine, shipped: int) -> OrderLine:
    # Goods in the marketplace's own warehouses go back there, and without a product number nothing can be declared.
    known = sku(line.merchant_product_no)
    returnable = known and not line.is_fulfillment_by_marketplace
    return OrderLine(
        reference=number(line.id),
        sku=known or text(line.channel_product_no) or "",
        name=text(line.description),
        shipped=shipped if returnable else 0,
        unit_price=line.original_unit_price_incl_vat,
        channel_sku=text(line.channel_product_no),
        gtin=text(line.gtin),
    )


def _shipped(told: VendorOrder, shipments: Sequence[Shipment]) -> list[int]:
    """Count per order line what was sent: by shipments if the order has any, else by the line's own status."""
    lines = told.lines or []
    sent = [line for parcel in shipments for line in parcel.lines or ()]
    if not sent:
        return [_ordered(line) if line.status in SENT else 0 for line in lines]
    by_line: Counter[int] = Counter()
    by_sku: Counter[str] = Counter()
    for item in sent:
        if item.shipment_status != "SHIPPED":
            continue
        if item.order_line and item.order_line.id:
            by_line[item.order_line.id] += item.quantity
        else:
            by_sku[sku(item.merchant_product_no) or ""] += item.quantity
    return [_taken(line, by_line, by_sku) for line in lines]


def _belongs(parcel: Shipment, told: VendorOrder) -> bool:
    return text(parcel.merchant_order_no) == text(told.merchant_order_no)


def _taken(line: VendorOrderLine, by_line: Counter[int], by_sku: Counter[str]) -> int:
    known = min(by_line[line.id or 0], _ordered(line))
    product = sku(line.merchant_product_no) or ""
    loose = min(by_sku[product], _ordered(line) - known)
    by_sku[product] -= loose
    return known + loose


def _ordered(line: VendorOrderLine) -> int:
    return line.quantity or 0
