"""A receiver of webhooks on loopback with a ledger of its own; it checks signatures by itself, as the standard says."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from tests.support.loopback import Handler, Server, serving


class Arrived(msgspec.Struct, frozen=True, kw_only=True):
    """One request that arrived, with the answer it was given."""

    path: str
    headers: dict[str, str]
    body: bytes
    status: int

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def told(self) -> Any:
        return json.loads(self.body)

    def signed_by(self, secret: str) -> bool:
        """Say whether one of the signatures is by this secret."""
        key = base64.b64decode(secret.removeprefix("whsec_"))
        content = b".".join([self.id.encode(), self.headers["webhook-timestamp"].encode(), self.body])
        mine = "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
        return mine in self.headers["webhook-signature"].split(" ")


class Receiver:
    """Answers by path what a test laid out: statuses in order, then 200; `slow` paths answer when they are let go."""

    def __init__(self) -> None:
        self.ledger: list[Arrived] = []
        self.answers: dict[str, list[int]] = defaultdict(list)
        self.headers: dict[str, str] = {}
        self.slow: set[str] = set()
        self.go = asyncio.Event()
        self.waiting: dict[str, int] = defaultdict(int)
        self.address = ""

    def url(self, path: str = "/hook") -> str:
        return self.address + path

    def took(self, path: str = "/hook") -> list[Arrived]:
        """What was answered with yes."""
        return [each for each in self.ledger if each.path == path and each.status // 100 == 2]

    async def answer(self, request: bytes) -> bytes:
        head, _, body = request.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        path = first.split(" ")[1]
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if path in self.slow:
            self.waiting[path] += 1
            await self.go.wait()
        status = self.answers[path].pop(0) if self.answers[path] else 200
        self.ledger.append(Arrived(path=path, headers=headers, body=body, status=status))
        more = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        return f"HTTP/1.1 {status} So\r\n{more}Content-Length: 2\r\n\r\nok".encode()

    def handler(self, server: Server) -> Handler:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while True:
                writer.write(await self.answer(await server.read(reader)))
                await writer.drain()

        return handle


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """Listen on a free loopback port for as long as the block runs."""
    receiver = Receiver()
    async with serving(receiver.handler) as server:
        receiver.address = server.url
        yield receiver
