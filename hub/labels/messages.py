"""What is to be printed."""

from datetime import datetime
from enum import StrEnum

import msgspec


class Language(StrEnum):
    """The languages in which paper is printed."""

    ENGLISH = "en"
    DUTCH = "nl"
    GERMAN = "de"
    FRENCH = "fr"


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """Who lives where; the lines below the name as the post of the country wants them."""

    name: str
    lines: tuple[str, ...] = ()


class Label(msgspec.Struct, frozen=True, kw_only=True):
    """An address label; without a `sender` there is room to write one by hand."""

    number: str
    account: str
    to: Address
    sender: Address | None = None
    order_number: str | None = None


class SlipLine(msgspec.Struct, frozen=True, kw_only=True):
    """One product that is to be in the parcel, in units."""

    sku: str
    name: str | None
    quantity: int


class Slip(msgspec.Struct, frozen=True, kw_only=True):
    """A packing slip: what the customer puts into the parcel."""

    number: str
    account: str
    to: Address
    created_at: datetime
    lines: tuple[SlipLine, ...]
    order_number: str | None = None


class Parcel(msgspec.Struct, frozen=True, kw_only=True):
    """One return on a manifest, in units."""

    number: str
    account: str
    units: int
    order_number: str | None = None


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What stands on one pallet or in one container, in the order in which it was put there."""

    place: str
    reference: str | None
    printed_at: datetime
    parcels: tuple[Parcel, ...]
