"""Walks over a list that changes while it is read, against a vendor whose order of the list is not documented."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.channelengine import ChannelEngine
from connectors.channelengine.answers import Collection
from connectors.channelengine.paging import Paging
from connectors.channelengine.settings import Settings
from connectors.channelengine.sweep import OVERLAP, Walk
from hub.sdk import Context, Done, Page, Secret, Sent

NOW = datetime(2025, 3, 1, 12, tzinfo=UTC)
ENGINE = ChannelEngine()
PAGE = 3
ENOUGH = 200

Step = tuple[Literal["create", "close", "wait", "poll", "crash"], int]


class Kept(msgspec.Struct):
    """One return at the vendor; it is dated before it is seen in lists."""

    id: int
    created: datetime
    visible: datetime
    open: bool = True


class Vendor:
    """ChannelEngine's list of returns, with pages of three, in either order."""

    def __init__(self, *, backlog: int, newest_first: bool) -> None:
        self.now = NOW
        self.newest_first = newest_first
        self.returns: list[Kept] = []
        for age in range(backlog, 0, -1):
            self.add(self.now - timedelta(days=age))

    @property
    def open(self) -> set[int]:
        """What a list of everything in progress would show now."""
        return {kept.id for kept in self.returns if kept.open and kept.visible <= self.now}

    def add(self, created: datetime, late: timedelta = timedelta()) -> None:
        number = max((kept.id for kept in self.returns), default=0) + 1
        self.returns.append(Kept(number, created, created + late))

    async def send(
        self,
        method: str,
        url: str,
        *,
        params: list[tuple[str, str]] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        endpoint: str = "",
    ) -> Sent:
        del method, url, headers, body, endpoint  # only the query differs
        asked = dict(params or [])
        since = datetime.fromisoformat(asked.get("fromDate", "2000-01-01T00:00:00Z"))
        until = datetime.fromisoformat(asked.get("toDate", "2100-01-01T00:00:00Z"))
        found = [kept for kept in self.returns if kept.visible <= self.now and since <= kept.created < until]
        found = [kept for kept in found if kept.open]
        found.sort(key=lambda kept: kept.id, reverse=self.newest_first)
        start = (int(asked["page"]) - 1) * PAGE
        content = [self.shown(kept) for kept in found[start : start + PAGE]]
        envelope = {"Success": True, "Content": content, "TotalCount": len(found), "ItemsPerPage": PAGE}
        return Sent(200, {}, json.dumps(envelope).encode())

    @staticmethod
    def shown(kept: Kept) -> dict[str, Any]:
        status = "IN_PROGRESS" if kept.open else "RECEIVED"
        return {"Id": kept.id, "Status": status, "CreatedAt": kept.created.isoformat(), "Lines": []}


class Hub:
    """What the hub keeps: the cursor and what it saw, both or neither; and what a walk could at least have seen."""

    def __init__(self, vendor: Vendor) -> None:
        self.vendor = vendor
        self.cursor: str | None = None
        self.seen: set[int] = set()
        self.open_throughout: set[int] | None = None
        self.whole_walks = 0

    async def read(self) -> Page:
        settings = Settings(address="https://demo.channelengine.net/api", api_key=Secret("k"))
        context = Context(http=self.vendor, settings=settings, key="k", now=self.vendor.now, log=None)  # type: ignore[arg-type]  # nothing is to be noted
        found = await ENGINE.poll(context, self.cursor)
        assert isinstance(found, Done)
        assert isinstance(found.result, Page)
        return found.result

    async def poll(self) -> bool:
        if self.open_throughout is None:
            self.began, self.seen, self.open_throughout = self.vendor.now, set(), self.vendor.open
        read = await self.read()
        self.cursor = read.cursor
        self.seen |= {int(item.external_id) for item in read.items}
        self.open_throughout &= self.vendor.open
        if not read.more:
            self.judge(read)
        self.vendor.now += timedelta(seconds=2)
        return read.more

    def judge(self, read: Page) -> None:
        """A walk that says that it saw everything did: whatever was open all along is among it."""
        if read.all_open_since is not None:
            assert self.open_throughout is not None
            assert read.all_open_since == self.began
            assert self.open_throughout <= self.seen
            self.whole_walks += 1
        self.open_throughout = None

    async def finish(self) -> None:
        for _ in range(ENOUGH):
            if not await self.poll():
                return
        raise AssertionError("a walk does not end")


async def live(vendor: Vendor, hub: Hub, steps: list[Step]) -> None:
    for what, amount in steps:
        if what == "create":
            vendor.add(vendor.now, late=timedelta(minutes=amount % 11))
        elif what == "wait":
            vendor.now += timedelta(minutes=amount)
        elif what == "poll":
            await hub.poll()
        elif what == "crash":
            await hub.read()
        elif vendor.returns:
            vendor.returns[amount % len(vendor.returns)].open = False


# Polls come often, so that things happen between the pages of one walk.
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["create", "close", "close", "wait", "crash", "poll", "poll", "poll"]), st.integers(0, 40)
    ),
    max_size=40,
)


