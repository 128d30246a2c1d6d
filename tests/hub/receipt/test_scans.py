"""Reading a scan: what a code carries, and what comes first."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.kit.numbers import new_return_number
from hub.receipt.scans.engine import LONGEST, MOST_MATCHES, MOST_READINGS, ORDER, answer, readings
from hub.sdk.scanning import Match, Matched, Next


@pytest.mark.parametrize(
    ("scanned", "meant"),
    [
        ("]C100340434161234567896", "340434161234567896"),
        ("(00) 340434161234567896", "340434161234567896"),
        ("0104006381333931", "04006381333931"),
        ("9612345123456789012345", "123456789012345"),
        ("420123459205590164917312345671", "9205590164917312345671"),
        ("1001921334250001000300779017972697", "779017972697"),
        ("%0071234" + "01505123456789" + "120276", "01505123456789"),
        ("https://example.com/track?code=3SABCD123", "3SABCD123"),
        ("https://example.com/returns/R-1/", "R-1"),
        ("  3SABCD123\r\n", "3SABCD123"),
    ],
)
def test_a_code_is_read_with_what_it_carries(scanned: str, meant: str) -> None:
    assert meant in readings(scanned)


@given(st.sampled_from(["{}", " {} ", "]Q3{}", "https://hub.example/r/{}", "https://hub.example/?number={}"]))
def test_a_return_number_is_read_however_it_is_printed(form: str) -> None:
    number = new_return_number()
    assert readings(form.format(number))[0] == number
    assert readings(form.format(number.lower()))[0] == number


@given(st.text(max_size=400))
def test_whatever_is_scanned_is_read_into_a_few_short_codes(scanned: str) -> None:
    found = readings(scanned)
    assert len(found) <= MOST_READINGS
    assert all(0 < len(code) <= LONGEST for code in found)
    assert len(set(found)) == len(found)


matches = st.builds(
    Match, by=st.sampled_from(Matched), todo=st.sampled_from(Next), say=st.just("?"), open=st.booleans()
)


@given(st.lists(matches, max_size=12))
def test_an_answer_has_a_few_matches_and_what_is_open_comes_first(found: list[Match]) -> None:
    told = answer("?", found)
    assert len(told.matches) == min(len(found), MOST_MATCHES)
    assert told.more is (len(found) > MOST_MATCHES)
    places = [(not match.open, ORDER[match.by]) for match in told.matches]
    assert places == sorted(places)
    assert told.todo is (Next.REGISTER if not found else told.matches[0].todo if len(found) == 1 else Next.RECEIVE)
