"""The control API's shops, marketplaces and people: they sell, send back, cancel and decide."""

from litestar import get, post, put
from litestar.params import FromPath

from connectors.channelengine.sandbox import elsewhere, rules, selling
from connectors.channelengine.sandbox.change import Change
from connectors.channelengine.sandbox.control_kit import Answer, Asking, amended, answered, kept, wish, wishes, wrong
from connectors.channelengine.sandbox.vendor import FromBook, FromVendor
from connectors.channelengine.sandbox.words import NOTIFICATION_TYPES


class NewTenant(selling.Wish, frozen=True):
    """A tenant and its one API key."""

    name: str
    key: str


class NewKey(selling.Wish, frozen=True):
    """Another API key."""

    key: str


@post("/tenants")
async def add_tenant(request: Asking, vendor: FromVendor) -> Answer:
    """Add a tenant, or give it another key."""
    asked = await wish(request, NewTenant)
    new = vendor.admit(asked.name, asked.key)
    return await kept(vendor, {"name": asked.name}, status=201 if new else 200)


@put("/{tenant:str}/key")
async def change_key(request: Asking, vendor: FromVendor, book: FromBook) -> Answer:
    """Revoke the key and give another."""
    vendor.admit(book.tenant, (await wish(request, NewKey)).key)
    return await kept(vendor, {"name": book.tenant})


@get("/{tenant:str}/switches")
async def switches(book: FromBook) -> Answer:
    """Show which version of the vendor is played."""
    return answered(book.terms.switches)


@put("/{tenant:str}/switches")
async def turn_switches(request: Asking, vendor: FromVendor, book: FromBook) -> Answer:
    """Turn some switches, and leave the others."""
    turned = await amended(request, book.terms.switches)
    if turned.items_per_page < 1:
        raise wrong("items_per_page", "A page has at least one item.")
    vendor.commit(Change(tenant=book.tenant, switches=turned))
    return await kept(vendor, turned)


@post("/{tenant:str}/orders")
async def add_orders(request: Asking, vendor: FromVendor, book: FromBook) -> Answer:
    """Place one order or a list of them; one that was placed before is answered as it was."""
    sales, many = await wishes(request, selling.Sale)
    before = len(book.orders)
    orders = []
    for sale in sales:
        if selling.placed(book, sale) is None:
            vendor.commit(selling.place(book, sale, vendor.now()))
        orders.append(selling.placed(book, sale))
    return await kept(vendor, orders if many else orders[0], status=201 if len(book.orders) > before else 200)


@post("/{tenant:str}/orders/{order_id:int}/acknowledge", status_code=200)
async def acknowledge_order(request: Asking, order_id: FromPath[int], vendor: FromVendor, book: FromBook) -> Answer:
    """Let the merchant take an order over under a number of its own."""
    number = (await wish(request, elsewhere.OrderNumber)).merchant_order_no
    vendor.commit(elsewhere.acknowledge_order(book, order_id, number, vendor.now()))
    return await kept(vendor, book.orders[order_id])


@post("/{tenant:str}/products/link", status_code=200)
async def link_product(request: Asking, vendor: FromVendor, book: FromBook) -> Answer:
    """Let the merchant link a product that had no number of its own."""
    change = elsewhere.link_product(book, await wish(request, elsewhere.Link), vendor.now())
    vendor.commit(change)
    touched = {"orders": [order.id for order in change.orders], "returns": [found.id for found in change.returns]}
    return await kept(vendor, touched)


@post("/{tenant:str}/channel-returns")
async def add_channel_returns(request: Asking, vendor: FromVendor, book: FromBook) -> Answer:
    """Let customers start one return or a list of them; one that was started before is answered as it stands."""
    backs, many = await wishes(request, selling.SentBack)
    before = len(book.returns)
    for back in backs:
        if back.channel_return_no not in book.returns_by_channel_no:
            vendor.commit(selling.send_back(book, back, vendor.now()))
    started = [book.returns[book.returns_by_channel_no[back.channel_return_no]] for back in backs]
    return await kept(vendor, started if many else started[0], status=201 if len(book.returns) > before else 200)


@post("/{tenant:str}/returns/{return_id:int}/cancel")
async def cancel_return(return_id: FromPath[int], vendor: FromVendor, book: FromBook) -> Answer:
    """Let the marketplace cancel an open return."""
    vendor.commit(rules.cancel(book, return_id, vendor.now()))
    return await kept(vendor, book.returns[return_id], status=201)


@post("/{tenant:str}/returns/{return_id:int}/settle", status_code=200)
async def settle_in_web(request: Asking, return_id: FromPath[int], vendor: FromVendor, book: FromBook) -> Answer:
    """Let somebody accept and reject in the vendor's own pages."""
    decision = await wish(request, elsewhere.Decision)
    vendor.commit(elsewhere.settle_in_web(book, return_id, decision, vendor.now()))
    return await kept(vendor, book.returns[return_id])


@post("/{tenant:str}/returns/{return_id:int}/quantities", status_code=200)
async def count_again(request: Asking, return_id: FromPath[int], vendor: FromVendor, book: FromBook) -> Answer:
    """Change the quantities of an open return."""
    counted = await wish(request, elsewhere.Counted)
    vendor.commit(elsewhere.count_again(book, return_id, counted, vendor.now()))
    return await kept(vendor, book.returns[return_id])


@post("/{tenant:str}/notifications")
async def add_notification(request: Asking, vendor: FromVendor, book: FromBook) -> Answer:
    """Let the vendor notify the tenant, for example of a refund the marketplace refused after all."""
    told = await wish(request, selling.Told)
    if told.type not in NOTIFICATION_TYPES:
        raise wrong("type", f"'{told.type}' is no type of notification.")
    vendor.commit(selling.tell(book, told, vendor.now()))
    return await kept(vendor, book.notes[-1], status=201)


SHOP = (
    add_tenant,
    change_key,
    switches,
    turn_switches,
    add_orders,
    acknowledge_order,
    link_product,
    add_channel_returns,
    cancel_return,
    settle_in_web,
    count_again,
    add_notification,
)