@given(backlog=st.integers(0, 20), newest_first=st.booleans(), happening=STEPS)
async def test_a_walk_that_calls_itself_whole_saw_all_that_was_open_all_along(
    *, backlog: int, newest_first: bool, happening: list[Step]
) -> None:
    vendor = Vendor(backlog=backlog, newest_first=newest_first)
    hub = Hub(vendor)
    await live(vendor, hub, happening)
    await hub.finish()


@given(backlog=st.integers(0, 20), newest_first=st.booleans(), happening=STEPS)
async def test_an_undisturbed_walk_sees_everything_and_says_so_wherever_the_hub_stopped_before(
    *, backlog: int, newest_first: bool, happening: list[Step]
) -> None:
    vendor = Vendor(backlog=backlog, newest_first=newest_first)
    hub = Hub(vendor)
    await live(vendor, hub, happening)
    await hub.finish()
    vendor.now += OVERLAP * 2
    before = hub.whole_walks
    await hub.finish()
    assert hub.seen == vendor.open
    assert hub.whole_walks == before + 1


@given(backlog=st.integers(0, 20), newest_first=st.booleans(), closing=st.lists(st.integers(0, 40), max_size=12))
async def test_a_walk_loses_no_open_return_while_others_leave_the_list(
    *, backlog: int, newest_first: bool, closing: list[int]
) -> None:
    vendor = Vendor(backlog=backlog, newest_first=newest_first)
    hub = Hub(vendor)
    await live(vendor, hub, [step for amount in closing for step in (("poll", 0), ("close", amount))])
    await hub.finish()
    assert vendor.open <= hub.seen


async def test_one_leaving_and_one_arriving_between_two_pages_do_not_hide_each_other() -> None:
    vendor = Vendor(backlog=8, newest_first=False)
    hub = Hub(vendor)
    for _ in range(2):
        await hub.poll()
    vendor.returns[0].open = False
    vendor.add(vendor.now)
    await hub.finish()
    assert hub.whole_walks == 0
    assert vendor.open <= hub.seen


def collection(size: int, total: int | None, *, per_page: int | None = 3) -> Collection[Any]:
    return Collection[Any](content=[1] * size, total_count=total, items_per_page=per_page)


def test_a_list_that_fits_on_one_page_is_one_moment_and_whole() -> None:
    step = Walk.begin(None, NOW).after(collection(3, 3), readable=True)
    assert (step.more, step.all_open_since) == (False, NOW)


@pytest.mark.parametrize(
    ("read", "readable"),
    [(collection(3, 3), False), (collection(0, 3), True), (collection(2, 3), True), (collection(0, None), True)],
)
def test_what_cannot_be_read_or_counted_is_not_called_whole(*, read: Collection[Any], readable: bool) -> None:
    walk, more = Walk.begin(None, NOW), True
    while more:
        walk, more, since = walk.after(read, readable=readable)
        read = collection(0, read.total_count)
        assert since is None


def test_a_walk_that_began_days_ago_goes_on_where_it_was() -> None:
    second = Walk.begin(None, NOW).after(collection(3, 9), readable=True).following
    halfway = second.after(collection(3, 9), readable=True).following
    assert halfway.dates == [("toDate", "2025-03-01T11:50:00.000Z")]
    assert halfway.paging.params == [("page", "2")]
    assert Walk.begin(halfway.cursor, NOW + timedelta(days=3)) == halfway


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "nonsense",
        '{"offset": 3}',
        '{"started": 3}',
        '{"since": null, "started": "2025-03-01T12:00:00Z", "deep": "2025-03-01T12:00:00Z", "page": 2, "total": 150}',
        '{"since":"2025-03-01T12:00:00Z","started":"2025-03-01T12:00:00Z","deep":"2025-03-01T12:00:00Z","page":1}',
    ],
)
def test_a_cursor_of_another_version_starts_a_walk_over_everything_open(cursor: str) -> None:
    assert Walk.begin(cursor, NOW) == Walk(started=NOW)


def test_a_claim_of_larger_pages_is_not_believed() -> None:
    turned = Paging().after(collection(100, 150, per_page=1_000))
    assert turned.following == Paging(page=2, total=150, seen=100)


def test_pages_shorter_than_they_claim_lose_nothing() -> None:
    second = Paging().after(collection(50, 120, per_page=100)).following
    assert second is not None
    third = second.after(collection(50, 120, per_page=100)).following
    assert third is not None
    assert third.after(collection(20, 120, per_page=100)) == (None, True)


def test_without_a_count_a_list_goes_on_until_a_page_is_empty() -> None:
    second = Paging().after(collection(3, None)).following
    assert second is not None
    assert second.after(collection(0, None)) == (None, False)


@pytest.mark.parametrize(("total", "page"), [(11, 3), (10, 3), (9, 3), (8, 2), (1, 1), (0, 1)])
def test_a_shorter_list_is_read_again_from_as_far_back_as_it_moved(total: int, page: int) -> None:
    turned = Paging(page=4, total=12, seen=9).after(collection(3, total))
    assert turned.following == Paging(page=page, total=total, seen=(page - 1) * 3, calm=False)
    assert not turned.calm
