"""Live events: who is told what, from where on, how many may listen, and how it ends."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.kit import db
from hub.kit.errors import Malformed
from hub.outbox import messages as feed
from hub.outbox import queries
from hub.outbox.messages import Cursor
from hub.web.live import api, wire
from hub.web.live.api import Live
from hub.web.live.streams import MOST_EACH, Streams, TooMany
from hub.web.live.watch import KEPT, Watch
from tenants.keys.messages import NewKey
from tenants.keys.service import create_key, holder, revoke_key
from tenants.messages import Principal, Role
from tenants.people.sessions import service as sessions
from tenants.people.sessions.messages import Method, Origin
from tests.pages.reading import PageRead
from tests.pages.visiting import user
from tests.support.parties import partner_of
from tests.support.world import ACTOR, Shop, World


def read(block: bytes) -> tuple[str, Any]:
    """What a browser makes of one block of a stream: the last event's id, and the data."""
    cursor, data = "", []
    for line in block.decode().removesuffix("\n\n").split("\n"):
        name, _, value = line.partition(": ")
        cursor = value if name == "id" else cursor
        data += [value] if name == "data" else []
    return cursor, json.loads("\n".join(data)) if data else None


@pytest.fixture
def live() -> Live:
    return Live(streams := Streams(most=4, most_each=2), Watch(streams))


async def principal(world: World, role: Role, **owner: Any) -> Principal:
    found = await holder((await world.made_key(role, **owner)).prefix)
    assert found is not None
    return found


def opened(live: Live, visitor: Principal, cursor: Cursor) -> AsyncGenerator[bytes, None]:
    async def still() -> Principal:
        return visitor

    return api.opened(live, visitor, cursor, still)


async def told(stream: AsyncIterator[bytes], live: Live, many: int) -> list[dict[str, Any]]:
    """The next events of a stream."""
    found: list[dict[str, Any]] = []
    while len(found) < many:
        await live.watch.look()
        _, data = read(await anext(stream))
        found += [data] if data else []
    return found


# -- who is told what


async def test_a_visitor_is_told_what_moves_among_their_own_returns_and_nothing_of_others(
    world: World, live: Live
) -> None:
    mine, other = await world.shop("mine"), await world.shop("other")
    visitors = {
        "account": await principal(world, Role.ACCOUNT, account_id=mine.account),
        "warehouse": await principal(world, Role.WAREHOUSE, warehouse_id=mine.warehouse),
        "platform": await principal(world, Role.PLATFORM),
    }
    begin = await api.here()
    theirs = await world.channel_return(other, "O-1", {"SHIRT": 1})
    ours = await world.channel_return(mine, "O-2", {"SHIRT": 1})
    expected = {
        "account": [ours.number],
        "warehouse": [ours.number],
        "platform": [theirs.number, ours.number],
    }
    for name, visitor in visitors.items():
        async with aclosing(opened(live, visitor, begin)) as stream:
            events = await told(stream, live, len(expected[name]))
        assert [event["return_number"] for event in events] == expected[name]
        assert {event["type"] for event in events} == {"return.initiated"}
        # A hint and no content.
        assert all(event.keys() == {"type", "return_number", "at"} for event in events)


async def test_a_partner_is_told_what_moves_at_its_own_warehouses(world: World, live: Live) -> None:
    mine, other = await world.shop("mine"), await world.shop("other")
    partner = await partner_of(world, "Dock", mine)
    begin = await api.here()
    await world.channel_return(other, "O-1", {"SHIRT": 1})
    ours = await world.channel_return(mine, "O-2", {"SHIRT": 1})
    visitor = await principal(world, Role.PARTNER, partner_id=partner.id)
    async with aclosing(opened(live, visitor, begin)) as stream:
        (event,) = await told(stream, live, 1)
    assert event["return_number"] == ours.number


async def test_a_stream_goes_on_behind_the_cursor_it_is_given(world: World, live: Live) -> None:
    shop = await world.shop()
    visitor = await principal(world, Role.ACCOUNT, account_id=shop.account)
    begin = await api.here()
    first = await world.channel_return(shop, "O-1", {"SHIRT": 1})
    async with aclosing(opened(live, visitor, begin)) as stream:
        await anext(stream)
        await live.watch.look()
        cursor, data = read(await anext(stream))
        assert data["return_number"] == first.number
    second = await world.channel_return(shop, "O-2", {"SHIRT": 1})
    async with aclosing(opened(live, visitor, feed.read(cursor))) as stream:
        (event,) = await told(stream, live, 1)
    assert event["return_number"] == second.number


