from datetime import datetime, timedelta

import pytest

from hub.sdk import ActionRequired, Done, Kind, Page, RateLimited, Refused, Retry, Sent
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

    async def test_every_poll_reads_all_that_is_open_and_says_since_when(self, vendor: Script) -> None:
        first = await self.poll(vendor, None, NOW, vendor_return())
        second = await self.poll(vendor, first.cursor, NOW + timedelta(hours=1), vendor_return())
        assert vendor.queries == [[("statuses", "IN_PROGRESS"), ("page", "1")]] * 2
        assert (first.all_open_since, second.all_open_since) == (NOW, NOW + timedelta(hours=1))

    async def test_more_than_a_page_is_read_oldest_first_up_to_the_youngest(self, vendor: Script) -> None:
        full = [vendor_return(Id=number) for number in range(1, 101)]
        cursor, handed = None, list[int]()
        for read, total in ((full, 150), (full, 149), (full[:49], 149), (full[:1], 1)):
            found = await self.poll(vendor, cursor, NOW, *read, total=total)
            cursor, handed = found.cursor, [*handed, len(found.items)]
            assert found.total == 150
        assert (found.more, found.all_open_since) == (False, NOW)
        # The first page was found to be one of several, and is read again with them.
        assert handed == [0, 100, 49, 1]
        border = "2025-03-01T11:50:00.000Z"
        assert [query[1:] for query in vendor.queries] == [
            [("page", "1")],
            [("toDate", border), ("page", "1")],
            [("toDate", border), ("page", "2")],
            [("fromDate", border), ("page", "1")],
        ]

    async def test_what_is_listed_here_was_declared_by_the_channel_whatever_it_shows(self, vendor: Script) -> None:
        found = await self.poll(vendor, None, NOW, vendor_return(ChannelReturnNo=None, MerchantReturnNo="RMA-7"))
        assert [item.created_by for item in found.items] == [Kind.CHANNEL]

    async def test_closed_returns_are_handed_over_with_their_flags(self, vendor: Script) -> None:
        found = await self.poll(
            vendor, None, NOW, vendor_return(Status="RECEIVED"), vendor_return(Id=72, Status="CANCELLED")
        )
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

    async def test_an_empty_page_ends_a_walk_whatever_the_count_says(self, vendor: Script) -> None:
        vendor.on(f"GET {RETURNS}", answer(Content=None, TotalCount=300, ItemsPerPage=100))
        found = await outcome(ENGINE.poll(vendor.context(), None))
        assert isinstance(found, Done)
        assert (found.result.more, found.result.all_open_since) == (False, None)

    async def test_a_return_that_cannot_be_read_is_open_too(self, vendor: Script) -> None:
        found = await self.poll(vendor, None, NOW, vendor_return(), vendor_return(Id=72, Lines=3))
        assert (found.more, found.all_open_since) == (False, None)

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
