"""What was typed into a form in a session that had ended, given back after signing in; secrets are never kept.

The form's page is shown again with `kept` in its address, and every field of `macros.html` takes its value from here.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from hub.kit.crypto import Keyring
from hub.web import cookies
from tenants.people.ceremonies import service as ceremonies
from tenants.people.ceremonies.messages import Ceremony
from tenants.people.sessions import service as sessions
from tenants.people.sessions.messages import Session

MARK = "kept"
MOST_BYTES = 200_000
# Parts of the names of fields that hold what opens something.
SECRET = frozenset({"password", "pin", "secret", "token", "key", "csrf", "otp", "answer"})
SECRET_NAMES = frozenset({"code"})

_typed: ContextVar[Mapping[str, str]] = ContextVar("typed", default={})  # noqa: B039 - never changed


def value(name: str, otherwise: str = "") -> str:
    """Return what was typed into a field before the session ended, else the other value."""
    return _typed.get().get(name, otherwise)


def there() -> bool:
    """Say whether the page shows what was typed before the session ended."""
    return bool(_typed.get())


@contextmanager
def given_back(typed: Mapping[str, str]) -> Iterator[None]:
    """Let fields show what was typed, for as long as the block runs."""
    before = _typed.set(typed)
    try:
        yield
    finally:
        _typed.reset(before)


def keepable(form: Mapping[str, Any]) -> dict[str, str]:
    """Return the fields of a form that may be kept: texts, and none whose name says that it is a secret."""
    return {
        name: text
        for name, text in form.items()
        if isinstance(text, str) and name not in SECRET_NAMES and SECRET.isdisjoint(name.lower().strip("_").split("_"))
    }


async def keep(form: Mapping[str, Any], session_token: str | None, keyring: Keyring) -> str | None:
    """Keep a form for whoever's session this was, and return the token for the browser's cookie."""
    owner = await sessions.owner_of(session_token) if session_token else None
    data = msgspec.json.encode(keepable(form))
    if owner is None or len(data) > MOST_BYTES:
        return None
    return await ceremonies.begin(Ceremony.FORM, data, keyring, user_id=owner.user_id)


def page_of(path: str, referer: str | None, host: str) -> str:
    """Return the page that a form stood on: the one that the browser names, if it is one of ours."""
    parts = urlsplit(referer or "")
    own = parts.netloc == host and parts.path.startswith("/") and not parts.path.startswith("//")
    return parts.path + (f"?{parts.query}" if parts.query else "") if own else path


class GivesBack(ASGIMiddleware):
    """Gives a form's fields back to the page it stood on, once, and to nobody but its owner."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def __deepcopy__(self, _: dict[int, Any]) -> "GivesBack":
        # Litestar copies its routes; the keyring is one and is not copied.
        return self

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Let the request through, with what was typed where its page asks for it."""
        token = _cookie(scope) if _asks(scope) else None
        if token is None or scope.get("user") is None:
            await next_app(scope, receive, send)
            return
        data = await ceremonies.finish(Ceremony.FORM, token, self._keyring, user_id=_user(scope))
        typed = msgspec.json.decode(data, type=dict[str, str]) if data else {}
        # Pages whose fields are not those of `macros.html` find it here.
        scope[MARK] = typed  # type: ignore[literal-required]  # ASGI leaves room for names of one's own
        with given_back(typed):
            await next_app(scope, receive, _forgetting(send))


def _asks(scope: Scope) -> bool:
    query: bytes = scope.get("query_string", b"")
    return scope.get("method") == "GET" and MARK.encode() in query.split(b"&")


def _cookie(scope: Scope) -> str | None:
    for name, text in scope["headers"]:
        if name == b"cookie":
            for part in text.decode("latin-1").split(";"):
                key, _, found = part.strip().partition("=")
                if key == cookies.FORM:
                    return found or None
    return None


def _user(scope: Scope) -> UUID | None:
    session: Session | None = scope.get("auth")
    return session.person.id if session is not None and session.person is not None else None


def _forgetting(send: Send) -> Send:
    async def forget(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableScopeHeaders.from_message(message)
            headers.add("set-cookie", cookies.gone(cookies.FORM).to_header(header=""))
        await send(message)

    return forget
