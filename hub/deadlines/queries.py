"""All SQL of this room."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from hub.deadlines.messages import Deadline, Due, Moments, QueuedDeadline, Standing, Watched
from hub.kit import db
from hub.sdk.messages import Kind

# What people were told of a deadline that is there no more, or at another moment, holds no more.
STORE = """
with wanted as (
    select * from unnest($3::uuid[], $4::text[], $5::timestamptz[], $6::timestamptz[])
        as wanted(return_id, kind, at, warn_at)
), told as (
    select return_id, kind, at from deadlines
    where account_id = $1 and return_id = any($2) and (warned_at is not null or passed_at is not null)
), gone as (
    delete from deadlines where account_id = $1 and return_id = any($2) and not exists (
        select from wanted where wanted.return_id = deadlines.return_id and wanted.kind = deadlines.kind)
), kept as (
    insert into deadlines (account_id, return_id, kind, at, warn_at)
    select $1, return_id, kind, at, warn_at from wanted
    on conflict (account_id, return_id, kind) do update
        set at = excluded.at, warn_at = excluded.warn_at, warned_at = null, passed_at = null
        where deadlines.at <> excluded.at
)
select told.return_id, told.kind from told left join wanted using (return_id, kind)
where wanted.at is distinct from told.at
"""


async def store(account_id: UUID, found: Mapping[UUID, Sequence[Deadline]]) -> list[tuple[UUID, Due]]:
    """Make these the deadlines of these returns; returns those that people were told of and that hold no more."""
    flat = [(return_id, each) for return_id, wanted in found.items() for each in wanted]
    rows = await db.fetch(
        STORE, account_id, list(found), [return_id for return_id, _ in flat], [each.kind for _, each in flat],
        [each.at for _, each in flat], [each.warn_at for _, each in flat],
    )  # fmt: skip
    return [(row["return_id"], Due(row["kind"])) for row in rows]


DROP = """
delete from deadlines where account_id = $1 and return_id = $2
returning kind, warned_at is not null or passed_at is not null as told
"""


async def drop(account_id: UUID, return_id: UUID) -> list[Due]:
    """Forget the deadlines of a return; returns those that people were told of."""
    rows = await db.fetch(DROP, account_id, return_id)
    return [Due(row["kind"]) for row in rows if row["told"]]


async def forgo(account_id: UUID, return_id: UUID, kind: Due, now: datetime) -> None:
    """Forget a deadline of a return if its moment is over."""
    await db.execute(
        "delete from deadlines where account_id = $1 and return_id = $2 and kind = $3 and at <= $4",
        account_id, return_id, kind, now,
    )  # fmt: skip


STANDING = """
select deadlines.account_id, deadlines.return_id, returns.number as return_number, returns.kind as return_kind,
    returns.connection_id, returns.marketplace, returns.policy_version_id, deadlines.kind, at, warn_at
