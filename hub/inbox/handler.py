"""Hand stored messages on, one at a time: each is handled once, in the transaction that says so."""

import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from hub.inbox import engine, queries
from hub.inbox.messages import Sibling, Source, Told, Waiting
from hub.initiation.messages import Imported, Looked
from hub.kit import clock, db
from hub.kit.telemetry import IMPORTED, REPAIRED, log
from hub.sdk import (
    Absent,
    ActionRequired,
    Capability,
    ChannelReturn,
    Done,
    Order,
    Outcome,
    Page,
    RateLimited,
    Refusal,
    Retry,
    ReturnKey,
)
from hub.work.messages import Matter, Owner
from hub.work.service import raise_matter, settle_matter
from tenants.vendors import Vendors

Import = Callable[[UUID, UUID, ChannelReturn, Looked | None], Awaitable[Imported]]
TakeRefusal = Callable[[UUID, UUID, Refusal], Awaitable[Imported]]

BATCH = 100
# Each asks the vendor something; more wait for the next job.
LOOKUPS_PER_JOB = 20
DAY = timedelta(days=1)
# So long a message waits for its order.
PATIENCE = timedelta(hours=1)
# A message that makes the hub fail is set aside, so that its neighbours come through.
OUR_FAULT = "the hub failed on it"
TOLD_LATER = "a later message told what there is to tell"
GONE = "the channel does not know it any more"
HUB = "hub"

_log = log("inbox")


class Handler:
    """Hands messages on: `take` is what a return means, `take_refusal` what a late refusal means."""

    def __init__(self, vendors: Vendors, take: Import, take_refusal: TakeRefusal | None = None) -> None:
        self.vendors = vendors
        self.take = take
        self.take_refusal = take_refusal

    async def drain(self, source: Source, *, until: float = float("inf")) -> bool:
        """Hand on what waits of a connection, until it is done or a moment of the monotonic clock has come.

        Returns whether something still waits.
        """
        after: UUID | None = None
        lookups, left = LOOKUPS_PER_JOB, False
        while True:
            async with db.transaction(db.account(source.account_id)):
                batch = await queries.waiting(source.account_id, source.reach.id, after, BATCH)
            for each in batch:
                if time.monotonic() > until:
                    return True
                if await self.handle(source, each, may_look=lookups > 0):
                    left = left or lookups <= 0
                    lookups -= 1
            if len(batch) < BATCH:
                return left
            after = batch[-1].id

    async def try_daily(self, source: Source) -> None:
        """Let what has been parked, or failed, for a day be tried again; it is asked about for as long as it waits."""
        now = clock.now()
        async with db.transaction(db.account(source.account_id)):
            await queries.retry_parked(source.account_id, source.reach.id, day_ago=now - DAY, now=now, limit=BATCH)

    async def handle(self, source: Source, each: Waiting, *, may_look: bool = True) -> bool:
        """Hand one message on, and set it aside if the hub fails on it; returns whether the vendor was to be asked."""
        try:
            if each.kind is Told.REFUSAL:
                await self._refuse(source, each)
                return False
            return await self._hand_on(source, each, may_look=may_look)
        except db.Lost:
            raise
        except Exception:  # noqa: BLE001 - the job's boundary: one bad element must not lose its neighbours
            _log.error("message failed", message=str(each.id), exc_info=True)
            await self._quarantine(source.account_id, each)
            return False

    async def _hand_on(self, source: Source, each: Waiting, *, may_look: bool) -> bool:
        # What is over does not change any more.
        asks = each.again and _is_open(each) and _can(self.vendors, source, Capability.FETCH)
        if asks:
            if not may_look:
                return True
            fresh = await self._refreshed(source, each)
            if fresh is None:
                return True
            each = fresh
        imported = await self._import(source, each, None)
        if imported.outcome != "order_needed":
            return asks
        looked = await self._look(source, each) if may_look else None
        if looked is not None:
            await self._import(source, each, looked)
        return True

    async def _refreshed(self, source: Source, each: Waiting) -> Waiting | None:
        """Return a message that waited as it is by now; nothing if the channel does not know its return any more."""
        seen = msgspec.json.decode(each.body, type=ChannelReturn)
        wanted = ReturnKey(
            return_number=seen.merchant_return_number or "", external_id=seen.external_id,
            order_number=seen.order_number, channel_order_number=seen.channel_order_number,
            channel_return_number=seen.channel_return_number,
        )  # fmt: skip
        match await _ask(self.vendors, source, "fetch", wanted):
            case Done(result=ChannelReturn() as fresh) if fresh.external_id == seen.external_id:
                page = engine.storable(Page(items=(fresh,), cursor="", more=False))
                bodies = [told.body for told in engine.incoming(page) if told.why is None]
                async with db.transaction(db.account(source.account_id)):
                    for body in bodies:
                        await queries.refresh(source.account_id, each.id, body)
                        each = msgspec.structs.replace(each, body=body, received_at=clock.now())
            case Absent():
                await self._import(source, each, None, gone=True)
                return None
        return each

    async def _import(self, source: Source, each: Waiting, looked: Looked | None, *, gone: bool = False) -> Imported:
        async def work() -> tuple[Imported, bool]:
            seen = msgspec.json.decode(each.body, type=ChannelReturn)
            siblings = await queries.siblings(source.account_id, source.reach.id, each)
            if gone:
                imported = Imported("unchanged", why=GONE)
            elif engine.is_stale(each, seen, siblings):
                imported = Imported("unchanged", why=TOLD_LATER)
            else:
                imported = await self.take(source.account_id, source.reach.id, seen, looked)
            if imported.outcome == "order_needed":
                return imported, False
            if not await self._mark(source, each, imported):
                return Imported("unchanged"), False
            await self._tidy(source, each, imported, siblings)
            return imported, await self._reckon(source, each, seen, imported)

        imported, repaired = await db.attempt(db.account(source.account_id), work)
        if imported.outcome == "born":
            IMPORTED.inc()
        if repaired:
            REPAIRED.labels(source.reach.connector).inc()
        return imported

    async def _mark(self, source: Source, each: Waiting, imported: Imported) -> bool:
        state = "parked" if imported.outcome == "parked" else "handled"
        stored = imported.stored.id if imported.stored else None
        if not await queries.mark(source.account_id, each.id, state, imported.why, stored, clock.now()):
            return False
        if imported.outcome == "born" and each.backfill_id is not None:
            await queries.count_born(source.account_id, each.backfill_id)
        return True

    async def _tidy(self, source: Source, each: Waiting, imported: Imported, siblings: list[Sibling]) -> None:
        """Let go of earlier messages that waited, and of what people were asked because of them."""
        waited = [other.id for other in siblings if other.state in engine.WAITS]
        if not waited and not each.again:
            return
        await queries.supersede(source.account_id, waited, TOLD_LATER)
        keys = [f"quarantined:{message}" for message in (*waited, each.id)]
        keys.append(f"unreadable:{source.reach.id}:{each.subject}")
        if imported.outcome != "parked":
            keys += [f"{why}:{source.reach.id}:{each.subject}" for why in ("parked", "unlinked")]
        for key in keys:
            await settle_matter(source.account_id, key, by=HUB, resolution="a later message was handled")

    async def _reckon(self, source: Source, each: Waiting, seen: ChannelReturn, imported: Imported) -> bool:
        """Count a change that no knock announced; returns whether it is one."""
        knocks = source.knocks
        if knocks is None or each.again or each.backfill_id or imported.outcome not in {"born", "changed", "parked"}:
            return False
        if not engine.unannounced(seen, knocks, clock.now()):
            if knocks.lost_lately > engine.FEW and engine.announced(seen, knocks):
                await _knocks_work_again(source)
            return False
        if await queries.count_repaired(source.reach.id, clock.now()) > engine.FEW:
            await _ask_about_knocks(source)
        return True

    async def _look(self, source: Source, each: Waiting) -> Looked | None:
        """Look the order of a return up; nothing if it is worth a wait, for without it nobody counts what comes back.

        A channel that only fails is waited for no longer than an hour.
        """
        seen = msgspec.json.decode(each.body, type=ChannelReturn)
        number = seen.order_number or seen.channel_order_number
        if not number or not _can(self.vendors, source, Capability.FIND_ORDER):
            return Looked(None)
        match await _ask(self.vendors, source, "find_order", number):
            case Done(result=Order() as order) if order.marketplace in {None, seen.marketplace}:
                return Looked(order)
            case RateLimited():
                return None
            case Retry() | ActionRequired() if not each.again and clock.now() - each.received_at < PATIENCE:
                return None
        return Looked(None)

    async def _refuse(self, source: Source, each: Waiting) -> None:
        take = self.take_refusal
        if take is None:
            return

        async def work() -> None:
            refusal = msgspec.json.decode(each.body, type=Refusal)
            await self._mark(source, each, await take(source.account_id, source.reach.id, refusal))
            if each.again:
                await settle_matter(source.account_id, f"quarantined:{each.id}", by=HUB, resolution="it was handled")

        await db.attempt(db.account(source.account_id), work)

    async def _quarantine(self, account_id: UUID, each: Waiting) -> None:
        async with db.transaction(db.account(account_id)):
            await queries.mark(account_id, each.id, "quarantined", OUR_FAULT, None, clock.now())
            matter = Matter(
                key=f"quarantined:{each.id}",
                kind="message_quarantined",
                owner=Owner.SUPPORT,
                summary="A message of a channel could not be handled; the hub failed on it.",
                detail={"inbox_id": str(each.id)},
            )
            await raise_matter(account_id, matter)


