"""The demonstration's live page: what it makes of what the hub and the ledger say, and how it looks."""

import asyncio
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from playwright.async_api import Browser, Page, expect

from hub.demo import board as boards
from hub.demo import page as pages
from hub.demo.board import ORDER, STAGE_OF, Board, Seen, Stage, board, told
from hub.demo.command import MOST_LATE, arrived, boxes
from hub.demo.doors import Door
from hub.demo.follower import Follower
from hub.demo.page import Face, Showing, application
from hub.demo.plan import STORIES, Case, Merchant, merchants
from hub.demo.sandbox import Sandbox
from hub.returns.case import Status
from hub.sdk.messages import Kind
from hub.web.live.streams import Streams
from tests.pages.checking import check
from tests.support.world import World

PLAN = merchants(8)
SEEN = st.lists(
    st.builds(
        Seen,
        number=st.uuids().map(str),
        kind=st.sampled_from(Kind),
        status=st.sampled_from(Status),
        merchant=st.integers(1, 2),
    ),
    max_size=30,
)


def event(number: str, status: str, **body: Any) -> dict[str, Any]:
    return {"body": {"return_number": number, "kind": "channel", "status": status, **body}}


def operation(effect: str, state: str, *, attempt: int = 0, why: str | None = None, at: str | None = None) -> Any:
    return {"effect": effect, "state": state, "attempt": attempt, "why": why, "next_at": at}


# -- the picture


def test_every_status_of_a_return_has_its_place_on_the_road() -> None:
    assert set(STAGE_OF) == set(Status)


@given(SEEN)
def test_nobody_is_counted_twice_and_whoever_came_far_came_past_what_lies_before(seen: list[Seen]) -> None:
    shown = board(PLAN, seen, {}, (), ())
    assert sum(shown.now.values()) == len(seen) == sum(len(dots) for dots in shown.dots.values())
    counts = [shown.reached[stage] for stage in ORDER]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] == len(seen)
    for stage in ORDER:
        assert sum(lane.reached[stage] for road in shown.roads for lane in road.lanes) == shown.reached[stage]


def test_a_return_stands_where_its_last_event_left_it_and_a_stranger_is_left_out() -> None:
    seen: dict[str, Seen] = {}
    order = PLAN[1].cases[0].order
    told(seen, PLAN, event("R1", "expected", order_number=order))
    told(seen, PLAN, event("R1", "partially_received"))
    told(seen, PLAN, event("R2", "expected", order_number="somebody else's"))
    told(seen, PLAN, event("R3", "completed"))
    assert list(seen) == ["R1"]
    assert (seen["R1"].merchant, seen["R1"].stage) == (2, Stage.RECEIVED)


def test_refunds_are_what_the_ledger_adds_up_to() -> None:
    ledgers = {
        PLAN[0].tenant: [{"quantity": 2, "amount": "0.10"}, {"quantity": 1, "amount": "0.20"}],
        PLAN[1].tenant: [],
    }
    shown = board(PLAN, (), ledgers, (), ())
    assert (shown.refunds.entries, shown.refunds.units, str(shown.refunds.amount)) == (2, 3, "0.30")
    assert shown.roads[1].refunds.entries == 0


def test_what_waits_is_told_once_for_each_reason() -> None:
    soon, later = "2026-11-24T10:00:00Z", "2026-11-24T11:00:00Z"
    operations = [
        operation("settle", "unknown", why="the vendor answered 500", at=later),
        operation("settle", "unknown", why="the vendor answered 500", at=soon),
        operation("settle", "ready"),
        operation("settle", "ready", attempt=1, why="no answer", at=soon),
    ]
    items = [{"kind": "over", "summary": "R1: more arrived"}, {"kind": "over", "summary": "R2: more arrived"}]
    seen = [
        Seen(number="R1", kind=Kind.CHANNEL, status=Status.EXPECTED, merchant=1),
        Seen(number="R2", kind=Kind.CHANNEL, status=Status.PARTIALLY_RECEIVED, merchant=1),
    ]
    shown = board(PLAN, seen, {}, operations, items)
    assert [(wait.kind, wait.count, wait.why) for wait in shown.waits] == [
        ("goods", 1, ""),
        ("rest", 1, ""),
        ("settle_again", 1, "no answer"),
        ("settle_ready", 1, ""),
        ("settle_unknown", 2, "the vendor answered 500"),
        ("person", 2, "R1: more arrived"),
    ]
    assert shown.waits[4].at == datetime(2026, 11, 24, 10, tzinfo=UTC)
    assert shown.people == 2


