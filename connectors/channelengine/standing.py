"""What a return read back from ChannelEngine says about an effect of the hub: pure verdicts."""

from collections.abc import Iterable

from connectors.channelengine.quantities import accepted, decided_of, declared, difference, reported
from connectors.channelengine.values import text
from connectors.channelengine.wire import CANCELLED, IN_PROGRESS, RECEIVED, VendorReturn
from hub.sdk import (
    Absent,
    Acknowledgement,
    ChannelReturns,
    Done,
    Kind,
    MerchantReturns,
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
    theirs = text(told.merchant_return_no)
    if not theirs:
        return Absent()
    if theirs == message.return_number:
        return done(told)
    return Refused("acknowledged_elsewhere", f"Another system has already given this return the number {theirs}.")


def barred(message: Settlement) -> Refused | None:
    """Say why nothing may be told of this return at its marketplace, if the marketplace's profile forbids it."""
    profile = message.profile
    if profile is None:
        return None
    if message.kind is Kind.CHANNEL and profile.channel_returns is not ChannelReturns.SETTLE:
        return Refused("marketplace_refunds", "This marketplace refunds its customers' returns by itself.")
    if message.kind is Kind.MERCHANT and profile.merchant_returns is MerchantReturns.UNSUPPORTED:
        return Refused("merchant_returns_unsupported", "This marketplace takes no returns that the merchant creates.")
    return None


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
    found, wanted = reported(told, message), decided_of(told, message)
    if found is None:
        return OutcomeUnknown("The return is settled in ChannelEngine, but its quantities cannot be read")
    if found == wanted:
        return done(told)
    return Refused("settled_elsewhere", f"The return is settled with other quantities: {difference(found, wanted)}.")


def created_merchant_return(found: Iterable[VendorReturn], message: Settlement) -> Outcome | VendorReturn | None:
    """Judge the creation of a merchant return among the returns of its order that carry the hub's number.

    None means that it does not exist. A `VendorReturn` exists with the right quantities and waits for the update
    without which its marketplace does not pay; every other answer is final or for a person.
    """
    own = list(found)
    if not own:
        return None
    if len(own) > 1:
        return Refused("created_twice", f"ChannelEngine holds {len(own)} returns numbered {message.return_number}.")
    told, wanted = own[0], accepted(message.lines)
    if told.status not in {IN_PROGRESS, RECEIVED}:
        return _lost(told)
    # Before it is received, and perhaps after, nothing is told but what was declared.
    held = reported(told, message) or declared(told, message)
    if held != wanted:
        return Refused("quantities_differ", f"The return exists with other quantities: {difference(held, wanted)}.")
    return told if told.status == IN_PROGRESS and _paid_on_receipt(message) else done(told)


def _paid_on_receipt(message: Settlement) -> bool:
    """Say whether an update must follow the creation; where nobody knows, a return that waits is taken to wait."""
    return message.profile is None or message.profile.merchant_returns is MerchantReturns.CREATE_THEN_RECEIVE


def _lost(told: VendorReturn) -> Outcome:
    if told.status == CANCELLED:
        return Refused("canceled_by_channel", "The marketplace canceled this return; nothing can be settled on it.")
    return OutcomeUnknown(f"The return has the status {told.status!r}, which this connector does not know")
