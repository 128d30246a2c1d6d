"""Cursors: nothing twice, nothing skipped, also while more comes in; and what is no cursor is said to be none."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.support.caller import Caller, code
from tests.support.world import World

Between = Callable[[], Awaitable[Any]]

# The same in every process, so that the names of the tests are.
ANY = "01a20000-0000-7000-8000-000000000000"


@pytest.fixture
async def call(api: httpx.AsyncClient, world: World) -> Caller:
    """An operator."""
    return Caller(api, await world.api_key())


async def pages(call: Caller, path: str, limit: int, between: Between | None = None) -> list[list[Any]]:
    """Read a list page by page, and let something happen between the pages."""
    found: list[list[Any]] = []
    params: dict[str, Any] = {"limit": limit}
    for _ in range(50):
        told = (await call.get(path, **params)).json()
        found.append(told["items"])
        if not told["next_cursor"] or not told["items"]:
            return found
        params["cursor"] = told["next_cursor"]
        if between:
            await between()
    raise AssertionError(found)


async def test_returns_read_while_others_come_in_are_neither_doubled_nor_skipped(call: Caller, world: World) -> None:
    shop = await world.shop()
    await world.vendor.sell(shop.tenant, "SO-1", {"SHOE": 50})
    before = [await world.create(shop, "SO-1", {"SHOE": 1}) for _ in range(7)]
    more = 3

    async def another() -> None:
        nonlocal more
        if more:
            more -= 1
            await world.create(shop, "SO-1", {"SHOE": 1})

    found = [each["number"] for page in await pages(call, "/returns", 3, another) for each in page]
    assert found[:7] == [each.number for each in before]
    assert len(found) == len(set(found)) == 10


async def test_a_last_page_that_is_full_is_followed_by_an_empty_one(call: Caller, world: World) -> None:
    for number in range(4):
        assert (await call.post("/accounts", {"name": f"Shop {number}"})).status_code == 201
    assert [len(page) for page in await pages(call, "/accounts", 2)] == [2, 2, 0]
    assert [len(page) for page in await pages(call, "/accounts", 3)] == [3, 1]


async def test_the_feed_gives_its_cursor_also_when_there_is_nothing_new(call: Caller, world: World) -> None:
    shop = await world.shop()
    await world.merchant_return(shop, "SO-1", {"SHOE": 1})
    first = (await call.get("/events")).json()
    empty = (await call.get("/events", cursor=first["next_cursor"])).json()
    assert empty == {"items": [], "next_cursor": first["next_cursor"]}
    await world.merchant_return(shop, "SO-2", {"SHOE": 1})
    later = (await call.get("/events", cursor=empty["next_cursor"])).json()
    assert [event["type"] for event in later["items"]] == ["return.initiated"]


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "-",
        "12",
        "12-",
        f"-{ANY}",
        f"²-{ANY}",
        f"1e3-{ANY}",
        f"{'9' * 30}-{ANY}",
        "12-x",
        "1-2-3",
    ],
)
async def test_what_is_no_cursor_of_the_feed_is_refused(call: Caller, cursor: str) -> None:
    assert code(await call.get("/events", cursor=cursor)) == (400, "cursor_invalid")


async def test_what_is_no_cursor_of_a_desk_is_refused(call: Caller, world: World) -> None:
    shop = await world.shop()
    path = f"/warehouses/{shop.warehouse}/expected-returns"
    assert code(await call.get(path, cursor="x")) == (400, "cursor_invalid")
    assert (await call.get(path, cursor=str(uuid4()))).status_code == 200


async def test_what_is_no_limit_is_refused(call: Caller) -> None:
    for path in ("/accounts", "/returns", "/events"):
        for limit in ("0", "201", "-1", "many", "1.5", ""):
            assert code(await call.get(path, limit=limit)) == (400, "request_malformed"), (path, limit)


FILTERS = [
    ("/returns", {"status": "on the moon"}),
    ("/returns", {"kind": "third"}),
    ("/returns", {"account_id": "mine"}),
    ("/operations", {"status": "on the moon"}),
    ("/operations", {"return_id": "7"}),
]


async def test_a_filter_that_means_nothing_is_refused(call: Caller) -> None:
    for path, params in FILTERS:
        assert code(await call.get(path, **params)) == (400, "request_malformed"), params


async def test_the_desk_gives_its_expected_returns_in_pages(call: Caller, world: World) -> None:
    shop = await world.shop()
    await world.vendor.sell(shop.tenant, "SO-1", {"SHOE": 5})
    numbers = [(await world.create(shop, "SO-1", {"SHOE": 1})).number for _ in range(5)]
    found = await pages(call, f"/warehouses/{shop.warehouse}/expected-returns", 2)
    assert [each["return_number"] for page in found for each in page] == numbers
