"""The vendor's JSON as the Merchant API 2.19.0 documents it: what is asked, what is answered, and the envelope."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, TypeVar
from uuid import uuid4

import msgspec
from msgspec import UNSET, Meta, UnsetType

from connectors.channelengine.sandbox.records import ReturnReason
from connectors.channelengine.sandbox.refusals import Refusal, invalid

Int32 = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
Units = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Sku = Annotated[str, Meta(min_length=1, max_length=64)]
Number50 = Annotated[str, Meta(min_length=1, max_length=50)]
Comment = Annotated[str, Meta(max_length=4001)]

MISSING = "Object missing required field `"
T = TypeVar("T")
encoder = msgspec.json.Encoder(decimal_format="number")


class Asked(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """A request body; fields the vendor does not know are ignored, as it does itself."""


class ReturnLineRequest(Asked, frozen=True):
    """Units of one product that a merchant return takes back."""

    merchant_product_no: Sku
    quantity: Units
    order_line_id: Int32 | None = None
    extra_data: Mapping[str, str | None] | None = None


class ReturnRequest(Asked, frozen=True):
    """A merchant return to create."""

    merchant_order_no: Number50
    merchant_return_no: Number50
    lines: Annotated[tuple[ReturnLineRequest, ...], Meta(min_length=1)]
    reason: ReturnReason = ReturnReason.PRODUCT_DEFECT
    customer_comment: Comment | None = None
    merchant_comment: Comment | None = None
    refund_incl_vat: Decimal = Decimal(0)
    refund_excl_vat: Decimal = Decimal(0)
    return_date: datetime | None = None
    extra_data: Mapping[str, str | None] | None = None


class UpdateLineRequest(Asked, frozen=True):
    """What was accepted and rejected of one product; both are required."""

    merchant_product_no: Sku
    accepted_quantity: Units
    rejected_quantity: Units


class UpdateRequest(Asked, frozen=True):
    """The one settlement of a return."""

    return_id: Int32
    lines: Annotated[tuple[UpdateLineRequest, ...], Meta(min_length=1)]


class AcknowledgeRequest(Asked, frozen=True):
    """The merchant's own number for a return it has registered; without an id the vendor's int defaults to 0."""

    merchant_return_no: Annotated[str, Meta(min_length=1)]
    return_id: Int32 = 0


class Envelope(msgspec.Struct, kw_only=True, rename="pascal"):
    """What every answer is wrapped in; a collection also counts."""

    content: Any = UNSET
    count: int | UnsetType = UNSET
    total_count: int | UnsetType = UNSET
    items_per_page: int | UnsetType = UNSET
    status_code: int = 200
    request_id: str | None = None
    log_id: str | None = None
    success: bool = True
    message: str | None = None
    exception_type: str | None = None
    validation_errors: Mapping[str, list[str]] = {}


class UnknownKey(msgspec.Struct, kw_only=True, rename="pascal"):
    """The 401 body exactly as the help centre shows it: fewer fields than the envelope, and the key in the message."""

    status_code: int = 401
    log_id: str | None = None
    success: bool = False
    message: str
    validation_errors: Mapping[str, list[str]] = {}


def decode(body: bytes, asked: type[T]) -> T:
    """Read a request body, or refuse it with 400 and the field that is wrong."""
    try:
        return msgspec.json.decode(body, type=asked)
    except msgspec.ValidationError as error:
        raise invalid(_named(str(error))) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal(400, "The request body is not valid JSON.", {"$": [str(error)]}) from error


def envelope(status: int = 200, *, message: str | None = None) -> bytes:
    """Write the bare answer of a call that only does something."""
    return encoder.encode(Envelope(status_code=status, message=message, request_id=uuid4().hex))


def single(content: object) -> bytes:
    """Write an answer with one object in it."""
    return encoder.encode(Envelope(content=content, request_id=uuid4().hex))


def collection(content: list[Any], *, total: int, per_page: int) -> bytes:
    """Write one page of a list."""
    return encoder.encode(
        Envelope(
            content=content,
            count=len(content),
            total_count=total,
            items_per_page=per_page,
            request_id=uuid4().hex,
        )
    )


def refusal(error: Refusal) -> bytes:
    """Write the vendor's no."""
    return encoder.encode(
        Envelope(
            status_code=error.status,
            success=False,
            message=error.message,
            validation_errors=error.errors,
            request_id=uuid4().hex,
            log_id=uuid4().hex,
        )
    )


def unknown_key(key: str) -> bytes:
    """Write the answer to a wrong key, which repeats that key."""
    return encoder.encode(UnknownKey(message=f"API key is unknown: {key}"))


def in_utc(moment: datetime) -> datetime:
    """Return a moment in UTC; one without a zone is taken as UTC already."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def stamp(moment: datetime) -> str:
    """Write a moment the way .NET does: UTC, seven digits of fraction."""
    return f"{in_utc(moment):%Y-%m-%dT%H:%M:%S.%f}0Z"


def stamp_or_none(moment: datetime | None) -> str | None:
    """Write a moment that may be unknown."""
    return None if moment is None else stamp(moment)


def _named(error: str) -> dict[str, list[str]]:
    """Turn `Expected … - at `$.Lines[0].Quantity`` into a message under that field's name."""
    text, _, place = error.partition(" - at `$")
    field = place.strip("`").lstrip(".")
    if text.startswith(MISSING):
        missing = text.removeprefix(MISSING).strip("`")
        field = f"{field}.{missing}" if field else missing
        text = f"The {missing} field is required."
    return {field or "$": [text]}
