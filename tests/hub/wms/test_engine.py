"""From snapshots to receipts: whatever comes twice, late or in pieces ends at the same goods."""

from itertools import pairwise

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from hub.sdk import Condition, Disposition, Grade, Meaning, Part, Progress, ReceiptKind, Snapshot, SnapshotLine
from hub.wms import engine
from hub.wms.messages import Booked, Expected, Movement, Reading

RESTOCK = Meaning(grade=Grade.A, disposition=Disposition.RESTOCK)
SCRAP = Meaning(grade=Grade.D, condition=Condition.DAMAGED, disposition=Disposition.DESTROY)
ASIDE = Meaning(grade=Grade.C, disposition=Disposition.QUARANTINE, sure=False)
WORDS = {"good": RESTOCK, "broken": SCRAP, "aside": ASIDE}
EXPECTED = (Expected(id="l1", sku="0012", order_line="o1"), Expected(id="l2", sku="Shoe", order_line="o2"))


def snapshot(*lines: SnapshotLine, progress: Progress = Progress.IN_PROCESS, complete: bool = True) -> Snapshot:
    return Snapshot(reference="W1", progress=progress, raw_status="x", lines=lines, complete=complete)


def line(sku: str, *parts: tuple[int, str | None], received: int | None = None) -> SnapshotLine:
    made = tuple(Part(quantity=units, word=word) for units, word in parts)
    return SnapshotLine(sku=sku, parts=made, received=received or sum(units for units, _ in parts))


def read(seen: Snapshot, booked: Booked | None = None) -> Reading:
    return engine.read(seen, EXPECTED, WORDS, booked or {})


def applied(before: Booked, movements: tuple[Movement, ...]) -> Booked:
    """Book movements one after the other, as the receipts of a return are."""
    after = dict(before)
    for each in movements:
        if each.was is not None:
            after[(each.sku, each.was)] = after.get((each.sku, each.was), 0) - each.quantity
        after[(each.sku, each.state)] = after.get((each.sku, each.state), 0) + each.quantity
    return {bucket: units for bucket, units in after.items() if units}


goods = st.dictionaries(
    st.tuples(st.sampled_from(["0012", "Shoe", "HAT"]), st.sampled_from([RESTOCK, SCRAP])),
    st.integers(min_value=1, max_value=9),
)


@given(st.lists(goods, max_size=6))
def test_movements_lead_from_each_state_of_the_goods_to_the_next(states: list[Booked]) -> None:
    held: Booked = {}
    for revision, (before, after) in enumerate(pairwise([{}, *states])):
        movements = engine.difference(before, after, scope="c:W1", revision=revision)
        held = applied(held, movements)
        assert held == after
        assert all(each.quantity > 0 or each.kind is ReceiptKind.CORRECTION for each in movements)


@given(goods, goods)
def test_what_is_lost_in_one_state_and_gained_in_another_is_no_new_receipt(before: Booked, after: Booked) -> None:
    movements = engine.difference(before, after, scope="c:W1", revision=1)
    for sku in {bucket[0] for bucket in (*before, *after)}:
        of = [each for each in movements if each.sku == sku]
        kinds = {each.kind for each in of}
        assert not {ReceiptKind.RECEIPT, ReceiptKind.CORRECTION} <= kinds
        grown = sum(u for (s, _), u in after.items() if s == sku) - sum(u for (s, _), u in before.items() if s == sku)
        assert sum(each.quantity for each in of if each.kind is not ReceiptKind.REGRADE) == grown


@given(st.lists(goods, min_size=1, max_size=5), st.data())
def test_duplicates_and_splits_end_at_the_same_goods_and_no_key_is_used_twice(
    states: list[Booked], data: st.DataObject
) -> None:
    told = [each for each in states for _ in range(data.draw(st.integers(1, 3)))]
    skipped = [each for each in told[:-1] if data.draw(st.booleans())] + [told[-1]]
    for way in (states, told, skipped):
        held: Booked = {}
        keys: list[str] = []
        for revision, after in enumerate(way):
            movements = engine.difference(held, after, scope="c:W1", revision=revision)
            held = applied(held, movements)
            keys += [each.key for each in movements]
        assert held == states[-1]
        assert len(keys) == len(set(keys))


def test_one_less_and_one_more_again_are_two_facts() -> None:
    one: Booked = {("Shoe", RESTOCK): 1}
    none: Booked = {}
    first = engine.difference(none, one, scope="c:W1", revision=1)
    again = engine.difference(none, one, scope="c:W1", revision=3)
    assert first[0].key != again[0].key
    assert engine.difference(none, one, scope="c:W2", revision=1)[0].key != first[0].key


def test_what_a_snapshot_says_is_the_same_in_whatever_order() -> None:
    one, other = line("Shoe", (1, "good")), line("0012", (2, "broken"))
    assert engine.digest(snapshot(one, other)) == engine.digest(snapshot(other, one))
    assert engine.digest(snapshot(one)) != engine.digest(snapshot(other))


def test_a_product_is_found_whatever_its_case_and_keeps_its_leading_zeros() -> None:
    assert engine.product(line(" SHOE ", (1, "good")), EXPECTED) == "Shoe"
    assert engine.product(line("12", (1, "good")), EXPECTED) == "12"
    by_id = msgspec.structs.replace(line("renamed", (1, "good")), line="l2")
    assert engine.product(by_id, EXPECTED) == "Shoe"
    by_order_line = msgspec.structs.replace(line("OTHER", (1, "good")), order_line="o2")
    assert engine.product(by_order_line, EXPECTED) == "OTHER"


def test_a_word_that_nobody_knows_is_never_booked_as_one_that_is_known() -> None:
    reading = read(snapshot(line("Shoe", (2, "good"), (1, "squashed"), (1, None)), progress=Progress.COMPLETED))
    assert reading.booked == {("Shoe", RESTOCK): 2}
    assert (reading.unknown, reading.waiting) == (("squashed",), 2)
    assert not engine.is_whole(Progress.COMPLETED, reading)


def test_units_that_nobody_has_looked_at_wait() -> None:
    reading = read(snapshot(line("Shoe", (1, "good"), received=3)))
    assert (reading.booked, reading.waiting) == ({("Shoe", RESTOCK): 1}, 2)


def test_an_incomplete_snapshot_takes_nothing_back() -> None:
    before: Booked = {("Shoe", RESTOCK): 1, ("0012", RESTOCK): 2}
    seen = snapshot(line("0012", (3, "good")), complete=False)
    after = read(seen, before).booked
    assert after == {("Shoe", RESTOCK): 1, ("0012", RESTOCK): 3}
    assert {each.kind for each in engine.difference(before, after, scope="s", revision=2)} == {ReceiptKind.RECEIPT}


def test_a_word_that_tells_no_worth_and_goods_taken_back_are_doubts() -> None:
    reading = read(snapshot(line("Shoe", (1, "aside"))))
    assert reading.booked == {("Shoe", msgspec.structs.replace(ASIDE, sure=True)): 1}
    back = engine.difference({("Shoe", RESTOCK): 2}, {("Shoe", RESTOCK): 1}, scope="s", revision=2)
    assert len(engine.doubts(reading, back)) == 2


def test_progress_never_goes_back() -> None:
    assert engine.further(Progress.ARRIVED, Progress.COMPLETED) is Progress.COMPLETED
    assert engine.further(Progress.COMPLETED, Progress.ARRIVED) is Progress.COMPLETED
