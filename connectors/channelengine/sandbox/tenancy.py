"""How things stand between the vendor and one tenant: manners, switches, webhooks, plans, and what it did wrong."""

from datetime import datetime
from enum import StrEnum
from typing import Literal

from connectors.channelengine.sandbox.records import Record


class ChannelReturns(StrEnum):
    """What becomes of a return that a customer started at the marketplace."""

    SETTLED = "settled"  # refunded as the merchant's one update says
    INFORMATIONAL = "informational"  # imported as exported already: an update is taken and changes nothing there
    NONE = "none"  # the marketplace tells of none


class MerchantReturns(StrEnum):
    """What becomes of a return that the merchant creates."""

    AT_ONCE = "at_once"  # created as received, and refunded by that
    WHEN_RECEIVED = "when_received"  # refunded only once an update marks it as received
    NONE = "none"  # refused


class Manner(Record, frozen=True, forbid_unknown_fields=True):
    """What one marketplace does with what the vendor took; a failed export is tried again until `most_tries`."""

    channel_returns: ChannelReturns = ChannelReturns.SETTLED
    merchant_returns: MerchantReturns = MerchantReturns.AT_ONCE
    cancel_after_days: int | None = None
    all_or_nothing: bool = False
    rejection_needs_reason: bool = False
    balance_needed: bool = False
    export_after_seconds: int = 0
    retry_after_seconds: int = 3600
    most_tries: int = 10


class Switches(Record, frozen=True, forbid_unknown_fields=True):
    """What differs between versions and set-ups of the vendor.

    `echo` shows merchant returns in the channel's list too, `newest_first` turns the order of lists, `update_dates`
    plays what 2.22.12 added (filters on the update date, decided quantities in lists), and a page is as long as
    `items_per_page` says, so that many pages need few returns.
    """

    echo: bool = False
    newest_first: bool = False
    update_dates: bool = False
    items_per_page: int = 100


class WebhookEvent(StrEnum):
    """What a webhook can be called for (documented in the Merchant API 2.19.0)."""

    ORDERS_CREATE = "ORDERS_CREATE"
    PRODUCTS_CHANGE = "PRODUCTS_CHANGE"
    RETURNS_CHANGE = "RETURNS_CHANGE"
    SHIPMENTS_CHANGE = "SHIPMENTS_CHANGE"
    NOTIFICATIONS_CREATE = "NOTIFICATIONS_CREATE"
    BUNDLE_PRODUCTS_CHANGE = "BUNDLE_PRODUCTS_CHANGE"
    ORDERS_CHANGE = "ORDERS_CHANGE"


class RequestType(StrEnum):
    """By which method a webhook is called (documented in the Merchant API 2.19.0)."""

    GET = "GET"
    POST = "POST"


class Webhook(Record, frozen=True):
    """An address the merchant wants to be called at; its name is unique."""

    name: str
    url: str
    events: tuple[WebhookEvent, ...]
    is_active: bool = False
    request_type: RequestType = RequestType.GET


class Mishap(Record, frozen=True):
    """Exports that are going to fail: the next `times` of one return, of one marketplace, or of any."""

    number: int
    times: int
    text: str
    final: bool = False
    return_id: int | None = None
    marketplace: str | None = None


class DeedKind(StrEnum):
    """What somebody else than the API's caller can do to an order or a return."""

    CANCEL = "cancel"
    SETTLE_IN_WEB = "settle_in_web"
    ACKNOWLEDGE_ORDER = "acknowledge_order"
    LINK_PRODUCT = "link_product"


Upon = Literal["acknowledge", "settle"]


class Deed(Record, frozen=True):
    """Something that is going to happen: at a moment, or just when the merchant acknowledges or settles the return.

    `subject` is the id of the return, the order or the order line; `text` the number it gets.
    """

    number: int
    kind: DeedKind
    subject: int
    text: str = ""
    at: datetime | None = None
    upon: Upon | None = None


class Violation(Record, frozen=True):
    """A call that a correct client does not make."""

    at: datetime
    code: str
    why: str
    method: str
    path: str
    return_id: int | None = None
