"""Who looks at a page: an API key opens a session, and the session lives no longer than the key.

The cookie is encrypted and holds the key's visible prefix, nothing that opens anything by itself. Every request
asks again whether the key works, so revoking it ends its sessions at once.
"""

import hashlib
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

from litestar import Request
from litestar.config.csrf import CSRFConfig
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.middleware import AbstractAuthenticationMiddleware, AuthenticationResult, DefineMiddleware
from litestar.middleware.csrf import CSRFMiddleware
from litestar.middleware.session import SessionMiddleware
from litestar.middleware.session.client_side import ClientSideSessionBackend, CookieBackendConfig
from litestar.response import Redirect
from litestar.types import ASGIApp

from hub.kit import crypto
from hub.kit.errors import Unauthorised
from hub.web.keys import derive
from tenants.keys.service import holder, principal_of
from tenants.messages import Principal

# A long shift; each request begins it anew.
SESSION_SECONDS = 12 * 60 * 60
HELD_KEY = "key"
HOME = "/"
# Browsers drop tabs and line ends from an address and read a backslash as a slash, so neither may stand in one.
_OWN_PATH = re.compile(r"/(?!/)[!-\[\]-~]*")

Visit = Request[Principal | None, Any, Any]


def session(master_keys: str) -> Callable[[ASGIApp], ASGIApp]:
    """Return what keeps the session cookie: encrypted, out of reach of scripts, sent from our own pages and links."""
    backend = ClientSideSessionBackend(
        CookieBackendConfig(
            secret=derive(master_keys, "session"), key="hub_session", max_age=SESSION_SECONDS, samesite="lax"
        )
    )

    # Litestar copies routers deeply, and a cipher cannot be copied; a function is taken as it is.
    def kept(app: ASGIApp) -> ASGIApp:
        return SessionMiddleware(app=app, backend=backend)

    return kept


def forms(master_keys: str) -> DefineMiddleware:
    """Return the guard of every form: it must carry the token that the browser's cookie holds."""
    secret = derive(master_keys, "forms").hex()
    # A token made under another key never fits again, so the cookie of another key has another name.
    name = "hub_forms_" + hashlib.sha256(secret.encode()).hexdigest()[:8]
    return DefineMiddleware(CSRFMiddleware, config=CSRFConfig(secret=secret, cookie_name=name, cookie_httponly=True))


class Visitor(AbstractAuthenticationMiddleware):
    """Finds out who holds the session: a principal, or None for a stranger."""

    async def authenticate_request(self, connection: ASGIConnection[Any, Any, Any, Any]) -> AuthenticationResult:
        """Return the principal whose key the session holds, if that key still works."""
        prefix = connection.session.get(HELD_KEY)
        return AuthenticationResult(user=await holder(prefix) if prefix else None, auth=None)


async def enter(plain: str) -> str | None:
    """Return the prefix that a session holds for this API key; None if the key does not work."""
    parts = crypto.split(plain)
    with suppress(Unauthorised):
        if parts is not None and await principal_of(plain) is not None:
            return parts[0]
    return None


class Stranger(Exception):  # noqa: N818 - it says the fact
    """The page is for people who signed in."""


def signed_in(connection: ASGIConnection[Any, Principal | None, Any, Any], _: BaseRouteHandler) -> None:
    """Guard a page; raises `Stranger`."""
    if connection.user is None:
        raise Stranger


def to_sign_in(request: Visit, _: Stranger) -> Redirect:
    """Send a stranger to sign in, and back to the page afterwards."""
    address = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return Redirect(f"/sign-in?{urlencode({'next': address})}", status_code=303)


def own_path(text: str) -> str:
    """Return the address if it is a path of this site, else the start page."""
    return text if _OWN_PATH.fullmatch(text) else HOME
