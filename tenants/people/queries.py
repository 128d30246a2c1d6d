"""All SQL of users, memberships, invitations and links; each query runs in the caller's scoped transaction."""

from datetime import datetime
from uuid import UUID

import msgspec

from hub.kit import db
from tenants.messages import Role
from tenants.people.messages import Invitation, Language, Member, Membership, Owner, PartyView, Reach, User

USER = "users.id, users.email, users.name, users.locale, users.time_zone, users.verified_at, users.created_at"
OWNER = """{0}.role, {0}.account_id, {0}.partner_id, {0}.warehouse_id,
    coalesce(accounts.name, partners.name, sites.name) as at"""
# Left joins: an account may see a member and not the name of everything that the member works at.
NAMES = """left join accounts on accounts.id = {0}.account_id left join partners on partners.id = {0}.partner_id
    left join warehouses sites on sites.id = {0}.warehouse_id"""


# users --------------------------------------------------------------------------------------------------


async def add_user(user: User) -> None:
    """Store a user; a clash of addresses raises asyncpg's error for `users_email_key`."""
    await db.execute(
        """insert into users (id, email, name, locale, time_zone, verified_at, created_at)
        values ($1, $2, $3, $4, $5, $6, $7)""",
        user.id, user.email, user.name, user.locale, user.time_zone, user.verified_at, user.created_at,
    )  # fmt: skip
    await db.execute("insert into credentials (user_id) values ($1)", user.id)


async def user(user_id: UUID) -> User | None:
    """Return one user in scope."""
    return _user(await db.fetch_one(f"select {USER} from users where id = $1", user_id))


async def user_by_email(email: str) -> User | None:
    """Return the user with this normalised address, in scope."""
    return _user(await db.fetch_one(f"select {USER} from users where email = $1", email))


async def users(after: UUID | None, limit: int) -> list[User]:
    """List the users in scope in the order they were made."""
    rows = await db.fetch(
        f"select {USER} from users where $1::uuid is null or id > $1 order by id limit $2", after, limit
    )
    return [msgspec.convert(dict(row), User) for row in rows]


def _user(row: db.Row | None) -> User | None:
    return msgspec.convert(dict(row), User) if row else None


async def change_profile(user_id: UUID, name: str, locale: Language, time_zone: str) -> None:
    """Store what people say about themselves."""
    await db.execute(
        "update users set name = $2, locale = $3, time_zone = $4 where id = $1", user_id, name, locale, time_zone
    )


async def verify(user_id: UUID, now: datetime) -> None:
    """Note that a user's address was proven; the first time counts."""
    await db.execute("update users set verified_at = coalesce(verified_at, $2) where id = $1", user_id, now)


# memberships --------------------------------------------------------------------------------------------


async def add_membership(
    membership_id: UUID, user_id: UUID, role: Role, owner: Owner, now: datetime, provider_id: UUID | None = None
) -> bool:
    """Make a user a member; returns whether they were none of this party before."""
    row = await db.fetch_one(
        """insert into memberships (id, user_id, role, account_id, partner_id, warehouse_id, provider_id, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing returning id""",
        membership_id, user_id, role, owner.account_id, owner.partner_id, owner.warehouse_id, provider_id, now,
    )  # fmt: skip
    return row is not None


async def memberships(user_id: UUID) -> list[Membership]:
    """List what a user is a member of, what was used last first."""
    rows = await db.fetch(
        f"""select held.id, held.provider_id, held.used_at is not null as used, {OWNER.format("held")}
        from memberships held {NAMES.format("held")}
        where held.user_id = $1 order by held.used_at desc nulls last, held.id""",
        user_id,
    )
    return [msgspec.convert(dict(row), Membership) for row in rows]


MEMBER = f"""
select held.id as membership_id, users.id as user_id, users.email, users.name, {OWNER.format("held")},
    exists (select from credentials where credentials.user_id = users.id and credentials.totp_at is not null)
        or exists (select from passkeys where passkeys.user_id = users.id) as second_factor
from memberships held join users on users.id = held.user_id {NAMES.format("held")}
"""


WITHIN = """($1::boolean or held.account_id = $2 or held.partner_id = $3 or held.warehouse_id = any($4::uuid[]))"""


def _values(reach: Reach) -> tuple[bool, UUID | None, UUID | None, list[UUID]]:
    return reach.everything, reach.account_id, reach.partner_id, list(reach.warehouse_ids)


async def members(reach: Reach, after: UUID | None, limit: int) -> list[Member]:
    """List members that somebody sees, in the order they became so."""
    rows = await db.fetch(
        f"{MEMBER} where {WITHIN} and ($5::uuid is null or held.id > $5) order by held.id limit $6",
        *_values(reach), after, limit,
    )  # fmt: skip
    return [msgspec.convert(dict(row), Member) for row in rows]


async def member(membership_id: UUID) -> Member | None:
    """Return one member in scope."""
    row = await db.fetch_one(f"{MEMBER} where held.id = $1", membership_id)
    return msgspec.convert(dict(row), Member) if row else None


async def give_role(user_id: UUID, role: Role, owner: Owner) -> bool:
    """Give a member of a party, found by who they are, a role; returns whether they had another one."""
    row = await db.fetch_one(
        """update memberships set role = $2 where user_id = $1 and role <> $2 and account_id is not distinct from $3
            and partner_id is not distinct from $4 and warehouse_id is not distinct from $5 returning id""",
        user_id, role, owner.account_id, owner.partner_id, owner.warehouse_id,
    )  # fmt: skip
    return row is not None