async def test_the_end_of_the_feed_is_behind_all_that_can_be_read_and_before_all_that_comes(world: World) -> None:
    shop = await world.shop()
    assert await api.here() == feed.BEGIN
    await world.channel_return(shop, "O-1", {"SHIRT": 1})
    end = await api.here()
    async with db.transaction(db.PLATFORM):
        assert await queries.moves(end, 10) == []
    await world.channel_return(shop, "O-2", {"SHIRT": 1})
    async with db.transaction(db.PLATFORM):
        assert [move.type for move in await queries.moves(end, 10)] == ["return.initiated"]


async def test_a_key_that_is_revoked_hears_nothing_any_more(world: World, live: Live) -> None:
    shop = await world.shop()
    made = await create_key(NewKey(name="k", role=Role.ACCOUNT, account_id=shop.account), actor=ACTOR)
    visitor = await holder(made.prefix)
    assert visitor is not None
    stream = api.opened(live, visitor, await api.here(), lambda: holder(made.prefix))
    await anext(stream)
    await live.watch.look()
    await revoke_key(made.id, actor=ACTOR)
    await world.channel_return(shop, "O-1", {"SHIRT": 1})
    await live.watch.look()
    with pytest.raises(StopAsyncIteration):
        await anext(stream)
    assert live.streams.open == 0


async def test_a_silent_stream_is_kept_open_and_learns_how_far_the_feed_was_read(
    world: World, live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "HEARTBEAT_SECONDS", 0.01)
    mine, other = await world.shop("mine"), await world.shop("other")
    visitor = await principal(world, Role.ACCOUNT, account_id=mine.account)
    async with aclosing(opened(live, visitor, await api.here())) as stream:
        await anext(stream)
        await live.watch.look()
        assert await anext(stream) == wire.HEARTBEAT
        await world.channel_return(other, "O-1", {"SHIRT": 1})
        await live.watch.look()
        cursor, data = read(await anext(stream))
        assert data == {}
        assert feed.read(cursor) == await api.here()
        assert await anext(stream) == wire.HEARTBEAT


