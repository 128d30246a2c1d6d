import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from connectors.channelengine import ChannelEngine
from connectors.channelengine.settings import Settings
from connectors.channelengine.sweep import DEEP, DEEP_EVERY, OVERLAP, Sweep
from connectors.channelengine.wire import Collection
from hub.sdk import Context, Done, Page, Secret, Sent

NOW = datetime(2025, 3, 1, 12, tzinfo=UTC)
ENGINE = ChannelEngine()
PAGE = 3
ENOUGH = 200
BACKLOG = st.integers(0, 20)

Step = tuple[Literal["create", "close", "delete", "wait", "poll", "crash"], int]


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
        self.backlog = {kept.id for kept in self.returns}

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
        found = [kept for kept in self.returns if kept.visible <= self.now and kept.created >= since]
        if "statuses" in asked:
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
    """What the hub keeps: the cursor and the returns, both or neither."""

    def __init__(self, vendor: Vendor) -> None:
        self.vendor = vendor
        self.cursor: str | None = None
        self.open: dict[int, bool] = {}

    async def read(self) -> Page:
        settings = Settings(address="https://demo.channelengine.net/api", api_key=Secret("k"))
        context = Context(http=self.vendor, settings=settings, key="k", now=self.vendor.now, log=None)  # type: ignore[arg-type]  # nothing is to be noted
        found = await ENGINE.poll(context, self.cursor)
        assert isinstance(found, Done)
        assert isinstance(found.result, Page)
        self.vendor.now += timedelta(seconds=2)
        return found.result

    async def poll(self) -> bool:
        read = await self.read()
        self.cursor = read.cursor
        self.open |= {int(item.external_id): item.open for item in read.items}
        return read.more

    async def finish(self) -> None:
        for _ in range(ENOUGH):
            if not await self.poll():
                return
        raise AssertionError("a sweep does not end")


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
            chosen = vendor.returns[amount % len(vendor.returns)]
            chosen.open = False
            if what == "delete":
                vendor.returns.remove(chosen)


def steps(*kinds: str) -> st.SearchStrategy[list[Step]]:
    # Polls come often, so that things happen between the pages of one sweep.
    return st.lists(st.tuples(st.sampled_from([*kinds, "poll", "poll"]), st.integers(0, 40)), max_size=40)


@given(
    backlog=st.integers(0, 12),
    newest_first=st.booleans(),
    happening=steps("create", "create", "close", "wait", "crash"),
)
async def test_no_new_return_is_lost_wherever_the_hub_stops(
    *, backlog: int, newest_first: bool, happening: list[Step]
) -> None:
    vendor = Vendor(backlog=backlog, newest_first=newest_first)
    hub = Hub(vendor)
    await live(vendor, hub, [("poll", 0), *happening])
    vendor.now += OVERLAP
    await hub.finish()
    await hub.finish()
    assert {kept.id for kept in vendor.returns} - vendor.backlog <= set(hub.open)


@given(backlog=BACKLOG, newest_first=st.booleans(), happening=steps("close", "delete", "crash"))
async def test_the_first_sweep_loses_no_open_return_while_others_are_closed(
    *, backlog: int, newest_first: bool, happening: list[Step]
) -> None:
    vendor = Vendor(backlog=backlog, newest_first=newest_first)
    hub = Hub(vendor)
    await live(vendor, hub, happening)
    await hub.finish()
    assert {kept.id for kept in vendor.returns if kept.open} <= set(hub.open)


@given(
    backlog=st.integers(0, 20),
    newest_first=st.booleans(),
    happening=steps("create", "close", "delete", "wait", "crash"),
)
async def test_the_daily_sweep_repairs_everything(*, backlog: int, newest_first: bool, happening: list[Step]) -> None:
    vendor = Vendor(backlog=backlog, newest_first=newest_first)
    hub = Hub(vendor)
    await live(vendor, hub, happening)
    await hub.finish()
    vendor.now += DEEP_EVERY
    await hub.finish()
    assert all(hub.open[kept.id] is kept.open for kept in vendor.returns)


async def test_a_cancellation_of_an_older_return_is_seen_within_a_day() -> None:
    vendor = Vendor(backlog=30, newest_first=False)
    hub = Hub(vendor)
    await hub.finish()
    vendor.returns[0].open = False
    vendor.now += timedelta(hours=12)
    await hub.finish()
    assert hub.open[1]
    vendor.now += timedelta(hours=12)
    await hub.finish()
    assert not hub.open[1]


def test_a_sweep_that_begins_late_reads_from_where_the_last_one_began() -> None:
    cursor = Sweep(since=NOW - timedelta(days=200), started=NOW, deep=NOW - timedelta(days=200)).cursor
    begun = Sweep.begin(cursor, NOW)
    assert begun.since == NOW - timedelta(days=200)
    assert begun.deep == NOW
    assert Sweep.begin(begun.cursor, NOW + timedelta(hours=1)).since == begun.since


def test_a_sweep_taken_up_after_days_keeps_its_start() -> None:
    halfway = Sweep(since=NOW - DEEP, started=NOW, deep=NOW, page=5, total=500)
    resumed = Sweep.begin(halfway.cursor, NOW + timedelta(days=3))
    assert resumed == halfway
    rested, more = resumed.after(Collection[Any](content=[1], total_count=500, items_per_page=100))
    assert (rested.since, rested.page, more) == (NOW - OVERLAP, 1, False)


def test_a_claim_of_larger_pages_is_not_believed() -> None:
    first = Sweep(since=None, started=NOW, deep=NOW)
    _, more = first.after(Collection[Any](content=[1], total_count=150, items_per_page=1_000))
    assert more


def test_without_a_count_a_sweep_goes_on_until_a_page_is_empty() -> None:
    first = Sweep(since=None, started=NOW, deep=NOW)
    second, more = first.after(Collection[Any](content=[1]))
    assert (second.page, more) == (2, True)
    assert second.after(Collection[Any](content=[]))[1] is False
