"""Repair a difference: both sides are looked at anew, and only what still differs is acted on.

Everything is one transaction that holds the difference's row, so that of two people who press at once one does
something and the other is shown what was done. Money is never moved: at most an ended settlement is looked up, and its
own operation repeats it where there is no trace of it.
"""

from typing import NamedTuple
from uuid import UUID

from hub import process
from hub.audit.service import record
from hub.inbox import engine as inbox
from hub.inbox import queries as inbox_queries
from hub.inbox.handler import find_order
from hub.inbox.messages import Source
from hub.initiation.messages import Imported, Looked
from hub.kit import clock, db
from hub.kit.errors import Conflict, NotFound, Unavailable
from hub.kit.limits import Urgency
from hub.reconciliation import comparing, engine, queries, sides
from hub.reconciliation.messages import DifferenceView, Found, Kind, Manner, Pair, Repair
from hub.returns import queries as stored
from hub.returns import service as returns
from hub.returns import states
from hub.returns.case import Ending
from hub.returns.messages import StoredReturn
from hub.sdk import Absent, Capability, Done, RateLimited, Refused, ReturnKey
from hub.sdk.messages import ChannelReturn, Page
from hub.work.messages import Matter, Owner
from hub.work.service import raise_matter
from tenants import queries as tenants
from tenants.queries import StoredConnection
from tenants.service import reach_of
from tenants.vendors import Vendors

GONE = "gone before it was repaired"


class OrderNeeded(Exception):  # noqa: N818 - it says the fact
    """What the return is can only be said with its order."""


class Fresh(NamedTuple):
    """The channel's side as it is now, and the order if it was needed to read it."""

    theirs: ChannelReturn | None
    looked: Looked | None = None


async def repair(vendors: Vendors, found: DifferenceView, *, actor: str) -> DifferenceView:
    """Repair a difference, once; one that was repaired or is gone is returned as it is.

    Raises `Unavailable` if the channel cannot be asked, `Conflict` while something of the return is on its way.
    """
    if found.repaired_at is not None or found.closed_at is not None:
        return found
    async with db.transaction(db.account(found.account_id)):
        connection = await tenants.connection(found.connection_id)
        held = await stored.load(found.account_id, found.return_id) if found.return_id else None
    fresh = Fresh(await _fetch(vendors, connection, sides.key_of(held) if held else sides.key_at_channel(found)))
    manner = _manner(vendors, connection)
    # The audit log is the platform's, so its scope it is; every query names the account.
    try:
        await db.attempt(db.PLATFORM, lambda: _repair(found, manner, fresh, actor))
    except OrderNeeded:
        fresh = Fresh(fresh.theirs, await _look(vendors, connection, found.account_id, fresh.theirs))
        await db.attempt(db.PLATFORM, lambda: _repair(found, manner, fresh, actor))
    async with db.transaction(db.account(found.account_id)):
        return await queries.difference(found.id) or found


def _manner(vendors: Vendors, connection: StoredConnection) -> Manner:
    able = vendors.connector(connection.connector).manifest.capabilities
    return Manner(since=connection.created_at, acknowledges=Capability.ACKNOWLEDGE in able, young=None)


async def _fetch(vendors: Vendors, connection: StoredConnection, key: ReturnKey) -> ChannelReturn | None:
    called = await vendors.call(
        reach_of(connection), "fetch", key, key=f"repair:{connection.id}", kind="repair", urgency=Urgency.USUAL
    )
    match called.outcome:
        case Done(result=ChannelReturn() as seen) if inbox.storable(Page(items=(seen,), cursor="", more=False)).items:
            return seen
        case Absent():
            return None
        case RateLimited(after_seconds=seconds):
            raise Unavailable("connection_limited", f"The vendor asks to wait {seconds:.0f} seconds; try again then.")
        case Refused(message=why):
            raise Unavailable("channel_unreachable", f"The channel cannot be asked for this return: {why}")
        case other:
            message = f"The channel could not be asked ({type(other).__name__}); nothing was done. Try again."
            raise Unavailable("channel_unreachable", message)


async def _look(
    vendors: Vendors, connection: StoredConnection, account_id: UUID, theirs: ChannelReturn | None
) -> Looked:
    number = theirs and (theirs.order_number or theirs.channel_order_number)
    source = Source(account_id=account_id, reach=reach_of(connection))
    return Looked(await find_order(vendors, source, number) if number else None)


