from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule

from connectors.channelengine.sandbox import rules, selling, wire
from connectors.channelengine.sandbox.book import Book
from connectors.channelengine.sandbox.change import Change
from connectors.channelengine.sandbox.elsewhere import DecidedLine, Decision, settle_in_web
from connectors.channelengine.sandbox.exporting import FAILED, attempt
from connectors.channelengine.sandbox.judgement import judge
from connectors.channelengine.sandbox.records import ExportStatus, OrderStatus, ReturnStatus
from connectors.channelengine.sandbox.refusals import Refusal
from connectors.channelengine.sandbox.selling import Sale, SentBack, SentBackLine, SoldLine
from connectors.channelengine.sandbox.tenancy import Mishap
from connectors.channelengine.sandbox.wire import AcknowledgeRequest, ReturnLineRequest, ReturnRequest

NOON = datetime(2025, 2, 10, 12, tzinfo=UTC)


def sold(sku: str = "SHOE", quantity: int = 3, price: str = "24.95", *, by_marketplace: bool = False) -> SoldLine:
    return SoldLine(
        merchant_product_no=sku,
        quantity=quantity,
        unit_price_incl_vat=Decimal(price),
        fulfilled_by_marketplace=by_marketplace,
    )


def a_book(*lines: SoldLine, marketplace: str = "Kaufland", status: OrderStatus = OrderStatus.SHIPPED) -> Book:
    book = Book("noordzee")
    sale = Sale(
        channel_id=1, global_channel_name=marketplace, merchant_order_no="SO-1", lines=lines or (sold(),), status=status
    )
    book.apply(selling.place(book, sale, NOON))
    return book


def started(book: Book, quantity: int = 2, sku: str = "SHOE", number: str = "C-1") -> int:
    wish = SentBack(
        channel_return_no=number,
        merchant_order_no="SO-1",
        lines=(SentBackLine(merchant_product_no=sku, quantity=quantity),),
    )
    book.apply(selling.send_back(book, wish, NOON))
    return book.last_return_id


def create(book: Book, number: str = "M-1", quantity: int = 1, sku: str = "SHOE", line: int | None = None) -> Change:
    return create_lines(book, number, (sku, quantity, line))


def create_lines(book: Book, number: str, *lines: tuple[str, int, int | None]) -> Change:
    asked = ReturnRequest(
        merchant_order_no="SO-1",
        merchant_return_no=number,
        lines=tuple(
            ReturnLineRequest(merchant_product_no=sku, quantity=quantity, order_line_id=line)
            for sku, quantity, line in lines
        ),
    )
    change = rules.create(book, asked, NOON)
    book.apply(change)
    return change


def settle(book: Book, return_id: int, *lines: tuple[str, int, int]) -> Change:
    asked = wire.UpdateRequest(
        return_id=return_id,
        lines=tuple(
            wire.UpdateLineRequest(merchant_product_no=sku, accepted_quantity=good, rejected_quantity=bad)
            for sku, good, bad in lines
        ),
    )
    change = rules.settle(book, asked, NOON)
    book.apply(change)
    return change


def refused(status: int) -> "pytest.RaisesExc[Refusal]":
    return pytest.RaisesExc(Refusal, check=lambda error: error.status == status)


def test_accepted_units_are_refunded_at_the_price_they_were_sold_for() -> None:
    book = a_book(sold(price="24.95"))
    settle(book, started(book, 2), ("SHOE", 1, 1))
    (entry,) = book.ledger
    assert (entry.quantity, entry.unit_price, entry.amount, entry.cause) == (
        1,
        Decimal("24.95"),
        Decimal("24.95"),
        "update",
    )


def test_a_fully_rejected_return_is_received_and_refunds_nothing() -> None:
    book = a_book()
    return_id = started(book, 2)
    settle(book, return_id, ("SHOE", 0, 2))
    assert book.returns[return_id].status is ReturnStatus.RECEIVED
    assert book.ledger == []


def test_a_second_update_is_refused_and_refunds_nothing_more() -> None:
    book = a_book()
    return_id = started(book, 2)
    settle(book, return_id, ("SHOE", 1, 0))
    with refused(409):
        settle(book, return_id, ("SHOE", 1, 0))
    assert len(book.ledger) == 1


