"""All returns since a moment, whoever created them, page by page."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Self

import msgspec

from connectors.channelengine.answers import Collection
from connectors.channelengine.client import Params
from connectors.channelengine.paging import Paging
from connectors.channelengine.values import timestamp
from hub.sdk import ChannelReturn, Page

Read = tuple[tuple[ChannelReturn, ...], tuple[tuple[str, str], ...]]


class Place(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the reading stands; its JSON is the cursor, and says all that is needed to go on after a crash."""

    since: datetime
    paging: Paging = Paging()

    @classmethod
    def found(cls, cursor: str | None, since: datetime) -> Self:
        """Go on where the cursor stands, or begin; a cursor of another format begins anew."""
        try:
            return msgspec.json.decode(cursor or "", type=cls)
        except ValueError:
            return cls(since=since)


async def next_page(
    place: Place,
    ask: Callable[[str, Params], Awaitable[Collection[msgspec.Raw]]],
    understand: Callable[[Collection[msgspec.Raw]], Read],
) -> Page:
    """Read one page; the last one says where it stands, so that to ask once more is harmless."""
    page = await ask(timestamp(place.since), place.paging.params)
    items, rejected = understand(page)
    following = place.paging.after(page).following
    onwards = place if following is None else msgspec.structs.replace(place, paging=following)
    return Page(
        items=items,
        cursor=msgspec.json.encode(onwards).decode(),
        more=following is not None,
        rejected=rejected,
        total=page.total_count,
    )
