"""Below `hub.kit.egress`: sockets, bodies, and how the failures of a request are told apart.

EgressError
 ├── EgressRefused   policy forbids it; nothing left the hub
 ├── NotSent         not one byte of the request was written; it may be made again
 └── SentUnknown     the request may have arrived, and there is no usable answer
"""

import asyncio
import ssl
import time
import zlib
from collections.abc import AsyncIterable, Awaitable, Callable, Sequence
from typing import Any, Final, NamedTuple, cast

import httpcore
import httpx

from hub.kit.addresses import Address
from hub.kit.redact import redact

# One address that swallows packets must leave time for the next.
CONNECT_SECONDS: Final = 5.0
_ADDRESSES_TRIED = 4
# Below the five seconds after which common servers close an idle connection: a request that meets
# the closing would be of unknown outcome.
_IDLE_SECONDS = 3.0
_READ_AHEAD_BYTES = 256 * 1_024
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
_PLAIN = frozenset({"", "identity"})
_PACKED = frozenset({"gzip", "x-gzip", "deflate"})


class EgressError(Exception):
    """A request to a vendor that has no answer; the message holds no secret and no query."""


class EgressRefused(EgressError):  # noqa: N818 - it states a fact about the request
    """Policy forbids the address; the message names it and what the operator can set."""


class NotSent(EgressError):  # noqa: N818 - it states a fact about the request
    """Not one byte of the request was written, so the same request may be made again."""


class SentUnknown(EgressError):  # noqa: N818 - it states a fact about the request
    """The request may have reached the vendor; `status` is set if its answer had begun."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class Unusable(Exception):  # noqa: N818 - it becomes SentUnknown at once
    """The answer cannot be used."""


class Trip:
    """One request on its way; the socket it is written to marks it as sent."""

    __slots__ = ("answer", "content", "headers", "method", "query", "sent", "started", "status", "url")

    def __init__(self, method: str, url: httpx.URL, query: str, content: bytes) -> None:
        self.method = method
        self.url = url
        self.query = query
        self.content = content
        self.started = time.perf_counter()
        self.sent = False
        self.status: int | None = None
        self.headers = httpx.Headers()
        self.answer = bytearray()

    def fault(self, message: str) -> EgressError:
        """Sort a failure by whether anything was written."""
        text = f"{self.url.netloc.decode('ascii')}: {message}"
        return SentUnknown(text, status=self.status) if self.sent else NotSent(text)


FAULTS: Final = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    zlib.error,
    Unusable,
)


def words(fault: BaseException) -> str:
    """Put a fault of the network into a short text without secrets."""
    return f"{type(fault).__name__}: {redact(str(fault))[:200]}".rstrip(": ")


class Connections:
    """The connections of one client: kept for reuse while idle, and closed whatever goes wrong on them.

    httpcore's own pool is not used. A request cancelled between connecting and sending leaves in it a connection
    that is never free again, and as many missed deadlines as it has places would stop it for good.
    """

    def __init__(
        self, *, addresses: Callable[[str, int], Awaitable[Sequence[Address]]], tls: ssl.SSLContext, most: int
    ) -> None:
        self._addresses = addresses
        self._tls = tls
        self._most = most
        self._busy = 0
        self.idle: list[_Line] = []

    async def carry(self, trip: Trip, request: httpcore.Request, *, body_limit: int) -> None:
        """Send a trip's request and read the whole answer into the trip; raises one of `FAULTS`, or `EgressRefused`."""
        self._busy += 1
        try:
            line = self._idle_line(request.url.origin) or await self._dial(request.url.origin)
            await self._carry_on(line, trip, request, body_limit)
        finally:
            self._busy -= 1

    def close_idle(self) -> None:
        """Close what is not in use."""
        while self.idle:
            self.idle.pop().socket.close()

    async def _carry_on(self, line: "_Line", trip: Trip, request: httpcore.Request, body_limit: int) -> None:
        line.socket.trip = trip
        try:
            response = await line.http.handle_async_request(request)
            trip.status, trip.headers = response.status, httpx.Headers(response.headers)
            await _collect(trip, cast("AsyncIterable[bytes]", response.stream), limit=body_limit)
            await response.aclose()
        except BaseException:
            line.socket.close()
            raise
        line.socket.trip = None
        if line.http.is_idle():
            self.idle.append(line)
        else:
            line.socket.close()

    def _idle_line(self, origin: httpcore.Origin) -> "_Line | None":
        for line in self.idle[::-1]:
            if line.http.has_expired():
                self.idle.remove(line)
                line.socket.close()
            elif line.http.can_handle_request(origin):
                self.idle.remove(line)
                return line
        return None

    async def _dial(self, origin: httpcore.Origin) -> "_Line":
        while self.idle and len(self.idle) + self._busy > self._most:
            self.idle.pop(0).socket.close()
        host = origin.host.decode("ascii")
        opened = await self._connect(host, origin.port)
        if origin.scheme == b"https":
            await opened.encrypt(self._tls, host)
        return _Line(opened, httpcore.AsyncHTTP11Connection(origin, opened, keepalive_expiry=_IDLE_SECONDS))

    async def _connect(self, host: str, port: int) -> "_Socket":
        """Connect to the first address of a checked host that answers; the name is not looked up a second time."""
        failure = httpcore.ConnectError("the name has no address")
        for address in (await self._addresses(host, port))[:_ADDRESSES_TRIED]:
            try:
                return await _open(address, port)
            except OSError as fault:
                failure = httpcore.ConnectError(f"{address} was not reached ({str(fault) or 'in time'})")
        raise failure


