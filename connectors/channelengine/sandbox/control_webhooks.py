"""The control API's webhooks: what was called, and what somebody does to them behind the merchant's back."""

from litestar import delete, get, post, put
from litestar.params import FromPath
from msgspec.structs import replace

from connectors.channelengine.sandbox import webhooks
from connectors.channelengine.sandbox.change import Change
from connectors.channelengine.sandbox.control_kit import Answer, Asking, answered, kept, wish
from connectors.channelengine.sandbox.selling import Wish
from connectors.channelengine.sandbox.vendor import FromBook, FromVendor


class Activity(Wish, frozen=True):
    """Whether a webhook is called."""

    is_active: bool


@get("/{tenant:str}/webhooks")
async def show_webhooks(vendor: FromVendor, book: FromBook) -> Answer:
    """Show the webhooks and the latest of their calls."""
    kept_ones, deliveries = list(book.terms.webhooks.values()), vendor.courier.deliveries(book.tenant)
    return answered({"webhooks": kept_ones, "deliveries": deliveries})


@put("/{tenant:str}/webhooks/{name:str}")
async def switch_webhook(request: Asking, name: FromPath[str], vendor: FromVendor, book: FromBook) -> Answer:
    """Switch a webhook on or off."""
    webhook = replace(webhooks.known(book, name), is_active=(await wish(request, Activity)).is_active)
    vendor.commit(Change(tenant=book.tenant, webhooks=((name, webhook),)))
    return await kept(vendor, webhook)


@delete("/{tenant:str}/webhooks/{name:str}", status_code=200)
async def take_webhook_away(name: FromPath[str], vendor: FromVendor, book: FromBook) -> Answer:
    """Take a webhook away."""
    webhook = webhooks.known(book, name)
    vendor.commit(webhooks.remove(book, name))
    return await kept(vendor, webhook)


@post("/{tenant:str}/webhooks/settle", status_code=200)
async def await_deliveries(vendor: FromVendor, book: FromBook) -> Answer:
    """Answer when no call of a webhook is under way."""
    return answered({"deliveries": await vendor.courier.settle(book.tenant)})


WEBHOOKS = (show_webhooks, switch_webhook, take_webhook_away, await_deliveries)
