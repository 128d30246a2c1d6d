"""All SQL of this room."""

from datetime import datetime
from uuid import UUID

import msgspec

from hub.kit import db
from hub.receipt.grading.messages import GradingSet, GradingSetView

NOW = """
select distinct on (account_id) account_id, version, published_at, body from grading_sets
where account_id = any($1) order by account_id, version desc
"""


async def now(account_ids: list[UUID]) -> dict[UUID, GradingSetView]:
    """Return the sets that these accounts published last, as far as they have."""
    rows = await db.fetch(NOW, account_ids)
    return {row["account_id"]: _view(row) for row in rows}


def _view(row: db.Row) -> GradingSetView:
    return GradingSetView(
        account_id=row["account_id"], version=row["version"], published_at=row["published_at"],
        set=msgspec.json.decode(row["body"], type=GradingSet),
    )  # fmt: skip


async def publish(account_id: UUID, fresh: GradingSet, by: str, moment: datetime) -> None:
    """Store an account's next set; of two at once the second raises a unique violation."""
    await db.execute(
        """insert into grading_sets (account_id, version, body, published_by, published_at)
        select $1, coalesce(max(version), 0) + 1, $2, $3, $4 from grading_sets where account_id = $1""",
        account_id, db.to_json(fresh), by, moment,
    )  # fmt: skip
