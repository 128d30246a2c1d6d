"""A small OpenID provider on loopback, made of Authlib's server; its user and its faults are a test's to say."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl

import uvicorn
from authlib.oauth2 import AuthorizationServer, OAuth2Request  # type: ignore[import-untyped]  # without annotations
from authlib.oauth2.rfc6749 import ClientMixin, grants  # type: ignore[import-untyped]  # as above
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload  # type: ignore[import-untyped]  # as above
from authlib.oauth2.rfc7636 import CodeChallenge  # type: ignore[import-untyped]  # as above
from authlib.oidc.core import UserInfo  # type: ignore[import-untyped]  # as above
from authlib.oidc.core.grants import OpenIDCode  # type: ignore[import-untyped]  # as above
from joserfc.jwk import KeySet, RSAKey
from litestar import Litestar, Request, Response, get, post

from tests.support.vendor import _Server

CLIENT, SECRET = "returns-hub", "a secret of the client's own"


class Client(ClientMixin):  # type: ignore[misc]  # without annotations
    """The hub, as the provider knows it."""

    def __init__(self, redirect: str) -> None:
        self.redirect = redirect

    def get_client_id(self) -> str:
        return CLIENT

    def get_default_redirect_uri(self) -> str:
        return self.redirect

    def get_allowed_scope(self, scope: str) -> str:
        return scope

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri == self.redirect

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == SECRET

    def check_endpoint_auth_method(self, method: str, _: str) -> bool:
        return method == "client_secret_basic"

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


class Code(SimpleNamespace):
    """An authorization code that was given out."""

    def get_redirect_uri(self) -> str:
        return str(self.redirect_uri)

    def get_scope(self) -> str:
        return str(self.scope)

    def get_nonce(self) -> str:
        return str(self.nonce)

    def get_auth_time(self) -> int:
        return int(time.time())

    def get_acr(self) -> None:
        return None

    def get_amr(self) -> None:
        return None


class Asked(OAuth2Request):  # type: ignore[misc]  # without annotations
    """A request as Authlib reads it."""

    def __init__(self, request: SimpleNamespace) -> None:
        super().__init__(request.method, request.uri, headers=request.headers)
        self.payload = BasicOAuth2Payload(request.fields)

    @property
    def form(self) -> dict[str, str]:
        """The fields of the body, or of the query."""
        return dict(self.payload.data)


class Provider(AuthorizationServer):  # type: ignore[misc]  # without annotations
    """The provider: who signs in there is `user`, and `claims` change what it tells of them."""

    def __init__(self) -> None:
        super().__init__(scopes_supported=["openid", "email", "profile"])
        self.key = RSAKey.generate_key(2048, parameters={"kid": "one", "use": "sig"})
        self.home = ""
        self.client = Client("http://hub/sign-in/provider/return")
        self.codes: dict[str, Code] = {}
        self.user: dict[str, Any] = {}
        self.honest()
        provider = self

        class Grant(grants.AuthorizationCodeGrant):  # type: ignore[misc]  # without annotations
            """Trades codes for tokens, each once."""

            TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic",)

            def save_authorization_code(self, code: str, request: Any) -> None:
                data = request.payload.data
                provider.codes[code] = Code(
                    code=code, redirect_uri=data["redirect_uri"], scope=data["scope"], nonce=data["nonce"],
                    code_challenge=data["code_challenge"], code_challenge_method=data["code_challenge_method"],
                )  # fmt: skip

            def query_authorization_code(self, code: str, _: Any) -> Code | None:
                return provider.codes.get(code)

            def delete_authorization_code(self, authorization_code: Code) -> None:
                del provider.codes[authorization_code.code]

            def authenticate_user(self, _: Code) -> dict[str, Any]:
                return provider.user

        class Tells(OpenIDCode):  # type: ignore[misc]  # without annotations
            """Adds the ID token."""

            def exists_nonce(self, _: str, __: Any) -> bool:
                return False

            def resolve_client_private_key(self, _: Client) -> RSAKey:
                return provider.key

            def get_client_claims(self, client: Client) -> dict[str, Any]:
                return {"iss": provider.issuer, "aud": [client.get_client_id()]}

            def generate_user_info(self, user: dict[str, Any], _: str) -> UserInfo:
                return UserInfo({**user, **provider.claims})

        self.register_grant(Grant, [Tells(require_nonce=True), CodeChallenge(required=True)])
        self.register_token_generator("default", self._token)

    def honest(self) -> None:
        """Tell the truth again, whatever a test had it tell."""
        self.issuer = self.home
        self.shown_key = self.key
        self.claims: dict[str, Any] = {}

    def _token(self, *, scope: str = "", **_: Any) -> dict[str, Any]:
        return {"token_type": "Bearer", "access_token": "an access token", "expires_in": 3600, "scope": scope}

    def query_client(self, client_id: str) -> Client | None:
        return self.client if client_id == CLIENT else None

    def save_token(self, _: Any, __: Any) -> None:
        return None

    def send_signal(self, *_: Any, **__: Any) -> None:
        return None

    def create_oauth2_request(self, request: SimpleNamespace) -> Asked:
        return Asked(request)

    def handle_response(self, status: int, body: Any, headers: Any) -> Response[Any]:
        return Response(body if isinstance(body, dict) else {}, status_code=status, headers=dict(headers))

    def application(self) -> Litestar:
        """Return the provider as a web application."""

        @get("/.well-known/openid-configuration")
        async def configuration() -> dict[str, Any]:
            return {
                "issuer": self.issuer, "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token", "jwks_uri": f"{self.issuer}/keys",
                "userinfo_endpoint": f"{self.issuer}/userinfo",
            }  # fmt: skip

        @get("/keys")
        async def keys() -> Any:
            return KeySet([self.shown_key]).as_dict(private=False)

        @get("/authorize")
        async def authorize(request: Request[Any, Any, Any]) -> Response[Any]:
            asked = _asked(request, dict(request.query_params))
            grant = self.get_consent_grant(asked, end_user=self.user)
            answer: Response[Any] = self.create_authorization_response(asked, grant_user=self.user, grant=grant)
            return answer

        @post("/token")
        async def token(request: Request[Any, Any, Any]) -> Response[Any]:
            answer: Response[Any] = self.create_token_response(
                _asked(request, dict(parse_qsl((await request.body()).decode())))
            )
            return answer

        @get("/userinfo")
        async def userinfo(request: Request[Any, Any, Any]) -> dict[str, Any]:
            assert request.headers["authorization"] == "Bearer an access token"
            return self.user

        return Litestar([configuration, keys, authorize, token, userinfo], logging_config=None, openapi_config=None)


def _asked(request: Request[Any, Any, Any], fields: dict[str, str]) -> SimpleNamespace:
    # Authlib refuses plain http, which loopback is.
    uri = str(request.url).replace("http://", "https://", 1)
    return SimpleNamespace(
        method=request.method,
        uri=uri,
        headers={name.title(): text for name, text in request.headers.items()},
        fields=fields,
    )


@asynccontextmanager
async def provider() -> AsyncIterator[Provider]:
    """Listen on a free loopback port for as long as the block runs."""
    made = Provider()
    config = uvicorn.Config(
        made.application(), host="127.0.0.1", port=0, log_config=None, lifespan="off", timeout_graceful_shutdown=1
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    made.home = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    try:
        yield made
    finally:
        server.should_exit = True
        await task