# -- the pace


@given(st.integers(1, 40), st.floats(0, 1000), st.floats(0.1, 1000))
def test_goods_arrive_one_after_the_other_and_none_goes_back(size: int, seconds: float, over: float) -> None:
    cases = merchants(size)[0].cases
    before, after = arrived(cases, seconds, over), arrived(cases, seconds * 1.5, over)
    assert all(0 <= before[case.order] <= after[case.order] <= boxes(case) for case in cases)
    everything = {case.order: boxes(case) for case in cases}
    assert arrived(cases, over * MOST_LATE, over) == arrived(cases, 0, 0) == everything


# -- the follower, with a real hub


async def test_the_follower_sees_what_the_hubs_feed_and_the_vendors_ledger_tell(
    world: World, api: httpx.AsyncClient
) -> None:
    shop = await world.shop()
    case = Case(kind=Kind.CHANNEL, order="O-1", channel_return="CR-O-1", marketplace=11, story=STORIES[0])
    plan = (Merchant(name="Shop", tenant=shop.tenant, receiving="return_hub", warehouse="here", cases=(case,)),)
    streams = Streams()
    key = await world.api_key()
    follower = Follower(api, Sandbox(world.vendor.control), plan, key=key, streams=streams)
    await follower.look()
    assert follower.board.planned == 1
    assert follower.board.reached[Stage.SETTLED] == 0
    turn = streams.turn
    stored = await world.channel_return(shop, "O-1", {"SHIRT": 2})
    await follower.look()
    assert follower.board.now[Stage.INITIATED] == 1
    assert streams.turn == turn + 1
    await world.receive(shop, stored.number, [("SHIRT", 2, "A")])
    await world.work_until_quiet()
    await follower.look()
    assert follower.board.done
    assert follower.board.waits == ()
    assert (follower.board.refunds.entries, str(follower.board.refunds.amount)) == (1, "20.00")
    turn = streams.turn
    await follower.look()
    assert streams.turn == turn, "nothing changed, and nobody is woken"


# -- the page


class Painted:
    """A follower whose picture a test paints."""

    def __init__(self, shown: Board) -> None:
        self.board = shown


HOSTILE = "<script>alert('x')</script>"


def painting(many: int) -> Board:
    statuses = [Status.EXPECTED, Status.PARTIALLY_RECEIVED, Status.PROCESSED, Status.COMPLETED]
    seen = [
        Seen(number=f"R{place:04}", kind=Kind.CHANNEL, status=statuses[place % 4], merchant=1 + place % 2)
        for place in range(many)
    ]
    plan = (msgspec.structs.replace(PLAN[0], name=HOSTILE), PLAN[1])
    waiting = [operation("settle", "unknown", why=HOSTILE, at="2026-11-24T10:00:00Z")]
    ledgers = {PLAN[0].tenant: [{"quantity": 2, "amount": "1799.50"}]}
    return board(plan, seen, ledgers, waiting, [{"kind": "over", "summary": HOSTILE}])


@pytest.fixture
def showing() -> Showing:
    doors = (
        Door(role="platform", name="API reference", href="http://127.0.0.1:1/reference", key="hub_p" + "x" * 50),
        Door(role="warehouse", name=HOSTILE, href="http://127.0.0.1:1/", sign_in="http://127.0.0.1:1/enter"),
    )
    painted: Any = Painted(painting(16))
    return Showing(painted, Streams(), Face(hub="http://127.0.0.1:1", doors=doors))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
