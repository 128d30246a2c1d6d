"""The steps of OpenID Connect's authorization code flow as pure functions; the protocol's own parts are Authlib's."""

import json
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec
from authlib.oauth2.auth import ClientAuth  # type: ignore[import-untyped]  # the library has no annotations
from authlib.oauth2.rfc6749.parameters import (  # type: ignore[import-untyped]  # as above
    prepare_grant_uri,
    prepare_token_request,
)
from authlib.oauth2.rfc7636 import create_s256_code_challenge  # type: ignore[import-untyped]  # as above
from authlib.oidc.core import CodeIDToken  # type: ignore[import-untyped]  # as above
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from hub.kit.crypto import Secret
from tenants.people.providers.messages import Awaited, Claims, Discovered, ProviderView

# Only asymmetric ones: a token that is signed with the client's secret proves nothing that the secret does not.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
SCOPE = "openid email profile"
# Clocks differ a little.
LEEWAY_SECONDS = 60


class NotProven(Exception):  # noqa: N818 - it says the fact
    """A provider's answer does not prove who somebody is; the message says why, to the provider's owner."""


def check_discovered(document: bytes, issuer: str) -> Discovered:
    """Read what a provider says of itself; raises `NotProven` if it speaks for another issuer."""
    try:
        found = msgspec.json.decode(document, type=Discovered)
    except msgspec.DecodeError as fault:
        raise NotProven("its configuration cannot be read") from fault
    if found.issuer != issuer:
        raise NotProven("its configuration is that of another issuer")
    home = urlsplit(issuer)
    there = urlsplit(found.authorization_endpoint)
    # A browser is sent there, so nothing but a web page will do; without encryption only where the issuer has none.
    if there.scheme not in {"https", home.scheme} or there.scheme not in {"https", "http"} or not there.hostname:
        raise NotProven("its authorization endpoint is no https address")
    return found


def new_awaited(provider: ProviderView, next_page: str) -> Awaited:
    """Make the secrets of one sign-in: state, nonce (both unguessable) and PKCE's verifier (RFC 7636)."""
    return Awaited(
        provider_id=provider.id, state=secrets.token_urlsafe(32), nonce=secrets.token_urlsafe(32),
        verifier=secrets.token_urlsafe(48), next=next_page,
    )  # fmt: skip


def address(discovered: Discovered, provider: ProviderView, awaited: Awaited, redirect: str, hint: str) -> str:
    """Return where a browser is sent to."""
    return str(
        prepare_grant_uri(
            discovered.authorization_endpoint, provider.client_id, "code", redirect_uri=redirect, scope=SCOPE,
            state=awaited.state, nonce=awaited.nonce, login_hint=hint or None,
            code_challenge=create_s256_code_challenge(awaited.verifier), code_challenge_method="S256",
        )
    )  # fmt: skip


def code_of(query: Mapping[str, str], awaited: Awaited, issuer: str) -> str:
    """Return the code that a browser brought back; raises `NotProven` if it is not from the way it was sent."""
    if not secrets.compare_digest(query.get("state", "").encode(), awaited.state.encode()):
        raise NotProven("the answer belongs to another sign-in")
    # RFC 9207: a provider that names itself must be the one that was asked.
    if query.get("iss", issuer) != issuer:
        raise NotProven("the answer is another provider's")
    if query.get("error"):
        raise NotProven("it refused")
    if not query.get("code"):
        raise NotProven("the answer holds no code")
    return query["code"]


def token_request(
    discovered: Discovered, client_id: str, client_secret: Secret, code: str, verifier: str, redirect: str
) -> tuple[dict[str, str], bytes]:
    """Return the headers and the body that trade a code for tokens."""
    methods = discovered.token_endpoint_auth_methods_supported
    method = "client_secret_basic" if "client_secret_basic" in methods else "client_secret_post"
    body = prepare_token_request("authorization_code", redirect_uri=redirect, code=code, code_verifier=verifier)
    headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
    _, headers, body = ClientAuth(client_id, client_secret.reveal(), method).prepare(
        "POST", discovered.token_endpoint, headers, body
    )
    return headers, str(body).encode()


def read_id_token(
    token: str, keys: bytes, *, issuer: str, client_id: str, nonce: str, access_token: str, now: datetime
) -> Claims:
    """Return what an ID token says, if its signature, issuer, audience, nonce and times are right; else `NotProven`."""
    try:
        read = jwt.decode(token, KeySet.import_key_set(json.loads(keys)), algorithms=ALGORITHMS)
        wanted: dict[str, Any] = {
            "iss": {"essential": True, "value": issuer}, "aud": {"essential": True, "value": client_id},
        }  # fmt: skip
        params = {"nonce": nonce, "client_id": client_id, "access_token": access_token}
        CodeIDToken(read.claims, read.header, wanted, params).validate(int(now.timestamp()), LEEWAY_SECONDS)
        return msgspec.convert(read.claims, Claims)
    except (JoseError, ValueError, TypeError, KeyError, msgspec.ValidationError) as fault:
        raise NotProven(f"its token does not hold ({type(fault).__name__})") from fault
