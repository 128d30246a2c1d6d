"""What stands before every call of the API: the key, the limits, the faults, and the log of calls."""

import asyncio
import re
from contextlib import suppress
from urllib.parse import parse_qsl, urlencode

import msgspec
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Send

from connectors.channelengine.sandbox import wire
from connectors.channelengine.sandbox.calls import Call
from connectors.channelengine.sandbox.faults import Effect, Fault, Kind
from connectors.channelengine.sandbox.meter import INTERVAL_MINUTES, TooManyCalls
from connectors.channelengine.sandbox.records import Refusal
from connectors.channelengine.sandbox.vendor import Vendor

LONGEST_URL = 1048  # characters; documented in the help centre, "Merchant API: conventions"
ADDRESS = re.compile(r"/(?P<tenant>[^/]+)/api(?P<path>/.*)")
READBACK = "/v2/returns/merchant/"
EFFECTS = {
    ("GET", "/v2/settings"): Effect.CHECK,
    ("GET", "/v2/orders"): Effect.ORDERS,
    ("GET", "/v2/returns"): Effect.POLL,
    ("GET", "/v2/returns/merchant"): Effect.POLL,
    ("GET", "/v2/returns/merchant/new"): Effect.POLL,
    ("PUT", "/v2/returns"): Effect.SETTLE,
    ("POST", "/v2/returns/merchant"): Effect.CREATE,
    ("POST", "/v2/returns/merchant/acknowledge"): Effect.ACKNOWLEDGE,
}
UNDONE = frozenset({Kind.ERROR_BEFORE, Kind.DROP_BEFORE, Kind.TIMEOUT_BEFORE, Kind.CONFLICT, Kind.TOO_MANY})
DROPS = frozenset({Kind.DROP_BEFORE, Kind.DROP_AFTER})
HOLDS = frozenset({Kind.TIMEOUT_BEFORE, Kind.TIMEOUT_AFTER})

Headers = tuple[tuple[bytes, bytes], ...]
JSON_HEADERS: Headers = ((b"content-type", b"application/json; charset=utf-8"),)


class Answer(msgspec.Struct, frozen=True):
    """A complete answer, ready to be sent or to be withheld."""

    status: int
    body: bytes
    headers: Headers = JSON_HEADERS


class Knock(msgspec.Struct, frozen=True, kw_only=True):
    """One call as the gate sees it: whose it is, what it asks for, and the connection it came by."""

    tenant: str
    path: str
    effect: Effect | None
    scope: HTTPScope
    receive: Receive
    send: Send

    @property
    def endpoint(self) -> str:
        """Return the name the call is counted under: one per method and path, whatever order is read back."""
        path = READBACK if self.effect is Effect.READBACK else self.path
        return f"{self.scope['method']} {path}"


class Gate:
    """Lets a call through, or refuses it, or plays the fault that is due; what is done is durable before it is told."""

    def __init__(self, vendor: Vendor) -> None:
        self.vendor = vendor

    async def handle(self, knock: Knock, api: ASGIApp) -> None:
        """Answer one call and log it."""
        fault, done = None, None
        answer = self._refuse(knock)
        if answer is None:
            fault = self.vendor.faults.draw(knock.tenant, knock.effect)
            answer, done = await _play(fault, knock, api)
        await self.vendor.durable()
        if fault is not None and fault.kind in DROPS:
            self._log(knock, fault, done, "dropped")
            await hang_up(knock)
        else:
            told = await self._tell(fault, answer, knock)
            self._log(knock, fault, done, told)

    def _refuse(self, knock: Knock) -> Answer | None:
        """Return the answer to a call that may not pass, or None."""
        if len(_url(knock.scope)) > LONGEST_URL:
            return _refusal(Refusal(414, f"The request URL is longer than {LONGEST_URL} characters."))
        key = _key(knock.scope)
        book = self.vendor.books.get(knock.tenant)
        if book is None or book.key != key:
            return Answer(401, wire.unknown_key(key))
        try:
            self.vendor.meter.count(knock.tenant, knock.endpoint, self.vendor.now())
        except TooManyCalls as error:
            return _too_many(error)
        return None

    async def _tell(self, fault: Fault | None, answer: Answer, knock: Knock) -> str:
        """Give the caller the answer, or not, and return what the caller knows now."""
        if fault is not None and fault.kind in HOLDS and await _leaves(knock.receive, fault.argument):
            return "held"
        left = self.vendor.meter.left(knock.tenant, knock.endpoint, self.vendor.now())
        headers = [
            *answer.headers,
            (b"content-length", str(len(answer.body)).encode()),
            (b"x-rate-limit-limit", str(INTERVAL_MINUTES).encode()),
            (b"x-rate-limit-remaining", str(left).encode()),
        ]
        await knock.send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await knock.send({"type": "http.response.body", "body": answer.body, "more_body": False})
        return str(answer.status)

    def _log(self, knock: Knock, fault: Fault | None, done: int | None, told: str) -> None:
        self.vendor.calls.add(
            Call(
                at=self.vendor.now(),
                tenant=knock.tenant,
                method=knock.scope["method"],
                path=knock.path,
                query=_without_key(knock.scope["query_string"]),
                effect=knock.effect,
                fault=fault.text if fault else None,
                done=done,
                told=told,
            )
        )