async def address(showing: Showing) -> AsyncIterator[str]:
    port = free_port()
    # The page answers to its own port only.
    async with pages.served(showing, host="127.0.0.1", port=port):
        yield f"http://127.0.0.1:{port}"


async def test_the_live_page_is_readable_and_usable_by_everybody(
    browser: Browser, address: str, tmp_path: Path
) -> None:
    context = await browser.new_context(base_url=address, reduced_motion="reduce", bypass_csp=True)
    page: Page = await context.new_page()
    said: list[str] = []
    page.on("pageerror", lambda fault: said.append(str(fault)))
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    await page.goto("/")
    await check(page, "road", tmp_path)
    assert said == []
    await context.close()


async def test_the_page_moves_as_the_returns_do(browser: Browser, address: str, showing: Showing) -> None:
    context = await browser.new_context(base_url=address, reduced_motion="no-preference")
    page: Page = await context.new_page()
    await page.goto("/")
    await expect(page.locator(".stage-settled .dots li")).to_have_count(4)
    painted: Any = showing.follower
    painted.board = painting(24)
    showing.face.agrees = True
    while not showing.streams.open:  # noqa: ASYNC110 - the browser opens it in its own time
        await asyncio.sleep(0.01)
    showing.streams.wake()
    await expect(page.locator(".stage-settled .dots li")).to_have_count(6)
    await expect(page.locator("[data-figure=now-settled]")).to_have_text("6")
    await expect(page.get_by_text("The ledger agrees in every line")).to_be_visible()
    assert await page.title() == "6/16 · The road of returns"
    await context.close()


async def test_without_scripts_it_is_a_table_that_loads_itself_again(browser: Browser, address: str) -> None:
    context = await browser.new_context(base_url=address, java_script_enabled=False)
    page: Page = await context.new_page()
    await page.goto("/")
    await expect(page.get_by_role("rowheader", name="Channel returns").first).to_be_visible()
    assert await page.locator('meta[http-equiv="refresh"]').count() == 1
    await expect(page.get_by_role("link", name="Open, signed in")).to_have_attribute("href", "http://127.0.0.1:1/enter")
    await context.close()


async def test_a_server_that_stops_ends_its_streams_and_does_not_wait_for_them(showing: Showing) -> None:
    port = free_port()
    async with httpx.AsyncClient(timeout=10) as client:
        async with pages.served(showing, host="127.0.0.1", port=port):
            stream = client.stream("GET", f"http://127.0.0.1:{port}/events")
            answer = await stream.__aenter__()
            lines = answer.aiter_lines()
            assert (await anext(lines)).startswith("retry: ")
        assert [line async for line in lines if line.startswith("data: ")] == []
        await stream.__aexit__(None, None, None)
    assert showing.streams.open == 0


async def test_text_from_outside_stays_text_and_another_host_gets_nothing(showing: Showing) -> None:
    built: Any = application(showing, 8802)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(built), base_url="http://127.0.0.1:8802") as client:
        text = (await client.get("/")).text
        assert "<script>alert" not in text
        assert "&lt;script&gt;alert(&#39;x&#39;)" in text
        assert (await client.get("/", headers={"host": "localhost:8802"})).status_code == 200
        refused = await client.get("/", headers={"host": "rebound.example:8802"})
        assert refused.status_code == 400
        assert "hub_p" not in refused.text
    assert boards.MOST_DOTS > 100


async def test_many_returns_are_told_in_figures_only() -> None:
    shown = painting(boards.MOST_DOTS + 4)
    assert all(dots == () for dots in shown.dots.values())
    assert shown.reached[Stage.INITIATED] == boards.MOST_DOTS + 4
