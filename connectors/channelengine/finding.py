"""How a return is found at ChannelEngine, which has no read of one return by its id."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta

import msgspec

from connectors.channelengine.answers import Collection, Unreadable, decode
from connectors.channelengine.client import NotUnderstood, Params, TooMany, pages, read_if_any
from connectors.channelengine.returns import channel_return
from connectors.channelengine.values import identity, text, timestamp
from connectors.channelengine.wire import IN_PROGRESS, Named, VendorReturn
from hub.sdk import Absent, Context, Done, Interrupted, Outcome, Refused, ReturnKey

RETURNS = "/v2/returns"
# The vendor's name for: returns of the channel, for the merchant to read.
CHANNEL_RETURNS = "/v2/returns/merchant"
OF_ORDER = "/v2/returns/merchant/{merchantOrderNo}"
# Without it the same address meant the merchant's own returns up to 2.9.11.
WHOEVER_CREATED = ("creatorType", "MIXED")
# In a path these would be another address.
NOT_IN_A_PATH = frozenset({"", ".", "..", "new"})
# No marketplace is known to leave a return open for longer than 60 days.
RECENT = timedelta(days=90)

Wanted = Callable[[Named], bool]


def known_id(external_id: str | None) -> int:
    """Return ChannelEngine's id of a return; raises `Interrupted` with `Refused` if it is none."""
    found = identity(external_id)
    if found is None:
        raise Interrupted(Refused("unknown_return", "This return carries no ChannelEngine id."))
    return found


def with_id(return_id: int) -> Wanted:
    """Want the return with this id of ChannelEngine's."""
    return lambda told: told.id == return_id


def numbered(return_number: str) -> Wanted:
    """Want the returns that carry this number of the hub's."""
    return lambda told: text(told.merchant_return_no) == return_number


async def returns_of(context: Context, order_number: str, wanted: Wanted) -> list[VendorReturn]:
    """Read the wanted returns of an order, by the shop's number of it, with their decided quantities.

    A return that cannot be read hurts only if it may be a wanted one: then nothing is known, and it is said.
    """
    if order_number in NOT_IN_A_PATH:
        raise Interrupted(
            Refused("order_number_unusable", f"ChannelEngine cannot be asked for an order numbered {order_number!r}.")
        )
    found = await read_if_any(context, OF_ORDER, [], Collection[msgspec.Raw], merchantOrderNo=order_number)
    try:
        return [decode(raw, VendorReturn) for raw in _content(found) if wanted(decode(raw, Named))]
    except Unreadable as fault:
        raise NotUnderstood(str(fault)) from fault


def _content(found: Collection[msgspec.Raw] | None) -> list[msgspec.Raw]:
    return (found.content or []) if found else []


async def in_order(context: Context, return_id: int, order_number: str | None) -> VendorReturn | None:
    """Read a return in its order, or None if the order has no such return or no number that can be asked for."""
    if not order_number or order_number in NOT_IN_A_PATH:
        return None
    return next(iter(await returns_of(context, order_number, with_id(return_id))), None)


async def locate(
    context: Context, return_id: int, order_number: str | None, channel_order_number: str | None = None
) -> VendorReturn | None:
    """Find a return, in its order or else in lists, which may not say what was decided on it."""
    # While the shop has not acknowledged the order, the hub knows it by the marketplace's number.
    found = await in_order(context, return_id, order_number)
    return found or await _search(context, return_id, channel_order_number or order_number)


async def with_decision(
    context: Context, return_id: int, order_number: str | None, channel_order_number: str | None = None
) -> VendorReturn | None:
    """Find a return with its decided quantities, if the shop's number of its order can be found."""
    found = await locate(context, return_id, order_number, channel_order_number)
    known = text(found.merchant_order_no) if found else None
    if found is None or known == order_number:
        return found
    return await in_order(context, return_id, known) or found


async def _search(context: Context, return_id: int, channel_order_number: str | None) -> VendorReturn | None:
    """Go through lists for a return of this id, the likely lists first; raises `TooMany` if one had no end."""
    unread: TooMany | None = None
    for chosen in _places(context, channel_order_number):
        try:
            found = await _in_list(context, return_id, chosen)
        except TooMany as fault:
            unread = fault
            continue
        if found:
            return found
    if unread:
        raise unread
    return None


async def _in_list(context: Context, return_id: int, chosen: Params) -> VendorReturn | None:
    async for page in pages(context, CHANNEL_RETURNS, chosen, msgspec.Raw):
        for raw in _content(page):
            with suppress(Unreadable):
                if decode(raw, Named).id == return_id:
                    return decode(raw, VendorReturn)
    return None


def _places(context: Context, channel_order_number: str | None) -> Iterator[Params]:
    if channel_order_number:
        yield [("channelOrderNos", channel_order_number)]
    yield [("statuses", IN_PROGRESS)]
    yield [("fromDate", timestamp(context.now - RECENT))]


async def fetch(context: Context, wanted: ReturnKey) -> Outcome:
    """Read one return by ChannelEngine's id, or by the hub's number in its order."""
    told = await _find(context, wanted)
    if told is None:
        return Absent()
    try:
        read = channel_return(told)
    except Unreadable as fault:
        raise NotUnderstood(str(fault)) from fault
    # The read by order leaves the marketplace's number of the order out.
    known = read.channel_order_number or wanted.channel_order_number
    return Done(msgspec.structs.replace(read, channel_order_number=known))


async def _find(context: Context, wanted: ReturnKey) -> VendorReturn | None:
    return_id = identity(wanted.external_id)
    if return_id is not None:
        return await with_decision(context, return_id, wanted.order_number, wanted.channel_order_number)
    if not wanted.order_number:
        return None
    return next(iter(await returns_of(context, wanted.order_number, numbered(wanted.return_number))), None)
