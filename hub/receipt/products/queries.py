"""All SQL of this room."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from hub.kit import db
from hub.receipt.products.messages import ProductFacts, ProductView

SELECT = """
select account_id, sku, name, needs, instructions, array(select ean from product_codes codes
    where codes.account_id = products.account_id and codes.sku = products.sku order by key) as eans
from products
"""


async def page(account_id: UUID, after: str | None, limit: int) -> list[ProductView]:
    """List an account's products by SKU."""
    rows = await db.fetch(
        f"{SELECT} where account_id = $1 and ($2::text is null or sku > $2) order by sku limit $3",
        account_id, after, limit,
    )  # fmt: skip
    return [_view(row) for row in rows]


async def of(keys: Sequence[tuple[UUID, str]]) -> dict[tuple[UUID, str], ProductView]:
    """Return what is known in scope of these products, each named by its account and SKU."""
    rows = await db.fetch(
        f"{SELECT} where (account_id, sku) in (select * from unnest($1::uuid[], $2::text[]))",
        [account_id for account_id, _ in keys], [sku for _, sku in keys],
    )  # fmt: skip
    return {(row["account_id"], row["sku"]): _view(row) for row in rows}


SAVE = """
with saved as (
    insert into products (account_id, sku, name, needs, instructions, changed_at) values ($1, $2, $3, $4, $5, $6)
    on conflict (account_id, sku) do update set name = excluded.name, needs = excluded.needs,
        instructions = excluded.instructions, changed_at = excluded.changed_at
    returning account_id, sku
)
insert into product_codes (account_id, ean, key, sku)
select account_id, ean, ltrim(hub_scan_key(ean), '0'), sku from saved, unnest($7::text[]) as code(ean)
"""


async def save(account_id: UUID, sku: str, facts: ProductFacts, moment: datetime) -> None:
    """Store what holds for a product; a code of another product raises a unique violation."""
    await db.execute("delete from product_codes where account_id = $1 and sku = $2", account_id, sku)
    await db.execute(
        SAVE, account_id, sku, facts.name, facts.needs, facts.instructions, moment, list(dict.fromkeys(facts.eans))
    )


def _view(row: db.Row) -> ProductView:
    return msgspec.convert(dict(row), ProductView)
