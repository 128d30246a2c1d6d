"""Lists that move while they are read: returns of a page read already go away, or new ones come."""

from random import Random
from typing import Any

import msgspec

from connectors.channelengine.sandbox import rules, selling
from connectors.channelengine.sandbox.answers import Answer
from connectors.channelengine.sandbox.book import Book
from connectors.channelengine.sandbox.elsewhere import Decision, settle_in_web
from connectors.channelengine.sandbox.faults import Fault
from connectors.channelengine.sandbox.records import Creator, Return, ReturnStatus
from connectors.channelengine.sandbox.selling import Sale, SentBack, SentBackLine, SoldLine
from connectors.channelengine.sandbox.units import theirs
from connectors.channelengine.sandbox.vendor import Vendor
from connectors.channelengine.sandbox.weather import Kind

SKU = "GROWN"


class Page(msgspec.Struct, rename="pascal"):
    """As much of a page as it takes to see whether others follow it."""

    content: list[dict[str, Any]]
    total_count: int
    items_per_page: int


def move(vendor: Vendor, book: Book, fault: Fault, told: Answer, number: int) -> None:
    """Change a list after its page of this number was served, if other pages follow; the same seed chooses the same."""
    page = msgspec.json.decode(told.body, type=Page)
    if number * page.items_per_page >= page.total_count:
        return
    read = [book.returns[item["Id"]] for item in page.content]
    dice = Random(f"{vendor.seed}/{book.tenant}/{book.last_return_id}/{[found.id for found in read]}")  # noqa: S311 - not a secret
    if fault.kind is Kind.GROW:
        for _ in range(round(fault.argument)):
            _grow(vendor, book, dice.choice(read))
        return
    open_ones = [found for found in read if _is_open(book, found)]
    for found in dice.sample(open_ones, min(round(fault.argument), len(open_ones))):
        _end(vendor, book, found, in_web=dice.random() < 0.5)  # noqa: PLR2004 - a coin


def _is_open(book: Book, found: Return) -> bool:
    ours = {line.order_line_id for line in found.lines} - theirs(book.order_of(found))
    undecided = found.status is ReturnStatus.IN_PROGRESS and found.export is None
    return bool(ours) and undecided and found.creator is Creator.CHANNEL


def _end(vendor: Vendor, book: Book, found: Return, *, in_web: bool) -> None:
    if in_web:
        vendor.commit(settle_in_web(book, found.id, Decision(), vendor.now()))
    else:
        vendor.commit(rules.cancel(book, found.id, vendor.now()))


def _grow(vendor: Vendor, book: Book, like: Return) -> None:
    """Sell and send back one more item where another return came from."""
    order = book.order_of(like)
    number = f"{SKU}-{book.last_return_id + 1}"
    sale = Sale(
        channel_id=order.channel_id,
        channel_name=order.channel_name,
        global_channel_id=order.global_channel_id,
        global_channel_name=order.global_channel_name,
        merchant_order_no=number,
        lines=(SoldLine(merchant_product_no=SKU, unit_price_incl_vat=order.lines[0].unit_price_incl_vat),),
    )
    back = SentBack(
        channel_return_no=number,
        merchant_order_no=number,
        lines=(SentBackLine(merchant_product_no=SKU, quantity=1),),
    )
    vendor.commit(selling.place(book, sale, vendor.now()))
    vendor.commit(selling.send_back(book, back, vendor.now()))