class _Line(NamedTuple):
    socket: "_Socket"
    http: httpcore.AsyncHTTP11Connection


async def _open(address: Address, port: int) -> "_Socket":
    # A host that is written as an address is not looked up, neither by asyncio nor by uvloop.
    connecting = asyncio.get_running_loop().create_connection(_Socket, str(address), port)
    async with asyncio.timeout(CONNECT_SECONDS):
        _, opened = await connecting
    return opened


class _Socket(asyncio.Protocol, httpcore.AsyncNetworkStream):
    """A connection as httpcore wants it, on asyncio alone; time limits are the caller's.

    It knows whether anything came unasked: then nothing more is written, and a request that would
    have been is certainly not sent.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._ended = False
        self._failure: Exception | None = None
        self._full = False
        self._change = asyncio.Event()
        self.trip: Trip | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take over the connection."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Keep what came until it is read."""
        self._buffer += data
        if len(self._buffer) > _READ_AHEAD_BYTES:
            self._transport.pause_reading()
        self._change.set()

    def eof_received(self) -> None:
        """Note that nothing more will come; asyncio closes the connection."""
        self._ended = True
        self._change.set()

    def connection_lost(self, fault: Exception | None) -> None:
        """Note the end and its reason."""
        self._ended = True
        self._failure = fault
        self._change.set()

    def pause_writing(self) -> None:
        """Hold further writes."""
        self._full = True

    def resume_writing(self) -> None:
        """Let writes go on."""
        self._full = False
        self._change.set()

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109, ARG002 - httpcore's
        """Read what has come; nothing means the other side has ended."""
        while not self._buffer and not self._ended:
            await self._changed()
        if not self._buffer and self._failure:
            raise httpcore.ReadError(str(self._failure)) from self._failure
        data = bytes(self._buffer[:max_bytes])
        del self._buffer[:max_bytes]
        if not self._ended:
            self._transport.resume_reading()
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109, ARG002 - httpcore's
        """Write all; from the first byte on, the vendor may have something."""
        if self.trip and not self.trip.sent and (self._ended or self._buffer):
            # Not a WriteError: after one httpcore would still read, and take what came unasked for the answer.
            raise httpcore.ConnectError("the connection had ended before the request")
        if self._ended:
            raise httpcore.WriteError("the connection ended during the request")
        if self.trip:
            self.trip.sent = True
        self._transport.write(buffer)
        while self._full and not self._ended:
            await self._changed()

    async def aclose(self) -> None:
        """Close at once, for httpcore."""
        self.close()

    def close(self) -> None:
        """Close at once; nothing is waited for, not even TLS's farewell."""
        self._ended = True
        self._transport.abort()

    async def encrypt(self, tls: ssl.SSLContext, host: str) -> None:
        """Begin TLS with the certificate of `host`; the handshake is not yet the request."""
        if self._ended or self._buffer:  # plain bytes must not pass for encrypted ones later
            self.close()
            raise httpcore.ConnectError("TLS: the other side spoke first, or ended")
        start = asyncio.get_running_loop().start_tls
        try:
            transport = await start(
                self._transport, self, tls, server_hostname=host, ssl_handshake_timeout=CONNECT_SECONDS
            )
        except BaseException as fault:
            self.close()
            if isinstance(fault, OSError):
                raise httpcore.ConnectError(f"TLS: {fault}") from fault
            raise
        if transport is None:
            raise httpcore.ConnectError("TLS: the other side ended")
        self._transport = transport

    def get_extra_info(self, info: str) -> Any:
        """Tell httpcore, before it uses a connection again, whether something came unasked or the end has come."""
        if info == "is_readable":
            return self._ended or bool(self._buffer)
        return self._transport.get_extra_info(info)

    async def _changed(self) -> None:
        self._change.clear()
        await self._change.wait()


async def _collect(trip: Trip, stream: AsyncIterable[bytes], *, limit: int) -> None:
    encoding = trip.headers.get("content-encoding", "").lower()
    if encoding not in _PLAIN | _PACKED:
        raise Unusable("the answer is packed in a way that was not asked for")
    inflater = _Inflater() if encoding in _PACKED else None
    received = 0
    async for chunk in stream:
        received += len(chunk)
        trip.answer += inflater.feed(chunk, limit + 1 - len(trip.answer)) if inflater else chunk
        if max(received, len(trip.answer)) > limit:
            raise Unusable(f"the answer is longer than {limit} bytes")
    if inflater and not inflater.whole:
        raise Unusable("the packed answer is cut off")


class _Inflater:
    """Unpacks gzip and zlib piece by piece, never more than there is room for."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(_GZIP_OR_ZLIB)
        self.whole = True

    def feed(self, data: bytes, room: int) -> bytes:
        """Unpack the next piece; an answer as long as `room` means there may be more that did not fit."""
        unpacked = bytearray()
        while data and len(unpacked) < room:
            if self._member.eof:  # gzip may be several members in a row
                self._member = zlib.decompressobj(_GZIP_OR_ZLIB)
            unpacked += self._member.decompress(data, room - len(unpacked))
            data = self._member.unused_data
            self.whole = self._member.eof
        return bytes(unpacked)
