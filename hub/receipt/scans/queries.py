"""All SQL of this room."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from hub.kit import db
from hub.sdk.scanning import Matched


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """A return, or an unknown parcel, that has one of the codes; the account is missing for a parcel."""

    by: Matched
    account_id: UUID | None
    id: UUID


# Each branch walks one index and stops after a few rows, however many there are of the same code.
FIND = """
with read as materialized (
    select distinct hub_scan_key(code) as key from unnest($2::text[]) as scanned(code) where hub_scan_key(code) <> ''
)
select hit.* from read cross join lateral (
    (select kind as by, account_id, return_id as id from scan_keys
        where warehouse_id = $1 and key = read.key and open order by account_id, return_id limit $3)
    union all
    (select kind, account_id, return_id from scan_keys
        where warehouse_id = $1 and key = read.key and not open and kind <> 'sku' order by return_id desc limit 2)
    union all
    (select 'ean', named.account_id, named.return_id from (
            select account_id, hub_scan_key(sku) as key from product_codes
            where product_codes.key = ltrim(read.key, '0') and ltrim(read.key, '0') <> '') as codes
        cross join lateral (select scan_keys.account_id, return_id from scan_keys
            where warehouse_id = $1 and scan_keys.key = codes.key and open and kind = 'sku'
                and scan_keys.account_id = codes.account_id order by scan_keys.account_id, return_id limit $3) as named)
    union all
    (select 'parcel', null, parcel_id from parcel_numbers where warehouse_id = $1 and key = read.key limit 2)
) as hit
"""


async def find(warehouse_id: UUID, codes: Sequence[str], limit: int) -> list[Hit]:
    """Return what has one of these codes at a warehouse, each once, by the kind of code that says most."""
    rows = await db.fetch(FIND, warehouse_id, list(codes), limit)
    return [msgspec.convert(dict(row), Hit) for row in rows]


ELSEWHERE = """
select returns.number, returns.account_id, accounts.name as account, other.name as warehouse
from warehouses other join scan_keys on scan_keys.warehouse_id = other.id
join returns on returns.account_id = scan_keys.account_id and returns.id = scan_keys.return_id
join accounts on accounts.id = returns.account_id
where other.account_id = $1 and other.id <> $2 and scan_keys.account_id = $1
    and scan_keys.kind in ('return_number', 'tracking', 'order')
    and scan_keys.key = any(array(select hub_scan_key(code) from unnest($3::text[]) as scanned(code)))
order by returns.id desc limit 2
"""


class Elsewhere(msgspec.Struct, frozen=True, kw_only=True):
    """A return that another warehouse of the same account is to receive."""

    number: str
    account_id: UUID
    account: str
    warehouse: str


async def elsewhere(account_id: UUID, warehouse_id: UUID, codes: Sequence[str]) -> list[Elsewhere]:
    """Return what has one of these codes at another warehouse that this account runs itself."""
    rows = await db.fetch(ELSEWHERE, account_id, warehouse_id, list(codes))
    return [msgspec.convert(dict(row), Elsewhere) for row in rows]
