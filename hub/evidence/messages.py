"""What this room says and hears."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta


class Subject(StrEnum):
    """What a photo shows."""

    PARCEL = "parcel"
    LABEL = "label"
    PRODUCT = "product"
    DAMAGE = "damage"


class NewPhoto(msgspec.Struct, frozen=True, kw_only=True):
    """A photo as it was taken at a warehouse; without a return it shows a parcel that nobody knows yet.

    `key` names it for its client, who may send it as often as it takes.
    """

    key: str
    warehouse_id: UUID
    account_id: UUID | None
    return_id: UUID | None
    subject: Subject
    content: bytes
    taken_at: datetime | None
    by: str


class PhotoView(msgspec.Struct, frozen=True, kw_only=True):
    """A photo without its bytes; `sha256` is of the bytes that are kept, in hexadecimal.

    One with `removed_at` is gone, and only its row says that there was one.
    """

    id: UUID
    account_id: UUID | None
    warehouse_id: UUID
    return_id: UUID | None
    parcel_id: UUID | None
    subject: Subject
    sha256: str
    size: int
    width: int
    height: int
    taken_at: datetime | None
    added_at: datetime
    added_by: str
    remove_at: datetime
    removed_at: datetime | None


class Stored(PhotoView, frozen=True, kw_only=True):
    """A photo as it is stored: also where its bytes are, and the digest of those that came."""

    object: str
    received_digest: bytes


class Retention(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For how many days the photos of an account are kept."""

    days: Annotated[int, Meta(ge=1, le=3650)]
