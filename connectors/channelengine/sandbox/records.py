"""What the vendor remembers: orders, returns, refunds and notifications, as immutable records."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Literal

import msgspec


class ReturnStatus(StrEnum):
    """Where a return stands; a fully rejected one is `RECEIVED` too (documented in the Merchant API 2.19.0)."""

    IN_PROGRESS = "IN_PROGRESS"
    RECEIVED = "RECEIVED"
    CANCELLED = "CANCELLED"


class ReturnReason(StrEnum):
    """Why the goods come back, in the vendor's words (documented in the Merchant API 2.19.0)."""

    PRODUCT_DEFECT = "PRODUCT_DEFECT"
    PRODUCT_UNSATISFACTORY = "PRODUCT_UNSATISFACTORY"
    WRONG_PRODUCT = "WRONG_PRODUCT"
    TOO_MANY_PRODUCTS = "TOO_MANY_PRODUCTS"
    REFUSED = "REFUSED"
    REFUSED_DAMAGED = "REFUSED_DAMAGED"
    WRONG_ADDRESS = "WRONG_ADDRESS"
    NOT_COLLECTED = "NOT_COLLECTED"
    WRONG_SIZE = "WRONG_SIZE"
    OTHER = "OTHER"


class OrderStatus(StrEnum):
    """Where an order stands (documented in the Merchant API 2.19.0 as `OrderStatusView`)."""

    IN_PROGRESS = "IN_PROGRESS"
    SHIPPED = "SHIPPED"
    IN_BACKORDER = "IN_BACKORDER"
    MANCO = "MANCO"
    CANCELED = "CANCELED"
    IN_COMBI = "IN_COMBI"
    CLOSED = "CLOSED"
    NEW = "NEW"
    RETURNED = "RETURNED"
    REQUIRES_CORRECTION = "REQUIRES_CORRECTION"
    AWAITING_PAYMENT = "AWAITING_PAYMENT"


class Creator(StrEnum):
    """Who started a return: the customer at the marketplace, or the merchant through the API."""

    CHANNEL = "channel"
    MERCHANT = "merchant"


class ExportStatus(StrEnum):
    """How far a decision got on its way to the marketplace (from `ChannelExportStatus` of the Merchant API 2.19.0)."""

    AWAITING_EXPORT = "AWAITING_EXPORT"
    SUCCEEDED = "SUCCEEDED"
    FAILED_RETRY = "FAILED_RETRY"
    FAILED_NO_RETRY = "FAILED_NO_RETRY"


# Who decided: the merchant by updating or creating a return, or somebody in the vendor's own pages.
Cause = Literal["update", "create", "web"]


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A fact of the vendor's that is replaced whole and never edited."""


class OrderLine(Record, frozen=True):
    """One product of an order; `shipped` units are all that can ever come back, prices include VAT."""

    id: int
    merchant_product_no: str | None
    channel_product_no: str
    quantity: int
    shipped: int
    unit_price_incl_vat: Decimal
    vat_rate: Decimal = Decimal(21)
    gtin: str | None = None
    description: str | None = None
    fulfilled_by_marketplace: bool = False


class Customer(Record, frozen=True):
    """Who bought, as far as an order shows it."""

    first_name: str = "Sam"
    last_name: str = "Example"
    street_name: str = "Kade"
    house_nr: str = "1"
    zip_code: str = "1011AA"
    city: str = "Amsterdam"
    country_iso: str = "NL"
    email: str = "sam@example.com"
    phone: str | None = None


class Order(Record, frozen=True):
    """One order of a marketplace; the merchant's number is unknown until the merchant has acknowledged it."""

    id: int
    merchant_order_no: str | None
    channel_order_no: str
    commercial_order_no: str
    channel_id: int
    channel_name: str
    global_channel_id: int
    global_channel_name: str
    status: OrderStatus
    currency_code: str
    customer: Customer
    order_date: datetime
    created_at: datetime
    lines: tuple[OrderLine, ...]
    return_track_trace_no: str | None = None
    acknowledged_at: datetime | None = None
    updated_at: datetime | None = None


class ReturnLine(Record, frozen=True):
    """Units of one order line that come back; accepted and rejected are unknown until the one settlement."""

    order_line_id: int
    merchant_product_no: str | None
    quantity: int
    accepted: int | None = None
    rejected: int | None = None


class Export(Record, frozen=True):
    """How far a decision got on its way to the marketplace, which may still refuse what the vendor took.

    `cause` is None for a return that was imported as exported already; `next_at` is when it is tried again by itself.
    """

    status: ExportStatus
    cause: Cause | None = None
    attempts: int = 0
    next_at: datetime | None = None


class Return(Record, frozen=True):
    """One return of one order, whoever started it."""

    id: int
    order_id: int
    creator: Creator
    status: ReturnStatus
    lines: tuple[ReturnLine, ...]
    created_at: datetime
    updated_at: datetime
    merchant_return_no: str | None = None
    channel_return_no: str | None = None
    acknowledged_at: datetime | None = None
    reason: ReturnReason = ReturnReason.PRODUCT_DEFECT
    customer_comment: str | None = None
    merchant_comment: str | None = None
    refund_incl_vat: Decimal = Decimal(0)
    refund_excl_vat: Decimal = Decimal(0)
    return_date: datetime | None = None
    extra_data: Mapping[str, str | None] = {}
    export: Export | None = None


class Refund(Record, frozen=True):
    """Money that has left: one line of the append-only ledger that tests are judged by."""

    tenant: str
    return_id: int
    merchant_return_no: str | None
    channel_return_no: str | None
    order_no: str | None
    sku: str
    order_line_id: int
    quantity: int
    unit_price: Decimal
    amount: Decimal
    currency_code: str
    cause: Cause
    at: datetime


class Note(Record, frozen=True):
    """A notification, such as one about a return whose refund the marketplace refused afterwards."""

    id: int
    return_id: int | None
    type: str
    subject: str
    message: str
    created_at: datetime