async def _repair(difference: DifferenceView, manner: Manner, fresh: Fresh, actor: str) -> None:
    held = await queries.hold(difference.account_id, difference.id)
    if held is None:
        raise NotFound("difference_not_found", "There is no such difference.")
    if held.repaired_at is not None or held.closed_at is not None:
        return
    pair = await _pair(held, fresh.theirs)
    verdict = engine.compare(pair, manner, clock.now())
    if verdict.waits:
        raise Conflict("difference_on_its_way", "Something of this return is on its way; look again when it is done.")
    same = next((each for each in verdict.found if each.key == held.key), None)
    outcome, closes = (GONE, True) if same is None else await _act(Press(held, same, pair, fresh.looked, actor))
    await queries.repaired(held, actor, outcome, closes=closes, now=clock.now())
    await record(
        actor=actor, action="difference.repaired", subject=held.key, account_id=held.account_id,
        before={"cause": held.cause}, after={"outcome": outcome},
    )  # fmt: skip


async def _pair(held: DifferenceView, theirs: ChannelReturn | None) -> Pair:
    if theirs is not None:
        (pair,) = await sides.pairs(held.account_id, held.connection_id, [theirs])
        return pair
    ours = await stored.load(held.account_id, held.return_id) if held.return_id else None
    known = await sides.known(held.account_id, held.connection_id, [ours] if ours else [])
    return Pair(ours=known[0] if known else None, theirs=None)


class Press(NamedTuple):
    """A repair that is pressed: the difference as it was stored and as it is now, and who presses."""

    held: DifferenceView
    found: Found
    pair: Pair
    looked: Looked | None
    actor: str


async def _act(press: Press) -> tuple[str, bool]:
    """Do what repairs a difference; returns what came of it, and whether it is gone with that."""
    ours, theirs = press.pair.ours, press.pair.theirs
    match press.found.repair:
        case Repair.RECORD if theirs is not None:
            imported = await process.record_created_elsewhere(press.held.account_id, press.held.connection_id, theirs)
            return f"recorded as {imported.stored.number}" if imported.stored else f"left: {imported.why}", True
        case Repair.IMPORT if theirs is not None:
            return await _import(press, theirs), True
        case Repair.FOLLOW if ours is not None:
            return await _follow(press, ours.stored)
        case Repair.ACKNOWLEDGE if ours is not None:
            await process.acknowledge_again(ours.stored, actor=press.actor)
            return "it is looked up, and told again if the channel has no number of ours", False
        case Repair.SETTLE if ours is not None and await process.settle_again(ours.stored, actor=press.actor):
            return "it is looked up, and told again if the channel has no trace of it", False
    await _ask(press, ours.stored if ours else None)
    return "a person is asked", False


async def _import(press: Press, theirs: ChannelReturn) -> str:
    imported = await _take(press, theirs)
    if imported.outcome == "parked":
        # It waits where everything waits that needs a person or a set-up, and is tried again from there.
        page = inbox.incoming(Page(items=(theirs,), cursor="", more=False))
        await inbox_queries.store(press.held.account_id, press.held.connection_id, page, clock.now())
        return f"it waits in the inbox: {imported.why}"
    return f"imported as {imported.stored.number}" if imported.stored else f"nothing to import: {imported.why}"


async def _take(press: Press, theirs: ChannelReturn) -> Imported:
    imported = await process.import_channel_return(
        press.held.account_id, press.held.connection_id, theirs, press.looked
    )
    if imported.outcome == "order_needed":
        raise OrderNeeded
    return imported


async def _follow(press: Press, ours: StoredReturn) -> tuple[str, bool]:
    theirs = press.pair.theirs
    if theirs is None:
        await returns.apply(ours, states.cancel(ours.case, Ending.CHANNEL_CANCELED), actor=press.actor)
        await returns.release_canceled(ours)
    elif ours.external_id is None:
        # The channel has our number on a return that we never sent: it takes the place of ours.
        step = states.settled_elsewhere(ours.case)
        await returns.apply(ours, step, actor=press.actor, external_id=theirs.external_id)
    else:
        await _take(press, theirs)
    after = await returns.load(ours.account_id, ours.id)
    if press.found.money:
        await _ask(press, after)
    # Quantities that it was too late to take over go on to differ, and a person is asked.
    return f"followed: it is {after.status} here", press.found.kind is not Kind.QUANTITY


async def _ask(press: Press, ours: StoredReturn | None) -> None:
    """Ask a person, with what both sides say; where money may have moved, the return is marked as in conflict."""
    shown = sides.subject(press.held.account_id, press.held.connection_id, press.pair)
    matter = Matter(
        key=comparing.matter_key(press.found.key),
        kind="channel_differs",
        owner=Owner.ACCOUNT,
        return_id=ours.id if ours else None,
        summary=press.found.cause,
        detail={"ours": shown.ours, "theirs": shown.theirs, "difference_id": str(press.held.id)},
    )
    await raise_matter(press.held.account_id, matter)
    if press.found.money and ours is not None:
        await returns.apply(ours, states.conflict(ours.case, press.found.cause), actor=press.actor)
