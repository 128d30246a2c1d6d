"""All SQL of this room."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from hub.initiation.messages import Link
from hub.kit import db

STORE = """
insert into line_links (account_id, connection_id, external_id, position, shown, sku, order_line, linked_by, linked_at)
select $1, $2, $3, link.position, link.shown, link.sku, link.order_line, $4, $5
from unnest($6::int[], $7::text[], $8::text[], $9::text[]) as link(position, shown, sku, order_line)
on conflict (account_id, connection_id, external_id, position) do update
    set shown = excluded.shown, sku = excluded.sku, order_line = excluded.order_line, linked_by = excluded.linked_by,
        linked_at = excluded.linked_at
"""


async def store_links(
    account_id: UUID, connection_id: UUID, external_id: str, links: Sequence[Link], *, by: str, now: datetime
) -> None:
    """Keep which products lines are; what was said of a line before is replaced."""
    await db.execute(
        STORE, account_id, connection_id, external_id, by, now, [each.position for each in links],
        [each.shown for each in links], [each.sku for each in links], [each.order_line for each in links],
    )  # fmt: skip


async def links(account_id: UUID, connection_id: UUID, external_id: str) -> dict[int, Link]:
    """Return which products a person said lines of a channel return are, by their positions."""
    rows = await db.fetch(
        """select position, sku, order_line, linked_by, shown from line_links
        where account_id = $1 and connection_id = $2 and external_id = $3""",
        account_id, connection_id, external_id,
    )  # fmt: skip
    found = [msgspec.convert(dict(row), Link) for row in rows]
    return {each.position: each for each in found}
