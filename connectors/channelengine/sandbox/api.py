"""The Merchant API's calls, each a few lines between the wire and the rules; none of them knows of faults."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar
from urllib.parse import unquote

from litestar import Request, Response, get, post, put
from litestar.enums import MediaType

from connectors.channelengine.sandbox import present, rules, wire
from connectors.channelengine.sandbox.book import Book
from connectors.channelengine.sandbox.finding import (
    Found,
    FulfillmentType,
    OrderFilter,
    ReturnFilter,
    find_notes,
    find_orders,
    find_returns,
    paged,
)
from connectors.channelengine.sandbox.query import Query
from connectors.channelengine.sandbox.records import Creator, OrderStatus, ReturnReason, ReturnStatus
from connectors.channelengine.sandbox.refusals import Refusal
from connectors.channelengine.sandbox.vendor import FromBook, FromVendor
from connectors.channelengine.sandbox.words import NOTIFICATION_TYPES, CreatorFilter

Answer = Response[bytes]
Asking = Request[Any, Any, Any]
T = TypeVar("T")
CREATORS = {
    CreatorFilter.ONLY_FROM_CHANNEL: Creator.CHANNEL,
    CreatorFilter.ONLY_FROM_MERCHANT: Creator.MERCHANT,
    CreatorFilter.MIXED: None,
}


@get("/v2/settings")
async def settings(book: FromBook) -> Answer:
    """Show the tenant's settings."""
    return answered(wire.single(present.settings(book)))


@get("/v2/channels")
async def channels(book: FromBook) -> Answer:
    """List the tenant's marketplaces."""
    shown = present.channels(book)
    return answered(wire.collection(shown, total=len(shown), per_page=book.terms.switches.items_per_page))


@get("/v2/orders")
async def orders(request: Asking, book: FromBook) -> Answer:
    """List orders by filter."""
    query = Query(request.scope["query_string"])
    query.not_played("stockLocationIds", "onlyWithCancellationRequests", "excludeMarketplaceFulfilledOrdersAndLines")
    query.not_played("fromUpdatedAtDate", "toUpdatedAtDate", "fromAcknowledgedDate", "toAcknowledgedDate")
    query.not_played("fromClosedAtDate", "toClosedAtDate")
    wanted = OrderFilter(
        statuses=query.words("statuses", OrderStatus),
        merchant_order_nos=query.texts("merchantOrderNos"),
        channel_order_nos=query.texts("channelOrderNos"),
        commercial_order_nos=query.texts("commercialOrderNos"),
        email_addresses=query.texts("emailAddresses"),
        channel_ids=query.integers("channelIds"),
        ordered_from=query.moment("fromDate"),
        ordered_until=query.moment("toDate"),
        created_from=query.moment("fromCreatedAtDate"),
        created_until=query.moment("toCreatedAtDate"),
        acknowledged=query.flag("isAcknowledged"),
        fulfillment=query.word("fulfillmentType", FulfillmentType, FulfillmentType.ALL),
    )
    page = query.page()
    query.check()
    return _page(book, find_orders(book, wanted, page), present.order)


@get("/v2/returns")
async def all_returns(request: Asking, book: FromBook) -> Answer:
    """List returns, whoever created them."""
    query = Query(request.scope["query_string"])
    creator = CREATORS[query.word("creatorType", CreatorFilter, CreatorFilter.MIXED)]
    return _returns(book, query, creator)


@get("/v2/returns/merchant")
async def channel_returns(request: Asking, book: FromBook) -> Answer:
    """List the returns the marketplaces created; the path means that they are for the merchant to read."""
    creator = None if book.terms.switches.echo else Creator.CHANNEL
    return _returns(book, Query(request.scope["query_string"]), creator)


@get("/v2/returns/merchant/new")
async def new_returns(request: Asking, book: FromBook) -> Answer:
    """List the marketplaces' returns that are in progress, acknowledged or not."""
    query = Query(request.scope["query_string"])
    wanted = ReturnFilter(
        creator=Creator.CHANNEL, statuses=(ReturnStatus.IN_PROGRESS,), channel_ids=query.integers("channelIds")
    )
    page = query.page()
    query.check()
    return _page(book, find_returns(book, wanted, page), present.found_return)


@get("/v2/returns/merchant/{number:path}")
async def returns_of_order(request: Asking, book: FromBook) -> Answer:
    """List every return of one order with its accepted and rejected quantities; an unknown order has none."""
    number = request.scope["raw_path"].decode("latin-1").rpartition("/returns/merchant/")[2]
    if "/" in number:
        raise Refusal(404, "No such resource: a slash in an order number has to be escaped.")
    order_id = book.orders_by_merchant_no.get(unquote(number))
    found = [] if order_id is None else list(book.returns_of(order_id))
    return _page(book, Found(found, len(found)), present.return_of_order)


@post("/v2/returns/merchant")
async def create_return(request: Asking, vendor: FromVendor, book: FromBook) -> Answer:
    """Create a merchant return; the answer does not say under which id."""
    wish = await asked(request, wire.ReturnRequest)
    vendor.commit(rules.create(book, wish, vendor.now()))
    return answered(wire.envelope(201), status=201)


