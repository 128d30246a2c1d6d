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
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Sequence
from contextvars import ContextVar
from typing import Any, Final, cast

import httpcore
import httpx

from hub.kit.addresses import Address
from hub.kit.redact import redact

# One address that swallows packets must leave time for the next.
CONNECT_SECONDS: Final = 5.0
_ADDRESSES_TRIED = 4
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

    __slots__ = ("answer", "content", "method", "query", "sent", "started", "status", "url")

    def __init__(self, method: str, url: httpx.URL, query: str, content: bytes) -> None:
        self.method = method
        self.url = url
        self.query = query
        self.content = content
        self.started = time.perf_counter()
        self.sent = False
        self.status: int | None = None
        self.answer = bytearray()

    def fault(self, message: str) -> EgressError:
        """Sort a failure by whether anything was written."""
        text = f"{self.url.netloc.decode('ascii')}: {message}"
        return SentUnknown(text, status=self.status) if self.sent else NotSent(text)


# httpcore connects and writes in the task of the request, so its sockets find their trip here.
current_trip: ContextVar[Trip] = ContextVar("current_trip")

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


class PinningBackend(httpcore.AsyncNetworkBackend):
    """Connects to the address that was checked, where httpcore would look the name up a second time."""

    def __init__(self, addresses: Callable[[str, int], Awaitable[Sequence[Address]]]) -> None:
        self._addresses = addresses

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,  # noqa: ARG002 - httpcore's signature
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002 - httpcore's signature
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address of a checked host that answers."""
        failure: httpcore.ConnectError | None = None
        for address in (await self._addresses(host, port))[:_ADDRESSES_TRIED]:
            try:
                return await _connect(address, port, timeout)
            except OSError as fault:
                failure = httpcore.ConnectError(f"{address} was not reached ({str(fault) or 'in time'})")
        raise failure or httpcore.ConnectError("the name has no address")

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109, ARG002 - httpcore's signature
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002 - httpcore's signature
    ) -> httpcore.AsyncNetworkStream:
        """Refuse: what listens on a socket file is always ours."""
        raise EgressRefused(f"{path} is a socket of this machine; no setting allows it")

    async def sleep(self, seconds: float) -> None:
        """Wait, as httpcore does between retries of its own."""
        await asyncio.sleep(seconds)


async def _connect(address: Address, port: int, seconds: float | None) -> "_Socket":
    # A host that is written as an address is not looked up again, neither by asyncio nor by uvloop.
    connecting = asyncio.get_running_loop().create_connection(_Socket, str(address), port)
    async with asyncio.timeout(seconds):
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
        trip = current_trip.get()
        if not trip.sent and (self._ended or self._buffer):
            # Not a WriteError: after one httpcore would still read, and take what came unasked for the answer.
            raise httpcore.ConnectError("the connection had ended before the request")
        if self._ended:
            raise httpcore.WriteError("the connection ended during the request")
        trip.sent = True
        self._transport.write(buffer)
        while self._full and not self._ended:
            await self._changed()

    async def aclose(self) -> None:
        """Close at once; nothing is waited for, not even TLS's farewell."""
        self._ended = True
        self._transport.abort()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
    ) -> httpcore.AsyncNetworkStream:
        """Encrypt; the handshake is not yet the request."""
        if self._ended or self._buffer:  # plain bytes must not pass for encrypted ones later
            self._transport.abort()
            raise httpcore.ConnectError("TLS: the other side spoke first, or ended")
        try:
            transport = await asyncio.get_running_loop().start_tls(
                self._transport, self, ssl_context, server_hostname=server_hostname, ssl_handshake_timeout=timeout
            )
        except OSError as fault:
            self._transport.abort()
            raise httpcore.ConnectError(f"TLS: {fault}") from fault
        except BaseException:
            self._transport.abort()
            raise
        if transport is None:
            raise httpcore.ConnectError("TLS: the connection ended during the handshake")
        self._transport = transport
        return self

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - httpcore's signature
        """Tell httpcore, before it uses a connection again, whether something came unasked or the end has come."""
        if info == "is_readable":
            return self._ended or bool(self._buffer)
        return self._transport.get_extra_info(info)

    async def _changed(self) -> None:
        self._change.clear()
        await self._change.wait()


async def collect(trip: Trip, response: httpcore.Response, *, limit: int) -> None:
    """Read an answer into its trip, unpacked; raises `Unusable` if it is too long, cut off or oddly packed."""
    fields = {name.lower(): value for name, value in response.headers}
    encoding = fields.get(b"content-encoding", b"").decode("latin-1").lower()
    if encoding not in _PLAIN | _PACKED:
        raise Unusable("the answer is packed in a way that was not asked for")
    inflater = _Inflater() if encoding in _PACKED else None
    received = 0
    async for chunk in cast("AsyncIterable[bytes]", response.stream):
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
