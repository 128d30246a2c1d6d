"""Settling: the calls that have a customer paid, each made once and read back.

Nothing is sent before it was read what stands there, and a 409 means that something does. An effect that cannot be
read back is in doubt and never repeated blindly.
"""

from collections.abc import Awaitable, Callable

from connectors.channelengine import bodies, finding, quantities, standing
from connectors.channelengine.client import CONFLICT, write
from connectors.channelengine.finding import CHANNEL_RETURNS, RETURNS, known_id
from connectors.channelengine.quantities import Quantities
from connectors.channelengine.wire import VendorReturn
from hub.sdk import (
    Absent,
    Context,
    Done,
    Interrupted,
    Kind,
    Outcome,
    OutcomeUnknown,
    Refused,
    Retry,
    Settlement,
    VendorReference,
)

Stands = Outcome | VendorReturn | None
NOTHING = Refused("nothing_to_settle", "No line of this return has a quantity to decide on.")


async def settle(context: Context, message: Settlement) -> Outcome:
    """Update a channel return, or create a merchant return; ChannelEngine has the customer paid in both cases."""
    barred = standing.barred(message)
    if barred:
        return barred
    return await (_create if message.kind is Kind.MERCHANT else _decide)(context, message)


async def look(context: Context, message: Settlement) -> Outcome:
    """Read what ChannelEngine holds of a settlement and compare it; changes nothing."""
    if message.kind is Kind.CHANNEL:
        found = await finding.with_decision(context, known_id(message.external_id), message.order_number)
        return standing.settled_channel_return(found, message)
    if not quantities.accepted(message.lines):
        return Done(VendorReference())
    stands = await _created(context, message)
    # A created return that still waits for its update is half done. `settle` reads before it creates and goes on
    # with the update, so calling it again is safe, and `Absent` is how the hub is told to.
    return stands if isinstance(stands, Outcome) else Absent()


async def _decide(context: Context, message: Settlement) -> Outcome:
    """Update a channel return, unless it stands otherwise than open."""
    return_id, wanted = known_id(message.external_id), quantities.decided(message.lines)
    if not wanted:
        return NOTHING
    told = await finding.in_order(context, return_id, message.order_number)
    if told is not None:
        stands = standing.settled_channel_return(told, message)
        if not isinstance(stands, Absent):
            return stands
        wanted = quantities.decided_of(told, message)
        if not wanted:
            return NOTHING
    return await _update(context, return_id, wanted, lambda: _decided(context, return_id, message))


async def _decided(context: Context, return_id: int, message: Settlement) -> Stands:
    told = await finding.in_order(context, return_id, message.order_number)
    return None if told is None else standing.settled_channel_return(told, message)


async def _create(context: Context, message: Settlement) -> Outcome:
    """Create a merchant return unless it exists, read it back, and finish it where it still waits.

    That a second creation answers 409 is only seen in others' code, so the order's returns are read first:
    a repeat after a crash must not pay twice.
    """
    if not quantities.accepted(message.lines):
        # Nothing is to be paid, and a merchant return exists at ChannelEngine only for the money.
        return Done(VendorReference())
    stands = await _created(context, message)
    if stands is None:
        told = await write(context, "POST", CHANNEL_RETURNS, bodies.create(message))
        if told.failure and told.status != CONFLICT:
            return told.failure
        stands = await _read_back(lambda: _created(context, message))
    if stands is None:
        return OutcomeUnknown("ChannelEngine took the return, but does not list it among the returns of its order")
    return stands if isinstance(stands, Outcome) else await _receive(context, stands, message)


async def _created(context: Context, message: Settlement) -> Stands:
    found = await finding.returns_of(context, message.order_number, finding.numbered(message.return_number))
    return standing.created_merchant_return(found, message)


async def _receive(context: Context, told: VendorReturn, message: Settlement) -> Outcome:
    """Mark a created return as received: bol pays only then, whoever created the return."""
    wanted = quantities.accepted(message.lines)
    try:
        return await _update(context, told.id, wanted, lambda: _created(context, message))
    except Interrupted as fault:
        if isinstance(fault.outcome, Retry):
            return OutcomeUnknown(f"The return was created, but not yet marked as received: {fault.outcome.why}")
        raise


async def _update(
    context: Context, return_id: int, wanted: Quantities, there: Callable[[], Awaitable[Stands]]
) -> Outcome:
    """Make the one update of a return, and see what stands there then; 409 says that something did before."""
    told = await write(context, "PUT", RETURNS, bodies.update(return_id, wanted))
    if told.failure and told.status != CONFLICT:
        return told.failure
    stands = await _read_back(there)
    if stands is None and not told.failure:
        # The shop has not acknowledged the order, so that it cannot be read; ChannelEngine's own word counts.
        return Done(VendorReference(str(return_id)))
    if isinstance(stands, Outcome) and not isinstance(stands, Absent):
        return stands
    return told.failure or OutcomeUnknown("ChannelEngine took the decision, but does not show it yet")


async def _read_back(there: Callable[[], Awaitable[Stands]]) -> Stands:
    try:
        return await there()
    except Interrupted as fault:
        # It was sent and answered, so no fault of the read may claim that nothing happened.
        return OutcomeUnknown(f"It was sent, but could not be read back ({fault})")
