"""What a return read back from ChannelEngine says about an effect of the hub: pure verdicts."""

from collections.abc import Iterable

from connectors.channelengine.mapping import Quantities, accepted, decided, declared, reported
from connectors.channelengine.wire import CANCELLED, IN_PROGRESS, RECEIVED, VendorReturn
from hub.sdk import (
    Absent,
    Acknowledgement,
    Done,
    Outcome,
    OutcomeUnknown,
    Refused,
    Settlement,
    VendorReference,
)


def done(told: VendorReturn) -> Done[VendorReference]:
    """Say that it happened, with ChannelEngine's own id."""
    return Done(VendorReference(str(told.id)))


def acknowledged(told: VendorReturn | None, message: Acknowledgement) -> Outcome:
    """Judge an acknowledgement: it happened if the return carries the hub's number."""
    if told is None:
        return OutcomeUnknown(f"ChannelEngine lists no return {message.external_id}")
    if not told.merchant_return_no:
        return Absent()
    if told.merchant_return_no == message.return_number:
        return done(told)
    return Refused(
        "acknowledged_elsewhere",
        f"Another system has already given this return the number {told.merchant_return_no}.",
    )


def settled_channel_return(told: VendorReturn | None, message: Settlement) -> Outcome:
    """Judge the one update of a channel return.

    `Absent` is safe: ChannelEngine takes a decision only once, so a repeat beside an earlier one answers 409.
    """
    if told is None:
        return OutcomeUnknown(f"ChannelEngine lists no return {message.external_id}")
    if told.status == IN_PROGRESS:
        return Absent()
    if told.status != RECEIVED:
        return _lost(told)
    found, wanted = reported(told), decided(message.lines)
    if found is None:
        return OutcomeUnknown("The return is settled in ChannelEngine, but its quantities cannot be read")
    if found == wanted:
        return done(told)
    return Refused("settled_elsewhere", f"The return is settled with other quantities: {_difference(found, wanted)}.")


def created_merchant_return(found: Iterable[VendorReturn], message: Settlement) -> Outcome | VendorReturn | None:
    """Judge the creation of a merchant return among the returns of its order.

    None means that it does not exist. A `VendorReturn` exists with the right quantities and waits for the update
    that bol needs before it pays; every other answer is final or for a person.
    """
    own = [told for told in found if told.merchant_return_no == message.return_number]
    if not own:
        return None
    if len(own) > 1:
        return Refused("created_twice", f"ChannelEngine holds {len(own)} returns numbered {message.return_number}.")
    told, wanted = own[0], accepted(message.lines)
    if told.status not in {IN_PROGRESS, RECEIVED}:
        return _lost(told)
    # Before it is received, and perhaps after, nothing is told but what was declared.
    held = reported(told) or declared(told)
    if held != wanted:
        return Refused("quantities_differ", f"The return exists with other quantities: {_difference(held, wanted)}.")
    return done(told) if told.status == RECEIVED else told


def _lost(told: VendorReturn) -> Outcome:
    if told.status == CANCELLED:
        return Refused("canceled_by_channel", "The marketplace canceled this return; nothing can be settled on it.")
    return OutcomeUnknown(f"The return has the status {told.status!r}, which this connector does not know")


def _difference(found: Quantities, wanted: Quantities) -> str:
    skus = sorted(sku for sku in {*found, *wanted} if found.get(sku) != wanted.get(sku))
    return "; ".join(f"{sku}: {_pair(found, sku)} there, {_pair(wanted, sku)} here" for sku in skus)


def _pair(quantities: Quantities, sku: str) -> str:
    taken, refused = quantities.get(sku, (0, 0))
    return f"{taken} accepted and {refused} rejected"
