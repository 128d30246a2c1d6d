"""What this room says and hears."""

from datetime import datetime
from uuid import UUID

import msgspec

from hub.returns.messages import BornLine


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A channel return as the channel shows it: its own word, and since when it is seen open, if it is."""

    status: str
    open_at: datetime | None


class Redeclared(msgspec.Struct, frozen=True):
    """A line as the channel declares it now, under the id it keeps or gets."""

    id: UUID
    line: BornLine


class Unseen(msgspec.Struct, frozen=True, kw_only=True):
    """An open channel return that the channel has not shown for a while, and what may help to find it there."""

    id: UUID
    number: str
    external_id: str
    order_number: str | None
    channel_order_number: str | None