async def change_role(membership_id: UUID, role: Role) -> None:
    """Give a member another role."""
    await db.execute("update memberships set role = $2 where id = $1", membership_id, role)


async def remove_membership(membership_id: UUID) -> None:
    """Take a membership away."""
    await db.execute("delete from memberships where id = $1", membership_id)


async def use_membership(membership_id: UUID, now: datetime) -> None:
    """Note that a membership was chosen."""
    await db.execute("update memberships set used_at = $2 where id = $1", membership_id, now)


async def hold_support_admins() -> int:
    """Count those who can let others in, and keep the number until the transaction ends."""
    rows = await db.fetch("select id from memberships where role = 'support_admin' order by id for update")
    return len(rows)


async def warehouses_of(account_id: UUID | None, partner_id: UUID | None) -> frozenset[UUID]:
    """Return the warehouses that an account or a partner runs itself."""
    rows = await db.fetch("select id from warehouses where account_id = $1 or partner_id = $2", account_id, partner_id)
    return frozenset(UUID(bytes=row["id"].bytes) for row in rows)


async def parties(reach: Reach) -> list[PartyView]:
    """List the parties that somebody sees, by name."""
    rows = await db.fetch(
        """select 'account' as kind, id, name from accounts where $1::boolean or id = $2
        union all select 'partner', id, name from partners where $1 or id = $3
        union all select 'warehouse', id, name from warehouses where $1 or id = any($4::uuid[])
        order by kind, name limit 1000""",
        *_values(reach),
    )
    return [msgspec.convert(dict(row), PartyView) for row in rows]


async def name_of(owner: Owner) -> str | None:
    """Return the name of a party; None for the platform, and for what is not there."""
    row = await db.fetch_one(
        """select name from accounts where id = $1 union all select name from partners where id = $2
        union all select name from warehouses where id = $3""",
        owner.account_id, owner.partner_id, owner.warehouse_id,
    )  # fmt: skip
    return str(row["name"]) if row else None


# invitations --------------------------------------------------------------------------------------------

INVITATION = f"""
select held.id, held.email, {OWNER.format("held")}, held.mailed, held.invited_by, held.created_at, held.expires_at
from invitations held {NAMES.format("held")}
"""


async def add_invitation(invitation: Invitation, digest: bytes) -> None:
    """Store an invitation; one that waits for the same address and party ends."""
    await db.execute(
        """update invitations set ended_at = $5 where ended_at is null and email = $1
            and account_id is not distinct from $2 and partner_id is not distinct from $3
            and warehouse_id is not distinct from $4""",
        invitation.email, invitation.account_id, invitation.partner_id, invitation.warehouse_id,
        invitation.created_at,
    )  # fmt: skip
    await db.execute(
        """insert into invitations (id, email, role, account_id, partner_id, warehouse_id, digest, mailed, invited_by,
            created_at, expires_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)""",
        invitation.id, invitation.email, invitation.role, invitation.account_id, invitation.partner_id,
        invitation.warehouse_id, digest, invitation.mailed, invitation.invited_by, invitation.created_at,
        invitation.expires_at,
    )  # fmt: skip


async def invitation_by_digest(digest: bytes, now: datetime) -> Invitation | None:
    """Return the invitation that a link stands for, if it still waits; two who ask in transactions take turns."""
    row = await db.fetch_one(
        f"{INVITATION} where held.digest = $1 and held.ended_at is null and held.expires_at > $2 for update of held",
        digest,
        now,
    )
    return msgspec.convert(dict(row), Invitation) if row else None


async def invitation(invitation_id: UUID) -> Invitation | None:
    """Return an invitation in scope that was not answered."""
    row = await db.fetch_one(f"{INVITATION} where held.id = $1 and held.ended_at is null", invitation_id)
    return msgspec.convert(dict(row), Invitation) if row else None


async def invitations(reach: Reach, now: datetime) -> list[Invitation]:
    """List what waits for an answer, as far as somebody sees it, newest first."""
    rows = await db.fetch(
        f"""{INVITATION} where {WITHIN} and held.ended_at is null and held.expires_at > $5
        order by held.id desc limit 200""",
        *_values(reach), now,
    )  # fmt: skip
    return [msgspec.convert(dict(row), Invitation) for row in rows]


async def end_invitation(invitation_id: UUID, now: datetime, accepted_by: UUID | None = None) -> None:
    """Note that an invitation was answered or withdrawn."""
    await db.execute(
        "update invitations set ended_at = $2, accepted_by = $3 where id = $1", invitation_id, now, accepted_by
    )


# pruning -----------------------------------------------------------------------------------------------

SOON = (
    "delete from ceremonies where expires_at < $1",
    "delete from guesses where last_at < $1::timestamptz - interval '1 day'",
)
LATER = (
    "delete from links where expires_at < $1",
    "delete from invitations where expires_at < $1",
    "delete from sessions where coalesce(ended_at, ends_at) < $1",
    "delete from known_browsers where seen_at < $1::timestamptz - interval '1 year'",
    "delete from mails where finished_at < $1",
)


async def prune(now: datetime, before: datetime) -> None:
    """Forget what anybody may leave behind as soon as it is over, and the rest if it ended before a moment."""
    for statement in SOON:
        await db.execute(statement, now)
    for statement in LATER:
        await db.execute(statement, before)
