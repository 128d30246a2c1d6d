"""All SQL of this room."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from hub.kit import db
from hub.receipt.parcels.engine import Scored
from hub.receipt.parcels.messages import Claim, Clue, ParcelState, ParcelView
from hub.sdk.receiving import Disposition, ReceiptRequest, UnknownParcel

NUMBERS = "array(select number from parcel_numbers where parcel_id = parcels.id order by number)"
# A candidate shows where its return does.
CANDIDATES = """(select coalesce(jsonb_agg(jsonb_build_object('account_id', own.account_id, 'return_number',
    returns.number, 'score', own.score, 'reason', own.reason) order by own.score desc, returns.number), '[]')
    from parcel_candidates own join returns on returns.account_id = own.account_id and returns.id = own.return_id
    where own.parcel_id = parcels.id)"""
RETURN = "(select number from returns where account_id = parcels.account_id and returns.id = parcels.return_id)"
BESIDE = {"numbers": NUMBERS, "candidates": CANDIDATES, "return_number": RETURN}
FIELDS = ", ".join(
    f"{BESIDE[name]} as {name}" if name in BESIDE else f"parcels.{name}" for name in ParcelView.__struct_fields__
)
SELECT = f"select {FIELDS} from parcels"


def _view(row: db.Row) -> ParcelView:
    return msgspec.convert({**dict(row), "candidates": msgspec.json.decode(row["candidates"])}, ParcelView)


async def page(
    *, warehouse_id: UUID | None, state: ParcelState | None, after: UUID | None, limit: int
) -> list[ParcelView]:
    """List the unknown parcels in scope in the order they were registered."""
    rows = await db.fetch(
        f"""{SELECT} where ($1::uuid is null or warehouse_id = $1) and ($2::text is null or state = $2)
        and ($3::uuid is null or id > $3) order by id limit $4""",
        warehouse_id, state, after, limit,
    )  # fmt: skip
    return [_view(row) for row in rows]


async def at(warehouse_id: UUID, ids: Sequence[UUID]) -> list[ParcelView]:
    """Return these parcels of a warehouse."""
    rows = await db.fetch(f"{SELECT} where warehouse_id = $1 and id = any($2) order by id", warehouse_id, list(ids))
    return [_view(row) for row in rows]


async def one(parcel_id: UUID) -> ParcelView | None:
    """Return one parcel in scope."""
    row = await db.fetch_one(f"{SELECT} where id = $1", parcel_id)
    return _view(row) if row else None


async def registered(warehouse_id: UUID, key: str) -> tuple[UUID, bytes] | None:
    """Return the parcel that was registered by this key, with the digest of what was sent."""
    row = await db.fetch_one(
        "select id, request_digest from parcels where warehouse_id = $1 and key = $2", warehouse_id, key
    )
    return (row["id"], row["request_digest"]) if row else None


CLUES = """
with read as materialized (
    select distinct hub_scan_key(code) as key from unnest($2::text[]) as scanned(code) where hub_scan_key(code) <> ''
)
select hit.account_id, hit.return_id, returns.number as return_number, hit.by, read.key, hit.open
from read cross join lateral (
    (select account_id, return_id, kind as by, open from scan_keys
        where warehouse_id = $1 and key = read.key and open order by account_id, return_id limit $3)
    union all
    (select account_id, return_id, kind, open from scan_keys
        where warehouse_id = $1 and key = read.key and not open and kind <> 'sku' order by return_id desc limit $3)
) as hit join returns on returns.account_id = hit.account_id and returns.id = hit.return_id
where hit.account_id in (select held.account_id from warehouse_accounts held where held.warehouse_id = $1)
"""
MOST_PER_NUMBER = 8


async def clues(warehouse_id: UUID, codes: Sequence[str]) -> list[Clue]:
    """Return what the returns of a warehouse share with these numbers."""
    rows = await db.fetch(CLUES, warehouse_id, list(codes), MOST_PER_NUMBER)
    return [msgspec.convert(dict(row), Clue) for row in rows]


REGISTER = """
with registered as (
    insert into parcels (id, warehouse_id, key, request_digest, kind, sender, postcode, note, container, photos,
        operator, observed_by, observed_at, registered_at, due_at, state)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, 'open')
), numbered as (
    insert into parcel_numbers (parcel_id, warehouse_id, number, key)
    select distinct $1::uuid, $2::uuid, number, hub_scan_key(number) from unnest($16::text[]) as said(number)
)
insert into parcel_candidates (account_id, parcel_id, warehouse_id, return_id, score, reason)
select found.account_id, $1, $2, found.return_id, found.score, found.reason
from unnest($17::uuid[], $18::uuid[], $19::int[], $20::text[]) as found(account_id, return_id, score, reason)
"""


async def register(  # noqa: PLR0913 - a parcel's columns
    parcel_id: UUID, warehouse_id: UUID, request: ReceiptRequest, parcel: UnknownParcel, *, digest: bytes,
    operator: str, now: datetime, due_at: datetime, candidates: Sequence[Scored],
) -> None:  # fmt: skip
    """Store a parcel with its numbers and candidates in one statement."""
    await db.execute(
        REGISTER, parcel_id, warehouse_id, request.key, digest, parcel.kind, parcel.sender, parcel.postcode,
        parcel.note, request.container, list(request.photos), operator, request.by, request.observed_at, now, due_at,
        list(parcel.numbers), [each.account_id for each in candidates], [each.return_id for each in candidates],
        [each.score for each in candidates], [each.reason for each in candidates],
    )  # fmt: skip


async def claim(parcel_id: UUID, account_id: UUID, return_id: UUID | None, said: Claim, by: str, now: datetime) -> bool:
    """Claim a parcel that waits, or that timed out; false if somebody was first."""
    row = await db.fetch_one(
        """update parcels set state = 'claimed', account_id = $2, return_id = $3, disposition = $4, claimed_by = $5,
            claimed_at = $6, claim_note = $7
        where id = $1 and state <> 'claimed' returning id""",
        parcel_id, account_id, return_id, said.disposition, by, now, said.note,
    )  # fmt: skip
    return row is not None


async def time_out(now: datetime, limit: int) -> list[tuple[UUID, UUID, Disposition]]:
    """Let parcels whose time is over go where their warehouse says; returns each with its warehouse and that."""
    rows = await db.fetch(
        """update parcels set state = 'timed_out', disposition = place.parcels_then from warehouses place
        where place.id = parcels.warehouse_id and parcels.id in (
            select id from parcels where state = 'open' and due_at <= $1 order by due_at limit $2
            for update skip locked)
        returning parcels.id, parcels.warehouse_id, parcels.disposition""",
        now, limit,
    )  # fmt: skip
    return [(row["id"], row["warehouse_id"], Disposition(row["disposition"])) for row in rows]


async def asked(parcel_id: UUID) -> list[UUID]:
    """Return the accounts that were asked about a parcel."""
    rows = await db.fetch(
        """select distinct account_id from parcel_candidates where parcel_id = $1
        union select place.account_id from parcels join warehouses place on place.id = parcels.warehouse_id
            where parcels.id = $1 and place.account_id is not null""",
        parcel_id,
    )
    return [row["account_id"] for row in rows]


async def count_open() -> int:
    """Count the parcels that nobody has claimed."""
    row = await db.fetch_one("select count(*) as held from parcels where state = 'open'")
    return int(row["held"]) if row else 0
