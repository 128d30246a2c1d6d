from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.channelengine.sandbox import rules, selling
from connectors.channelengine.sandbox.book import Book
from connectors.channelengine.sandbox.change import Change
from connectors.channelengine.sandbox.finding import FulfillmentType, ReturnFilter, find_returns
from connectors.channelengine.sandbox.records import Creator, Return, ReturnReason, ReturnStatus
from connectors.channelengine.sandbox.selling import Sale, SentBack, SentBackLine, SoldLine
from connectors.channelengine.sandbox.wire import AcknowledgeRequest, ReturnLineRequest, ReturnRequest

START = datetime(2025, 2, 10, tzinfo=UTC)
HOURS = st.integers(0, 30)
MOMENTS = st.none() | HOURS.map(lambda hours: START + timedelta(hours=hours))


def a_sale(number: int) -> Sale:
    lines = (
        SoldLine(merchant_product_no="SHOE", quantity=10),
        SoldLine(merchant_product_no="HAT", quantity=10, fulfilled_by_marketplace=number % 3 == 0),
    )
    return Sale(
        channel_id=number % 2,
        global_channel_name="bol",
        merchant_order_no=f"SO-{number}",
        lines=lines,
        channel_order_no=f"CO-{number % 4}",
    )


class Doing:
    """One random history of returns, at random hours that may run backwards."""

    def __init__(self) -> None:
        self.book = Book("noordzee")
        for number in range(6):
            self.book.apply(selling.place(self.book, a_sale(number), START))

    def act(self, deed: str, number: int, hour: int) -> None:
        at = START + timedelta(hours=hour)
        change = getattr(self, deed)(number, at)
        self.book.apply(change or Change(tenant="noordzee"))

    def start(self, number: int, at: datetime) -> Change | None:
        reason = list(ReturnReason)[number % 3]
        lines = (SentBackLine(merchant_product_no="SHOE", quantity=1),)
        order = f"SO-{number % 6}"
        wish = SentBack(
            channel_return_no=f"C-{len(self.book.returns)}", merchant_order_no=order, lines=lines, reason=reason
        )
        return self._allowed(lambda: selling.send_back(self.book, wish, at))

    def create(self, number: int, at: datetime) -> Change | None:
        lines = (ReturnLineRequest(merchant_product_no="SHOE", quantity=1),)
        asked = ReturnRequest(
            merchant_order_no=f"SO-{number % 6}", merchant_return_no=f"M-{len(self.book.returns)}", lines=lines
        )
        return self._allowed(lambda: rules.create(self.book, asked, at))

    def cancel(self, number: int, at: datetime) -> Change | None:
        return self._allowed(lambda: rules.cancel(self.book, number, at))

    def acknowledge(self, number: int, at: datetime) -> Change | None:
        asked = AcknowledgeRequest(return_id=number, merchant_return_no=f"A-{number}")
        return self._allowed(lambda: rules.acknowledge(self.book, asked, at))

    @staticmethod
    def _allowed(deed: Callable[[], Change | None]) -> Change | None:
        try:
            return deed()
        except ValueError:
            return None


DEEDS = st.tuples(st.sampled_from(["start", "create", "cancel", "acknowledge"]), st.integers(0, 30), HOURS)
FILTERS = st.builds(
    ReturnFilter,
    creator=st.none() | st.sampled_from(Creator),
    statuses=st.lists(st.sampled_from(ReturnStatus), unique=True).map(tuple),
    acknowledged=st.none() | st.booleans(),
    created_from=MOMENTS,
    created_until=MOMENTS,
    merchant_order_nos=st.lists(st.sampled_from(["SO-1", "SO-2", "SO-9"]), max_size=2).map(tuple),
    channel_order_nos=st.lists(st.sampled_from(["CO-1", "CO-2", "CO-9"]), max_size=2).map(tuple),
    channel_ids=st.lists(st.integers(0, 2), max_size=2).map(tuple),
    reasons=st.lists(st.sampled_from(list(ReturnReason)[:3]), max_size=2).map(tuple),
    fulfillment=st.sampled_from(FulfillmentType),
)


def fits(book: Book, found: Return, wanted: ReturnFilter) -> bool:
    order = book.orders[found.order_id]
    theirs = [line.fulfilled_by_marketplace for line in order.lines]
    return all(
        (
            wanted.creator is None or found.creator == wanted.creator,
            not wanted.statuses or found.status in wanted.statuses,
            wanted.acknowledged is None or (found.acknowledged_at is not None) == wanted.acknowledged,
            wanted.created_from is None or wanted.created_from <= found.created_at,
            wanted.created_until is None or found.created_at < wanted.created_until,
            not wanted.merchant_order_nos or order.merchant_order_no in wanted.merchant_order_nos,
            not wanted.channel_order_nos or order.channel_order_no in wanted.channel_order_nos,
            not wanted.channel_ids or order.channel_id in wanted.channel_ids,
            not wanted.reasons or found.reason in wanted.reasons,
            {
                FulfillmentType.ALL: True,
                FulfillmentType.ONLY_MERCHANT: not any(theirs),
                FulfillmentType.ONLY_CHANNEL: all(theirs),
                FulfillmentType.MIXED: any(theirs) and not all(theirs),
                FulfillmentType.INCLUDES_MERCHANT: not all(theirs),
                FulfillmentType.INCLUDES_CHANNEL: any(theirs),
            }[wanted.fulfillment],
        )
    )


@given(deeds=st.lists(DEEDS, max_size=40), wanted=FILTERS)
def test_the_shelves_find_what_reading_everything_would_find(
    deeds: list[tuple[str, int, int]], wanted: ReturnFilter
) -> None:
    doing = Doing()
    for deed in deeds:
        doing.act(*deed)
    everything = sorted(doing.book.returns.values(), key=lambda found: (found.created_at, found.id))
    expected = [found.id for found in everything if fits(doing.book, found, wanted)]
    answer = find_returns(doing.book, wanted, 1)
    assert ([found.id for found in answer.items], answer.total) == (expected, len(expected))


@pytest.mark.parametrize(
    "wanted",
    [
        ReturnFilter(),
        ReturnFilter(reasons=tuple(ReturnReason)),
        ReturnFilter(statuses=(ReturnStatus.IN_PROGRESS, ReturnStatus.RECEIVED)),
    ],
)
def test_a_page_is_a_hundred_returns_and_the_last_one_the_rest(wanted: ReturnFilter) -> None:
    book = Book("noordzee")
    lines = (SoldLine(merchant_product_no="SHOE", quantity=250),)
    sale = Sale(channel_id=1, global_channel_name="bol", merchant_order_no="SO-1", lines=lines)
    book.apply(selling.place(book, sale, START))
    for number in range(250):
        back = (SentBackLine(merchant_product_no="SHOE", quantity=1),)
        wish = SentBack(channel_return_no=f"C-{number}", merchant_order_no="SO-1", lines=back)
        book.apply(selling.send_back(book, wish, START + timedelta(seconds=number)))
    pages = [find_returns(book, wanted, page) for page in (1, 2, 3, 4)]
    assert [len(page.items) for page in pages] == [100, 100, 50, 0]
    assert [found.id for page in pages for found in page.items] == list(range(1, 251))
    assert {page.total for page in pages} == {250}
