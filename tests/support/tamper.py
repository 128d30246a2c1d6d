"""A vendor that answers what it should not: the sandbox's answers, changed on their way."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec
import uvicorn

from tests.support.vendor import Vendor, _Server

Change = Callable[[bytes], bytes]


class Tamper:
    """Stands before the sandbox; `change` is done to every page of returns, and `asked` counts them."""

    def __init__(self, vendor: Vendor) -> None:
        self._http = httpx.AsyncClient(base_url=vendor.address, timeout=10)
        self.address = ""
        self.change: Change | None = None
        self.asked = 0

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["Tamper"]:
        """Listen on a free loopback port for as long as the block runs."""
        config = uvicorn.Config(
            self._answer, host="127.0.0.1", port=0, log_config=None, lifespan="off", interface="asgi3",
            timeout_graceful_shutdown=1,
        )  # fmt: skip
        server = _Server(config)
        task = asyncio.create_task(server.serve())
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
        self.address = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        async with self._http:
            yield self
        server.should_exit = True
        await task

    def element(self, place: int, change: Callable[[dict[str, Any]], Any]) -> None:
        """Change one element of every page."""

        def page(body: bytes) -> bytes:
            told = msgspec.json.decode(body)
            if len(told["Content"]) > place:
                told["Content"][place] = change(told["Content"][place])
            return msgspec.json.encode(told)

        self.change = page

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while (message := await receive()).get("more_body"):
            body += message["body"]
        body += message.get("body", b"")
        headers = [(name, value) for name, value in scope["headers"] if name in {b"x-ce-key", b"content-type"}]
        url = scope["raw_path"].decode() + ("?" + scope["query_string"].decode() if scope["query_string"] else "")
        told = await self._http.request(scope["method"], url, content=body, headers=headers)
        content = told.content
        if scope["method"] == "GET" and scope["path"].endswith("/v2/returns/merchant"):
            self.asked += 1
            content = self.change(content) if self.change else content
        kept = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
        await send({"type": "http.response.start", "status": told.status_code, "headers": kept})
        await send({"type": "http.response.body", "body": content, "more_body": False})
