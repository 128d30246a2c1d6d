"""What every page tells the browser about how far to trust it."""

from collections.abc import Mapping

from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

# No inline script or style, nothing from elsewhere, and no page of ours inside another.
# `blob:` is a picture that somebody chose for upload and that has not left their device.
POLICY = (
    "default-src 'self'; img-src 'self' blob:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "object-src 'none'"
)
FILE_HEADERS = {"x-content-type-options": "nosniff", "content-security-policy": POLICY}
# Warehouse terminals are shared: after signing out, going back must not show what was there.
PAGE_HEADERS = {
    **FILE_HEADERS,
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "referrer-policy": "same-origin",
    "x-frame-options": "DENY",
}


class Manners(ASGIMiddleware):
    """Adds headers to every answer, and `Secure` to cookies where the page came over TLS."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Let the answer through with the headers it lacks."""

        async def mannered(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableScopeHeaders.from_message(message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                if scope["scheme"] == "https":
                    _secure(headers)
            await send(message)

        await next_app(scope, receive, mannered)


def _secure(headers: MutableScopeHeaders) -> None:
    cookies = headers.getall("set-cookie", [])
    if not cookies:
        return
    del headers["set-cookie"]
    for cookie in cookies:
        headers.add("set-cookie", f"{cookie}; Secure")
