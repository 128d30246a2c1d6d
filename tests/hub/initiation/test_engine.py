from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.initiation.engine import match_lines
from hub.initiation.messages import NewLine
from hub.kit.errors import Invalid
from hub.returns.messages import BornLine
from hub.sdk.messages import Order, OrderLine


def order(*lines: OrderLine) -> Order:
    return Order(number="SO-1", marketplace="11", currency="EUR", country="NL", lines=lines)


def sold(sku: str, shipped: int = 2, reference: str | None = None) -> OrderLine:
    price = Decimal("9.95")
    return OrderLine(reference=reference or f"L-{sku}", sku=sku, name=f"A {sku}", shipped=shipped, unit_price=price)


def refused(found: Order, *wanted: NewLine) -> Invalid:
    with pytest.raises(Invalid) as caught:
        match_lines(found, wanted)
    return caught.value


def test_a_wanted_line_takes_everything_but_its_quantity_from_the_order() -> None:
    (born,) = match_lines(order(sold("SHIRT"), sold("SHOE", 3)), (NewLine(sku="SHOE", quantity=2),))
    assert born == BornLine(
        sku="SHOE", quantity=2, name="A SHOE", order_line="L-SHOE", unit_price=Decimal("9.95"), shipped=3
    )


def test_lines_come_back_in_the_order_in_which_they_were_wanted() -> None:
    wanted = (NewLine(sku="SHIRT", quantity=1), NewLine(sku="SHOE", quantity=1))
    assert [line.sku for line in match_lines(order(sold("SHOE"), sold("SHIRT")), wanted)] == ["SHIRT", "SHOE"]


def test_a_product_that_the_order_does_not_have_is_named() -> None:
    fault = refused(order(sold("SHOE")), NewLine(sku="HAT", quantity=1))
    assert (fault.code, fault.message) == ("sku_unknown", "Order SO-1 has no product 'HAT'.")
    assert fault.facts == {"sku": "HAT"}


def test_more_than_was_shipped_cannot_come_back() -> None:
    assert match_lines(order(sold("SHOE", 2)), (NewLine(sku="SHOE", quantity=2),))[0].quantity == 2
    fault = refused(order(sold("SHOE", 2)), NewLine(sku="SHOE", quantity=3))
    assert (fault.code, fault.message) == ("more_than_shipped", "SHOE: 3 cannot come back, 2 were shipped.")
    assert fault.facts == {"sku": "SHOE", "shipped": 2}


def test_what_was_never_shipped_cannot_come_back() -> None:
    assert refused(order(sold("SHOE", 0)), NewLine(sku="SHOE", quantity=1)).code == "more_than_shipped"


def test_a_product_on_two_lines_needs_the_line() -> None:
    found = order(sold("SHOE", 1, "L-1"), sold("SHOE", 5, "L-2"), sold("SHIRT", 1, "L-3"))
    fault = refused(found, NewLine(sku="SHOE", quantity=1))
    assert (fault.code, fault.message) == (
        "line_ambiguous",
        "Say which order line of 'SHOE' comes back: L-1, L-2.",
    )
    (born,) = match_lines(found, (NewLine(sku="SHOE", quantity=4, order_line="L-2"),))
    assert (born.order_line, born.shipped) == ("L-2", 5)
    fault = refused(found, NewLine(sku="SHOE", quantity=4, order_line="L-1"))
    assert fault.code == "more_than_shipped", "the other line's units do not help"


@pytest.mark.parametrize("reference", ["L-9", "L-3"])
def test_a_line_that_does_not_carry_the_product_is_refused(reference: str) -> None:
    found = order(sold("SHOE", 1, "L-1"), sold("SHIRT", 1, "L-3"))
    assert refused(found, NewLine(sku="SHOE", quantity=1, order_line=reference)).code == "line_ambiguous"


@pytest.mark.parametrize("reference", [None, "L-SHOE"])
def test_the_same_line_twice_is_refused_because_each_half_would_pass_the_check(reference: str | None) -> None:
    wanted = (
        NewLine(sku="SHOE", quantity=2, order_line="L-SHOE"),
        NewLine(sku="SHOE", quantity=2, order_line=reference),
    )
    fault = refused(order(sold("SHOE", 2)), *wanted)
    assert fault.code == "line_twice"
    assert "L-SHOE" in fault.message


def test_a_vendor_without_line_numbers_is_told_apart_by_product() -> None:
    bare = order(OrderLine(reference=None, sku="SHOE", name=None, shipped=2))
    (born,) = match_lines(bare, (NewLine(sku="SHOE", quantity=1),))
    assert (born.order_line, born.name) == (None, None)
    assert refused(bare, NewLine(sku="SHOE", quantity=1), NewLine(sku="SHOE", quantity=1)).code == "line_twice"


lines = st.lists(st.tuples(st.sampled_from("ABC"), st.integers(0, 3)), max_size=5)
wishes = st.lists(
    st.builds(
        NewLine,
        sku=st.sampled_from("ABCX"),
        quantity=st.integers(1, 4),
        order_line=st.none() | st.sampled_from("0123"),
    ),
    min_size=1,
    max_size=4,
)


@given(lines, wishes)
def test_whatever_is_wanted_never_more_comes_back_of_a_line_than_was_shipped(
    shipped: list[tuple[str, int]], wanted: list[NewLine]
) -> None:
    found = order(*(sold(sku, units, str(place)) for place, (sku, units) in enumerate(shipped)))
    born = _matched(found, tuple(wanted))
    if isinstance(born, Invalid):
        assert born.code in {"sku_unknown", "line_ambiguous", "line_twice", "more_than_shipped"}
        return
    assert [(line.sku, line.quantity) for line in born] == [(line.sku, line.quantity) for line in wanted]
    known = {line.reference: line for line in found.lines}
    for line in born:
        total = sum(each.quantity for each in born if each.order_line == line.order_line)
        assert line.quantity == total <= known[line.order_line].shipped
        assert known[line.order_line].sku == line.sku


def _matched(found: Order, wanted: tuple[NewLine, ...]) -> tuple[BornLine, ...] | Invalid:
    try:
        return match_lines(found, wanted)
    except Invalid as refusal:
        return refusal
