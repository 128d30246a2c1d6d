"""The development tool beside the API: sell, send back, break things on purpose, and read what really happened.

Every path stands under `/_sandbox`; TENANT is a tenant's name, ID the vendor's id, MARKETPLACE a global channel name
such as `bol`. Bodies and answers are JSON. A body that is misspelt is refused with 400, an unknown tenant, order or
return with 404, and what the vendor's rules forbid with 409. A field with `?` may be left out.

The shops and the marketplaces:

    POST   /tenants                           {name, key} -> {name}; 201 when new, else it has another key
    PUT    /TENANT/key                        {key} -> {name}; the key before is revoked at once
    GET    /TENANT/switches                   -> {echo, newest_first, update_dates, items_per_page}
    PUT    /TENANT/switches                   some of these -> all of them
    POST   /TENANT/orders                     a sale or a list of sales -> the order or orders
    POST   /TENANT/orders/ID/acknowledge      {merchant_order_no} -> the order; the merchant takes it over only now
    POST   /TENANT/products/link              {order_line_id? | channel_product_no?, merchant_product_no}
                                              -> {orders: [ids], returns: [ids]}; lines without a number get one
    POST   /TENANT/channel-returns            a return or a list of returns -> the return or returns
    POST   /TENANT/returns/ID/cancel          -> the return; the marketplace cancels it
    POST   /TENANT/returns/ID/settle          {lines: [{merchant_product_no? | order_line_id?, accepted, rejected}]}
                                              or nothing for all accepted -> the return; settled in the web pages
    POST   /TENANT/returns/ID/quantities      {lines: [{merchant_product_no? | order_line_id?, quantity}]} -> the return
    POST   /TENANT/notifications              {return_id, type, subject?, message?} -> the notification
    POST   /world                             {seed, tenants?, marketplaces?, returns?, merchant_orders?}
                                              -> {seed, tenants: [what was made, its twists, what has to become of it]}

What the marketplaces do with what the vendor took:

    GET    /TENANT/manners                    -> {marketplace: manner} of every marketplace known here
    PUT    /TENANT/manners/MARKETPLACE        some fields of a manner -> the whole manner, for this tenant alone
    DELETE /TENANT/manners/MARKETPLACE        -> the manner it has by itself
    PUT    /TENANT/balances/MARKETPLACE       {sufficient} -> {marketplace, sufficient}
    GET    /TENANT/exports                    -> [{return_id, marketplace, status, attempts, next_at, cause}]
    POST   /TENANT/exports/fail               {times?, text?, final?, return_id? | marketplace?} -> the plan
    POST   /TENANT/exports/retry              {return_id? | marketplace?} or nothing -> the exports that were tried

Time:

    GET    /clock                             -> {now, stopped}
    PUT    /clock                             {forward_seconds} | {now} and stopped? -> the same; what falls due happens
    DELETE /clock                             -> the same; real time again

Webhooks, as the vendor keeps and calls them:

    GET    /TENANT/webhooks                   -> {webhooks, deliveries: [{at, webhook, url, method, outcome, fault}]}
    PUT    /TENANT/webhooks/NAME              {is_active} -> the webhook; switched behind the merchant's back
    DELETE /TENANT/webhooks/NAME              -> the webhook that is gone
    POST   /TENANT/webhooks/settle            -> {deliveries}; answers when no delivery is under way

What goes wrong:

    GET    /faults                            -> [{text, struck, left}]
    PUT    /faults                            a list of texts, or ["all"] -> the same; in place of all others
    DELETE /faults                            -> []
    PUT    /limits                            {calls_per_minute} -> the same; per endpoint

What really happened:

    GET    /health                            -> {status, tenants}
    GET    /TENANT/ledger                     ?return_id | merchant_return_no | order_no
                                              -> {entries, total_units, total_amount}; cause is create, update or web
    GET    /TENANT/returns                    ?status | creator | merchant_return_no | channel_return_no
                                              -> {returns, total, by_status}
    GET    /TENANT/calls                      ?effect | told | method | path -> {summary, calls}
    GET    /TENANT/exchanges                  -> [{at, method, path, query, request, status, response}], the latest 100
    GET    /TENANT/violations                 -> {violations: [{at, code, why, method, path, return_id}], by_code}
    DELETE /TENANT/violations                 -> the same, empty
    GET    /TENANT/judgement                  -> {ok, returns, wrong_refunds, double_refunds, over_refunded,
                                              waiting_exports, failed_exports, never_acknowledged, violations}
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, TypeVar

import msgspec
from litestar import Request, Response, delete, get, post, put
from litestar.enums import MediaType
from litestar.params import FromPath

from connectors.channelengine.sandbox import rules, selling
from connectors.channelengine.sandbox.records import ReturnStatus, invalid
from connectors.channelengine.sandbox.vendor import FromBook, FromVendor
from connectors.channelengine.sandbox.wire import decode
from connectors.channelengine.sandbox.words import NOTIFICATION_TYPES

Answer = Response[bytes]
Asking = Request[Any, Any, Any]
Item = TypeVar("Item")
encoder = msgspec.json.Encoder()


class NewTenant(selling.Wish, frozen=True):
    """A tenant and its one API key."""

    name: str
    key: str


class Limit(selling.Wish, frozen=True):
    """The calls allowed per endpoint and minute."""

    calls_per_minute: int


@get("/health")
async def health(vendor: FromVendor) -> Answer:
    """Say that the server works and whom it serves."""
    return _json({"status": "ok", "tenants": sorted(vendor.books)})


@post("/tenants")
async def add_tenant(request: Asking, vendor: FromVendor) -> Answer:
    """Add a tenant, or give it another key."""
    wish = decode(await request.body(), NewTenant)
    new = vendor.admit(wish.name, wish.key)
    await vendor.durable()
    return _json({"name": wish.name}, status=201 if new else 200)


@post("/{tenant:str}/orders")
async def add_orders(request: Asking, vendor: FromVendor, book: FromBook) -> Answer:
    """Place one order or a list of them; one that was placed before is answered as it was."""
    sales, many = _one_or_many(await request.body(), selling.Sale)
    before = len(book.orders)
    orders = []
    for sale in sales:
        if selling.placed(book, sale) is None:
            vendor.commit(selling.place(book, sale, vendor.now()))
        orders.append(selling.placed(book, sale))
    await vendor.durable()
    return _json(orders if many else orders[0], status=201 if len(book.orders) > before else 200)


@post("/{tenant:str}/channel-returns")
async def add_channel_returns(request: Asking, vendor: FromVendor, book: FromBook) -> Answer:
    """Let customers start one return or a list of them; one that was started before is answered as it stands."""
    wishes, many = _one_or_many(await request.body(), selling.SentBack)
    before = len(book.returns)
    for wish in wishes:
        if wish.channel_return_no not in book.returns_by_channel_no:
            vendor.commit(selling.send_back(book, wish, vendor.now()))
    await vendor.durable()
    started = [book.returns[book.returns_by_channel_no[wish.channel_return_no]] for wish in wishes]
    return _json(started if many else started[0], status=201 if len(book.returns) > before else 200)


@post("/{tenant:str}/returns/{return_id:int}/cancel")
async def cancel_return(return_id: FromPath[int], vendor: FromVendor, book: FromBook) -> Answer:
    """Let the marketplace cancel an open return."""
    vendor.commit(rules.cancel(book, return_id, vendor.now()))
    await vendor.durable()
    return _json(book.returns[return_id])


@post("/{tenant:str}/notifications")
async def add_notification(request: Asking, vendor: FromVendor, book: FromBook) -> Answer:
    """Let the vendor notify the tenant, for example of a refund the marketplace refused after all."""
    told = decode(await request.body(), selling.Told)
    if told.type not in NOTIFICATION_TYPES:
        raise invalid({"type": [f"'{told.type}' is no type of notification."]})
    vendor.commit(selling.tell(book, told, vendor.now()))
    await vendor.durable()
    return _json(book.notes[-1], status=201)


@get("/{tenant:str}/ledger")
async def ledger(request: Asking, book: FromBook) -> Answer:
    """Show every refund ever made, oldest first, or those of one `return_id`, `merchant_return_no` or `order_no`."""
    entries = _narrowed(book.ledger, request, ("return_id", "merchant_return_no", "order_no"))
    amount = sum((entry.amount for entry in entries), Decimal(0))
    units = sum(entry.quantity for entry in entries)
    return _json({"entries": entries, "total_units": units, "total_amount": amount})


@get("/{tenant:str}/returns")
async def returns(request: Asking, book: FromBook) -> Answer:
    """Show every return, oldest first, or those of one `status`, `merchant_return_no` or `channel_return_no`."""
    names = ("status", "creator", "merchant_return_no", "channel_return_no")
    found = _narrowed(list(book.returns.values()), request, names)
    counts = {status: book.count(status) for status in ReturnStatus}
    return _json({"returns": found, "total": len(found), "by_status": counts})


@get("/{tenant:str}/calls")
async def calls(request: Asking, vendor: FromVendor, book: FromBook) -> Answer:
    """Show the latest calls, oldest first, and count all of them per effect and what was told."""
    latest = _narrowed(vendor.calls.of(book.tenant), request, ("effect", "told", "method", "path"))
    return _json({"summary": vendor.calls.summary(book.tenant), "calls": latest})


@get("/faults")
async def faults(vendor: FromVendor) -> Answer:
    """Show the active faults and how often each has struck."""
    return _json(vendor.faults.states())


@put("/faults")
async def set_faults(request: Asking, vendor: FromVendor) -> Answer:
    """Set these faults in place of all others."""
    texts = decode(await request.body(), list[str])
    try:
        vendor.faults.replace(texts)
    except ValueError as error:
        raise invalid({"faults": [str(error)]}) from error
    return _json(vendor.faults.states())


@delete("/faults", status_code=200)
async def clear_faults(vendor: FromVendor) -> Answer:
    """Let everything work again."""
    vendor.faults.replace(())
    return _json([])


@put("/limits")
async def set_limit(request: Asking, vendor: FromVendor) -> Answer:
    """Set how many calls an endpoint takes in a minute."""
    limit = decode(await request.body(), Limit)
    vendor.meter.limit(limit.calls_per_minute)
    return _json({"calls_per_minute": limit.calls_per_minute})


CONTROL = (
    health,
    add_tenant,
    add_orders,
    add_channel_returns,
    cancel_return,
    add_notification,
    ledger,
    returns,
    calls,
    faults,
    set_faults,
    clear_faults,
    set_limit,
)


def _one_or_many(body: bytes, kind: type[Item]) -> tuple[Sequence[Item], bool]:
    many = body.lstrip().startswith(b"[")
    if many:
        return decode(body, list[kind]), True  # type: ignore[valid-type]  # the type is known only here
    return [decode(body, kind)], False


def _narrowed(items: Iterable[Item], request: Asking, names: Sequence[str]) -> list[Item]:
    wanted = {name: request.query_params[name] for name in names if name in request.query_params}
    return [item for item in items if all(str(getattr(item, name)) == value for name, value in wanted.items())]


def _json(content: object, *, status: int = 200) -> Answer:
    return Response(encoder.encode(content), status_code=status, media_type=MediaType.JSON)
