"""The verbs of API keys; each is one transaction."""

from datetime import datetime, timedelta
from uuid import UUID

from hub.audit.service import record
from hub.kit import clock, crypto, db
from hub.kit.errors import Invalid, NotFound, Unauthorised
from hub.kit.ids import new_id
from hub.kit.refusals import taken
from tenants import permissions, tables
from tenants import queries as tenants
from tenants.keys import queries
from tenants.keys.messages import KEY_ROLES, KeyRotated, KeyShown, KeyView, NewKey, Rotation
from tenants.messages import Principal, PrincipalKind, Role, owner_fits

TOUCH_EVERY = timedelta(minutes=1)
# The first visible character of a key says its role; `l` is for logistics, as `p` is the platform's.
LETTERS = {Role.PLATFORM: "p", Role.ACCOUNT: "a", Role.PARTNER: "l", Role.WAREHOUSE: "w"}


async def principal_of(plain: str) -> Principal | None:
    """Return who holds this API key, and note its use once a minute.

    Raises `Unauthorised` if it expired, which only its holder is told.
    """
    parts = crypto.split(plain)
    if parts is None:
        return None
    prefix, secret = parts
    now = clock.now()
    async with db.transaction(db.PLATFORM):
        found = await queries.by_prefix(prefix)
        if found is None or not crypto.matches(secret, found.digest):
            return None
        if _expired(found, now):
            moment = f"{found.expires_at:%Y-%m-%d at %H:%M} UTC"
            raise Unauthorised("key_expired", f"This API key expired on {moment}; ask for a new one.")
        if found.last_used_at is None or found.last_used_at < now - TOUCH_EVERY:
            await queries.touch(found.id, now)
    return principal_from(found)


async def holder(prefix: str) -> Principal | None:
    """Return who holds the key with this prefix; None once it is revoked or expired."""
    async with db.transaction(db.PLATFORM):
        found = await queries.by_prefix(prefix)
    return None if found is None or _expired(found, clock.now()) else principal_from(found)


def _expired(key: KeyView, now: datetime) -> bool:
    return key.expires_at is not None and key.expires_at <= now


def principal_from(found: KeyView) -> Principal:
    """Return the principal of a stored key."""
    return Principal(
        kind=PrincipalKind.KEY,
        id=found.id,
        name=found.name,
        role=found.role,
        account_id=found.account_id,
        partner_id=found.partner_id,
        warehouse_id=found.warehouse_id,
        scopes=found.scopes,
    )


def role_of(new: NewKey) -> Role:
    """Return the role of a key to make; raises `Invalid` that names the roles there are."""
    if new.role not in KEY_ROLES:
        there = ", ".join(KEY_ROLES)
        raise Invalid("role_unknown", f"There is no role {new.role!r} for an API key; there are: {there}.")
    return Role(new.role)


async def create_key(new: NewKey, *, actor: str) -> KeyShown:
    """Make an API key; this answer is the only place that ever shows it."""
    role, now = role_of(new), clock.now()
    if not owner_fits(role, new.account_id, new.partner_id, new.warehouse_id):
        raise Invalid(
            "key_owner", "A platform key has no owner; any other has the id of its own party and no other: "
            "an account key an account_id, a partner key a partner_id, a warehouse key a warehouse_id.",
        )  # fmt: skip
    if new.expires_at is not None and new.expires_at <= now:
        raise Invalid("key_expiry", "A key cannot expire in the past: give a later expires_at, or leave it out.")
    scopes = permissions.narrowed(role, new.scopes)
    made = crypto.new_key(LETTERS[role])
    row = tables.ApiKey(
        id=new_id(), role=role.value, account_id=new.account_id, partner_id=new.partner_id,
        warehouse_id=new.warehouse_id, name=new.name, scopes=_stored(scopes), prefix=made.prefix, digest=made.digest,
        created_at=now, expires_at=new.expires_at,
    )  # fmt: skip
    async with db.transaction(db.PLATFORM):
        await _require_owner(new)
        await queries.add(row)
        await record(actor=actor, action="key.created", subject=made.prefix, account_id=new.account_id, after=new)
    return KeyShown(id=row.id, key=made.plain.reveal(), prefix=made.prefix)


def _stored(scopes: frozenset[str] | None) -> list[str] | None:
    return None if scopes is None else sorted(scopes)


async def _require_owner(new: NewKey) -> None:
    if new.account_id is not None:
        await tenants.account(new.account_id)
    if new.partner_id is not None:
        await tenants.partner(new.partner_id)
    if new.warehouse_id is not None:
        await tenants.warehouse(new.warehouse_id)


async def rotate_key(key_id: UUID, rotation: Rotation, *, actor: str) -> KeyRotated:
    """Make a key that takes over from another, which ends by itself; both work until then.

    The new key has the old one's name, role, owner, scopes and length of life.
    """
    now = clock.now()
    with taken("api_keys_replaces_key", "key_rotated", "This key was rotated before: rotate the one that replaced it."):
        async with db.transaction(db.PLATFORM):
            old = await queries.hold_working(key_id, now)
            if old is None:
                raise NotFound("key_not_found", "There is no such working key.")
            return await _replace(old, now, rotation, actor)


async def _replace(old: KeyView, now: datetime, rotation: Rotation, actor: str) -> KeyRotated:
    made = crypto.new_key(LETTERS[old.role])
    expires_at = None if old.expires_at is None else now + (old.expires_at - old.created_at)
    ends_at = now + timedelta(hours=rotation.overlap_hours)
    if old.expires_at is not None:
        ends_at = min(ends_at, old.expires_at)
    row = tables.ApiKey(
        id=new_id(), role=old.role.value, account_id=old.account_id, partner_id=old.partner_id,
        warehouse_id=old.warehouse_id, name=old.name, scopes=_stored(old.scopes), prefix=made.prefix,
        digest=made.digest, created_at=now, expires_at=expires_at, replaces=old.id,
    )  # fmt: skip
    await queries.add(row)
    await queries.end_at(old.id, ends_at)
    told = KeyRotated(
        id=row.id, key=made.plain.reveal(), prefix=made.prefix, expires_at=expires_at, replaces=old.id,
        replaced_ends_at=ends_at,
    )  # fmt: skip
    after = {"prefix": made.prefix, "replaced_ends_at": ends_at}
    await record(actor=actor, action="key.rotated", subject=old.prefix, account_id=old.account_id, after=after)
    return told


async def revoke_key(key_id: UUID, *, actor: str) -> None:
    """End an API key at once; raises `NotFound` if there is none that works."""
    async with db.transaction(db.PLATFORM):
        if not await queries.revoke(key_id, clock.now()):
            raise NotFound("key_not_found", "There is no such working key.")
        await record(actor=actor, action="key.revoked", subject=str(key_id))
