"""What this room says and hears."""

from typing import Annotated

import msgspec
from msgspec import Meta


class Tracking(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A carrier's number for one parcel of a return."""

    number: Annotated[str, Meta(min_length=4, max_length=100)]
    carrier: Annotated[str, Meta(min_length=1, max_length=50)] | None = None


class Trackings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every number by which a return comes back."""

    trackings: Annotated[tuple[Tracking, ...], Meta(max_length=50)]