def test_a_cancelled_return_cannot_be_settled() -> None:
    book = a_book()
    return_id = started(book)
    book.apply(rules.cancel(book, return_id, NOON) or Change(tenant="noordzee"))
    with refused(409):
        settle(book, return_id, ("SHOE", 1, 0))


def test_a_received_return_cannot_be_cancelled_and_a_cancelled_one_stays_so() -> None:
    book = a_book()
    settled, cancelled = started(book, 1), started(book, 1, number="C-2")
    settle(book, settled, ("SHOE", 1, 0))
    with refused(409):
        rules.cancel(book, settled, NOON)
    book.apply(rules.cancel(book, cancelled, NOON) or Change(tenant="noordzee"))
    assert rules.cancel(book, cancelled, NOON) is None


@pytest.mark.parametrize(
    "lines", [(("SHOE", 2, 1),), (("SHOE", 1, 0), ("SHOE", 1, 1)), (("HAT", 1, 0),), (("SHOE", 0, 0),)]
)
def test_quantities_that_do_not_fit_the_return_are_refused(lines: tuple[tuple[str, int, int], ...]) -> None:
    book = a_book()
    return_id = started(book, 2)
    with refused(400):
        settle(book, return_id, *lines)
    assert book.returns[return_id].status is ReturnStatus.IN_PROGRESS


def test_one_product_on_two_order_lines_is_settled_over_both() -> None:
    book = a_book(sold(quantity=1, price="10"), sold(quantity=2, price="8"))
    settle(book, started(book, 3), ("SHOE", 2, 1))
    assert [(entry.order_line_id, entry.quantity, entry.amount) for entry in book.ledger] == [
        (1, 1, Decimal(10)),
        (2, 1, Decimal(8)),
    ]


def test_an_unknown_return_is_not_found() -> None:
    with refused(404):
        settle(a_book(), 99, ("SHOE", 1, 0))


def test_a_return_the_marketplace_fulfils_is_not_the_merchants_to_settle_or_create() -> None:
    book = a_book(sold(by_marketplace=True))
    return_id = started(book, 1)
    with refused(409):
        settle(book, return_id, ("SHOE", 1, 0))
    with refused(400):
        create(book)


def test_a_created_return_is_refunded_at_once() -> None:
    book = a_book()
    create(book, quantity=2)
    assert book.returns[1].status is ReturnStatus.RECEIVED
    assert [(entry.quantity, entry.cause) for entry in book.ledger] == [(2, "create")]


@pytest.mark.parametrize("marketplace", ["bol", "Bol", "bol.com"])
def test_at_bol_a_created_return_is_refunded_only_when_it_is_marked_received(marketplace: str) -> None:
    book = a_book(marketplace=marketplace)
    create(book, quantity=2)
    assert (book.returns[1].status, book.ledger) == (ReturnStatus.IN_PROGRESS, [])
    settle(book, 1, ("SHOE", 2, 0))
    assert [(entry.quantity, entry.cause) for entry in book.ledger] == [(2, "update")]


def test_a_number_that_is_in_use_is_refused_before_quantities_are_looked_at() -> None:
    book = a_book()
    create(book, "M-1", quantity=3)
    with refused(409):
        create(book, "M-1", quantity=3)


def test_a_number_given_by_acknowledging_cannot_be_created_again() -> None:
    book = a_book()
    acknowledge(book, started(book, 1), "M-1")
    with refused(409):
        create(book, "M-1")


def test_no_more_units_come_back_than_were_shipped() -> None:
    book = a_book(sold(quantity=3))
    started(book, 2)
    with refused(400):
        create(book, quantity=2)
    create(book, quantity=1)


def test_units_that_never_arrived_may_come_back_in_another_return() -> None:
    book = a_book(sold(quantity=2))
    settle(book, started(book, 2), ("SHOE", 1, 0))
    create(book, "M-2", quantity=1)
    with refused(400):
        create(book, "M-3", quantity=1)


