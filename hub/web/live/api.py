"""`/live/events`: what moved among the returns that a visitor may see, from a place in the feed on."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import Any, cast

import msgspec
from litestar import Controller, get
from litestar.params import FromQuery
from litestar.response import Stream

from hub.api.access import scope_of
from hub.api.guards import may
from hub.kit import db
from hub.outbox import messages as feed
from hub.outbox import queries
from hub.outbox.messages import Cursor, Move
from hub.web.live import wire
from hub.web.live.streams import Streams
from hub.web.live.watch import Watch
from hub.web.visitors import Visit, who_looks
from tenants.messages import Principal

PATH = "/live/events"
# Shorter than what proxies take for silence.
HEARTBEAT_SECONDS = 15.0
# A stream ends after a while and the browser comes again, so that no right outlives its end for longer.
LONGEST_SECONDS = 600.0
RETRY_MILLISECONDS = 2_000


class Live(msgspec.Struct, frozen=True):
    """What the streams of a process share; kept in the application's state."""

    streams: Streams
    watch: Watch


class Events(Controller):
    """The stream."""

    path = PATH
    include_in_schema = False
    guards = (may("live.read"),)

    @get("/")
    async def follow(self, request: Visit, after: FromQuery[str | None] = None) -> Stream:
        """Send what moves from now on, or after a cursor; a browser that comes again goes on where it was."""
        visitor = cast("Principal", request.user)
        live: Live = request.app.state.live
        kept = request.headers.get("last-event-id") or after
        cursor = feed.read(kept) if kept else await here()

        async def still() -> Principal | None:
            now, _ = await who_looks(request)
            # Whoever acts as somebody else by now sees something else.
            return now if now == visitor else None

        # Counted before the answer begins, so that one too many is told so.
        body = opened(live, visitor, cursor, still)
        first = await anext(body)
        return Stream(_from(first, body), media_type=wire.MEDIA_TYPE, headers={"x-accel-buffering": "no"})


async def here() -> Cursor:
    """Return the place of now in the feed: a page takes it before it reads what it shows."""
    async with db.transaction(db.PLATFORM):
        return await queries.end()


async def address() -> str:
    """Return the address of a stream that tells whatever a page that is made now will not show."""
    return f"{PATH}?after={feed.written(await here())}"


async def opened(
    live: Live, visitor: Principal, cursor: Cursor, still: Callable[[], Awaitable[Principal | None]]
) -> AsyncGenerator[bytes, None]:
    """Yield a visitor's stream; it ends with the process, with the visitor's right to look, and after ten minutes."""
    streams = live.streams
    end = asyncio.get_running_loop().time() + LONGEST_SECONDS
    with streams.enter(visitor.id):
        yield wire.retry(RETRY_MILLISECONDS)
        told, looked = cursor, -1
        while not streams.ending and asyncio.get_running_loop().time() < end and await still() is not None:
            turn = streams.turn
            moves = await live.watch.since(cursor) if turn != looked else []
            for each, number in await seen(moves, visitor):
                told = each.cursor
                yield wire.message(_hint(each, number), cursor=feed.written(told))
            if moves:
                # There may be more than one look reads.
                cursor = moves[-1].cursor
                continue
            looked = turn
            if not await streams.moved(looked, HEARTBEAT_SECONDS) and not streams.ending:
                # What others' returns did is skipped for good.
                yield wire.message({}, cursor=feed.written(cursor)) if cursor != told else wire.HEARTBEAT
                told = cursor


async def seen(moves: list[Move], visitor: Principal) -> list[tuple[Move, str]]:
    """Return those moves whose return the visitor may see, each with the return's number."""
    if not moves:
        return []
    async with db.transaction(scope_of(visitor)):
        numbers = await queries.numbers(
            list({move.return_id for move in moves}),
            account_id=visitor.account_id,
            partner_id=visitor.partner_id,
            warehouse_id=visitor.warehouse_id,
        )
    return [(move, numbers[move.return_id]) for move in moves if move.return_id in numbers]


def _hint(move: Move, number: str) -> dict[str, Any]:
    return {"type": move.type, "return_number": number, "at": move.at}


async def _from(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for each in rest:
        yield each
