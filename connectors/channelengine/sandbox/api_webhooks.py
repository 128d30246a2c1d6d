"""The Merchant API's calls about webhooks."""

from typing import Any

from litestar import Request, Response, delete, get, post, put
from litestar.params import FromPath

from connectors.channelengine.sandbox import present, webhooks, wire
from connectors.channelengine.sandbox.api import answered, asked
from connectors.channelengine.sandbox.vendor import FromBook, FromVendor
from connectors.channelengine.sandbox.webhooks import WebhookRequest

Answer = Response[bytes]
Asking = Request[Any, Any, Any]


@get("/v2/webhooks")
async def list_webhooks(book: FromBook) -> Answer:
    """List the merchant's webhooks."""
    shown = [present.webhook(webhook) for webhook in book.terms.webhooks.values()]
    return answered(wire.collection(shown, total=len(shown), per_page=book.terms.switches.items_per_page))


@post("/v2/webhooks")
async def add_webhook(request: Asking, vendor: FromVendor, book: FromBook) -> Answer:
    """Keep a webhook under a name that is free; one that was deleted comes back by that."""
    vendor.commit(webhooks.add(book, await asked(request, WebhookRequest)))
    return answered(wire.envelope(201), status=201)


@put("/v2/webhooks")
async def change_webhook(request: Asking, vendor: FromVendor, book: FromBook) -> Answer:
    """Change a webhook by its name."""
    vendor.commit(webhooks.change(book, await asked(request, WebhookRequest)))
    return answered(wire.envelope())


@delete("/v2/webhooks/{name:str}", status_code=200)
async def remove_webhook(name: FromPath[str], vendor: FromVendor, book: FromBook) -> Answer:
    """Forget a webhook."""
    vendor.commit(webhooks.remove(book, name))
    return answered(wire.envelope())


WEBHOOK_API = (list_webhooks, add_webhook, change_webhook, remove_webhook)
