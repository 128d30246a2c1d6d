"""A vendor on loopback whose manners a test chooses: it answers, keeps silent, or ends the connection."""

import asyncio
import itertools
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress

from hub.kit.egress import Allow, Egress

CANARY = "canary-7f3a-9c1e"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
PUBLIC = "93.184.216.34"

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Server:
    """A vendor on loopback that keeps what it was sent."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.connections = 0
        self.requests: list[bytes] = []
        self.under_way = 0
        self.most_under_way = 0

    async def read(self, reader: asyncio.StreamReader) -> bytes:
        head = await reader.readuntil(b"\r\n\r\n")
        lengths = [int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        self.requests.append(head + await reader.readexactly(sum(lengths)))
        return self.requests[-1]


@asynccontextmanager
async def serving(handler: Callable[[Server], Handler], *, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    tasks: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        vendor.connections += 1
        with suppress(OSError, EOFError, asyncio.CancelledError):
            await handler(vendor)(reader, writer)
        writer.close()

    listener = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls)
    vendor = Server(listener.sockets[0].getsockname()[1])
    try:
        yield vendor
    finally:
        listener.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def answering(*pieces: bytes, pause: float = 0, close: str = "") -> Callable[[Server], Handler]:
    """A vendor that answers each request with these pieces; `close` ends the connection after an answer."""

    def make(vendor: Server) -> Handler:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while True:
                await vendor.read(reader)
                vendor.under_way += 1
                vendor.most_under_way = max(vendor.most_under_way, vendor.under_way)
                for piece in pieces:
                    writer.write(piece)
                    await asyncio.sleep(pause)
                vendor.under_way -= 1
                if close:
                    return

        return handle

    return make


def silent(vendor: Server) -> Handler:
    async def handle(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await vendor.read(reader)
        await asyncio.sleep(30)

    return handle


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - the product has no event for the test's sake
            await asyncio.sleep(0.001)


def egress_to(
    vendor: Server, *, max_in_flight: int = 8, timeout_seconds: float = 20, max_body_bytes: int = 10_000_000
) -> Egress:
    return Egress(
        allow=Allow.parse(f"127.0.0.1:{vendor.port}"),
        max_in_flight=max_in_flight,
        timeout_seconds=timeout_seconds,
        max_body_bytes=max_body_bytes,
    )


def fixed(*answers: Sequence[str]) -> Callable[[str, int], Awaitable[Sequence[str]]]:
    """A name server that gives these answers in turn, the last one for ever."""
    rest = itertools.chain(answers, itertools.repeat(answers[-1]))

    async def resolve(_: str, __: int) -> Sequence[str]:
        return next(rest)

    return resolve
