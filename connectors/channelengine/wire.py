"""What ChannelEngine tells, as structs; everything is documented in the Merchant API 2.19.0 unless a line says so."""

from decimal import Decimal
from typing import Annotated

import msgspec

from connectors.channelengine.answers import Vendor
from connectors.channelengine.values import Words

IN_PROGRESS = "IN_PROGRESS"
RECEIVED = "RECEIVED"
CANCELLED = "CANCELLED"

Count = Annotated[int, msgspec.Meta(ge=0)]


class Tenant(Vendor, frozen=True, kw_only=True):
    """The account's own settings."""

    name: str | None = None
    company_name: str | None = None
    currency_code: str | None = None


class Channel(Vendor, frozen=True, kw_only=True):
    """One marketplace as the account has set it up."""

    channel_id: int | None = None
    channel_name: str | None = None


class GlobalChannel(Vendor, frozen=True, kw_only=True):
    """One marketplace across all accounts; most have none of this account's channels."""

    global_channel_name: str | None = None
    channels: list[Channel] | None = None


class VendorOrderLine(Vendor, frozen=True, kw_only=True):
    """One line of an order, alone or inside a return or shipment."""

    id: int | None = None
    status: str | None = None
    is_fulfillment_by_marketplace: bool | None = None
    gtin: Words = None
    description: Words = None
    channel_product_no: Words = None
    merchant_product_no: Words = None
    quantity: Count | None = None
    original_unit_price_incl_vat: Decimal | None = None


class VendorReturnLine(Vendor, frozen=True, kw_only=True):
    """One line of a return; what was accepted stands in lists only from 2.22 on."""

    merchant_product_no: Words = None
    order_line: VendorOrderLine | None = None
    shipment_status: str | None = None
    quantity: Count
    accepted_quantity: Count | None = None
    rejected_quantity: Count | None = None

    @property
    def ordered(self) -> VendorOrderLine:
        """The order line, an empty one where there is none."""
        return self.order_line or VendorOrderLine()

    @property
    def marketplace_fulfilled(self) -> bool:
        """Whether the marketplace sent it from its own stock (FBA, LVB, ZFS) and takes it back there."""
        return bool(self.ordered.is_fulfillment_by_marketplace)


class Named(Vendor, frozen=True, kw_only=True):
    """What tells a return from another one, readable even where the rest is not."""

    id: int
    merchant_return_no: Words = None


class VendorReturn(Named, frozen=True, kw_only=True):
    """One return, as lists and the read by order give it."""

    merchant_order_no: Words = None
    channel_order_no: Words = None
    channel_id: int | None = None
    global_channel_name: Words = None
    created_at: Words = None
    updated_at: Words = None
    return_date: Words = None
    channel_return_no: Words = None
    status: str | None = None
    reason: str | None = None
    customer_comment: Words = None
    lines: list[VendorReturnLine | None] | None = None

    @property
    def filled(self) -> list[VendorReturnLine]:
        """The lines that are there."""
        return [line for line in self.lines or () if line is not None]


class Address(Vendor, frozen=True, kw_only=True):
    """Of an address, only what the hub may know."""

    country_iso: str | None = None


class VendorOrder(Vendor, frozen=True, kw_only=True):
    """One order, without the customer's name and addresses."""

    id: int
    merchant_order_no: Words = None
    channel_order_no: Words = None
    commercial_order_no: Words = None
    channel_id: int | None = None
    currency_code: str | None = None
    shipping_address: Address | None = None
    order_date: Words = None
    lines: list[VendorOrderLine] | None = None


class ShipmentLine(Vendor, frozen=True, kw_only=True):
    """A quantity of one product that left, or did not, in one shipment."""

    merchant_product_no: Words = None
    order_line: VendorOrderLine | None = None
    shipment_status: str | None = None
    quantity: Count


class Shipment(Vendor, frozen=True, kw_only=True):
    """One shipment."""

    merchant_order_no: Words = None
    shipment_date: Words = None
    created_at: Words = None
    lines: list[ShipmentLine] | None = None


class Notice(Vendor, frozen=True, kw_only=True):
    """One notification; which return it is about stands in its words alone."""

    id: int
    type: str | None = None
    created_at: Words = None
    subject: Words = None
    message: Words = None


class Webhook(Vendor, frozen=True, kw_only=True):
    """One webhook as it stands there; its name is its key."""

    name: Words = None
    url: Words = None
    is_active: bool | None = None
    request_type: str | None = None
    events: list[str] | None = None
