"""Poll connections that are due, try again what could not be handled, and link what nobody knew."""

from uuid import UUID

import msgspec

from hub.audit.service import record
from hub.inbox import queries
from hub.inbox.handler import Handler, Import, TakeRefusal, find_order
from hub.inbox.messages import LinkedView, Source
from hub.inbox.polling import LEASE, Poll
from hub.initiation import linking
from hub.initiation import queries as initiation
from hub.initiation.engine import match
from hub.initiation.messages import Link, NewLink
from hub.initiation.service import NOT_COVERED
from hub.kit import clock, db, queue
from hub.kit.errors import Invalid, NotFound
from hub.kit.telemetry import INBOX_WAITING
from hub.sdk import ChannelReturn, Order, Phase
from hub.work.service import settle_matter
from tenants import queries as tenants
from tenants.service import reach_of
from tenants.vendors import Vendors

JOB = "poll"
SWEEP = 100


class Poller:
    """Polls connections, and hands on what came: see `Handler` for `take` and `take_refusal`."""

    def __init__(self, vendors: Vendors, take: Import, take_refusal: TakeRefusal | None = None) -> None:
        self._vendors = vendors
        self.handler = Handler(vendors, take, take_refusal)

    async def poll(self, connection_id: str) -> None:
        """Read what is new at a connection that is due, and hand it on."""
        now = clock.now()
        async with db.transaction(db.PLATFORM):
            claim = await queries.claim(UUID(connection_id), now + LEASE, now)
        if claim is not None:
            await Poll(self._vendors, self.handler, claim).run()


async def try_again(account_id: UUID, connection_id: UUID, *, by: str) -> None:
    """Let what was parked, and what the hub failed on, be handed on once more by the next poll."""
    async with db.transaction(db.account(account_id)):
        for message_id, subject in await queries.unpark(account_id, connection_id, NOT_COVERED):
            keys = [f"{why}:{connection_id}:{subject}" for why in ("parked", "unlinked")]
            for key in (*keys, f"quarantined:{message_id}"):
                await settle_matter(account_id, key, by=by, resolution="tried again")
    await hasten(connection_id)


async def link(
    handler: Handler, scope: db.Scope, message_id: UUID, lines: tuple[NewLink, ...], *, by: str
) -> LinkedView:
    """Say which products lines of a parked channel return are, and hand it on; raises `NotFound` or `Invalid`.

    Products are compared with the order where the channel tells it.
    """
    async with db.transaction(scope):
        found = await queries.parked(scope.account, message_id)
        if found is None:
            raise NotFound("message_not_found", "There is no such parked message.")
        owner, connection_id, body = found
        connection = await tenants.connection(connection_id)
    seen = msgspec.json.decode(body, type=ChannelReturn)
    source = Source(account_id=owner, reach=reach_of(connection))
    number = seen.order_number or seen.channel_order_number
    order = await find_order(handler.vendors, source, number) if number else None
    links = [_link(seen, order, line, by) for line in lines]
    # The audit log is the platform's, so its scope it is; every query names the account.
    async with db.transaction(db.PLATFORM):
        await initiation.store_links(owner, connection_id, seen.external_id, links, by=by, now=clock.now())
        await record(actor=by, action="return.lines_linked", subject=seen.external_id, account_id=owner, after=links)
        waiting = await queries.take_up(owner, message_id)
    if waiting is not None:
        await handler.handle(source, waiting)
    async with db.transaction(db.account(owner)):
        became = await queries.outcome(owner, message_id)
    if became is None:
        raise NotFound("message_not_found", "There is no such parked message.")
    return became


def _link(seen: ChannelReturn, order: Order | None, new: NewLink, by: str) -> Link:
    if new.position > len(seen.lines) or not linking.comes_here(seen.lines[new.position - 1]):
        raise Invalid("position_unknown", f"This return has no line {new.position} that comes back here.")
    reference = new.order_line
    if order is not None:
        reference = match(order, new.sku, new.order_line).reference
    shown = linking.shown(seen.lines[new.position - 1])
    return Link(position=new.position, sku=new.sku, order_line=reference, linked_by=by, shown=shown)


async def sweep() -> int:
    """Ring for every connection whose poll is due."""
    async with db.transaction(db.PLATFORM):
        found = await queries.due(clock.now(), SWEEP)
    for connection_id, since in found:
        await ring(connection_id, since.timestamp())
    return len(found)


async def ring(connection_id: UUID, since: float) -> None:
    """Ring for one connection's poll."""
    text = str(connection_id)
    await queue.ring(Phase.INITIATION, JOB, (text,), flow=f"poll:{text}", token=f"poll:{text}:{since:.6f}")


async def hasten(connection_id: UUID) -> bool:
    """Poll a connection as soon as possible; false if it is not one that is polled."""
    now = clock.now()
    async with db.transaction(db.PLATFORM):
        polled = await queries.hasten(connection_id, now)
    if polled:
        await ring(connection_id, now.timestamp())
    return polled


async def measure() -> None:
    """Set the gauge of this room."""
    async with db.transaction(db.PLATFORM):
        INBOX_WAITING.set(await queries.count_waiting())
