"""One call as it comes in: whose it is, what it asks for, and the connection it came by."""

import asyncio
import re
from contextlib import suppress
from typing import cast
from urllib.parse import parse_qsl, urlencode

import msgspec
from litestar.types import HTTPReceiveMessage, HTTPScope, Receive, Send

from connectors.channelengine.sandbox.weather import Effect

LONGEST_URL = 1048  # characters; documented in the help centre, "Merchant API: conventions"
ADDRESS = re.compile(r"/(?P<tenant>[^/]+)/api(?P<path>/.*)")
READBACK = "/v2/returns/merchant/"
WEBHOOK = "/v2/webhooks/"
EFFECTS = {
    ("GET", "/v2/settings"): Effect.CHECK,
    ("GET", "/v2/orders"): Effect.ORDERS,
    ("GET", "/v2/returns"): Effect.POLL,
    ("GET", "/v2/returns/merchant"): Effect.POLL,
    ("GET", "/v2/returns/merchant/new"): Effect.POLL,
    ("PUT", "/v2/returns"): Effect.SETTLE,
    ("POST", "/v2/returns/merchant"): Effect.CREATE,
    ("POST", "/v2/returns/merchant/acknowledge"): Effect.ACKNOWLEDGE,
    ("GET", "/v2/notifications"): Effect.NOTIFICATIONS,
    ("GET", "/v2/shipments/merchant"): Effect.SHIPMENTS,
    ("GET", "/v2/webhooks"): Effect.REGISTER,
    ("POST", "/v2/webhooks"): Effect.REGISTER,
    ("PUT", "/v2/webhooks"): Effect.REGISTER,
}


class Knock(msgspec.Struct, frozen=True, kw_only=True):
    """One call as the gate sees it, with its whole body."""

    tenant: str
    path: str
    effect: Effect | None
    scope: HTTPScope
    body: bytes
    receive: Receive
    send: Send

    @property
    def method(self) -> str:
        """Return the method it was made by."""
        return self.scope["method"]

    @property
    def query(self) -> bytes:
        """Return the query as it came."""
        return self.scope["query_string"]

    @property
    def endpoint(self) -> str:
        """Return the name the call is counted under: one per method and path, whatever stands in the path."""
        path = self.path
        if self.effect is Effect.READBACK:
            path = READBACK
        elif path.startswith(WEBHOOK):
            path = WEBHOOK
        return f"{self.method} {path}"

    @property
    def key(self) -> str:
        """Return the key it carries in its header or, spelt in any case, in its query."""
        for name, value in self.scope["headers"]:
            if name == b"x-ce-key":
                return value.decode("latin-1")
        return next((value for name, value in self._pairs() if name.lower() == "apikey"), "")

    @property
    def query_without_key(self) -> str:
        """Return the query as it may be shown."""
        return urlencode([(name, value) for name, value in self._pairs() if name.lower() != "apikey"])

    @property
    def url(self) -> bytes:
        """Return the whole address that was asked."""
        host = next((value for name, value in self.scope["headers"] if name == b"host"), b"")
        query = b"?" + self.query if self.query else b""
        return self.scope["scheme"].encode() + b"://" + host + self.scope["raw_path"] + query

    async def leaves(self, seconds: float) -> bool:
        """Wait, and say whether the caller left before the time was up."""
        leaving = asyncio.ensure_future(_disconnected(self.receive))
        try:
            done, _ = await asyncio.wait({leaving}, timeout=seconds)
        finally:
            leaving.cancel()
            with suppress(asyncio.CancelledError):
                await leaving
        return bool(done)

    async def hang_up(self) -> None:
        """Close the connection at once; raises ConnectionResetError under a server whose socket is out of reach."""
        cycle = getattr(self.send, "__self__", None)  # uvicorn's; ASGI itself has no word for hanging up
        abort = getattr(getattr(cycle, "transport", None), "abort", None)
        if abort is None:
            raise ConnectionResetError("the sandbox closes this connection without an answer, as its fault says")
        abort()
        await _disconnected(self.receive)

    def _pairs(self) -> list[tuple[str, str]]:
        return parse_qsl(self.query.decode("latin-1"), keep_blank_values=True)


async def knock_on(scope: HTTPScope, receive: Receive, send: Send) -> Knock | None:
    """Return the call if it is one of the Merchant API's, or None when it is for another part of the server."""
    address = ADDRESS.fullmatch(scope["path"])
    if address is None:
        return None
    body = await _body(receive)
    return Knock(
        tenant=address["tenant"],
        path=address["path"],
        effect=_effect(scope["method"], address["path"]),
        scope=scope,
        body=body,
        receive=_again(body, receive),
        send=send,
    )


def _effect(method: str, path: str) -> Effect | None:
    effect = EFFECTS.get((method, path))
    if effect is None and method == "GET" and path.startswith(READBACK):
        return Effect.READBACK
    if effect is None and method == "DELETE" and path.startswith(WEBHOOK):
        return Effect.REGISTER
    return effect


async def _body(receive: Receive) -> bytes:
    pieces: list[bytes] = []
    more = True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            break
        pieces.append(message["body"])
        more = message["more_body"]
    return b"".join(pieces)


def _again(body: bytes, receive: Receive) -> Receive:
    """Return a way to read the body once more, and then whatever comes."""
    read = False

    async def again() -> HTTPReceiveMessage:
        nonlocal read
        if read:
            return cast("HTTPReceiveMessage", await receive())
        read = True
        return {"type": "http.request", "body": body, "more_body": False}

    return cast("Receive", again)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
