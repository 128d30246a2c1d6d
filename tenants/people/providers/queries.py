"""All SQL of providers and identities; each query runs in the caller's scoped transaction."""

from uuid import UUID

import msgspec

from hub.kit import db
from tenants.people.messages import Owner
from tenants.people.providers.messages import ProviderView

PROVIDER = """
select held.id, held.account_id, held.partner_id, held.name, held.issuer, held.client_id, held.role, held.created_at,
    coalesce((select array_agg(domain order by domain) from identity_domains where provider_id = held.id), '{}')
        as domains
from identity_providers held
"""


async def add(provider: ProviderView, sealed: bytes) -> None:
    """Store a provider with its domains; a clash raises asyncpg's error for `identity_domains_pkey`."""
    await db.execute(
        """insert into identity_providers
            (id, account_id, partner_id, name, issuer, client_id, sealed, role, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)""",
        provider.id, provider.account_id, provider.partner_id, provider.name, provider.issuer, provider.client_id,
        sealed, provider.role, provider.created_at,
    )  # fmt: skip
    await db.execute(
        "insert into identity_domains (domain, provider_id) select unnest($2::text[]), $1",
        provider.id, list(provider.domains),
    )  # fmt: skip


async def provider(provider_id: UUID) -> ProviderView | None:
    """Return a provider in scope."""
    row = await db.fetch_one(f"{PROVIDER} where held.id = $1", provider_id)
    return msgspec.convert(dict(row), ProviderView) if row else None


async def for_domain(domain: str) -> ProviderView | None:
    """Return the provider that tells of a domain's people."""
    row = await db.fetch_one(
        f"{PROVIDER} where held.id = (select provider_id from identity_domains where domain = $1)", domain
    )
    return msgspec.convert(dict(row), ProviderView) if row else None


async def providers(owner: Owner | None) -> list[ProviderView]:
    """List providers, of one party or of all."""
    given = owner or Owner()
    rows = await db.fetch(
        f"""{PROVIDER} where $1::boolean or (held.account_id is not distinct from $2
            and held.partner_id is not distinct from $3) order by held.id limit 200""",
        owner is None, given.account_id, given.partner_id,
    )  # fmt: skip
    return [msgspec.convert(dict(row), ProviderView) for row in rows]


async def sealed(provider_id: UUID) -> bytes | None:
    """Return the hub's secret at a provider."""
    row = await db.fetch_one("select sealed from identity_providers where id = $1", provider_id)
    return bytes(row["sealed"]) if row else None


async def remove(provider_id: UUID) -> None:
    """Forget a provider, with the identities, memberships and sessions that came of it."""
    await db.execute("delete from identity_providers where id = $1", provider_id)


async def known(provider_id: UUID, subject: str) -> UUID | None:
    """Return the user whom a provider knows under a subject."""
    row = await db.fetch_one(
        "select user_id from identities where provider_id = $1 and subject = $2", provider_id, subject
    )
    return UUID(bytes=row["user_id"].bytes) if row else None


async def know(provider_id: UUID, subject: str, user_id: UUID) -> None:
    """Remember whom a provider knows under a subject."""
    await db.execute(
        "insert into identities (provider_id, subject, user_id) values ($1, $2, $3) on conflict do nothing",
        provider_id, subject, user_id,
    )  # fmt: skip
