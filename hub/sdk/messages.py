"""What the hub and its connectors tell each other, free of any vendor's wording."""

from datetime import datetime
from decimal import Decimal
from enum import Enum, StrEnum

import msgspec

from hub.sdk.profiles import Profile


class Kind(StrEnum):
    """Where a return was born, fixed for its life: it decides how the return is settled."""

    CHANNEL = "channel"
    MERCHANT = "merchant"


class Phase(StrEnum):
    """The three stretches of the road; each has its own queue."""

    INITIATION = "initiation"
    RECEIPT = "receipt"
    SETTLEMENT = "settlement"


class Effect(StrEnum):
    """An effect that must happen outside the hub, exactly once."""

    ACKNOWLEDGE = "acknowledge"
    ANNOUNCE = "announce"
    AMEND = "amend"
    WITHDRAW = "withdraw"
    SETTLE = "settle"


class Reason(StrEnum):
    """Why goods come back; the ten reasons that ChannelEngine documents (Merchant API 2.19.0)."""

    PRODUCT_DEFECT = "product_defect"
    PRODUCT_UNSATISFACTORY = "product_unsatisfactory"
    WRONG_PRODUCT = "wrong_product"
    TOO_MANY_PRODUCTS = "too_many_products"
    REFUSED = "refused"
    REFUSED_DAMAGED = "refused_damaged"
    WRONG_ADDRESS = "wrong_address"
    NOT_COLLECTED = "not_collected"
    WRONG_SIZE = "wrong_size"
    OTHER = "other"


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """The root of all messages."""


class Marketplace(Message, frozen=True):
    """One marketplace behind a connection, as the vendor names it."""

    reference: str
    name: str
    family: str


class Checked(Message, frozen=True):
    """What a working connection tells about itself."""

    name: str
    currency: str | None = None
    marketplaces: tuple[Marketplace, ...] = ()


class OrderLine(Message, frozen=True):
    """What was sold and sent: `shipped` bounds what can ever come back; other numbers help to find its product."""

    reference: str | None
    sku: str
    name: str | None
    shipped: int
    unit_price: Decimal | None = None
    channel_sku: str | None = None
    gtin: str | None = None


class Order(Message, frozen=True):
    """One order at the vendor; `shipped_at` is when the last of it left, `delivered_at` when the last of it came."""

    number: str
    marketplace: str | None
    currency: str | None
    country: str | None
    lines: tuple[OrderLine, ...]
    ordered_at: datetime | None = None
    shipped_at: datetime | None = None
    delivered_at: datetime | None = None


class ChannelReturnLine(Message, frozen=True):
    """What the customer says will come back of one order line.

    Without a `sku` it is not linked to a product yet; `channel_sku` and `gtin` help to find which it is. Goods that
    the marketplace sent from its own stock go back there. `accepted` and `rejected` are what the channel was told,
    and unknown where it does not say.
    """

    sku: str | None
    quantity: int
    order_line: str | None = None
    name: str | None = None
    shipped: int | None = None
    unit_price: Decimal | None = None
    channel_sku: str | None = None
    gtin: str | None = None
    marketplace_fulfilled: bool = False
    accepted: int | None = None
    rejected: int | None = None


class ChannelReturn(Message, frozen=True):
    """A return as the marketplace holds it now.

    `raw_status` keeps the vendor's own word; `open` says whether it still waits for goods. `family` is the marketplace
    behind the account's own channel, as profiles name it. `created_by` tells who declared it.
    """

    external_id: str
    channel_return_number: str | None
    order_number: str | None
    channel_order_number: str | None
    marketplace: str | None
    raw_status: str
    open: bool
    canceled: bool
    marketplace_fulfilled: bool
    reason: Reason
    customer_comment: str | None
    created_at: datetime
    lines: tuple[ChannelReturnLine, ...]
    merchant_return_number: str | None = None
    updated_at: datetime | None = None
    family: str | None = None
    created_by: Kind = Kind.CHANNEL


class Page(Message, frozen=True):
    """One page of a poll; the cursor is the connector's own and opaque to the hub.

    `rejected` holds elements that could not be read, each with its reason, so that one bad element
    does not lose its neighbours. `total` counts all that the walk will read, where the vendor says so. A page that
    ends a walk over everything open says when that walk began: what was open before and did not appear is open no more.
    """

    items: tuple[ChannelReturn, ...]
    cursor: str
    more: bool
    rejected: tuple[tuple[str, str], ...] = ()
    total: int | None = None
    all_open_since: datetime | None = None


class ReturnKey(Message, frozen=True):
    """What may help to find one return at the channel."""

    return_number: str
    external_id: str | None = None
    order_number: str | None = None
    channel_order_number: str | None = None
    channel_return_number: str | None = None


class Refusal(Message, frozen=True):
    """A marketplace refused afterwards what the channel had taken; `key` is the notice's own id."""

    key: str
    return_number: str
    message: str
    at: datetime


class Refusals(Message, frozen=True):
    """What was refused since the cursor, for the returns that were asked about."""

    items: tuple[Refusal, ...]
    cursor: str
    more: bool = False


class Subscription(Message, frozen=True):
    """Where the vendor shall knock when something changed; the address carries its own secret."""

    name: str
    url: str


class Subscribed(Message, frozen=True):
    """The vendor knocks there; `repaired` says what had to be put right, if anything."""

    repaired: str | None = None


class Knock(Enum):
    """What a vendor's knock is about."""

    RETURNS = "returns"
    REFUSALS = "refusals"
    OTHER = "other"


class Acknowledgement(Message, frozen=True):
    """Tell the channel the hub's own return number; the order's numbers help to look it up."""

    external_id: str
    return_number: str
    order_number: str | None = None
    channel_order_number: str | None = None


class AnnouncementLine(Message, frozen=True):
    """One product that a warehouse may expect."""

    line: str
    sku: str
    quantity: int
    name: str | None = None
    order_line: str | None = None
    unit_price: Decimal | None = None


class Announcement(Message, frozen=True):
    """Tell a warehouse system which goods will come, or that others or none will.

    `reason_code` and `client` are the warehouse's own words for the reason and for whose goods they are, where its
    tables have them. `tracking` are parcels, and never a key: their numbers repeat.
    """

    return_number: str
    order_number: str | None
    lines: tuple[AnnouncementLine, ...]
    reason: Reason = Reason.OTHER
    reason_code: str | None = None
    client: str | None = None
    tracking: tuple[str, ...] = ()
    note: str | None = None


class SettlementLine(Message, frozen=True):
    """The decision on one line: `missing` was declared but never arrived."""

    sku: str
    order_line: str | None
    accepted: int
    rejected: int
    missing: int


class Settlement(Message, frozen=True):
    """What the channel must be told so that the customer gets the money, once.

    A channel return carries its `external_id`; a merchant return has none until it is created. Without a `profile`
    nobody knows how the marketplace treats returns.
    """

    kind: Kind
    return_number: str
    order_number: str
    marketplace: str | None
    reason: Reason
    comment: str | None
    returned_at: datetime
    lines: tuple[SettlementLine, ...]
    external_id: str | None = None
    profile: Profile | None = None


class VendorReference(Message, frozen=True):
    """The vendor's id of the thing that an effect made or changed.

    `too_late` says that a warehouse could not be told any more, because the goods are there; the return goes on.
    """

    reference: str | None = None
    too_late: bool = False
