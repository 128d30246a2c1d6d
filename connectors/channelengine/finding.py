"""How a return is found at ChannelEngine, which has no read of one return by its id."""

from collections.abc import Iterator
from urllib.parse import quote

import msgspec

from connectors.channelengine import mapping
from connectors.channelengine.client import MOST_PAGES, read, read_if_any
from connectors.channelengine.sweep import DEEP
from connectors.channelengine.wire import IN_PROGRESS, Collection, VendorReturn
from hub.sdk import Context, Interrupted, Refused

# The vendor's name for: returns of the channel, for the merchant to read.
CHANNEL_RETURNS = "/v2/returns/merchant"
# In a path these would be another address.
NOT_IN_A_PATH = frozenset({"", ".", "..", "new"})


async def returns_of(context: Context, order_number: str) -> list[VendorReturn]:
    """Read all returns of an order, by the shop's number of it, with their decided quantities."""
    if order_number in NOT_IN_A_PATH:
        raise Interrupted(
            Refused("order_number_unusable", f"ChannelEngine cannot be asked for an order numbered {order_number!r}.")
        )
    path = f"{CHANNEL_RETURNS}/{quote(order_number, safe='')}"
    template = f"{CHANNEL_RETURNS}/{{merchantOrderNo}}"
    found = await read_if_any(context, path, [], Collection[VendorReturn], template=template)
    return (found.content or []) if found else []


async def locate(context: Context, return_id: int, order_number: str) -> VendorReturn | None:
    """Find a channel return with its decided quantities, which only the read by order surely has."""
    found = await _in_order(context, return_id, order_number)
    if found:
        return found
    # While the shop has not acknowledged the order, the hub knows it by the marketplace's number.
    found = await search(context, return_id, order_number)
    return (found and await _in_order(context, return_id, found.merchant_order_no or "")) or found


async def _in_order(context: Context, return_id: int, order_number: str) -> VendorReturn | None:
    if order_number in NOT_IN_A_PATH:
        return None
    return _first(return_id, await returns_of(context, order_number))


async def search(context: Context, return_id: int, channel_order_number: str) -> VendorReturn | None:
    """Go through lists for a return of this id: the likely lists first, each to a bound."""
    for chosen in _places(context, channel_order_number):
        for page in range(1, MOST_PAGES + 1):
            read_page = await read(context, CHANNEL_RETURNS, [chosen, ("page", str(page))], Collection[msgspec.Raw])
            found = _first(return_id, mapping.readable_returns(read_page))
            if found:
                return found
            if read_page.ends(page):
                break
    return None


def _places(context: Context, channel_order_number: str) -> Iterator[tuple[str, str]]:
    if channel_order_number:
        yield "channelOrderNos", channel_order_number
    yield "statuses", IN_PROGRESS
    yield "fromDate", mapping.timestamp(context.now - DEEP)


def _first(return_id: int, returns: list[VendorReturn]) -> VendorReturn | None:
    return next((told for told in returns if told.id == return_id), None)