def test_rejected_units_cannot_be_returned_again() -> None:
    book = a_book(sold(quantity=1))
    settle(book, started(book, 1), ("SHOE", 0, 1))
    with refused(400):
        create(book)


def test_one_product_named_twice_counts_together() -> None:
    book = a_book(sold(quantity=3))
    with refused(400):
        create_lines(book, "M-1", ("SHOE", 2, None), ("SHOE", 2, 1))
    create_lines(book, "M-1", ("SHOE", 1, None), ("SHOE", 2, 1))
    assert [entry.quantity for entry in book.ledger] == [3]


def test_an_order_that_was_not_shipped_has_nothing_to_return() -> None:
    with refused(400):
        create(a_book(status=OrderStatus.NEW))


def test_unknown_orders_products_and_order_lines_are_not_found() -> None:
    book = a_book()
    with refused(404):
        create(book, sku="HAT")
    with refused(404):
        create(book, line=77)
    with refused(404):
        create(Book("noordzee"))


def test_a_return_of_nothing_is_refused() -> None:
    with refused(400):
        create(a_book(), quantity=0)


def acknowledge(book: Book, return_id: int, number: str) -> Change | None:
    change = rules.acknowledge(book, AcknowledgeRequest(return_id=return_id, merchant_return_no=number), NOON)
    book.apply(change or Change(tenant=book.tenant))
    return change


def test_acknowledging_gives_a_return_the_merchants_number_and_a_date() -> None:
    book = a_book()
    return_id = started(book)
    acknowledge(book, return_id, "M-1")
    assert (book.returns[return_id].merchant_return_no, book.returns[return_id].acknowledged_at) == ("M-1", NOON)


def test_acknowledging_again_with_the_same_number_changes_nothing() -> None:
    book = a_book()
    return_id = started(book)
    acknowledge(book, return_id, "M-1")
    assert acknowledge(book, return_id, "M-1") is None


def test_another_number_or_a_number_of_another_return_is_a_conflict() -> None:
    book = a_book()
    first, second = started(book, 1), started(book, 1, number="C-2")
    acknowledge(book, first, "M-1")
    with refused(409):
        acknowledge(book, first, "M-2")
    with refused(409):
        acknowledge(book, second, "M-1")
    with refused(404):
        acknowledge(book, 99, "M-9")


SKUS = st.sampled_from(["SHOE", "HAT", "SCARF"])
FEW = st.integers(0, 4)


