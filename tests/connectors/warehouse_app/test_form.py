import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.warehouse_app import form
from hub.sdk.receiving import MOST_UNITS, Condition, Disposition, ExpectedLine, Grade, ReceivedItem

SHIRT = form.Product(sku="SHIRT", name="Shirt", expected=2, received=0)
SHOE = form.Product(sku="SHOE", name=None, expected=1, received=1)
EXPECTED = (SHIRT, SHOE)

items = st.builds(
    ReceivedItem,
    sku=st.sampled_from(["SHIRT", "SHOE"]),
    quantity=st.integers(1, MOST_UNITS),
    grade=st.sampled_from(Grade),
    condition=st.sampled_from(Condition),
    disposition=st.sampled_from(Disposition),
    note=st.none() | st.text("abc ", min_size=1).map(str.strip).filter(bool),
)


def sent(rows: tuple[form.Row, ...]) -> dict[str, str]:
    """The rows as a browser sends them."""
    fields: dict[str, str] = {}
    for row in rows:
        fields |= {
            f"{name}-{row.number}": getattr(row, name) for name in ("quantity", "condition", "disposition", "note")
        }
        fields[f"{'sku' if row.free else 'product'}-{row.number}"] = row.sku
        if row.grade:
            fields[f"grade-{row.number}"] = row.grade
    return fields


def typed(item: ReceivedItem, number: int) -> form.Row:
    return form.Row(
        number=number, sku=item.sku or "", quantity=str(item.quantity), grade=item.grade or "",
        condition=item.condition,
        disposition=item.disposition, note=item.note or "",
    )  # fmt: skip


@given(st.lists(items, max_size=form.MOST_ADDED))
def test_what_is_typed_is_what_is_booked(wanted: list[ReceivedItem]) -> None:
    rows = form.read(sent(tuple(typed(item, number) for number, item in enumerate(wanted))), EXPECTED)
    arrived, wrong = form.items(rows)
    assert not wrong
    assert list(arrived) == sorted(wanted, key=lambda item: item.sku == "SHOE")


@given(st.lists(items, max_size=6), st.sampled_from(["SHIRT", "SHOE", ""]))
def test_a_further_row_is_blank_and_changes_no_other(wanted: list[ReceivedItem], sku: str) -> None:
    before = form.read(sent(tuple(typed(item, number) for number, item in enumerate(wanted))), EXPECTED)
    after, number = form.add(before, sku, EXPECTED)
    fresh = after[number]
    assert (fresh.sku, fresh.free, fresh.empty) == (sku, not sku, True)
    others = [msgspec.structs.replace(row, number=0) for row in after if row.number != number]
    assert others == [msgspec.structs.replace(row, number=0) for row in before]
    assert [row.number for row in after] == list(range(len(after)))


names = st.builds(
    "{}-{}".format,
    st.sampled_from(["sku", "product", "quantity", "grade", "condition", "disposition", "note"]),
    st.integers(-1, 5),
)
rubbish = st.text(max_size=8) | st.sampled_from(["SHIRT", "1", "A", "9" * 5_000, "x" * 600, "-1", "1.5", "٣", "\ud800"])


@given(st.dictionaries(names, rubbish | st.binary(max_size=3)))
def test_rubbish_is_either_told_as_wrong_or_within_the_limits_of_the_contract(fields: dict[str, str | bytes]) -> None:
    rows = form.read(fields, EXPECTED)
    arrived, wrong = form.items(rows)
    known = {
        f"{name}-{row.number}"
        for row in rows
        for name in ("sku", "quantity", "grade", "condition", "disposition", "note")
    }
    assert wrong.keys() <= known
    assert len(arrived) + len({name.rpartition("-")[2] for name in wrong}) == sum(not row.empty for row in rows)
    for item in arrived:
        msgspec.convert(msgspec.to_builtins(item), ReceivedItem)
    assert {row.sku for row in rows if not row.free} == {"SHIRT", "SHOE"}
    assert any(row.free for row in rows)


def test_a_form_takes_a_bounded_number_of_rows() -> None:
    rows = form.blank(EXPECTED)
    for _ in range(100):
        rows, _ = form.add(rows, "SHIRT", EXPECTED)
    assert len(rows) == len(EXPECTED) + 1 + form.MOST_ADDED
    assert form.full(rows, EXPECTED)
    assert form.read(sent(rows), EXPECTED) == rows


def test_a_return_of_a_thousand_products_keeps_every_row() -> None:
    many = tuple(form.Product(sku=f"S{number}", name=None, expected=1, received=0) for number in range(1_000))
    fields = sent(form.blank(many)) | {f"quantity-{number}": "1" for number in range(1_000)}
    assert [row.quantity for row in form.read(fields, many)] == ["1"] * 1_000 + [""]


def test_lines_of_one_product_are_shown_together() -> None:
    lines = (
        ExpectedLine(sku="SHIRT", name=None, expected=2, received=1),
        ExpectedLine(sku="SHOE", name="Shoe", expected=1, received=0),
        ExpectedLine(sku="SHIRT", name="Shirt", expected=3, received=2),
    )
    assert form.products(lines) == (
        form.Product(sku="SHIRT", name="Shirt", expected=5, received=3),
        form.Product(sku="SHOE", name="Shoe", expected=1, received=0),
    )


def test_what_is_missing_counts_goods_of_before_and_of_now() -> None:
    one = ReceivedItem(sku="SHIRT", quantity=1, grade=Grade.A)
    assert form.missing(EXPECTED, ()) == (SHIRT,)
    assert form.missing(EXPECTED, (one,)) == (msgspec.structs.replace(SHIRT, received=1),)
    assert form.missing(EXPECTED, (one, one)) == ()


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("quantity", "", "quantity_missing"),
        ("quantity", "1.5", "quantity_number"),
        ("quantity", "0", "quantity_range"),
        ("quantity", "10000", "quantity_range"),
        ("grade", "", "grade_missing"),
        ("grade", "E", "word_unknown"),
        ("condition", "lovely", "word_unknown"),
        ("disposition", "moon", "word_unknown"),
        ("note", "x" * 501, "note_long"),
        ("sku", "", "sku_missing"),
        ("sku", "x" * 65, "sku_long"),
    ],
)
def test_each_field_says_what_is_wrong_with_it(name: str, text: str, code: str) -> None:
    right = form.Row(number=7, sku="MUG", free=True, quantity="1", grade="A")
    arrived, wrong = form.items((msgspec.structs.replace(right, **{name: text}),))
    assert (arrived, wrong) == ((), {f"{name}-7": code})


@pytest.mark.parametrize("quantity", ["", "0"])
def test_a_row_that_says_nothing_is_no_delivery(quantity: str) -> None:
    assert form.items((form.Row(number=0, sku="SHIRT", quantity=quantity),)) == ((), {})
