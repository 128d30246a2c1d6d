"""All SQL of sessions; each query runs in the caller's platform transaction."""

from datetime import datetime
from uuid import UUID

import msgspec

from hub.kit import db
from tenants.people.sessions.messages import Held, Method, Operator, Origin, Person, SessionView, Through


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """A session's own row, with whom it is of."""

    id: UUID
    method: Method
    person: Person | None
    operator: Operator | None
    through: Through | None
    membership_id: UUID | None
    second_at: datetime | None
    impersonation_id: UUID | None
    seen_at: datetime


class Fresh(msgspec.Struct, frozen=True, kw_only=True):
    """A session to store."""

    id: UUID
    digest: bytes
    method: Method
    origin: Origin
    now: datetime
    ends_at: datetime
    user_id: UUID | None = None
    membership_id: UUID | None = None
    provider_id: UUID | None = None
    operator_id: UUID | None = None
    device_id: UUID | None = None
    second_at: datetime | None = None


async def add(fresh: Fresh) -> None:
    """Store a session."""
    await db.execute(
        """insert into sessions (id, digest, method, user_id, membership_id, provider_id, operator_id, device_id,
            second_at, address, agent, created_at, seen_at, ends_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12, $13)""",
        fresh.id, fresh.digest, fresh.method, fresh.user_id, fresh.membership_id, fresh.provider_id,
        fresh.operator_id, fresh.device_id, fresh.second_at, fresh.origin.address, fresh.origin.agent, fresh.now,
        fresh.ends_at,
    )  # fmt: skip


LIVE = """
select held.id, held.method, held.membership_id, held.second_at, held.impersonation_id, held.seen_at,
    case when users.id is not null then jsonb_build_object('id', users.id, 'email', users.email, 'name', users.name,
        'locale', users.locale, 'time_zone', users.time_zone, 'has_password', credentials.password is not null,
        'has_totp', credentials.totp_at is not null,
        'has_passkey', exists (select from passkeys where passkeys.user_id = users.id)) end as person,
    case when operators.id is not null then jsonb_build_object('id', operators.id, 'name', operators.name,
        'device_id', devices.id, 'warehouse_id', devices.warehouse_id) end as operator,
    case when providers.id is not null then jsonb_build_object('id', providers.id,
        'account_id', providers.account_id, 'partner_id', providers.partner_id) end as through
from sessions held
left join users on users.id = held.user_id
left join credentials on credentials.user_id = users.id
left join identity_providers providers on providers.id = held.provider_id
left join devices on devices.id = held.device_id and devices.revoked_at is null and devices.digest = $4
left join operators on operators.id = held.operator_id and operators.removed_at is null and devices.id is not null
where held.digest = $1 and held.ended_at is null and held.ends_at > $2 and held.seen_at > $3
    and (users.id is not null or operators.id is not null)
"""


async def live(digest: bytes, now: datetime, seen_after: datetime, device: bytes | None) -> Stored | None:
    """Return the session of a token, unless it ended, lay idle, or is an operator's and this is not their device."""
    row = await db.fetch_one(LIVE, digest, now, seen_after, device)
    if row is None:
        return None
    parts = {name: row[name] and msgspec.json.decode(row[name]) for name in ("person", "operator", "through")}
    return msgspec.convert({**dict(row), **parts}, Stored)


async def held_by(digest: bytes) -> Held | None:
    """Return whose session a token was, also after its end; for forms that were typed in it."""
    row = await db.fetch_one("select user_id from sessions where digest = $1", digest)
    return msgspec.convert(dict(row), Held) if row else None


async def look(session_id: UUID, impersonation_id: UUID | None) -> None:
    """Let a session look with another party's eyes, or with its own again."""
    await db.execute("update sessions set impersonation_id = $2 where id = $1", session_id, impersonation_id)


async def touch(session_id: UUID, now: datetime) -> None:
    """Note that a session was used."""
    await db.execute("update sessions set seen_at = $2 where id = $1", session_id, now)


async def rotate(session_id: UUID, digest: bytes) -> None:
    """Give a session another token; the old one opens nothing any more."""
    await db.execute("update sessions set digest = $2 where id = $1", session_id, digest)


async def show_second(session_id: UUID, now: datetime) -> None:
    """Note that a second factor was shown."""
    await db.execute("update sessions set second_at = $2 where id = $1", session_id, now)


async def choose(session_id: UUID, membership_id: UUID) -> None:
    """Let a session act as a membership."""
    await db.execute("update sessions set membership_id = $2 where id = $1", session_id, membership_id)


async def of_user(user_id: UUID, now: datetime, seen_after: datetime) -> list[SessionView]:
    """List a user's living sessions, the last used first."""
    rows = await db.fetch(
        """select id, method, address, agent, created_at, seen_at from sessions
        where user_id = $1 and ended_at is null and ends_at > $2 and seen_at > $3 order by seen_at desc""",
        user_id, now, seen_after,
    )  # fmt: skip
    return [msgspec.convert(dict(row), SessionView) for row in rows]


async def owner(session_id: UUID) -> UUID | None:
    """Return whose a session is that has not ended."""
    row = await db.fetch_one("select user_id from sessions where id = $1 and ended_at is null", session_id)
    return UUID(bytes=row["user_id"].bytes) if row and row["user_id"] else None


async def end(session_id: UUID, now: datetime) -> bool:
    """End a session; returns whether there was one to end."""
    sql = "update sessions set ended_at = $2 where id = $1 and ended_at is null returning id"
    return await db.fetch_one(sql, session_id, now) is not None


async def end_of_user(user_id: UUID, now: datetime, keep: UUID | None = None) -> None:
    """End a user's sessions, all but one if asked so."""
    await db.execute(
        "update sessions set ended_at = $2 where user_id = $1 and ended_at is null and id is distinct from $3",
        user_id, now, keep,
    )  # fmt: skip


async def end_of_membership(membership_id: UUID, now: datetime) -> None:
    """End the sessions that act as a membership."""
    sql = "update sessions set ended_at = $2 where membership_id = $1 and ended_at is null"
    await db.execute(sql, membership_id, now)


async def end_of_device(device_id: UUID, now: datetime) -> None:
    """End the sessions at a device."""
    sql = "update sessions set ended_at = $2 where device_id = $1 and ended_at is null"
    await db.execute(sql, device_id, now)
