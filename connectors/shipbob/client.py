"""Requests to ShipBob, each answered by what was asked for or ended early with its outcome."""

from typing import Any, TypeVar

import msgspec

from connectors.shipbob import wire
from connectors.shipbob.settings import Settings
from hub.sdk import Context, Interrupted, Manner, Progress, Refused, Retry, Sent, call, understood

VERSION = "2026-01"
NOT_FOUND = 404
NOT_FIT = 400
Answer = TypeVar("Answer")


async def ask(
    context: Context, manner: Manner, method: str, path: str, *, endpoint: str, params: dict[str, str] | None = None,
    body: Any = None, channel: str | None = None,
) -> Sent:  # fmt: skip
    """Make one request of the API; `endpoint` is the path's template."""
    settings: Settings = context.settings
    headers = {
        "authorization": f"Bearer {settings.token.reveal()}",
        "shipbob_channel_id": channel or str(settings.channel),
        "content-type": "application/json",
        "accept": "application/json",
    }
    return await call(
        context, manner, method, f"{settings.address.rstrip('/')}/{VERSION}{path}", params=list((params or {}).items()),
        headers=headers, body=None if body is None else msgspec.json.encode(body),
        endpoint=f"{method} /{VERSION}{endpoint}",
    )  # fmt: skip


def read(sent: Sent, kind: type[Answer], manner: Manner) -> Answer:
    """Return an answer as what it must be; a refusal ends early, and so does what ShipBob would not have said."""
    if sent.status >= NOT_FIT:
        raise Interrupted(refusal(sent))
    return understood(sent, kind, manner, "ShipBob")


def refusal(sent: Sent) -> Refused:
    """Return what ShipBob has against a request."""
    try:
        fault = msgspec.json.decode(sent.body, type=wire.Fault)
    except (msgspec.DecodeError, UnicodeDecodeError):
        fault = wire.Fault(message=f"status {sent.status}")
    return Refused("refused_by_warehouse", f"ShipBob says: {fault.said}")


def must(sent: Sent) -> None:
    """End early unless ShipBob carried a write out: with a refusal, or in doubt where somebody else answered for it."""
    if sent.status >= NOT_FIT or sent.body.strip():
        read(sent, msgspec.Raw, Manner.WRITE)


async def one(context: Context, reference: str) -> wire.Return | None:
    """Read one return by ShipBob's id, or nothing if it is not there."""
    if not reference.isdecimal():
        return None
    sent = await ask(context, Manner.READ, "GET", f"/return/{reference}", endpoint="/return/{id}")
    return None if sent.status == NOT_FOUND else read(sent, wire.Return, Manner.READ)


async def find(context: Context, number: str) -> wire.Return | None:
    """Find the return that carries our number; one that is canceled is found where there is no other."""
    sent = await ask(context, Manner.READ, "GET", "/return", params={"ReferenceIds": number}, endpoint="/return")
    page = read(sent, wire.Page, Manner.READ)
    found = [each for each in (_decoded(element) for element in page.items) if each.reference_id == number]
    return min(found, key=lambda each: (wire.progress(each.status) is Progress.CANCELED, each.id), default=None)


def _decoded(element: msgspec.Raw) -> wire.Return:
    try:
        return msgspec.json.decode(element, type=wire.Return)
    except msgspec.DecodeError as fault:
        raise Interrupted(Retry("the answer is not one of ShipBob's")) from fault


async def product(context: Context, sku: str) -> int:
    """Return ShipBob's id of a product; ends early with a refusal where it has none of this code."""
    params = {"SearchBy": sku, "PageSize": "250"}
    sent = await ask(context, Manner.READ, "GET", "/inventory", params=params, endpoint="/inventory")
    for each in read(sent, wire.Products, Manner.READ).items:
        if (each.sku or "").strip().casefold() == sku.strip().casefold():
            return each.inventory_id
    raise Interrupted(Refused("product_unknown", f"ShipBob keeps no product {sku!r}: add it there, then replay this."))
