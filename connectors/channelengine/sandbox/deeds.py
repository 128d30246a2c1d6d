"""Deeds that were planned beforehand and happen at their moment; pure."""

from datetime import datetime

from msgspec.structs import replace

from connectors.channelengine.sandbox import rules
from connectors.channelengine.sandbox.book import Book
from connectors.channelengine.sandbox.change import Change
from connectors.channelengine.sandbox.elsewhere import (
    Decision,
    Link,
    acknowledge_order,
    link_product,
    settle_in_web,
)
from connectors.channelengine.sandbox.refusals import Refusal
from connectors.channelengine.sandbox.tenancy import Deed, DeedKind


def carry_out(book: Book, deed: Deed, at: datetime) -> Change:
    """Do what was planned, once; what has become impossible in the meantime does not happen."""
    try:
        change = _change(book, deed, at)
    except Refusal:
        change = None
    return replace(change or Change(tenant=book.tenant), done=(deed.number,))


def _change(book: Book, deed: Deed, at: datetime) -> Change | None:
    match deed.kind:
        case DeedKind.CANCEL:
            return rules.cancel(book, deed.subject, at)
        case DeedKind.SETTLE_IN_WEB:
            return settle_in_web(book, deed.subject, Decision(), at)
        case DeedKind.ACKNOWLEDGE_ORDER:
            return acknowledge_order(book, deed.subject, deed.text, at)
    return link_product(book, Link(order_line_id=deed.subject, merchant_product_no=deed.text), at)
