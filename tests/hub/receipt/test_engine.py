"""What receipts come to: nothing is taken back that was not booked, and what is left is decided on once."""

from uuid import UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.receipt.engine import Bucket, Wanted, parts, stock, take_back
from hub.receipt.messages import Item
from hub.receipt.parcels.engine import candidates
from hub.receipt.parcels.messages import Clue
from hub.returns.case import Illegal
from hub.returns.receiving import is_current
from hub.sdk.receiving import Condition, Disposition, Grade, ParcelKind

LINES = [uuid5(UUID(int=0), str(number)) for number in range(3)]
items = st.builds(
    Item,
    line_id=st.none() | st.sampled_from(LINES),
    sku=st.sampled_from(["SHOE", "SHIRT"]),
    quantity=st.integers(1, 9),
    grade=st.none() | st.sampled_from(Grade),
    condition=st.sampled_from(Condition),
    disposition=st.sampled_from(Disposition),
    deviation=st.none(),
    late=st.booleans(),
)


@given(st.lists(items, max_size=12), st.integers(1, 30))
def test_exactly_what_was_booked_can_be_taken_back(booked: list[Item], units: int) -> None:
    held = stock(booked)
    there = sum(item.quantity for item in booked if item.sku == "SHOE" and not item.late)
    wanted = Wanted("SHOE", None, None, Condition.UNKNOWN, Disposition.PENDING)
    if units > there:
        with pytest.raises(Illegal) as refused:
            take_back(held, wanted, units)
        assert refused.value.code == "more_than_booked"
        return
    taken = take_back(held, wanted, units)
    assert sum(some for _, some in taken) == units
    assert all(some <= held[bucket] and bucket.sku == "SHOE" for bucket, some in taken)
    # What nobody announced goes before what counts for the customer.
    off_line = sum(count for bucket, count in held.items() if bucket.sku == "SHOE" and bucket.line is None)
    assert sum(some for bucket, some in taken if bucket.line is None) == min(units, off_line)


@given(st.lists(items, max_size=12))
def test_what_is_decided_on_is_what_is_left_each_state_once(booked: list[Item]) -> None:
    undone = [Item(**{**{f: getattr(i, f) for f in Item.__struct_fields__}, "quantity": -i.quantity}) for i in booked]
    assert parts([*booked, *undone]) == []
    left = parts(booked)
    states = [Bucket(each.line_id, each.sku, each.grade, each.condition, each.disposition) for each in left]
    assert len(set(states)) == len(states)
    assert sum(each.quantity for each in left) == sum(item.quantity for item in booked if not item.late)


@given(st.lists(st.booleans(), max_size=8), st.integers(0, 8))
def test_only_receipts_of_others_make_a_version_old(mine: list[bool], start: int) -> None:
    begin = min(start, len(mine))
    own = [(f"v{number}", f"v{number + 1}") for number, is_mine in enumerate(mine) if is_mine]
    assert is_current(f"v{begin}", f"v{len(mine)}", own) is all(mine[begin:])


clues = st.builds(
    Clue,
    account_id=st.sampled_from(LINES),
    return_id=st.sampled_from(LINES),
    return_number=st.just("R"),
    by=st.sampled_from(["return_number", "tracking", "order", "sku", "ean", "container"]),
    key=st.just("K"),
    open=st.booleans(),
)


@given(st.sampled_from(ParcelKind), st.lists(clues, max_size=20))
def test_each_candidate_has_a_score_a_reason_and_stands_once_the_likeliest_first(
    kind: ParcelKind, found: list[Clue]
) -> None:
    told = candidates(kind, found)
    assert len({(each.account_id, each.return_id) for each in told}) == len(told)
    assert all(1 <= each.score <= 100 and each.reason for each in told)
    assert [each.score for each in told] == sorted((each.score for each in told), reverse=True)
    assert bool(told) is bool(found)