@put("/v2/returns")
async def update_return(request: Asking, vendor: FromVendor, book: FromBook) -> Answer:
    """Accept and reject the units of a return, once."""
    wish = await asked(request, wire.UpdateRequest)
    vendor.ambush(book, "settle", wish.return_id)
    vendor.commit(rules.settle(book, wish, vendor.now()))
    return answered(wire.envelope())


@post("/v2/returns/merchant/acknowledge")
async def acknowledge_return(request: Asking, vendor: FromVendor, book: FromBook) -> Answer:
    """Note that the merchant has registered a return under its own number."""
    wish = await asked(request, wire.AcknowledgeRequest)
    vendor.commit(rules.acknowledge(book, wish, vendor.now()))
    vendor.ambush(book, "acknowledge", wish.return_id)
    return answered(wire.envelope())


@get("/v2/notifications")
async def notifications(request: Asking, book: FromBook) -> Answer:
    """List notifications by filter."""
    query = Query(request.scope["query_string"])
    query.not_played("merchantShipmentNos")
    types = query.known("types", NOTIFICATION_TYPES)
    since, until, page = query.moment("fromDate"), query.moment("toDate"), query.page()
    query.check()
    notes = find_notes(book, types=types, return_ids=_named_returns(book, query), since=since, until=until)
    return _page(book, paged(book, list(notes), page), lambda _, note: present.notification(note))


@get("/v2/shipments/merchant")
async def shipments(request: Asking, book: FromBook) -> Answer:
    """List shipments: one for each order that was shipped."""
    query = Query(request.scope["query_string"])
    query.not_played("merchantShipmentNos", "channelShipmentNos", "method", "shippedFromCountryCodes")
    query.not_played("fromUpdateDate", "toUpdateDate", "fromDeliveredAt", "toDeliveredAt")
    query.not_played("fromShipmentDate", "toShipmentDate", "fulfillmentType")
    query.not_played("channelExportStatus", "channelExportAttempts")
    wanted = OrderFilter(
        merchant_order_nos=query.texts("merchantOrderNos"),
        channel_order_nos=query.texts("channelOrderNos"),
        created_from=query.moment("fromCreateDate"),
        created_until=query.moment("toCreateDate"),
        statuses=tuple(OrderStatus),
        only_shipped=True,
    )
    page = query.page()
    query.check()
    return _page(book, find_orders(book, wanted, page), present.shipment)


MERCHANT_API = (
    settings,
    channels,
    orders,
    all_returns,
    channel_returns,
    new_returns,
    returns_of_order,
    create_return,
    update_return,
    acknowledge_return,
    notifications,
    shipments,
)


def _returns(book: Book, query: Query, creator: Creator | None) -> Answer:
    newer = book.terms.switches.update_dates
    wanted = ReturnFilter(
        creator=creator,
        statuses=query.words("statuses", ReturnStatus),
        acknowledged=query.flag("isAcknowledged"),
        created_from=query.moment("fromDate"),
        created_until=query.moment("toDate"),
        merchant_order_nos=query.texts("merchantOrderNos"),
        channel_order_nos=query.texts("channelOrderNos"),
        channel_ids=query.integers("channelIds"),
        reasons=query.words("reasons", ReturnReason),
        fulfillment=query.word("fulfillmentType", FulfillmentType, FulfillmentType.ALL),
        updated_from=query.moment("fromUpdateDate") if newer else None,
        updated_until=query.moment("toUpdateDate") if newer else None,
    )
    page = query.page()
    query.check()
    return _page(book, find_returns(book, wanted, page), present.found_return)


def _named_returns(book: Book, query: Query) -> set[int] | None:
    """Return the returns that every filter by a number names, or None without such a filter."""
    named = {
        "merchantReturnNos": lambda number: {book.returns_by_merchant_no.get(number, 0)},
        "channelReturnNos": lambda number: {book.returns_by_channel_no.get(number, 0)},
        "merchantOrderNos": lambda number: _returns_of(book, [book.orders_by_merchant_no.get(number, 0)]),
        "channelOrderNos": lambda number: _returns_of(book, book.orders_by_channel_no.get(number, [])),
    }
    asked_for = [(find, query.texts(name)) for name, find in named.items() if query.texts(name)]
    found = [set().union(*map(find, numbers)) for find, numbers in asked_for]
    return set.intersection(*found) if found else None


def _returns_of(book: Book, orders: Iterable[int]) -> set[int]:
    return {found.id for order in orders for found in book.returns_of(order)}


async def asked(request: Asking, kind: type[T]) -> T:
    """Read a request's body; refuses another kind than JSON with 415, and what does not fit with 400."""
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != "application/json" and not (media.startswith("application/") and media.endswith("+json")):
        raise Refusal(415, "The request body must be application/json.")
    return wire.decode(await request.body(), kind)


def _page(book: Book, found: Found[T], show: Callable[[Book, T], object]) -> Answer:
    shown = [show(book, item) for item in found.items]
    return answered(wire.collection(shown, total=found.total, per_page=book.terms.switches.items_per_page))


def answered(body: bytes, *, status: int = 200) -> Answer:
    """Answer with JSON that is written already."""
    return Response(body, status_code=status, media_type=MediaType.JSON)
