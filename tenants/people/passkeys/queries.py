"""All SQL of passkeys; each query runs in the caller's platform transaction."""

from datetime import datetime
from uuid import UUID

import msgspec

from hub.kit import db
from tenants.people.passkeys.messages import PasskeyView


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """A passkey as it is compared with."""

    id: UUID
    user_id: UUID
    credential: bytes


async def add(passkey: PasskeyView, user_id: UUID, credential_id: bytes, credential: bytes, sign_count: int) -> None:
    """Store a passkey; a clash raises asyncpg's error for `passkeys_credential_id_key`."""
    await db.execute(
        """insert into passkeys (id, user_id, name, credential_id, credential, sign_count, created_at)
        values ($1, $2, $3, $4, $5, $6, $7)""",
        passkey.id, user_id, passkey.name, credential_id, credential, sign_count, passkey.created_at,
    )  # fmt: skip


async def by_credential(credential_id: bytes) -> Stored | None:
    """Return the passkey of this credential."""
    row = await db.fetch_one("select id, user_id, credential from passkeys where credential_id = $1", credential_id)
    return msgspec.convert(dict(row), Stored) if row else None


async def credentials_of(user_id: UUID) -> list[bytes]:
    """Return a user's credentials."""
    return [bytes(row["credential"]) for row in await db.fetch(
        "select credential from passkeys where user_id = $1", user_id
    )]  # fmt: skip


async def of_user(user_id: UUID) -> list[PasskeyView]:
    """List a user's passkeys in the order they were made."""
    rows = await db.fetch("select id, name, created_at, used_at from passkeys where user_id = $1 order by id", user_id)
    return [msgspec.convert(dict(row), PasskeyView) for row in rows]


async def use(passkey_id: UUID, sign_count: int, now: datetime) -> bool:
    """Note a use; returns whether the count went up, as it does unless the key was copied (or counts nothing)."""
    row = await db.fetch_one(
        """update passkeys set sign_count = $2, used_at = $3
        where id = $1 and (sign_count < $2 or (sign_count = 0 and $2 = 0)) returning id""",
        passkey_id, sign_count, now,
    )  # fmt: skip
    return row is not None


async def remove(passkey_id: UUID, user_id: UUID) -> bool:
    """Forget a user's passkey; returns whether there was one."""
    row = await db.fetch_one("delete from passkeys where id = $1 and user_id = $2 returning id", passkey_id, user_id)
    return row is not None