def knock_on(scope: HTTPScope, receive: Receive, send: Send) -> Knock | None:
    """Return the call if it is one of the Merchant API's, or None when it is for another part of the server."""
    address = ADDRESS.fullmatch(scope["path"])
    if address is None:
        return None
    path = address["path"]
    effect = EFFECTS.get((scope["method"], path))
    if effect is None and scope["method"] == "GET" and path.startswith(READBACK):
        effect = Effect.READBACK
    return Knock(tenant=address["tenant"], path=path, effect=effect, scope=scope, receive=receive, send=send)


async def hang_up(knock: Knock) -> None:
    """Close the connection without a word; raises ConnectionResetError under a server whose socket is out of reach."""
    cycle = getattr(knock.send, "__self__", None)  # uvicorn's; ASGI itself has no word for hanging up
    abort = getattr(getattr(cycle, "transport", None), "abort", None)
    if abort is None:
        raise ConnectionResetError("the sandbox closes this connection without an answer, as its fault says")
    abort()
    await _disconnected(knock.receive)


async def _play(fault: Fault | None, knock: Knock, api: ASGIApp) -> tuple[Answer, int | None]:
    """Do the work, unless the fault forbids it; return what to tell and the work's own status."""
    if fault is None:
        answer = await _work(knock, api)
        return answer, answer.status
    if fault.kind in UNDONE:
        return _lie(fault, None), None
    if fault.kind is Kind.SLOW:
        await asyncio.sleep(fault.argument / 1000)
    answer = await _work(knock, api)
    return _lie(fault, answer), answer.status


def _lie(fault: Fault, truth: Answer | None) -> Answer:
    match fault.kind:
        case Kind.ERROR_BEFORE | Kind.ERROR_AFTER:
            return _refusal(Refusal(500, "An unexpected error occurred."))
        case Kind.TIMEOUT_BEFORE | Kind.TIMEOUT_AFTER:
            return _refusal(Refusal(504, "The server did not answer in time."))
        case Kind.CONFLICT:
            return _refusal(Refusal(409, "The resource is in conflict with its current state."))
        case Kind.TOO_MANY:
            return _too_many(TooManyCalls(round(fault.argument)))
    answer = truth or _refusal(Refusal(500, "The connection was closed."))
    if fault.kind is Kind.MALFORMED:
        return Answer(200, answer.body[: len(answer.body) // 2])
    return answer


async def _work(knock: Knock, api: ASGIApp) -> Answer:
    """Let the API answer into memory."""
    status, body, headers = 500, bytearray(), JSON_HEADERS

    async def keep(message: Message) -> None:
        nonlocal status, headers
        if message["type"] == "http.response.start":
            status = message["status"]
            headers = tuple(pair for pair in message["headers"] if pair[0] != b"content-length")
        elif message["type"] == "http.response.body":
            body.extend(message["body"])

    await api(knock.scope, knock.receive, keep)
    return Answer(status, bytes(body), headers)


async def _leaves(receive: Receive, seconds: float) -> bool:
    """Wait, and say whether the caller left before the time was up."""
    leaving = asyncio.ensure_future(_disconnected(receive))
    try:
        done, _ = await asyncio.wait({leaving}, timeout=seconds)
    finally:
        leaving.cancel()
        with suppress(asyncio.CancelledError):
            await leaving
    return bool(done)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _refusal(error: Refusal) -> Answer:
    return Answer(error.status, wire.refusal(error))


def _too_many(error: TooManyCalls) -> Answer:
    headers = (*JSON_HEADERS, (b"retry-after", str(error.retry_after_seconds).encode()))
    return Answer(429, wire.refusal(error), headers)


def _key(scope: HTTPScope) -> str:
    """Return the key a call carries in its header or, spelt in any case, in its query."""
    for name, value in scope["headers"]:
        if name == b"x-ce-key":
            return value.decode("latin-1")
    pairs = parse_qsl(scope["query_string"].decode("latin-1"))
    return next((value for name, value in pairs if name.lower() == "apikey"), "")


def _without_key(query: bytes) -> str:
    return urlencode([pair for pair in parse_qsl(query.decode("latin-1"), keep_blank_values=True) if _public(pair)])


def _public(pair: tuple[str, str]) -> bool:
    return pair[0].lower() != "apikey"


def _url(scope: HTTPScope) -> bytes:
    host = next((value for name, value in scope["headers"] if name == b"host"), b"")
    query = b"?" + scope["query_string"] if scope["query_string"] else b""
    return scope["scheme"].encode() + b"://" + host + scope["raw_path"] + query
