"""All SQL of this room."""

from datetime import datetime
from uuid import UUID

import msgspec

from hub.kit import db
from hub.sdk.messages import Refusal
from hub.settlement.messages import Memo, MemoView

# A person's decision keeps what the policy drafted; a newer draft of the policy takes the place of all before it.
STORE = """
insert into memos (account_id, return_id, policy_version_id, profile, lines, drafted_at, decided_by, decided_at, why)
values ($1, $2, $3, $4, $5, $6::timestamptz, $7, case when $7::text is not null then $6::timestamptz end, $8)
on conflict (account_id, return_id) do update set lines = excluded.lines, profile = excluded.profile,
    drafted_at = case when $7::text is null then excluded.drafted_at else memos.drafted_at end,
    decided_by = excluded.decided_by, decided_at = excluded.decided_at, why = excluded.why,
    draft = case when $7::text is not null then coalesce(memos.draft, memos.lines) end
"""


async def store(account_id: UUID, return_id: UUID, memo: Memo, now: datetime) -> None:
    """Store what was decided on a return."""
    await db.execute(
        STORE, account_id, return_id, memo.policy_version_id, db.to_json(memo.profile) if memo.profile else None,
        db.to_json(memo.lines), now, memo.decided_by, memo.why,
    )  # fmt: skip


async def let_go(account_id: UUID, return_id: UUID, profile: str | None, by: str, why: str, now: datetime) -> None:
    """Note who let the policy's decision go as it was drafted, and under which profile."""
    await db.execute(
        """update memos set profile = $3, decided_by = $4, why = $5, decided_at = $6
        where account_id = $1 and return_id = $2""",
        account_id, return_id, profile, by, why, now,
    )  # fmt: skip


MEMO = """
select memos.policy_version_id, versions.number as policy_version, versions.rules, memos.profile, memos.drafted_at,
    memos.lines, memos.decided_by, memos.decided_at, memos.why, memos.draft
from memos join policy_versions versions
    on versions.account_id = memos.account_id and versions.id = memos.policy_version_id
where memos.account_id = $1 and memos.return_id = $2
"""
JSON = ("rules", "profile", "lines", "draft")


async def memo(account_id: UUID, return_id: UUID) -> MemoView | None:
    """Return a return's memo, if it has one."""
    row = await db.fetch_one(MEMO, account_id, return_id)
    if row is None:
        return None
    read = {name: msgspec.json.decode(row[name]) for name in JSON if row[name] is not None}
    return msgspec.convert({**dict(row), **read}, MemoView)


async def take(account_id: UUID, connection_id: UUID, refusal: Refusal, return_id: UUID | None, now: datetime) -> bool:
    """Store what a marketplace refused afterwards; false if this notice was taken before."""
    row = await db.fetch_one(
        """insert into refusals (account_id, connection_id, key, return_id, return_number, message, at, taken_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing returning key""",
        account_id, connection_id, refusal.key, return_id, refusal.return_number, refusal.message, refusal.at, now,
    )  # fmt: skip
    return row is not None


async def refusals_of(account_id: UUID, return_id: UUID, limit: int) -> list[Refusal]:
    """Return what a marketplace refused of a return afterwards, the newest first."""
    rows = await db.fetch(
        """select key, return_number, message, at from refusals
        where account_id = $1 and return_id = $2 order by at desc, taken_at desc limit $3""",
        account_id, return_id, limit,
    )  # fmt: skip
    return [msgspec.convert(dict(row), Refusal) for row in rows]
