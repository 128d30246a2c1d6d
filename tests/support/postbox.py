"""A mail server on loopback that keeps what it is sent, and refuses what a test wants refused."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope


class Postbox:
    """Everything that arrived; `refuse` is answered to the next letters instead, one each."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.refuse: list[str] = []
        self.port = 0

    @property
    def url(self) -> str:
        """What `HUB_SMTP_URL` says to reach it."""
        return f"smtp://127.0.0.1:{self.port}"

    async def handle_DATA(self, _: Any, __: Any, envelope: Envelope) -> str:  # noqa: N802 - the name that the library calls
        """Take a letter in."""
        if self.refuse:
            return self.refuse.pop(0)
        content = envelope.content
        assert isinstance(content, bytes)
        self.mails.append(message_from_bytes(content, policy=policy.default))
        return "250 OK"


@asynccontextmanager
async def postbox() -> AsyncIterator[Postbox]:
    """Listen on a free loopback port for as long as the block runs."""
    box, loop = Postbox(), asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(box, loop=loop, enable_SMTPUTF8=True), "127.0.0.1", 0)
    box.port = server.sockets[0].getsockname()[1]
    try:
        yield box
    finally:
        server.close()
