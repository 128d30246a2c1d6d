from datetime import datetime, timedelta

import pytest

from hub.sdk import ActionRequired, Done, Page, RateLimited, Refused, Retry, Sent
from hub.sdk.context import NotSent, Uncertain
from tests.support.channelengine import ENGINE, NOW, RETURNS, Script, answer, outcome, page, vendor_return


class TestPoll:
    async def test_the_first_poll_reads_all_that_is_open(self, vendor: Script) -> None:
        vendor.on(f"GET {RETURNS}", page(vendor_return()))
        found = await outcome(ENGINE.poll(vendor.context(), None))
        assert isinstance(found, Done)
        assert isinstance(found.result, Page)
        assert [item.external_id for item in found.result.items] == ["71"]
        assert not found.result.more
        assert vendor.queries == [[("statuses", "IN_PROGRESS"), ("page", "1")]]

    async def test_the_next_poll_starts_where_the_sweep_before_started_less_the_overlap(self, vendor: Script) -> None:
        first = await self.poll(vendor, None, NOW, vendor_return(), total=101)
        assert first.more
        second = await self.poll(vendor, first.cursor, NOW + timedelta(hours=1), vendor_return(Id=72), total=101)
        assert not second.more
        third = await self.poll(vendor, second.cursor, NOW + timedelta(hours=2))
        assert not third.more
        assert vendor.queries[1:] == [
            [("statuses", "IN_PROGRESS"), ("page", "2")],
            [("fromDate", "2025-03-01T11:50:00.000Z"), ("page", "1")],
        ]

    async def test_once_a_day_a_sweep_goes_ninety_days_back(self, vendor: Script) -> None:
        cursor = (await self.poll(vendor, None, NOW)).cursor
        for hours in (23, 24, 25):
            cursor = (await self.poll(vendor, cursor, NOW + timedelta(hours=hours))).cursor
        assert [dict(query).get("fromDate") for query in vendor.queries[1:]] == [
            "2025-03-01T11:50:00.000Z",
            "2024-12-02T12:00:00.000Z",
            "2025-03-02T11:50:00.000Z",
        ]

    async def test_closed_returns_are_handed_over_with_their_flags(self, vendor: Script) -> None:
        found = await self.poll(vendor, None, NOW, vendor_return(Status="RECEIVED"), vendor_return(Status="CANCELLED"))
        assert [(item.open, item.canceled) for item in found.items] == [(False, False), (False, True)]

    async def test_one_bad_element_does_not_lose_its_neighbours(self, vendor: Script) -> None:
        found = await self.poll(
            vendor, None, NOW, vendor_return(Id=1), vendor_return(Id=2, Lines=3), vendor_return(Id=3)
        )
        assert [item.external_id for item in found.items] == ["1", "3"]
        assert [name for name, _ in found.rejected] == ["2"]

    async def test_an_unknown_status_is_open_and_noted(self, vendor: Script) -> None:
        found = await self.poll(vendor, None, NOW, vendor_return(Status="ON_HOLD"))
        assert found.items[0].open
        assert vendor.notes.warnings == {"channelengine_status_unknown": {"statuses": ["ON_HOLD"]}}

    async def test_an_empty_page_ends_a_sweep_whatever_the_count_says(self, vendor: Script) -> None:
        vendor.on(f"GET {RETURNS}", answer(Content=None, TotalCount=300, ItemsPerPage=100))
        found = await outcome(ENGINE.poll(vendor.context(), None))
        assert isinstance(found, Done)
        assert not found.result.more

    async def test_a_foreign_cursor_starts_anew(self, vendor: Script) -> None:
        found = await self.poll(vendor, '{"offset": 3}', NOW, vendor_return())
        assert found.items
        assert vendor.queries == [[("statuses", "IN_PROGRESS"), ("page", "1")]]
        assert vendor.notes.warnings == {"channelengine_cursor_unreadable": {}}

    @pytest.mark.parametrize(
        ("given", "kind"),
        [
            (Sent(200, {}, b"<html>Maintenance</html>"), Retry),
            (Sent(200, {}, b'{"Success":true,"Content":[{"Id":'), Retry),
            (answer(500), Retry),
            (answer(200, Success=False, StatusCode=500), Retry),
            (answer(200, Success=False), Refused),
            (answer(400), Refused),
            (answer(404), ActionRequired),
            (answer(401), ActionRequired),
            (answer(403), ActionRequired),
            (Uncertain("lost"), Retry),
            (NotSent("refused"), Retry),
        ],
    )
    async def test_faults_of_a_read_are_sorted(self, vendor: Script, given: Sent | Exception, kind: type) -> None:
        vendor.on(f"GET {RETURNS}", given)
        assert type(await outcome(ENGINE.poll(vendor.context(), None))) is kind

    async def test_a_busy_vendor_slows_the_connection_by_as_much_as_it_asks(self, vendor: Script) -> None:
        vendor.on(f"GET {RETURNS}", answer(429, {"retry-after": "17"}))
        assert await outcome(ENGINE.poll(vendor.context(), None)) == RateLimited(17.0)

    @staticmethod
    async def poll(vendor: Script, cursor: str | None, now: datetime, *told: object, total: int | None = None) -> Page:
        vendor.on(f"GET {RETURNS}", page(*told, total=total))
        found = await outcome(ENGINE.poll(vendor.context(now), cursor))
        assert isinstance(found, Done)
        assert isinstance(found.result, Page)
        return found.result
