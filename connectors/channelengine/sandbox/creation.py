"""Makes a planned world true at the vendor, and tells what was made."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from connectors.channelengine.sandbox import selling, world
from connectors.channelengine.sandbox.book import Book
from connectors.channelengine.sandbox.change import Change
from connectors.channelengine.sandbox.deeds import carry_out
from connectors.channelengine.sandbox.records import Order, Record, Return
from connectors.channelengine.sandbox.selling import SentBack, SentBackLine
from connectors.channelengine.sandbox.tenancy import Deed, DeedKind, Manner
from connectors.channelengine.sandbox.twists import ENDS, Expected, Twist
from connectors.channelengine.sandbox.vendor import Vendor
from connectors.channelengine.sandbox.world import Planned, Shop


class MadeLine(Record, frozen=True):
    """A line; its product number is the one it has in the end, and `linked_later` says that it has none at first."""

    order_line_id: int
    merchant_product_no: str
    quantity: int
    fulfilled_by_marketplace: bool
    linked_later: bool


class Made(Record, frozen=True):
    """A return, or an order for a merchant return, and what it has to end with; numbers are those of the end."""

    order_id: int
    merchant_order_no: str
    channel_order_no: str
    channel_id: int
    marketplace: str
    lines: tuple[MadeLine, ...]
    twists: tuple[Twist, ...]
    expected: Expected
    return_id: int | None = None
    channel_return_no: str | None = None
    true_at: datetime | None = None


class MadeChannel(Record, frozen=True):
    """A channel of a tenant, and its marketplace's manners."""

    channel_id: int
    marketplace: str
    manner: Manner


class MadeTenant(Record, frozen=True):
    """Everything made for one tenant; after `true_at` nothing planned is still to come by itself."""

    name: str
    key: str
    channels: tuple[MadeChannel, ...]
    returns: tuple[Made, ...]
    merchant_orders: tuple[Made, ...]
    true_at: datetime


def make(vendor: Vendor, shop: Shop, seed: int, marketplaces: Sequence[str], returns: int, orders: int) -> MadeTenant:
    """Make one tenant with its orders and returns; what was made before is not made again."""
    vendor.admit(shop.name, shop.key)
    book, begun = vendor.book(shop.name), vendor.now()
    sent_back = [
        made
        for plan in world.plan_returns(seed, shop.name, marketplaces, returns)
        for made in _make_returns(vendor, book, plan, begun)
    ]
    kept = [
        _made(plan, _place(vendor, book, plan), None)
        for plan in world.plan_orders(seed, shop.name, marketplaces, orders)
    ]
    return MadeTenant(
        name=shop.name,
        key=shop.key,
        channels=tuple(
            MadeChannel(channel_id=number, marketplace=name, manner=book.terms.manner(name))
            for number, name in world.channels(marketplaces)
        ),
        returns=tuple(sent_back),
        merchant_orders=tuple(kept),
        true_at=max((made.true_at for made in sent_back if made.true_at), default=begun),
    )


def _make_returns(vendor: Vendor, book: Book, plan: Planned, begun: datetime) -> Iterator[Made]:
    order = _place(vendor, book, plan)
    true_at = _plan_later(vendor, book, plan, order, begun)
    for place, sent in enumerate(plan.backs, 1):
        number = f"RET-{plan.number}-{place}"
        if number not in book.returns_by_channel_no:
            lines = tuple(SentBackLine(order_line_id=order.lines[at].id, quantity=units) for at, units in sent)
            back = SentBack(
                channel_return_no=number,
                channel_order_no=order.channel_order_no,
                channel_id=order.channel_id,
                lines=lines,
                reason=plan.reason,
            )
            vendor.commit(selling.send_back(book, back, vendor.now()))
            _plan_end(vendor, book, plan, book.last_return_id)
        yield _made(plan, order, book.returns[book.returns_by_channel_no[number]], true_at)


def _place(vendor: Vendor, book: Book, plan: Planned) -> Order:
    if selling.placed(book, plan.sale) is None:
        vendor.commit(selling.place(book, plan.sale, vendor.now()))
    order = selling.placed(book, plan.sale)
    assert order is not None  # noqa: S101 - it was placed one line above
    return order


def _plan_later(vendor: Vendor, book: Book, plan: Planned, order: Order, begun: datetime) -> datetime | None:
    """Plan what becomes true later, and return when."""
    moment = begun + timedelta(minutes=plan.later_minutes)
    match plan.twist:
        case Twist.ORDER_NUMBER_LATER:
            _plan(vendor, book, DeedKind.ACKNOWLEDGE_ORDER, order.id, _order_no(plan), moment)
        case Twist.PRODUCT_LINKED_LATER:
            _plan(vendor, book, DeedKind.LINK_PRODUCT, order.lines[0].id, _product_no(plan), moment)
        case _:
            return None
    return moment


def _plan(vendor: Vendor, book: Book, kind: DeedKind, subject: int, text: str, at: datetime) -> None:
    number = book.terms.last_deed + 1
    deed = Deed(number=number, kind=kind, subject=subject, text=text, at=at)
    vendor.commit(Change(tenant=book.tenant, deeds=(deed,)))


def _plan_end(vendor: Vendor, book: Book, plan: Planned, return_id: int) -> None:
    if plan.twist not in ENDS:
        return
    kind, upon = ENDS[plan.twist]
    deed = Deed(number=book.terms.last_deed + 1, kind=kind, subject=return_id, upon=upon)
    if upon is None:
        vendor.commit(carry_out(book, deed, vendor.now()))
    else:
        vendor.commit(Change(tenant=book.tenant, deeds=(deed,)))


def _made(plan: Planned, order: Order, found: Return | None, true_at: datetime | None = None) -> Made:
    units = {line.id: line.quantity for line in order.lines}
    if found is not None:
        units = {line.order_line_id: line.quantity for line in found.lines}
    return Made(
        order_id=order.id,
        merchant_order_no=_order_no(plan),
        channel_order_no=order.channel_order_no,
        channel_id=order.channel_id,
        marketplace=order.global_channel_name,
        lines=tuple(
            MadeLine(
                order_line_id=line.id,
                merchant_product_no=sold.merchant_product_no or _product_no(plan),
                quantity=units[line.id],
                fulfilled_by_marketplace=line.fulfilled_by_marketplace,
                linked_later=sold.merchant_product_no is None,
            )
            for line, sold in zip(order.lines, plan.sale.lines, strict=True)
            if line.id in units
        ),
        twists=() if plan.twist is Twist.PLAIN else (plan.twist,),
        expected=plan.expected,
        return_id=None if found is None else found.id,
        channel_return_no=None if found is None else found.channel_return_no,
        true_at=true_at,
    )


def _order_no(plan: Planned) -> str:
    return f"SO-{plan.number}"


def _product_no(plan: Planned) -> str:
    return f"SKU-{plan.number}"