async def find_order(vendors: Vendors, source: Source, number: str) -> Order | None:
    """Return an order as the channel tells it, or nothing if it cannot be had."""
    if not _can(vendors, source, Capability.FIND_ORDER):
        return None
    outcome = await _ask(vendors, source, "find_order", number)
    return outcome.result if isinstance(outcome, Done) and isinstance(outcome.result, Order) else None


def _is_open(each: Waiting) -> bool:
    seen = msgspec.json.decode(each.body, type=ChannelReturn)
    return seen.open and not seen.canceled


def _can(vendors: Vendors, source: Source, capability: Capability) -> bool:
    return capability in vendors.connector(source.reach.connector).manifest.capabilities


async def _ask(vendors: Vendors, source: Source, method: str, message: Any) -> Outcome | None:
    try:
        called = await vendors.call(source.reach, method, message, key=f"{method}:{source.reach.id}")
    except Exception:  # noqa: BLE001 - the connector's boundary: a message is handled all the same
        _log.error("connector failed", connector=source.reach.connector, method=method, exc_info=True)
        return None
    return called.outcome


async def _ask_about_knocks(source: Source) -> None:
    matter = Matter(
        key=f"knocks_lost:{source.reach.id}",
        kind="knocks_lost",
        owner=Owner.SUPPORT,
        summary="The channel's knocks get lost: polls found several changes within an hour that no knock announced.",
        detail={"connection_id": str(source.reach.id)},
    )
    await raise_matter(source.account_id, matter)


async def _knocks_work_again(source: Source) -> None:
    await queries.forget_repaired(source.reach.id)
    await settle_matter(
        source.account_id, f"knocks_lost:{source.reach.id}", by=HUB, resolution="a knock announced a change again"
    )
