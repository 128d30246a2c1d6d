"""Returns as the Merchant API v2 has them: one update decides a channel return, one creation declares a merchant's."""

from datetime import datetime

import msgspec

from connectors.channelengine import bodies, finding, settling, standing
from connectors.channelengine.answers import Collection
from connectors.channelengine.client import Params, read, write
from connectors.channelengine.finding import CHANNEL_RETURNS, RETURNS, WHOEVER_CREATED, known_id
from connectors.channelengine.history import Place, next_page
from connectors.channelengine.returns import channel_returns
from connectors.channelengine.sweep import Walk
from connectors.channelengine.wire import IN_PROGRESS
from hub.sdk import (
    Acknowledgement,
    Context,
    Done,
    Kind,
    Outcome,
    Page,
    ReturnKey,
    Settlement,
    VendorReference,
)


class V2:
    """The returns of an account that has the normal version."""

    open_words = frozenset({IN_PROGRESS})

    async def check(self, context: Context) -> None:
        """Nothing more is to be proved: every account has these returns."""

    async def poll(self, context: Context, cursor: str | None) -> Page:
        """Read one page of the open returns that marketplaces made; what the hub itself created is not among them."""
        walk = Walk.begin(cursor, context.now)
        asked = [("statuses", IN_PROGRESS), *walk.dates, *walk.paging.params]
        page = await read(context, CHANNEL_RETURNS, asked, Collection[msgspec.Raw])
        items, rejected = channel_returns(page, Kind.CHANNEL)
        return walk.page(page, items, rejected)

    async def history(self, context: Context, since: datetime, cursor: str | None) -> Page:
        """Read one page of all returns since a moment."""

        async def ask(since: str, paging: Params) -> Collection[msgspec.Raw]:
            asked = [WHOEVER_CREATED, ("fromDate", since), *paging]
            return await read(context, RETURNS, asked, Collection[msgspec.Raw])

        return await next_page(Place.found(cursor, since), ask, channel_returns)

    async def fetch(self, context: Context, wanted: ReturnKey) -> Outcome:
        """Read one return."""
        return await finding.fetch(context, wanted)

    async def acknowledge(self, context: Context, message: Acknowledgement) -> Outcome:
        """Give the return the hub's number, which also marks it as registered."""
        body = bodies.acknowledge(known_id(message.external_id), message.return_number)
        told = await write(context, "POST", f"{CHANNEL_RETURNS}/acknowledge", body)
        return told.failure or Done(VendorReference(message.external_id))

    async def settle(self, context: Context, message: Settlement) -> Outcome:
        """Update or create."""
        return await settling.settle(context, message)

    async def look(self, context: Context, message: Acknowledgement | Settlement) -> Outcome:
        """Read what stands there and compare it."""
        if isinstance(message, Settlement):
            return await settling.look(context, message)
        return_id = known_id(message.external_id)
        told = await finding.locate(context, return_id, message.order_number, message.channel_order_number)
        return standing.acknowledged(told, message)
