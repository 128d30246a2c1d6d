"""ChannelEngine's JSON as structs, and how it is read.

Everything here is documented in the Merchant API 2.19.0 unless a line says otherwise. What comes in is read
leniently: unknown fields are ignored and nearly every field may be null. What goes out is written strictly.
"""

import re
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Generic, TypeVar

import msgspec

T = TypeVar("T")

PAGE_SIZE = 100
IN_PROGRESS = "IN_PROGRESS"
RECEIVED = "RECEIVED"
CANCELLED = "CANCELLED"
LONGEST_WORDS = 500
UNAUTHORIZED = 401

Count = Annotated[int, msgspec.Meta(ge=0)]


class Unreadable(ValueError):  # noqa: N818 - it states a fact about the answer
    """What came is not what ChannelEngine documents; the message says where, without any value of it."""


class Vendor(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """The root of what ChannelEngine says."""


class Answer(Vendor, frozen=True, kw_only=True):
    """The envelope of every answer, and all there is of the answer to a write."""

    status_code: int | None = None
    success: bool | None = None
    message: str | None = None
    validation_errors: Any = None


class Single(Answer, Generic[T], frozen=True, kw_only=True):
    """The envelope of one object."""

    content: T | None = None


class Collection(Answer, Generic[T], frozen=True, kw_only=True):
    """The envelope of one page."""

    content: list[T] | None = None
    total_count: int | None = None
    items_per_page: int | None = None

    @property
    def size(self) -> int:
        """How many elements a full page has; 100 is documented, and a larger claim is not believed."""
        claimed = self.items_per_page or 0
        return claimed if 0 < claimed < PAGE_SIZE else PAGE_SIZE

    def ends(self, page: int) -> bool:
        """Say whether nothing follows this page, counted from 1."""
        if not self.content:
            return True
        return self.total_count is not None and page * self.size >= self.total_count


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
    description: str | None = None
    channel_product_no: str | None = None
    merchant_product_no: str | None = None
    quantity: Count = 0
    original_unit_price_incl_vat: Decimal | None = None


class VendorReturnLine(Vendor, frozen=True, kw_only=True):
    """One line of a return; what was accepted stands in lists only from 2.22 on."""

    merchant_product_no: str | None = None
    order_line: VendorOrderLine | None = None
    shipment_status: str | None = None
    quantity: Count
    accepted_quantity: Count | None = None
    rejected_quantity: Count | None = None

    @property
    def sku(self) -> str:
        """The merchant's product number, which the order line may know when the return line does not, or nothing."""
        ordered = self.order_line.merchant_product_no if self.order_line else None
        return self.merchant_product_no or ordered or ""


class VendorReturn(Vendor, frozen=True, kw_only=True):
    """One return, as lists and the read by order give it."""

    id: int
    merchant_order_no: str | None = None
    channel_order_no: str | None = None
    channel_id: int | None = None
    created_at: datetime | None = None
    return_date: datetime | None = None
    merchant_return_no: str | None = None
    channel_return_no: str | None = None
    status: str | None = None
    reason: str | None = None
    customer_comment: str | None = None
    lines: list[VendorReturnLine] | None = None


class Address(Vendor, frozen=True, kw_only=True):
    """Of an address, only what the hub may know."""

    country_iso: str | None = None


class VendorOrder(Vendor, frozen=True, kw_only=True):
    """One order, without the customer's name and addresses."""

    id: int
    merchant_order_no: str | None = None
    channel_order_no: str | None = None
    commercial_order_no: str | None = None
    channel_id: int | None = None
    currency_code: str | None = None
    shipping_address: Address | None = None
    lines: list[VendorOrderLine] | None = None


class ShipmentLine(Vendor, frozen=True, kw_only=True):
    """A quantity of one product that left, or did not, in one shipment."""

    merchant_product_no: str | None = None
    order_line: VendorOrderLine | None = None
    shipment_status: str | None = None
    quantity: Count


class Shipment(Vendor, frozen=True, kw_only=True):
    """One shipment."""

    merchant_order_no: str | None = None
    lines: list[ShipmentLine] | None = None


class UpdateLine(Vendor, frozen=True, kw_only=True):
    """The decision on one product of a return."""

    merchant_product_no: str
    accepted_quantity: int
    rejected_quantity: int


class Update(Vendor, frozen=True, kw_only=True):
    """The body of `PUT /v2/returns`."""

    return_id: int
    lines: tuple[UpdateLine, ...]


class CreateLine(Vendor, frozen=True, kw_only=True, omit_defaults=True):
    """A quantity of one order line that came back."""

    merchant_product_no: str
    quantity: int
    order_line_id: int | None = None


class Create(Vendor, frozen=True, kw_only=True, omit_defaults=True):
    """The body of `POST /v2/returns/merchant`; an empty text would clear a field, so it is left out."""

    merchant_order_no: str
    merchant_return_no: str
    reason: str
    return_date: str
    lines: tuple[CreateLine, ...]
    merchant_comment: str | None = None


class Acknowledge(Vendor, frozen=True, kw_only=True):
    """The body of `POST /v2/returns/merchant/acknowledge`."""

    return_id: int
    merchant_return_no: str


# An escaped backslash, a whole surrogate pair, or half a pair; only the last is no character.
_ESCAPES = re.compile(rb"\\\\|\\u[dD][89aAbB]..\\u[dD][c-fC-F]..|(\\u[dD][89a-fA-F]..)")
_EMAIL = re.compile(r"[^\s@<>\"']+@[^\s@<>\"']+")
_KEY_LIKE = re.compile(r"[0-9a-fA-F]{32,}")


def decode(body: bytes | msgspec.Raw, kind: type[T]) -> T:
    """Read JSON; raises `Unreadable`.

    .NET can cut a comment in the middle of a character; the half is replaced, for it would spoil its whole page.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as fault:
        raise Unreadable(str(fault)) from fault
    except (ValueError, RecursionError):
        return _decode_mended(bytes(body), kind)


def _decode_mended(body: bytes, kind: type[T]) -> T:
    mended = _ESCAPES.sub(lambda found: rb"\ufffd" if found[1] else found[0], body)
    try:
        return msgspec.json.decode(mended, type=kind)
    except UnicodeDecodeError as fault:
        raise Unreadable("A text is not UTF-8") from fault
    except (ValueError, RecursionError) as fault:
        raise Unreadable(str(fault)) from fault


def explain(status: int, body: bytes, secret: str) -> tuple[int, str]:
    """Return what an answer to a write really says: its status and the vendor's words, fit to be shown.

    `Success: false` counts, whatever HTTP says. Raises `Unreadable` for a success that is not ChannelEngine's JSON.
    """
    try:
        answer = decode(body, Answer)
    except Unreadable:
        if status < 300:  # noqa: PLR2004 - only a success must be readable
            raise
        return status, ""
    if status < 300 and answer.success is False:  # noqa: PLR2004 - only a success can be taken back
        status = max(answer.status_code or 0, 400)
    # Of a refused key ChannelEngine says which key it was.
    return status, "" if status == UNAUTHORIZED else words(answer, secret)


def words(answer: Answer, secret: str) -> str:
    """Return the vendor's complaint without the key, which some of its messages repeat, and without addresses."""
    found = answer.validation_errors
    entries = found.items() if isinstance(found, dict) else ()
    said = "; ".join(f"{field}: {_joined(texts)}" for field, texts in entries) or answer.message or ""
    said = said.replace(secret, "[key]") if secret else said
    said = _EMAIL.sub("[address]", _KEY_LIKE.sub("[key]", said))
    return " ".join(said.replace("\0", "").split())[:LONGEST_WORDS]


def _joined(texts: object) -> str:
    return ", ".join(map(str, texts)) if isinstance(texts, list) else str(texts)
