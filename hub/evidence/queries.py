"""All SQL of this room."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from hub.evidence.messages import NewPhoto, Retention, Stored
from hub.evidence.pictures import Picture
from hub.kit import db

FIELDS = ", ".join(
    "encode(sha256, 'hex') as sha256" if name == "sha256" else name for name in Stored.__struct_fields__
)  # fmt: skip
SELECT = f"select {FIELDS} from photos"
# Of one account, of what one partner's or one warehouse receives, or of all in scope.
OF = """($1::uuid is null or account_id = $1)
    and ($2::uuid is null or warehouse_id in (select place.id from warehouses place where place.partner_id = $2)
        or exists (select from returns routed join warehouses place on place.id = routed.warehouse_id
            where routed.account_id = photos.account_id and routed.id = return_id and place.partner_id = $2))
    and ($3::uuid is null or warehouse_id = $3 or exists (select from returns routed
        where routed.account_id = photos.account_id and routed.id = return_id and routed.warehouse_id = $3))"""


def _stored(row: db.Row) -> Stored:
    return msgspec.convert(dict(row), Stored)


async def by_key(warehouse_id: UUID, key: str) -> Stored | None:
    """Return the photo that a warehouse sent under this key."""
    row = await db.fetch_one(f"{SELECT} where warehouse_id = $1 and key = $2", warehouse_id, key)
    return _stored(row) if row else None


async def read(
    photo_id: UUID, *, account_id: UUID | None, partner_id: UUID | None, warehouse_id: UUID | None
) -> Stored | None:
    """Return one photo in scope."""
    row = await db.fetch_one(f"{SELECT} where {OF} and id = $4", account_id, partner_id, warehouse_id, photo_id)
    return _stored(row) if row else None


async def of_return(account_id: UUID, return_id: UUID) -> list[Stored]:
    """Return the photos of one return, in the order in which they came."""
    rows = await db.fetch(f"{SELECT} where account_id = $1 and return_id = $2 order by id", account_id, return_id)
    return [_stored(row) for row in rows]


async def of_parcel(parcel_id: UUID) -> list[Stored]:
    """Return the photos of a parcel that nobody knows yet, in the order in which they came."""
    return [_stored(row) for row in await db.fetch(f"{SELECT} where parcel_id = $1 order by id", parcel_id)]


ADD = f"""
with kept as (update photo_objects set stored_at = $14, due_at = null where name = $8)
insert into photos (id, account_id, warehouse_id, return_id, key, subject, sha256, object, received_digest, size, width,
    height, taken_at, added_at, added_by, remove_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $14 + make_interval(days => $16))
returning {FIELDS}"""


async def add(
    photo_id: UUID, new: NewPhoto, picture: Picture, *, name: str, received: bytes, days: int, now: datetime
) -> Stored:
    """Store a photo whose object was kept; a key that was used meanwhile violates a constraint."""
    (row,) = await db.fetch(
        ADD, photo_id, new.account_id, new.warehouse_id, new.return_id, new.key, new.subject, picture.digest, name,
        received, len(picture.content), picture.width, picture.height, new.taken_at, now, new.by, days,
    )  # fmt: skip
    return _stored(row)


async def touch(name: str, due_at: datetime) -> bool:
    """Note that an object is about to be written, and say whether it was kept before; waits for who removes it."""
    row = await db.fetch_one(
        """insert into photo_objects (name, due_at) values ($1, $2)
        on conflict (name) do update set due_at = excluded.due_at
        returning stored_at is not null as stored""",
        name, due_at,
    )  # fmt: skip
    return bool(row and row["stored"])


async def attach(
    photo_ids: Sequence[UUID], warehouse_id: UUID, *, account_id: UUID | None, return_id: UUID | None,
    parcel_id: UUID | None, days: int | None,
) -> int:  # fmt: skip
    """Say what photos of a warehouse show that showed nothing yet, or the same; returns how many there are."""
    rows = await db.fetch(
        """update photos set account_id = coalesce($3, account_id), return_id = coalesce($4, return_id),
            parcel_id = coalesce($5, parcel_id), remove_at = added_at + coalesce(make_interval(days => $6),
            remove_at - added_at)
        where id = any($1) and warehouse_id = $2 and (account_id is null or $3::uuid is null or account_id = $3)
            and (return_id is null or $4::uuid is null or return_id = $4)
            and (parcel_id is null or $5::uuid is null or parcel_id = $5) returning id""",
        photo_ids, warehouse_id, account_id, return_id, parcel_id, days,
    )  # fmt: skip
    return len(rows)


async def shown(account_id: UUID, return_id: UUID, photo_ids: Sequence[UUID]) -> set[UUID]:
    """Return those of the photos that are there and show a return."""
    rows = await db.fetch(
        """select id from photos where account_id = $1 and return_id = $2 and id = any($3) and removed_at is null""",
        account_id, return_id, photo_ids,
    )  # fmt: skip
    return {row["id"] for row in rows}


async def remove_due(now: datetime, limit: int) -> int:
    """Say of photos whose time is over that they are removed, and let their objects be looked at; returns how many."""
    row = await db.fetch_one(
        """with due as (
            select id from photos where removed_at is null and remove_at <= $1 order by remove_at limit $2
            for update skip locked),
        gone as (
            update photos set removed_at = $1 from due where photos.id = due.id returning object),
        freed as (
            -- one that is being taken up again has a later moment, and keeps it
            update photo_objects set due_at = greatest(due_at, $1) where name in (select object from gone))
        select count(*) as removed from gone""",
        now, limit,
    )  # fmt: skip
    return int(row["removed"]) if row else 0


async def lock_due_object(now: datetime) -> tuple[str, bool] | None:
    """Hold an object that somebody is to look at, and say whether a photo needs it; None if there is no other."""
    row = await db.fetch_one(
        """select name, exists (select from photos where object = name and removed_at is null) as needed
        from photo_objects where due_at <= $1 order by due_at limit 1 for update skip locked""",
        now,
    )  # fmt: skip
    return (row["name"], row["needed"]) if row else None


async def keep_object(name: str) -> None:
    """Leave an object be."""
    await db.execute("update photo_objects set due_at = null where name = $1", name)


async def forget_object(name: str) -> None:
    """Forget an object that was removed."""
    await db.execute("delete from photo_objects where name = $1", name)


async def retention(account_id: UUID) -> Retention | None:
    """Return for how long an account wants its photos kept, if it ever said so."""
    row = await db.fetch_one("select days from photo_retentions where account_id = $1", account_id)
    return Retention(days=row["days"]) if row else None


async def retain(account_id: UUID, days: int, *, actor: str, now: datetime) -> None:
    """Keep an account's photos for so many days from when they came, also those that are there."""
    await db.execute(
        """insert into photo_retentions (account_id, days, changed_by, changed_at) values ($1, $2, $3, $4)
        on conflict (account_id) do update set days = $2, changed_by = $3, changed_at = $4""",
        account_id, days, actor, now,
    )  # fmt: skip
    await db.execute(
        """update photos set remove_at = added_at + make_interval(days => $2)
        where account_id = $1 and removed_at is null""",
        account_id, days,
    )  # fmt: skip