class Money(RuleBasedStateMachine):
    """Any sequence of calls, sensible or not: refunds never exceed what was shipped, accepted and exported."""

    returns = Bundle("returns")

    def __init__(self) -> None:
        super().__init__()
        self.book = Book("noordzee")
        self.accepted: Counter[tuple[int, str]] = Counter()
        self.entries: list[object] = []

    @initialize(
        marketplace=st.sampled_from(["bol", "Kaufland", "Blokker", "OTTO", "Amazon"]),
        lines=st.lists(st.tuples(SKUS, st.integers(1, 3)), min_size=1, max_size=4),
    )
    def sell(self, marketplace: str, lines: list[tuple[str, int]]) -> None:
        sale = Sale(
            channel_id=1,
            global_channel_name=marketplace,
            merchant_order_no="SO-1",
            lines=tuple(sold(sku, quantity) for sku, quantity in lines),
        )
        self.book.apply(selling.place(self.book, sale, NOON))

    @rule(
        target=returns,
        lines=st.lists(st.tuples(SKUS, FEW, st.none() | st.integers(1, 4)), min_size=1, max_size=3),
        number=st.integers(1, 6),
    )
    def create(self, lines: list[tuple[str, int, int | None]], number: int) -> object:
        try:
            change = create_lines(self.book, f"M-{number}", *lines)
        except Refusal:
            return multiple()
        if change.returns[0].status is ReturnStatus.RECEIVED:
            for sku, quantity, _ in lines:
                self.accepted[change.returns[0].id, sku] += quantity
        return change.returns[0].id

    @rule(target=returns, sku=SKUS, quantity=st.integers(1, 4))
    def send_back(self, sku: str, quantity: int) -> object:
        try:
            return started(self.book, quantity, sku, f"C-{len(self.book.returns)}")
        except Refusal:
            return multiple()

    @rule(return_id=returns, lines=st.lists(st.tuples(SKUS, FEW, FEW), min_size=1, max_size=3))
    def settle(self, return_id: int, lines: list[tuple[str, int, int]]) -> None:
        try:
            settle(self.book, return_id, *lines)
        except Refusal:
            return
        for sku, good, _ in lines:
            self.accepted[return_id, sku] += good

    @rule(return_id=returns, good=FEW)
    def settle_in_web(self, return_id: int, good: int) -> None:
        line = self.book.returns[return_id].lines[0]
        decision = Decision(lines=(DecidedLine(order_line_id=line.order_line_id, accepted=good),))
        try:
            self.book.apply(settle_in_web(self.book, return_id, decision, NOON))
        except Refusal:
            return
        self.accepted[return_id, line.merchant_product_no or ""] += good

    @rule(sufficient=st.booleans())
    def balance(self, sufficient: bool) -> None:  # noqa: FBT001 - hypothesis gives it by name
        self.book.apply(Change(tenant="noordzee", balances=(("blokker", sufficient),)))

    @rule(times=st.integers(1, 2), final=st.booleans())
    def plan_failures(self, times: int, final: bool) -> None:  # noqa: FBT001 - hypothesis gives it by name
        mishap = Mishap(number=self.book.terms.last_mishap + 1, times=times, text="no", final=final)
        self.book.apply(Change(tenant="noordzee", mishaps=(mishap,)))

    @rule()
    def retry(self) -> None:
        for found in list(self.book.returns.values()):
            if found.export is not None and found.export.status in FAILED:
                self.book.apply(attempt(self.book, found, NOON))

    @rule(return_id=consumes(returns))
    def cancel(self, return_id: int) -> None:
        try:
            self.book.apply(rules.cancel(self.book, return_id, NOON) or Change(tenant="noordzee"))
        except Refusal:
            assert self.book.returns[return_id].status is ReturnStatus.RECEIVED

    @rule(return_id=returns, number=st.integers(1, 6))
    def acknowledge(self, return_id: int, number: int) -> None:
        try:
            acknowledge(self.book, return_id, f"M-{number}")
        except Refusal as refusal:
            assert refusal.status == 409  # noqa: PT017 - a refusal is allowed here, only its kind is not

    @invariant()
    def an_order_line_is_never_refunded_beyond_what_was_shipped(self) -> None:
        refunded = Counter[int]()
        for entry in self.book.ledger:
            refunded[entry.order_line_id] += entry.quantity
        shipped = {line.id: line.shipped for order in self.book.orders.values() for line in order.lines}
        assert all(units <= shipped[line] for line, units in refunded.items())

    @invariant()
    def a_return_is_refunded_exactly_what_was_accepted_once_the_marketplace_has_taken_it(self) -> None:
        refunded = Counter[tuple[int, str]]()
        for entry in self.book.ledger:
            refunded[entry.return_id, entry.sku] += entry.quantity
        exported = {
            found.id
            for found in self.book.returns.values()
            if found.export is not None and found.export.status is ExportStatus.SUCCEEDED and found.export.cause
        }
        assert refunded == Counter({key: units for key, units in self.accepted.items() if units and key[0] in exported})

    @invariant()
    def the_judge_agrees(self) -> None:
        told = judge(self.book)
        assert (told.wrong_refunds, told.double_refunds, told.over_refunded) == ((), (), ())

    @invariant()
    def every_failed_export_has_told_of_itself(self) -> None:
        exports = [found.export for found in self.book.returns.values() if found.export is not None]
        tries = sum(export.attempts for export in exports)
        succeeded = sum(export.status is ExportStatus.SUCCEEDED for export in exports if export.cause)
        assert len(self.book.notes) == tries - succeeded

    @invariant()
    def the_ledger_only_grows(self) -> None:
        assert self.book.ledger[: len(self.entries)] == self.entries
        self.entries = list(self.book.ledger)


Money.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestMoney = Money.TestCase
