"""What a webhook may be, when it is called and by which address; pure."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated
from urllib.parse import urlencode, urlsplit, urlunsplit

from msgspec import Meta
from msgspec.structs import replace

from connectors.channelengine.sandbox.book import Book
from connectors.channelengine.sandbox.change import Change
from connectors.channelengine.sandbox.records import Note, Order, Record, Return
from connectors.channelengine.sandbox.refusals import Refusal, invalid
from connectors.channelengine.sandbox.tenancy import RequestType, Webhook, WebhookEvent
from connectors.channelengine.sandbox.wire import Asked

CALL_FAILED = "CHANNELENGINE_WEBHOOK_RQUEST_FAILED"  # the vendor's own slip of spelling
# The words of `type`: `orders` and `returns` are seen in the vendor's own plugin, the others go by their pattern.
TYPES = {
    WebhookEvent.ORDERS_CREATE: "orders",
    WebhookEvent.ORDERS_CHANGE: "orders",
    WebhookEvent.RETURNS_CHANGE: "returns",
    WebhookEvent.NOTIFICATIONS_CREATE: "notifications",
}


class WebhookRequest(Asked, frozen=True):
    """A webhook to keep (documented in the Merchant API 2.19.0); one that does not say so is not active."""

    name: Annotated[str, Meta(min_length=1, max_length=128)]
    url: Annotated[str, Meta(max_length=1028)]
    events: Annotated[tuple[WebhookEvent, ...], Meta(min_length=1)]
    is_active: bool = False
    request_type: RequestType = RequestType.GET


class Event(Record, frozen=True):
    """Something that webhooks are called for, and since when."""

    tenant: str
    kind: WebhookEvent
    since: datetime


def add(book: Book, asked: WebhookRequest) -> Change:
    """Keep a new webhook, or one whose name was free again; 409 when there is one of this name."""
    if asked.name in book.terms.webhooks:
        raise Refusal(409, f"A webhook named '{asked.name}' already exists.")
    return _kept(book, asked)


def change(book: Book, asked: WebhookRequest) -> Change:
    """Change a webhook by its name; 404 when there is none."""
    known(book, asked.name)
    return _kept(book, asked)


def remove(book: Book, name: str) -> Change:
    """Forget a webhook; 404 when there is none."""
    return Change(tenant=book.tenant, webhooks=((known(book, name).name, None),))


def known(book: Book, name: str) -> Webhook:
    """Return a webhook by its name, or refuse with 404."""
    found = book.terms.webhooks.get(name)
    if found is None:
        raise Refusal(404, f"Webhook '{name}' not found.")
    return found


def events_of(before: Book, changed: Change) -> Iterator[Event]:
    """Yield what a change that is about to happen calls webhooks for; an export alone changes nothing one can see."""
    if not before.terms.webhooks:
        return
    moments: dict[WebhookEvent, datetime] = {}
    for found in changed.returns:
        if _seen(before.returns.get(found.id)) != _seen(found):
            moments[WebhookEvent.RETURNS_CHANGE] = found.updated_at
    for order in changed.orders:
        moments[_order_event(before, order)] = order.updated_at or order.created_at
    for note in changed.notes:
        if note.type != CALL_FAILED:  # or a webhook that fails would be called for that for ever
            moments[WebhookEvent.NOTIFICATIONS_CREATE] = note.created_at
    for kind, moment in moments.items():
        yield Event(tenant=before.tenant, kind=kind, since=moment)


def address(webhook: Webhook, event: Event) -> str:
    """Return the address to call: the vendor adds to the query that is there (help centre, "webhooks")."""
    added = {"type": TYPES[event.kind], "tenant": event.tenant, "updatedSince": int(event.since.timestamp())}
    parts = urlsplit(webhook.url)
    return urlunsplit(parts._replace(query="&".join(filter(None, (parts.query, urlencode(added)))), fragment=""))


def failure(book: Book, name: str, why: str, at: datetime) -> Change:
    """Return the notification that a webhook could not be called."""
    note = Note(
        id=len(book.notes) + 1,
        return_id=None,
        type=CALL_FAILED,
        subject=f"Webhook {name} could not be called",
        message=why,
        created_at=at,
    )
    return Change(tenant=book.tenant, notes=(note,))


def _kept(book: Book, asked: WebhookRequest) -> Change:
    parts = urlsplit(asked.url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise invalid({"Url": [f"'{asked.url}' is not an absolute http or https address."]})
    webhook = Webhook(
        name=asked.name,
        url=asked.url,
        events=asked.events,
        is_active=asked.is_active,
        request_type=asked.request_type,
    )
    return Change(tenant=book.tenant, webhooks=((asked.name, webhook),))


def _seen(found: Return | None) -> Return | None:
    return None if found is None else replace(found, export=None)


def _order_event(before: Book, order: Order) -> WebhookEvent:
    return WebhookEvent.ORDERS_CHANGE if order.id in before.orders else WebhookEvent.ORDERS_CREATE
