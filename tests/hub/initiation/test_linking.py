"""Which product a line is: what the channel shows, what a person said, what the order tells, and else candidates."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from hub.initiation import linking
from hub.initiation.changes import compare
from hub.initiation.linking import Reading
from hub.initiation.messages import Link, Looked
from hub.kit.ids import new_id
from hub.returns.messages import StoredLine
from hub.sdk.messages import ChannelReturn, ChannelReturnLine, Order, OrderLine, Reason


def seen(*lines: ChannelReturnLine) -> ChannelReturn:
    return ChannelReturn(
        external_id="1", channel_return_number=None, order_number="SO-1", channel_order_number=None, marketplace=None,
        raw_status="IN_PROGRESS", open=True, canceled=False, marketplace_fulfilled=False, reason=Reason.OTHER,
        customer_comment=None, created_at=datetime(2026, 11, 23, tzinfo=UTC), lines=lines,
    )  # fmt: skip


def line(sku: str | None = None, quantity: int = 1, **more: Any) -> ChannelReturnLine:
    return ChannelReturnLine(sku=sku, quantity=quantity, **more)


def ordered(sku: str, reference: str | None = "L-1", shipped: int = 1, **more: Any) -> OrderLine:
    return OrderLine(reference=reference, sku=sku, name=more.pop("name", None), shipped=shipped, **more)


def looked(*lines: OrderLine) -> Looked:
    return Looked(Order(number="SO-1", marketplace=None, currency=None, country=None, lines=lines))


def link(found: ChannelReturnLine, sku: str, position: int = 1) -> dict[int, Link]:
    return {position: Link(position=position, sku=sku, order_line=None, linked_by="me", shown=linking.shown(found))}


def test_lines_that_nothing_comes_back_of_and_the_marketplaces_own_are_left_out() -> None:
    read = linking.read(
        seen(
            line("SHOE", 2, order_line="7", name="Shoe", shipped=3, unit_price=Decimal(5)),
            line("SHIRT", 0),
            line("SOCK", 1, marketplace_fulfilled=True),
            line("HAT", 1),
        ),
        {},
    )
    assert [(part.position, part.line.sku, part.line.shipped) for part in read.parts] == [
        (1, "SHOE", 3),
        (4, "HAT", None),
    ]
    assert read.unlinked == ()


def test_a_line_without_a_product_is_unlinked_until_a_person_says_what_it_is() -> None:
    bare = line(None, 2, gtin="42")
    assert [each.why for each in linking.read(seen(bare), {}).unlinked] == [linking.NO_PRODUCT]
    read = linking.read(seen(bare), link(bare, "SHOE"), looked(ordered("SHOE", shipped=2)))
    assert [(part.line.sku, part.line.order_line, part.line.shipped) for part in read.parts] == [("SHOE", "L-1", 2)]


def test_a_link_holds_as_long_as_the_channel_shows_the_product_as_it_did() -> None:
    bare = line(None, 2, gtin="42")
    links = link(bare, "SHOE")
    assert linking.read(seen(line("HAT"), bare), links).parts[1].line.sku == "SHOE", "lines may change their places"
    assert linking.read(seen(msgspec.structs.replace(bare, sku="BOOT")), links).parts[0].line.sku == "BOOT"


def test_a_product_that_is_not_on_the_order_is_unlinked_and_one_on_it_is_tied_to_its_line() -> None:
    order = looked(ordered("SHOE", name="Shoe", unit_price=Decimal(9)))
    assert [each.why for each in linking.read(seen(line("HAT")), {}, order).unlinked] == [linking.NOT_ON_THE_ORDER]
    (part,) = linking.read(seen(line("SHOE")), {}, order).parts
    assert (part.line.order_line, part.line.name, part.line.unit_price) == ("L-1", "Shoe", Decimal(9))
    assert [part.line.sku for part in linking.read(seen(line("HAT")), {}, Looked()).parts] == ["HAT"]


def test_a_product_on_two_order_lines_may_belong_to_either() -> None:
    order = looked(ordered("SHOE", "L-1"), ordered("SHOE", "L-2"))
    (part,) = linking.read(seen(line("SHOE")), {}, order).parts
    assert [option.reference for option in part.options] == ["L-1", "L-2"]
    assert linking.read(seen(line("SHOE", order_line="L-2")), {}, order).parts[0].options == ()


def test_the_order_is_needed_only_where_it_may_tell_something() -> None:
    bare = line(None)
    assert linking.needs_order(seen(bare), {})
    assert linking.needs_order(seen(line("SHOE")), {})
    assert not linking.needs_order(seen(bare), link(bare, "SHOE"))
    assert linking.needs_order(seen(line("SHOE", order_line="7")), {}), "nobody knows what was shipped of it"
    assert not linking.needs_order(seen(line("SHOE", order_line="7", shipped=1), line("HAT", shipped=1)), {})
    assert not linking.needs_order(seen(line(None, 0), line(None, marketplace_fulfilled=True)), {})


def test_candidates_are_scored_with_a_reason_the_likeliest_first() -> None:
    bare = line(None, order_line="L-4", gtin="00042", channel_sku="C-3", name="Red running shoe")
    order = looked(
        ordered("ONE", "L-1", name="Red running shoes"),
        ordered("TWO", "L-2", gtin="42"),
        ordered("THREE", "L-3", channel_sku="C-3"),
        ordered("FOUR", "L-4"),
        ordered("FIVE", "L-5", name="Umbrella"),
        ordered("SENT-BY-OTHERS", "L-6", shipped=0, gtin="42"),
    ).order
    (unlinked,) = linking.read(seen(bare), {}).unlinked
    found = linking.candidates([unlinked], order)
    assert [(each.sku, each.order_line, each.position) for each in found] == [
        ("FOUR", "L-4", 1), ("TWO", "L-2", 1), ("THREE", "L-3", 1), ("ONE", "L-1", 1)
    ]  # fmt: skip
    assert [each.score for each in found] == sorted((each.score for each in found), reverse=True)
    assert all(0 < each.score <= 1 and each.reason for each in found)
    assert linking.candidates([unlinked], None) == []


def held(sku: str, declared: int, order_line: str | None = None) -> StoredLine:
    return StoredLine(
        id=new_id(), sku=sku, name=None, order_line=order_line, declared=declared, received=0, accepted=0, rejected=0,
        settled=0,
    )  # fmt: skip


def read(*lines: ChannelReturnLine) -> Reading:
    return linking.read(seen(*lines), {})


def test_two_lines_of_a_product_are_told_apart_by_their_order_lines() -> None:
    stored = [held("SHOE", 1, "L-1"), held("SHOE", 2, "L-2")]
    compared = compare(stored, read(line("SHOE", 5, order_line="L-2"), line("SHOE", 1, order_line="L-1")))
    assert [(change.before, change.after) for change in compared.changes] == [(2, 5)]
    assert [each.id for each in compared.declared] == [stored[1].id, stored[0].id]


def test_a_line_that_the_hub_does_not_know_what_it_is_makes_the_declaration_less_than_whole() -> None:
    compared = compare([held("SHOE", 1)], read(line("SHOE", 1), line(None, 2)))
    assert not compared.whole
    assert [(change.sku, change.after) for change in compared.changes] == [(None, 2)]


LINES = st.lists(
    st.tuples(st.sampled_from("AB"), st.integers(1, 3), st.none() | st.sampled_from("12")), min_size=1, max_size=4
)


@given(LINES, LINES)
def test_a_comparison_is_empty_exactly_when_the_lines_are_the_same_and_its_changes_lead_from_one_to_the_other(
    before: list[tuple[str, int, str | None]], after: list[tuple[str, int, str | None]]
) -> None:
    stored = [held(*each) for each in before]
    shown = [line(sku, quantity, order_line=reference) for sku, quantity, reference in after]
    compared = compare(stored, read(*shown))
    grown = sum(each.quantity for each in shown) - sum(each.declared for each in stored)
    assert sum(change.after - change.before for change in compared.changes) == grown
    assert len(compared.declared) == len(shown)
    ids = [each.id for each in compared.declared if each.id]
    assert len(ids) == len(set(ids))
    if sorted(map(str, before)) == sorted(map(str, after)):
        assert compared.changes == ()
