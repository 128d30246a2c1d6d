import math
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.web.plots.scales import Bands, Linear, quantile, step, ticks, time_ticks, value_axis

NUMBERS = st.floats(-1e12, 1e12, allow_nan=False, allow_infinity=False)
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - the zone is added
ZONES = st.sampled_from(["UTC", "Europe/Amsterdam", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"])


@given(NUMBERS, NUMBERS, st.integers(1, 12))
def test_ticks_span_the_values_in_even_steps_and_are_few(one: float, other: float, most: int) -> None:
    low, high = sorted((one, other))
    found = ticks(one, other, most)
    size = found[1] - found[0]
    assert found[0] <= low + size * 1e-6
    assert found[-1] >= high - size * 1e-6
    assert 2 <= len(found) <= most + 2
    assert all(math.isclose(after - before, size, rel_tol=1e-3) for before, after in pairwise(found))
    # Nothing is drawn that no value needs.
    assert low == high or (found[1] > low - size * 1e-6 and found[-2] < high + size * 1e-6)


@given(st.floats(1e-9, 1e12), st.integers(1, 12), st.booleans())
def test_a_step_is_round(span: float, most: int, whole: bool) -> None:  # noqa: FBT001 - given by hypothesis
    found = step(0, span, most, whole=whole)
    digits = found / 10 ** math.floor(math.log10(found) + 1e-9)
    assert any(math.isclose(digits, each, rel_tol=1e-9) for each in (1, 2, 2.5, 5))
    assert found >= span / most * (1 - 1e-6)
    assert not whole or found.is_integer()


@given(st.lists(st.integers(0, 10_000), max_size=20), st.integers(1, 8))
def test_what_is_counted_has_whole_ticks_from_zero(values: list[int], most: int) -> None:
    found = value_axis([float(value) for value in values], most)
    assert found[0] == 0
    assert all(tick.is_integer() for tick in found)
    assert found[-1] >= max(values, default=0)


def test_ticks_read_as_people_write_them() -> None:
    assert ticks(0.1, 0.37) == [0.1, 0.2, 0.3, 0.4]
    assert ticks(0, 7) == [0, 2, 4, 6, 8]
    assert ticks(-3, 12) == [-5, 0, 5, 10, 15]
    assert ticks(5, 5) == [5.0, 5.1, 5.2, 5.3, 5.4, 5.5]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_has_no_axis(value: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        ticks(0, value)


@given(NUMBERS, NUMBERS, st.floats(-1000, 1000), st.floats(-1000, 1000), st.floats(0, 1))
def test_a_scale_meets_its_ends_and_keeps_the_order(
    one: float, other: float, start: float, end: float, share: float
) -> None:
    low, high = sorted((one, other))
    scale = Linear(low, high, start, end)
    assert math.isclose(scale(low), start, abs_tol=1e-6)
    assert low == high or math.isclose(scale(high), end, abs_tol=1e-6)
    inside = scale(low + (high - low) * share)
    assert min(start, end) - 1e-6 <= inside <= max(start, end) + 1e-6


@given(st.integers(1, 60), st.floats(0, 500), st.floats(1, 2000))
def test_bands_lie_side_by_side_within_their_way(count: int, start: float, width: float) -> None:
    bands = Bands(count, start, start + width)
    edges = [(bands.at(place), bands.at(place) + bands.width) for place in range(count)]
    assert edges[0][0] >= start - 1e-6
    assert edges[-1][1] <= start + width + 1e-6
    assert all(before[1] <= after[0] + 1e-6 for before, after in pairwise(edges))


@given(MOMENTS, st.floats(1, 4e8), st.integers(1, 12), ZONES)
def test_ticks_of_time_lie_between_and_are_round_in_the_readers_zone(
    first: datetime, seconds: float, most: int, zone: str
) -> None:
    last = first + timedelta(seconds=seconds)
    found = time_ticks(first, last, most, ZoneInfo(zone))
    assert len(found) <= most + 2
    assert all(first <= tick <= last for tick in found)
    assert found == sorted(found)
    for tick in found:
        assert (tick.second, tick.microsecond) == (0, 0)
        if seconds > timedelta(days=15).total_seconds() * most:
            assert tick.day == 1
        if seconds > timedelta(days=1).total_seconds() * most:
            assert (tick.hour, tick.minute) == (0, 0)


def test_a_day_stays_a_day_when_the_clocks_change() -> None:
    amsterdam = ZoneInfo("Europe/Amsterdam")
    first = datetime(2026, 10, 23, tzinfo=amsterdam)
    found = time_ticks(first, first + timedelta(days=5), 5, amsterdam)
    assert [(tick.day, tick.hour) for tick in found] == [(day, 0) for day in range(23, 29)]


@given(st.lists(NUMBERS, min_size=1, max_size=50), st.floats(0, 1), st.floats(0, 1))
def test_a_quantile_lies_among_the_values_and_grows_with_its_share(
    values: list[float], one: float, other: float
) -> None:
    ordered = sorted(values)
    low, high = sorted((one, other))
    assert ordered[0] - 1e-3 <= quantile(ordered, low) <= ordered[-1] + 1e-3
    assert quantile(ordered, low) <= quantile(ordered, high) + 1e-3
    assert quantile(ordered, 0) == ordered[0]
    assert quantile(ordered, 1) == ordered[-1]


def test_there_is_no_quantile_of_nothing() -> None:
    with pytest.raises(ValueError, match="nothing"):
        quantile([], 0.5)
