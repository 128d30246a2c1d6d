"""Photos of what arrived, as a warehouse sends them."""

from datetime import datetime
from enum import StrEnum

import msgspec

# More than telephones send.
MOST_BYTES = 20_000_000


class Subject(StrEnum):
    """What a photo shows."""

    PARCEL = "parcel"
    LABEL = "label"
    PRODUCT = "product"
    DAMAGE = "damage"


class Photo(msgspec.Struct, frozen=True, kw_only=True):
    """A photo: JPEG, PNG or WebP; without a return it shows a parcel that nobody knows yet.

    `key` names it, so that sending it again keeps it once. `taken_at` is by the clock of the device.
    """

    key: str
    content: bytes
    return_number: str | None = None
    subject: Subject = Subject.PARCEL
    taken_at: datetime | None = None
