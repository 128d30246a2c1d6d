from urllib.parse import parse_qsl, urlsplit

from hypothesis import given
from hypothesis import strategies as st

from hub.web.listing import Asked, Column, Filter, read

COLUMNS = (Column(name="number", label="Return"), Column(name="at", label="Since", sortable=True))
FILTERS = (
    Filter(name="text", label="Text"),
    Filter(name="status", label="Status", words={"open": "Open", "done": "Done"}),
)
ASKED = st.builds(
    Asked,
    path=st.just("/returns"),
    sort=st.sampled_from(["", "at"]),
    filters=st.fixed_dictionaries(
        {},
        optional={
            "text": st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).map(str.strip).filter(bool),
            "status": st.sampled_from(["open", "done"]),
        },
    ),
    cursor=st.sampled_from(["", "c-1"]),
)


def again(address: str) -> Asked:
    parts = urlsplit(address)
    return read(parts.path, dict(parse_qsl(parts.query)), COLUMNS, FILTERS)


@given(ASKED)
def test_whatever_a_list_can_be_asked_for_stands_in_its_address(asked: Asked) -> None:
    assert again(asked.next_page("c-2")).cursor == "c-2"
    assert again(asked.first_page()).filters == dict(asked.filters)
    assert again(asked.sorted_by("at")).sort == "at"


@given(ASKED)
def test_another_order_or_filter_begins_at_the_first_page(asked: Asked) -> None:
    for address in (asked.sorted_by("at"), asked.without("text"), asked.unfiltered(), asked.first_page()):
        assert again(address).first
    assert again(asked.unfiltered()).filters == {}
    assert "text" not in again(asked.without("text")).filters


def test_a_column_is_sorted_up_then_down_then_up() -> None:
    asked = read("/returns", {}, COLUMNS, FILTERS)
    directions = []
    for _ in range(3):
        asked = again(asked.sorted_by("at"))
        directions.append(asked.direction("at"))
    assert directions == ["ascending", "descending", "ascending"]
    assert asked.direction("number") == "none"


@given(st.dictionaries(st.sampled_from(["sort", "cursor", "text", "status", "other"]), st.text(max_size=300)))
def test_whatever_an_address_says_a_list_takes_what_it_knows(given_: dict[str, str]) -> None:
    asked = read("/returns", given_, COLUMNS, FILTERS)
    assert asked.sort in {"", "at"}
    assert set(asked.filters) <= {"text", "status"}
    assert asked.filters.get("status", "open") in {"open", "done"}
    assert len(asked.cursor) <= 200
    assert asked.next_page("x").startswith("/returns?")