from deadlines join returns on returns.account_id = deadlines.account_id and returns.id = deadlines.return_id
"""
# Where a list goes on: a moment, a return and a kind.
Place = tuple[datetime, UUID, str]
START: Place = (datetime(1, 1, 2, tzinfo=UTC), UUID(int=0), "")


async def to_warn(now: datetime, after: Place, limit: int) -> list[Standing]:
    """List deadlines that people should hear of and have not, in the order of their warnings."""
    rows = await db.fetch(
        f"""{STANDING} where warned_at is null and passed_at is null and warn_at <= $1 and at > $1
        and status in ('expected', 'approved', 'partially_received', 'received', 'processed')
        and (warn_at, deadlines.return_id, deadlines.kind) > ($2, $3, $4)
        order by warn_at, deadlines.return_id, deadlines.kind limit $5""",
        now, *after, limit,
    )  # fmt: skip
    return [msgspec.convert(dict(row), Standing) for row in rows]


async def to_pass(now: datetime, after: Place, limit: int) -> list[Standing]:
    """List deadlines that have passed and that nobody acted on, in the order in which they passed."""
    rows = await db.fetch(
        f"""{STANDING} where passed_at is null and at <= $1
        and (at, deadlines.return_id, deadlines.kind) > ($2, $3, $4)
        order by at, deadlines.return_id, deadlines.kind limit $5""",
        now, *after, limit,
    )  # fmt: skip
    return [msgspec.convert(dict(row), Standing) for row in rows]


async def warn(each: Standing, now: datetime) -> bool:
    """Note that people hear of a deadline; false if another worker was first or it holds no more."""
    row = await db.fetch_one(
        """update deadlines set warned_at = $5 where account_id = $1 and return_id = $2 and kind = $3 and at = $4
        and warned_at is null and passed_at is null returning kind""",
        each.account_id, each.return_id, each.kind, each.at, now,
    )  # fmt: skip
    return row is not None


async def pass_(each: Standing, now: datetime) -> bool:
    """Note that a deadline is acted on; false if another worker was first or it holds no more."""
    row = await db.fetch_one(
        """update deadlines set passed_at = $5 where account_id = $1 and return_id = $2 and kind = $3 and at = $4
        and passed_at is null returning kind""",
        each.account_id, each.return_id, each.kind, each.at, now,
    )  # fmt: skip
    return row is not None


# The rows are locked, so that what happens to one of these returns meanwhile is reckoned with afterwards.
OPEN = """
select id, kind, policy_version_id, coalesce(started_at, created_at) as started_at, created_at as born_at, arrived_at,
    case when settlement = 'refused' and sync = 'conflict' then refused_at end as refused_at,
    finalised_at is not null as finalised
from returns where account_id = $1 and connection_id = $2 and marketplace = $3 and id > $4
    and status in ('expected', 'approved', 'partially_received', 'received', 'processed')
order by id limit $5 for no key update
"""


async def open_returns(
    account_id: UUID, connection_id: UUID, marketplace: str, after: UUID, limit: int
) -> list[Watched]:
    """Return a marketplace's returns that are not over, oldest first, locked until the transaction ends."""
    rows = await db.fetch(OPEN, account_id, connection_id, marketplace, after, limit)
    return [
        Watched(
            account_id=account_id,
            return_id=row["id"],
            connection_id=connection_id,
            marketplace=marketplace,
            policy_version_id=row["policy_version_id"],
            moments=Moments(
                kind=Kind(row["kind"]), started_at=row["started_at"], born_at=row["born_at"],
                arrived_at=row["arrived_at"], refused_at=row["refused_at"], finalised=row["finalised"],
            ),
        )
        for row in rows
    ]  # fmt: skip


async def queue(account_id: UUID | None, kind: Due | None, after: Place, limit: int) -> list[QueuedDeadline]:
    """List the deadlines in scope, soonest first; what has passed and is not over comes first of all."""
    rows = await db.fetch(
        """select deadlines.account_id, deadlines.return_id, returns.number as return_number, returns.status,
            returns.marketplace, deadlines.kind, at, warn_at, warned_at, passed_at
        from deadlines join returns on returns.account_id = deadlines.account_id and returns.id = deadlines.return_id
        where ($1::uuid is null or deadlines.account_id = $1) and ($2::text is null or deadlines.kind = $2)
        and (at, deadlines.return_id, deadlines.kind) > ($3, $4, $5)
        order by at, deadlines.return_id, deadlines.kind limit $6""",
        account_id, kind, *after, limit,
    )  # fmt: skip
    return [msgspec.convert(dict(row), QueuedDeadline) for row in rows]


async def counts() -> tuple[int, int]:
    """Count the deadlines of which people were warned and that are still ahead, and those that passed."""
    row = await db.fetch_one(
        """select count(*) filter (where passed_at is null) as near, count(passed_at) as passed from deadlines
        where passed_at is not null or warned_at is not null"""
    )
    return (row["near"], row["passed"]) if row else (0, 0)
