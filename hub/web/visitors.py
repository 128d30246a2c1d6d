"""Who looks at a page: a person or an operator with a session, an API key for warehouses, or a stranger.

A session is a row on the server that the cookie's token finds. A key that was pasted opens a session of another kind:
its cookie is encrypted and holds the key's visible prefix, nothing that opens anything by itself. Every request asks
again whether session or key still hold, so ending either takes effect at once.
"""

import hashlib
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from litestar import Request
from litestar.config.csrf import CSRFConfig
from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.exceptions import PermissionDeniedException
from litestar.handlers import BaseRouteHandler
from litestar.middleware import (
    AbstractAuthenticationMiddleware,
    ASGIMiddleware,
    AuthenticationResult,
    DefineMiddleware,
)
from litestar.middleware.csrf import CSRFMiddleware
from litestar.middleware.session import SessionMiddleware
from litestar.middleware.session.client_side import ClientSideSessionBackend, CookieBackendConfig
from litestar.response import Redirect
from litestar.types import ASGIApp, Receive, Scope, Send

from hub.kit import crypto
from hub.kit.crypto import Keyring
from hub.kit.errors import Unauthorised
from hub.web import cookies, kept
from hub.web.keys import derive
from tenants.impersonation import service as impersonation
from tenants.keys.service import holder, principal_of
from tenants.messages import Principal
from tenants.people.sessions import engine, service
from tenants.people.sessions.messages import Session, Stage

# A long shift; each request begins it anew.
SESSION_SECONDS = 12 * 60 * 60
HELD_KEY = "key"
HOME = "/"
# Browsers drop tabs and line ends from an address and read a backslash as a slash, so neither may stand in one.
_OWN_PATH = re.compile(r"/(?!/)[!-\[\]-~]*")
# Where somebody goes on who has come in half-way.
NEXT_STEP = {
    Stage.SECOND_FACTOR: "/sign-in/second-factor",
    Stage.ENROL: "/account/authenticator",
    Stage.CHOOSE: "/memberships",
}
READING = frozenset({"GET", "HEAD", "OPTIONS"})

Visit = Request[Principal | None, Session | None, Any]


def session(master_keys: str) -> Callable[[ASGIApp], ASGIApp]:
    """Return what keeps a page's own notes between requests: encrypted, out of reach of scripts."""
    backend = ClientSideSessionBackend(
        CookieBackendConfig(
            secret=derive(master_keys, "session"), key="hub_session", max_age=SESSION_SECONDS, samesite="lax"
        )
    )

    # Litestar copies routers deeply, and a cipher cannot be copied; a function is taken as it is.
    def held(app: ASGIApp) -> ASGIApp:
        return SessionMiddleware(app=app, backend=backend)

    return held


def forms(master_keys: str) -> DefineMiddleware:
    """Return the guard of every form: it must carry the token that the browser's cookie holds."""
    secret = derive(master_keys, "forms").hex()
    # A token made under another key never fits again, so the cookie of another key has another name.
    name = "hub_forms_" + hashlib.sha256(secret.encode()).hexdigest()[:8]
    return DefineMiddleware(CSRFMiddleware, config=CSRFConfig(secret=secret, cookie_name=name, cookie_httponly=True))


class OwnPages(ASGIMiddleware):
    """Refuses what another site's page sends here, as the browser itself says; the forms' token is the other net."""

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Let the request through unless it changes something and comes from elsewhere."""
        headers = dict(scope["headers"])
        elsewhere = headers.get(b"sec-fetch-site", b"none") not in {b"none", b"same-origin"}
        origin = headers.get(b"origin", b"").decode("latin-1")
        other = bool(origin) and urlsplit(origin).netloc != headers.get(b"host", b"").decode("latin-1")
        if scope.get("method") not in READING and (elsewhere or other):
            raise PermissionDeniedException("This form was sent from another site.")
        await next_app(scope, receive, send)


class Visitor(AbstractAuthenticationMiddleware):
    """Finds out who looks: a principal, or None for a stranger and for who has come in half-way."""

    async def authenticate_request(self, connection: ASGIConnection[Any, Any, Any, Any]) -> AuthenticationResult:
        """Return the principal, and the session of people and operators; a key's visit has none."""
        visitor, found = await who_looks(connection)
        return AuthenticationResult(user=visitor, auth=found)


