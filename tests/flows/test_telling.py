"""The timeline of a return and the feed of events tell the whole road, in order, and skip nothing."""

import asyncio
from contextlib import AsyncExitStack
from uuid import UUID

import pytest

from hub import persons
from hub.kit import db
from hub.kit.errors import Conflict
from hub.kit.ids import new_id
from hub.outbox import queries as outbox
from hub.outbox.messages import EventView
from tests.support.judge import broken_rules, events_of
from tests.support.world import Shop, World

ROAD = [
    "return.initiated",
    "return.acknowledged",
    "return.received",
    "return.received",
    "return.finalised",
    "return.decided",
    "settlement.sent",
    "return.settled",
]


async def feed(account: UUID | None, cursor: tuple[int, UUID] | None = None, *, limit: int = 200) -> list[EventView]:
    async with db.transaction(db.account(account) if account else db.PLATFORM):
        return await outbox.events(account, cursor, limit)


def place(event: EventView) -> tuple[int, UUID]:
    tx, _, last = event.cursor.partition("-")
    return int(tx), UUID(last)


async def test_the_timeline_and_the_feed_tell_the_road_in_order(world: World) -> None:
    shop = await world.shop()
    stored = await world.channel_return(shop, "SO-1", {"SHOE": 2})
    await world.work()
    await world.receive(shop, stored.number, [("SHOE", 1, "A")], finalise=False)
    await world.receive(shop, stored.number, [("SHOE", 1, "D")])
    await world.work()
    assert await events_of(stored) == ROAD
    told = await feed(shop.account)
    assert [event.type for event in told] == ROAD
    assert {event.return_id for event in told} == {stored.id}
    assert told[-1].body == {
        "return_number": stored.number, "kind": "channel", "status": "completed", "units": 1,
    }  # fmt: skip
    assert [event.at for event in told] == sorted(event.at for event in told)
    assert await broken_rules() == {}


async def test_a_feed_read_in_pages_of_one_tells_the_same(world: World) -> None:
    shop = await world.shop()
    for order in ("SO-1", "SO-2"):
        stored = await world.merchant_return(shop, order, {"SHOE": 1})
        await world.receive(shop, stored.number, [("SHOE", 1, "A")])
    await world.work()
    whole = await feed(shop.account)
    cursor, pages = None, []
    while page := await feed(shop.account, cursor, limit=1):
        pages += page
        cursor = place(page[-1])
    assert pages == whole
    assert len({event.id for event in whole}) == 12


async def test_an_account_reads_no_event_of_another(world: World) -> None:
    ours, theirs = await world.shop(), await world.shop()
    await world.merchant_return(ours, "SO-1", {"SHOE": 1})
    await world.merchant_return(theirs, "SO-1", {"SHOE": 1})
    assert {event.account_id for event in await feed(ours.account)} == {ours.account}
    assert {event.account_id for event in await feed(None)} == {ours.account, theirs.account}


async def write(shop: Shop, name: str) -> None:
    await db.execute(
        "insert into outbox (account_id, id, type, body, at) values ($1, $2, $3, '{}', now())",
        shop.account, new_id(), name,
    )  # fmt: skip


async def test_an_event_that_was_written_early_and_committed_late_is_not_skipped(world: World) -> None:
    """A reader follows the feed while a slow transaction holds its event back and quick ones overtake it."""
    shop = await world.shop()
    written, committed = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        async with db.transaction(db.account(shop.account)):
            await write(shop, "slow")
            written.set()
            await committed.wait()

    async with AsyncExitStack() as stack:
        task = asyncio.create_task(slow())
        stack.callback(committed.set)
        await written.wait()
        seen: list[EventView] = []
        for number in range(5):
            async with db.transaction(db.account(shop.account)):
                await write(shop, f"quick {number}")
            seen += await feed(shop.account, place(seen[-1]) if seen else None)
        assert seen == []
        committed.set()
        await task
        seen += await feed(shop.account)
        async with db.transaction(db.account(shop.account)):
            await write(shop, "after")
        seen += await feed(shop.account, place(seen[-1]))
    assert [event.type for event in seen] == ["slow", *(f"quick {number}" for number in range(5)), "after"]


async def test_a_reader_who_follows_while_many_write_sees_every_event_once(world: World) -> None:
    shop = await world.shop()
    stop = asyncio.Event()

    async def one(number: int) -> None:
        async with db.transaction(db.account(shop.account)):
            await write(shop, f"{number}")
            await asyncio.sleep(0.001 * (number % 7))

    async def follow() -> list[EventView]:
        seen: list[EventView] = []
        while True:
            last = stop.is_set()
            page = await feed(shop.account, place(seen[-1]) if seen else None, limit=3)
            seen += page
            if last and not page:
                return seen

    reader = asyncio.create_task(follow())
    for batch in range(6):
        await asyncio.gather(*(one(10 * batch + number) for number in range(10)))
    stop.set()
    seen = await reader
    assert sorted(int(event.type) for event in seen) == list(range(60))


async def test_a_command_that_is_refused_tells_nothing(world: World) -> None:
    shop = await world.shop()
    stored = await world.merchant_return(shop, "SO-1", {"SHOE": 1})
    before = await feed(shop.account)
    with pytest.raises(Conflict):
        await persons.settle(shop.account, stored.id, actor="a person")
    assert await feed(shop.account) == before
