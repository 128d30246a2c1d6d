"""How marketplaces treat returns: data about each of them, never a branch in the code."""

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

MOST_DAYS = 400
Days = Annotated[int, Meta(ge=1, le=MOST_DAYS)]


class ChannelReturns(StrEnum):
    """What becomes of a return that a customer started at the marketplace.

    `settle`: the hub tells the channel what was accepted. `informational`: the marketplace receives and refunds by
    itself, so the return is shown and nothing more. `none`: the marketplace hands over no returns.
    """

    SETTLE = "settle"
    INFORMATIONAL = "informational"
    NONE = "none"


class MerchantReturns(StrEnum):
    """What has a merchant return paid: its creation, its creation and then its receipt, or nothing at all."""

    CREATE = "create"
    CREATE_THEN_RECEIVE = "create_then_receive"
    UNSUPPORTED = "unsupported"


class Partial(StrEnum):
    """Whether a channel return may be accepted in part."""

    ALLOWED = "allowed"
    ALL_OR_NOTHING = "all_or_nothing"


class FullRejection(StrEnum):
    """Whether the channel is told of a channel return of which nothing was accepted, or a person sees to it there."""

    TELL = "tell"
    BY_HAND = "by_hand"


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """One marketplace's manner; days are counted as whole times 24 hours.

    `auto_cancel_days` runs from the customer's start, `decision_days` from the first receipt. A refusal that comes
    after the settlement is looked for during `late_refusal_days`; in the first `retry_days` of them the channel tries
    again by itself.
    """

    channel_returns: ChannelReturns = ChannelReturns.SETTLE
    merchant_returns: MerchantReturns = MerchantReturns.CREATE
    partial: Partial = Partial.ALLOWED
    full_rejection: FullRejection = FullRejection.TELL
    rejection_reason_required: bool = False
    auto_cancel_days: Days | None = None
    decision_days: Days | None = None
    late_refusal_days: Annotated[int, Meta(ge=0, le=MOST_DAYS)] = 3
    retry_days: Annotated[int, Meta(ge=0, le=MOST_DAYS)] = 0
