"""All SQL of this room."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from hub.kit import db
from hub.returns.trackings.messages import Tracking


async def replace(
    account_id: UUID, return_id: UUID, fresh: Sequence[Tracking], by: str, now: datetime
) -> list[Tracking]:
    """Store these numbers in place of those of before, in the caller's transaction."""
    await db.execute(
        "delete from return_trackings where account_id = $1 and return_id = $2 and not number = any($3)",
        account_id, return_id, [each.number for each in fresh],
    )  # fmt: skip
    await db.execute(
        """insert into return_trackings (account_id, return_id, number, carrier, added_by, added_at)
        select $1, $2, given.number, given.carrier, $5, $6 from unnest($3::text[], $4::text[]) as given(number, carrier)
        on conflict (account_id, return_id, number) do update set carrier = excluded.carrier""",
        account_id, return_id, [each.number for each in fresh], [each.carrier for each in fresh], by, now,
    )  # fmt: skip
    rows = await db.fetch(
        "select number, carrier from return_trackings where account_id = $1 and return_id = $2 order by number",
        account_id, return_id,
    )  # fmt: skip
    return [msgspec.convert(dict(row), Tracking) for row in rows]
