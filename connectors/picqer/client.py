"""Requests to Picqer, each answered by what was asked for or ended early with its outcome."""

import base64
from typing import Any, TypeVar

import msgspec

from connectors.picqer import wire
from connectors.picqer.settings import Settings
from hub.sdk import Context, Interrupted, Manner, Refused, Sent, call, understood

NOT_FOUND = 404
NOT_FIT = 400
Answer = TypeVar("Answer")


async def ask(
    context: Context,
    manner: Manner,
    method: str,
    path: str,
    *,
    endpoint: str,
    params: dict[str, str] | None = None,
    body: Any = None,
) -> Sent:
    """Make one request of the API."""
    settings: Settings = context.settings
    key = base64.b64encode(f"{settings.api_key.reveal()}:x".encode()).decode()
    headers = {
        "authorization": f"Basic {key}",
        "content-type": "application/json",
        "accept": "application/json",
        "user-agent": f"Returns hub ({settings.contact})",
    }
    return await call(
        context, manner, method, settings.base + path, params=list((params or {}).items()), headers=headers,
        body=None if body is None else msgspec.json.encode(body), endpoint=endpoint,
    )  # fmt: skip


def read(sent: Sent, kind: type[Answer], manner: Manner) -> Answer:
    """Return an answer as what it must be; a refusal ends early, and so does what Picqer would not have said."""
    _fit(sent)
    return understood(sent, kind, manner, "Picqer")


def refusal(sent: Sent) -> Refused:
    """Return what Picqer has against a request."""
    try:
        fault = msgspec.json.decode(sent.body, type=wire.Fault)
    except (msgspec.DecodeError, UnicodeDecodeError):
        fault = wire.Fault(error_code=sent.status)
    return Refused("refused_by_warehouse", f"Picqer says ({fault.error_code}): {fault.error_message}")


def must(sent: Sent) -> None:
    """End early unless Picqer carried a write out: with a refusal, or in doubt where somebody else answered for it."""
    _fit(sent)
    if sent.body.strip():
        read(sent, dict[str, Any], Manner.WRITE)


def _fit(sent: Sent) -> None:
    if sent.status >= NOT_FIT:
        raise Interrupted(refusal(sent))


async def one(context: Context, reference: str) -> wire.Return | None:
    """Read one return, or nothing if it is not there."""
    sent = await ask(context, Manner.READ, "GET", f"/returns/{reference}", endpoint="GET /returns/{id}")
    return None if sent.status == NOT_FOUND else read(sent, wire.Return, Manner.READ)


async def find(context: Context, number: str) -> wire.Return | None:
    """Find the return that carries our number; Picqer's search finds more than is asked for."""
    sent = await ask(context, Manner.READ, "GET", "/returns", params={"search": number}, endpoint="GET /returns")
    found = [each for each in read(sent, list[wire.Return], Manner.READ) if each.reference == number]
    # Whoever was first is the one; a second one would have been made by somebody else.
    first = min(found, key=lambda each: each.idreturn, default=None)
    return await one(context, str(first.idreturn)) if first else None


async def product(context: Context, sku: str) -> int:
    """Return Picqer's id of a product; ends early with a refusal where it has none of this code."""
    params = {"productcode": sku}
    sent = await ask(context, Manner.READ, "GET", "/products", params=params, endpoint="GET /products")
    for each in read(sent, list[wire.Product], Manner.READ):
        if each.productcode.strip().casefold() == sku.strip().casefold():
            return each.idproduct
    raise Interrupted(Refused("product_unknown", f"Picqer has no product {sku!r}: add it there, then replay this."))


async def default_status(context: Context) -> int:
    """Return the status that new returns of this account have."""
    sent = await ask(context, Manner.READ, "GET", "/return_statuses", endpoint="GET /return_statuses")
    statuses = read(sent, list[wire.Status], Manner.READ)
    for each in sorted(statuses, key=lambda each: not each.default):
        return each.idreturn_status
    raise Interrupted(Refused("refused_by_warehouse", "Picqer has no status for returns: add one there."))