async def test_what_moved_is_read_once_for_all_streams_and_again_only_by_who_is_far_behind(
    world: World, live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = await world.shop()
    begin = await api.here()
    old = await world.channel_return(shop, "O-1", {"SHIRT": 1})
    asked: list[Cursor] = []
    ask = queries.moves

    async def counted(after: Cursor, limit: int) -> Any:
        asked.append(after)
        return await ask(after, limit)

    monkeypatch.setattr(queries, "moves", counted)
    with live.streams.enter("somebody"):
        await live.watch.look()
        here = await api.here()
        await world.channel_return(shop, "O-2", {"SHIRT": 1})
        await live.watch.look()
        assert len(asked) == 1
        assert [move.type for move in await live.watch.since(here)] == ["return.initiated"]
        assert len(asked) == 1
        assert next(iter(await live.watch.since(begin))).return_id == old.id
        assert asked == [here, begin]
    await live.watch.look()
    assert len(asked) == 2, "nobody listens, so nobody looks"


def test_what_is_kept_of_the_feed_is_bounded_and_says_from_where_on_it_is_whole() -> None:
    watch = Watch(Streams())
    watch._begin(feed.BEGIN)
    moves = [
        feed.Move(tx=tx, id=UUID(int=tx), return_id=UUID(int=1), type="t", at=datetime.now(UTC))
        for tx in range(1, KEPT + 11)
    ]
    watch._keep(moves)
    assert len(watch._kept) == KEPT
    assert watch._from == (10, UUID(int=10))
    assert watch._kept[0].tx == 11


# -- how many, and how it ends


def test_streams_are_few_for_each_visitor_and_bounded_together() -> None:
    streams = Streams(most=3, most_each=2)
    with streams.enter("a"), streams.enter("a"):
        with pytest.raises(TooMany), streams.enter("a"):
            pass
        with streams.enter("b"):
            assert streams.open == 3
            with pytest.raises(TooMany), streams.enter("c"):
                pass
        with streams.enter("c"):
            pass
    assert streams.open == 0
    assert not streams._held, "a visitor who left is remembered"


async def test_what_moves_while_a_stream_looks_is_not_missed() -> None:
    streams = Streams()
    before = streams.turn
    streams.wake()
    assert await streams.moved(before, 60)
    assert not await streams.moved(streams.turn, 0.001)


async def test_the_end_of_the_process_ends_every_stream_at_once(world: World, live: Live) -> None:
    visitor = await principal(world, Role.PLATFORM)
    stream = opened(live, visitor, await api.here())
    await anext(stream)
    waiting = asyncio.ensure_future(anext(stream, None))
    await asyncio.sleep(0)
    live.streams.end()
    assert await asyncio.wait_for(waiting, 5) is None
    assert live.streams.open == 0
    late = opened(live, visitor, feed.BEGIN)
    await anext(late)
    assert await anext(late, None) is None


# -- the format


@given(
    st.dictionaries(st.text(max_size=8), st.text(max_size=20) | st.integers() | st.none(), max_size=4),
    st.text(max_size=30),
)
def test_whatever_is_told_arrives_as_one_event(data: dict[str, Any], cursor: str) -> None:
    block = wire.message(data, cursor=cursor).decode()
    assert block.endswith("\n\n")
    assert "\n\n" not in block[:-2]
    assert all(line.startswith(("id: ", "data: ")) for line in block[:-2].split("\n"))
    assert read(block.encode())[1] == json.loads(json.dumps(data))


@given(st.integers(0, 10**18 - 1), st.uuids())
def test_a_cursor_that_was_given_can_be_read(tx: int, last: UUID) -> None:
    assert feed.read(feed.written((tx, last))) == (tx, last)


@pytest.mark.parametrize(
    "text", ["", "-", "1-", "-1-x", "1-\n", "9" * 19 + f"-{UUID(int=0)}", f"1-{UUID(int=0)}x", "1'--"]
)
def test_a_cursor_that_was_not_given_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        feed.read(text)


# -- the address


async def entered(client: httpx.AsyncClient, key: str) -> None:
    page = PageRead((await client.get("/sign-in/key")).text)
    form = page.form("/sign-in/key")
    await client.post("/sign-in/key", data={**form.fields, "key": key})


async def test_a_browser_hears_what_happens_and_after_a_break_what_it_missed(world: World, site: str) -> None:
    shop: Shop = await world.shop()
    async with httpx.AsyncClient(base_url=site, headers={"accept": "text/html"}, timeout=10) as client:
        await entered(client, await world.api_key(Role.ACCOUNT, account_id=shop.account))
        async with client.stream("GET", "/live/events") as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            assert answer.headers["cache-control"] == "no-store"
            lines = answer.aiter_lines()
            assert await anext(lines) == f"retry: {api.RETRY_MILLISECONDS}"
            first = await world.channel_return(shop, "O-1", {"SHIRT": 1})
            cursor, number = await _heard(lines)
            assert number == first.number
        second = await world.channel_return(shop, "O-2", {"SHIRT": 1})
        async with client.stream("GET", "/live/events", headers={"last-event-id": cursor}) as answer:
            assert (await _heard(answer.aiter_lines()))[1] == second.number


async def _heard(lines: AsyncIterator[str]) -> tuple[str, str]:
    cursor = ""
    async for line in lines:
        cursor = line.removeprefix("id: ") if line.startswith("id: ") else cursor
        if line.startswith("data: ") and "return_number" in line:
            return cursor, json.loads(line.removeprefix("data: "))["return_number"]
    raise AssertionError("the stream ended")


async def test_a_stream_ends_with_the_session_in_which_it_was_opened(world: World, site: str) -> None:
    shop = await world.shop()
    made = await user("ann@shop.example", Role.ACCOUNT_VIEWER, password=None, account_id=shop.account)
    async with db.transaction(db.PLATFORM):
        token = await sessions.begin(Origin(), Method.PASSKEY, user_id=made.id, strong=True)
    async with httpx.AsyncClient(base_url=site, cookies={"hub_signed_in": token}, timeout=10) as client:
        async with client.stream("GET", "/live/events") as answer:
            lines = answer.aiter_lines()
            first = await world.channel_return(shop, "O-1", {"SHIRT": 1})
            assert (await _heard(lines))[1] == first.number
            await sessions.end_all(made.id)
            await world.channel_return(shop, "O-2", {"SHIRT": 1})
            assert [line async for line in lines if line.startswith("data: ")] == []
        assert (await client.get("/live/events")).status_code == 401


async def test_a_stranger_hears_nothing_and_one_page_too_many_is_told_so(world: World, site: str) -> None:
    async with httpx.AsyncClient(base_url=site, timeout=10) as client:
        assert (await client.get("/live/events")).status_code == 401
        await entered(client, await world.api_key())
        assert (await client.get("/live/events?after=rubbish")).json()["title"] == "cursor_invalid"
        streams = [client.stream("GET", "/live/events") for _ in range(MOST_EACH)]
        answers = [await each.__aenter__() for each in streams]
        assert {answer.status_code for answer in answers} == {200}
        refused = await client.get("/live/events")
        assert (refused.status_code, refused.json()["title"]) == (429, "too_many_streams")
        for each in streams:
            await each.__aexit__(None, None, None)
