"""What a sandbox was told and took, kept in a file so that a new process knows it all again."""

import json
from pathlib import Path
from typing import Any

import httpx
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

# The API did nothing where it, or a fault in its place, answered so.
NOT_TAKEN = frozenset({401, 429, 503})
READS = frozenset({"GET", "HEAD", "OPTIONS"})


class Journal:
    """Writes each request that changed something before its answer leaves, and makes them all again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._replaying = False

    def around(self, app: ASGIApp) -> ASGIApp:
        """Return the application with its journal."""

        async def kept(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != ScopeType.HTTP or scope["method"] in READS or self._replaying:
                await app(scope, receive, send)
                return
            body = await _whole(receive)
            entry = {
                "method": scope["method"],
                "url": f"{scope['path']}?{scope['query_string'].decode()}",
                "headers": [[name.decode(), value.decode()] for name, value in scope["headers"]],
                "body": body.decode(),
            }
            await app(scope, _given(body), self._noting(entry, send))

        return kept

    def _noting(self, entry: dict[str, Any], send: Send) -> Send:
        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                is_page = any(value.startswith(b"text/html") for name, value in message["headers"])
                if message["status"] not in NOT_TAKEN and not is_page:
                    with self._path.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(entry) + "\n")
            await send(message)

        return noting

    async def replay(self, app: ASGIApp) -> None:
        """Make every request again that an earlier process took; a line that was cut short never had an answer."""
        if not self._path.exists():
            return
        self._replaying = True
        transport = httpx.ASGITransport(app)  # type: ignore[arg-type]  # Litestar and httpx describe the same ASGI
        async with httpx.AsyncClient(transport=transport, base_url="http://sandbox") as client:
            for line in self._path.read_text(encoding="utf-8").splitlines():
                try:
                    said = json.loads(line)
                except ValueError:
                    continue
                await client.request(said["method"], said["url"], headers=said["headers"], content=said["body"])
            await client.put("/_sandbox/faults", json=[])
        self._replaying = False


async def _whole(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message: Any = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


def _given(body: bytes) -> Receive:
    async def given() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    return given
