"""All SQL of this room; each query runs in the caller's scoped transaction."""

from datetime import datetime
from uuid import UUID

import msgspec

from hub.kit import db
from tenants import tables
from tenants.keys.messages import KeyView

FIELDS = ", ".join(KeyView.__struct_fields__)


class StoredKey(KeyView, frozen=True):
    """A key with the hash of its secret."""

    digest: bytes


async def add(row: tables.ApiKey) -> None:
    """Store a key's hash."""
    await tables.ApiKey.insert(row)


async def by_prefix(prefix: str) -> StoredKey | None:
    """Return the key with this visible prefix, expired ones included and revoked ones left out."""
    row = await db.fetch_one(
        f"select {FIELDS}, digest from api_keys where prefix = $1 and revoked_at is null", prefix
    )  # fmt: skip
    return msgspec.convert(dict(row), StoredKey) if row else None


async def touch(key_id: UUID, now: datetime) -> None:
    """Note that a key was used."""
    await db.execute("update api_keys set last_used_at = $2 where id = $1", key_id, now)


async def read(key_id: UUID) -> KeyView | None:
    """Return one key in scope."""
    row = await db.fetch_one(f"select {FIELDS} from api_keys where id = $1", key_id)
    return msgspec.convert(dict(row), KeyView) if row else None


async def hold_working(key_id: UUID, now: datetime) -> KeyView | None:
    """Return a key that works, and hold it until the transaction ends."""
    row = await db.fetch_one(
        f"""select {FIELDS} from api_keys where id = $1 and revoked_at is null
        and coalesce(expires_at, 'infinity') > $2 for update""",
        key_id, now,
    )  # fmt: skip
    return msgspec.convert(dict(row), KeyView) if row else None


async def end_at(key_id: UUID, moment: datetime) -> None:
    """Let a key work until a moment and no longer."""
    await db.execute("update api_keys set expires_at = $2 where id = $1", key_id, moment)


async def revoke(key_id: UUID, now: datetime) -> bool:
    """End a key; returns whether there was one to end."""
    sql = "update api_keys set revoked_at = $2 where id = $1 and revoked_at is null returning id"
    return await db.fetch_one(sql, key_id, now) is not None


async def keys(account_id: UUID | None, partner_id: UUID | None) -> list[KeyView]:
    """List the keys in scope, newest first; of one account or partner if asked so."""
    rows = await db.fetch(
        f"""select {FIELDS} from api_keys where ($1::uuid is null or account_id = $1)
        and ($2::uuid is null or partner_id = $2) order by id desc limit 200""",
        account_id, partner_id,
    )  # fmt: skip
    return [msgspec.convert(dict(row), KeyView) for row in rows]
