"""Answer a scan; each function opens the transactions that it needs."""

from collections.abc import Sequence
from uuid import UUID

from hub.kit import db
from hub.receipt import engine as receipts
from hub.receipt.parcels import queries as parcels
from hub.receipt.parcels.engine import on_sight
from hub.receipt.scans import engine, queries
from hub.returns import queries as returns
from hub.returns.messages import StoredReturn
from hub.returns.states import DISPLAY, still_counts
from hub.sdk.scanning import Match, Matched, Next, Scanned


async def scan(warehouse_id: UUID, run_by_account: UUID | None, scanned: str) -> Scanned:
    """Say what a code may be at a warehouse, and what to do next; another party's things are not there."""
    codes = engine.readings(scanned)
    async with db.transaction(db.warehouse(warehouse_id)):
        matches = await _here(warehouse_id, codes)
    if run_by_account is not None and not any(match.open for match in matches):
        matches += await elsewhere(run_by_account, warehouse_id, codes)
    return engine.answer(scanned, matches)


async def _here(warehouse_id: UUID, codes: Sequence[str]) -> list[Match]:
    hits = await queries.find(warehouse_id, codes, engine.MOST_MATCHES + 1)
    best: dict[UUID, queries.Hit] = {}
    for hit in sorted(hits, key=lambda each: engine.ORDER[each.by]):
        best.setdefault(hit.id, hit)
    named = [(hit.account_id, hit.id) for hit in best.values() if hit.account_id is not None]
    found = await returns.named(warehouse_id, named[: 2 * engine.MOST_MATCHES])
    unknown = [hit.id for hit in best.values() if hit.by is Matched.PARCEL]
    registered = await parcels.at(warehouse_id, unknown) if unknown else []
    return [_match(best[stored.id].by, account, stored) for account, stored in found] + [
        Match(by=Matched.PARCEL, parcel_id=each.id, todo=todo, say=say, open=True, created_at=each.registered_at)
        for each in registered
        for todo, say in (on_sight(each),)
    ]


def _match(by: Matched, account: str, stored: StoredReturn) -> Match:
    todo, say = receipts.on_arrival(stored.case)
    return Match(
        by=by, todo=todo, say=say, account=account, account_id=stored.account_id, return_number=stored.number,
        order_number=stored.order_number, status=DISPLAY[stored.status], open=still_counts(stored.case),
        created_at=stored.created_at,
    )  # fmt: skip


async def elsewhere(account_id: UUID, warehouse_id: UUID, codes: Sequence[str]) -> list[Match]:
    """Return what another warehouse that this account runs is to receive."""
    async with db.transaction(db.account(account_id)):
        found = await queries.elsewhere(account_id, warehouse_id, codes)
    return [
        Match(
            by=Matched.RETURN_NUMBER, todo=Next.SEND_ON, say=f"It belongs to {each.warehouse}: send it on to there.",
            account=each.account, account_id=each.account_id, return_number=each.number, warehouse=each.warehouse,
        )
        for each in found
    ]  # fmt: skip