async def who_looks(connection: ASGIConnection[Any, Any, Any, Any]) -> tuple[Principal | None, Session | None]:
    """Return who looks at this moment, and their session; None for whom there is none."""
    token = connection.cookies.get(cookies.SESSION)
    found = await service.find(token, connection.cookies.get(cookies.DEVICE)) if token else None
    if found is not None:
        return await _acting(found), found
    prefix = connection.session.get(HELD_KEY)
    return await holder(prefix) if prefix else None, None


async def _acting(found: Session) -> Principal | None:
    """Return who acts in a session: its own person, or whose eyes they look with for a while."""
    own = engine.principal(found)
    if own is None or found.impersonation_id is None:
        return own
    return await impersonation.principal_of(found.impersonation_id, own) or own


async def enter(plain: str) -> str | None:
    """Return the prefix that a session holds for this API key; None if the key does not work."""
    parts = crypto.split(plain)
    with suppress(Unauthorised):
        if parts is not None and await principal_of(plain) is not None:
            return parts[0]
    return None


class Stranger(Exception):  # noqa: N818 - it says the fact
    """The page is for people who signed in; `form` is under which what they typed is kept."""

    def __init__(self, form: str | None = None) -> None:
        super().__init__()
        self.form = form


async def signed_in(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Guard a page; raises `Stranger`, and keeps what a form holds."""
    if connection.user is None:
        raise Stranger(await _kept(connection))


async def person_in(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Guard a page about somebody's own sign-in, also half-way; raises `Stranger`, and keeps what a form holds."""
    if connection.auth is None or connection.auth.person is None:
        raise Stranger(await _kept(connection))


async def settled_in(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Guard a page about somebody's own account: as `person_in`, once the second factor was shown."""
    await person_in(connection, handler)
    if engine.stage(connection.auth) is Stage.SECOND_FACTOR:
        raise Stranger(await _kept(connection))


async def _kept(connection: ASGIConnection[Any, Any, Any, Any]) -> str | None:
    if not isinstance(connection, Request) or connection.method in READING:
        return None
    keyring: Keyring = connection.app.state.keyring
    return await kept.keep(await connection.form(), connection.cookies.get(cookies.SESSION), keyring)


def to_sign_in(request: Visit, stranger: Stranger) -> Redirect:
    """Send a stranger to sign in, or on to the next step of it, and back to the page afterwards."""
    address = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    if stranger.form is not None:
        page = kept.page_of(request.url.path, request.headers.get("referer"), request.headers.get("host", ""))
        address = page + ("&" if "?" in page else "?") + kept.MARK
    step = NEXT_STEP.get(engine.stage(request.auth), _door(request)) if request.auth else _door(request)
    held = [cookies.cookie(cookies.FORM, stranger.form)] if stranger.form else None
    return Redirect(f"{step}?{urlencode({'next': address})}", status_code=303, cookies=held)


def _door(request: Visit) -> str:
    return "/pin" if request.cookies.get(cookies.DEVICE) else "/sign-in"


def own_path(text: str) -> str:
    """Return the address if it is a path of this site, else the start page."""
    return text if _OWN_PATH.fullmatch(text) else HOME


def after(session: Session | None, wanted: str) -> str:
    """Return where somebody who just came in goes: the next step of signing in, or the page they wanted."""
    stage = engine.stage(session) if session else Stage.OPEN
    step = NEXT_STEP.get(stage)
    return f"{step}?next={quote(wanted, safe='')}" if step else wanted
