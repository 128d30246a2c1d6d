"""Times as vendors write them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.sdk import moment, wall

HERE = "Europe/Amsterdam"


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-01-15 12:00:00", datetime(2026, 1, 15, 11, 0, tzinfo=UTC)),
        ("2026-07-01T12:00:00.81", datetime(2026, 7, 1, 10, 0, 0, 810_000, tzinfo=UTC)),
        ("2026-07-01T12:00:00.0000000", datetime(2026, 7, 1, 10, 0, tzinfo=UTC)),
        ("2026-07-01T12:00:00.1234567Z", datetime(2026, 7, 1, 12, 0, 0, 123_456, tzinfo=UTC)),
        ("2026-07-01T12:00:00+02:00", datetime(2026, 7, 1, 10, 0, tzinfo=UTC)),
        # the hour that clocks show twice, and the one that they leave out
        ("2026-10-25T02:30:00", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("2026-03-29T02:30:00", datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
    ],
)
def test_a_written_time_is_read_in_its_zone(text: str, utc: datetime) -> None:
    assert moment(text, HERE) == utc


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01 00:00:00", "12:00"])
def test_what_is_no_time_raises_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        moment(text, HERE)


@given(st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - hypothesis adds the zone
def test_what_is_written_as_wall_time_is_read_back_but_for_the_hour_that_comes_twice(at: datetime) -> None:
    back = moment(wall(at, HERE).isoformat(), HERE)
    assert back == at or (at - back).total_seconds() == 3600
