"""What this room says."""

from enum import StrEnum

import msgspec


class Meaning(StrEnum):
    """What a scanned text stands for."""

    RETURN = "return"
    LICENCE_PLATE = "licence_plate"
    TRACKING = "tracking"
    PRODUCT = "product"
    ORDER = "order"
    SKU = "sku"


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a scan may be, in the form in which it is stored.

    `checked` says that a check digit agreed; `carrier` is who carries the parcel of a tracking code or licence plate.
    A product may come with its `serial`, its `lot` and the day it `expires` (six digits, year first).
    """

    meaning: Meaning
    value: str
    checked: bool = False
    carrier: str | None = None
    serial: str | None = None
    lot: str | None = None
    expires: str | None = None
