"""What callers of this room say and hear."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from hub.kit.crypto import Secret
from tenants.messages import Request, Role, View
from tenants.people.messages import PersonName
from tenants.people.sessions.messages import Through


class NewProvider(Request, frozen=True):
    """A provider to set up: its issuer, the hub's login there, and whom it may tell of."""

    name: PersonName
    issuer: Annotated[str, Meta(min_length=1, max_length=300)]
    client_id: Annotated[str, Meta(min_length=1, max_length=300)]
    client_secret: Annotated[str, Meta(min_length=1, max_length=1000)]
    domains: Annotated[tuple[str, ...], Meta(min_length=1, max_length=20)]
    role: Role
    account_id: UUID | None = None
    partner_id: UUID | None = None

    def __repr__(self) -> str:
        return f"NewProvider(name={self.name!r})"


class ProviderView(View, frozen=True):
    """A provider, without the hub's secret there."""

    id: UUID
    account_id: UUID | None
    partner_id: UUID | None
    name: str
    issuer: str
    client_id: str
    role: Role
    domains: tuple[str, ...]
    created_at: datetime

    @property
    def through(self) -> Through:
        """The provider as a session remembers it."""
        return Through(id=self.id, account_id=self.account_id, partner_id=self.partner_id)


class Discovered(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider says of itself (OpenID Connect Discovery 1.0, section 3), as far as it is used."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)


class Awaited(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered until a browser comes back from a provider."""

    provider_id: UUID
    state: str
    nonce: str
    verifier: str
    next: str

    def __repr__(self) -> str:
        return f"Awaited(provider_id={self.provider_id})"


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """A provider's answer to a code (RFC 6749, section 5.1)."""

    id_token: str
    access_token: str
    token_type: str = "Bearer"  # noqa: S105 - the name of a type

    def __repr__(self) -> str:
        return "Tokens()"


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider says of somebody (OpenID Connect Core 1.0, section 5.1)."""

    sub: str
    email: str | None = None
    email_verified: bool | str = False
    name: str | None = None

    @property
    def is_verified(self) -> bool:
        """Whether the provider proved the address; some write it as a text."""
        return self.email_verified in {True, "true"}

    def __repr__(self) -> str:
        return "Claims()"


class Went(msgspec.Struct, frozen=True, kw_only=True):
    """A browser on its way to a provider: where to, and what its cookie holds until it is back."""

    address: str
    name: str
    cookie: Secret
