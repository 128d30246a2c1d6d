from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.kit.breaker import CLOSE_AFTER, LEAST_CALLS, PAUSE, WINDOW, Breaker

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def opened() -> Breaker:
    breaker = Breaker()
    for _ in range(LEAST_CALLS):
        breaker.record(ok=False, now=START)
    return breaker


def test_it_stays_closed_while_fewer_than_ten_calls_were_made() -> None:
    breaker = Breaker()
    for _ in range(LEAST_CALLS - 1):
        breaker.record(ok=False, now=START)
        assert breaker.wait(START) == 0
    breaker.record(ok=False, now=START)
    assert breaker.wait(START) == 60


@pytest.mark.parametrize(("failures", "wait"), [(4, 0), (5, 60), (10, 60)])
def test_it_opens_when_half_of_the_calls_failed(failures: int, wait: float) -> None:
    breaker = Breaker()
    for place in range(10):
        breaker.record(ok=place >= failures, now=START)
    assert breaker.wait(START) == wait


def test_calls_of_more_than_two_minutes_ago_are_forgotten() -> None:
    breaker = Breaker()
    for _ in range(LEAST_CALLS - 1):
        breaker.record(ok=False, now=START)
    later = START + WINDOW + timedelta(seconds=1)
    for _ in range(LEAST_CALLS - 1):
        breaker.record(ok=True, now=later)
    breaker.record(ok=False, now=later)
    assert breaker.wait(later) == 0
    for _ in range(8):
        breaker.record(ok=False, now=later)
    assert breaker.wait(later) == 60


def test_calls_on_the_edge_of_the_window_still_count() -> None:
    breaker = Breaker()
    for _ in range(5):
        breaker.record(ok=False, now=START)
    for _ in range(5):
        breaker.record(ok=True, now=START + WINDOW)
    assert breaker.wait(START + WINDOW) == 60


def test_the_wait_counts_down_and_then_one_probe_a_minute_passes() -> None:
    breaker = opened()
    assert breaker.wait(after(45)) == 15
    assert breaker.wait(after(60)) == 0
    assert breaker.wait(after(60)) == 60
    assert breaker.wait(after(119)) == 1
    assert breaker.wait(after(120)) == 0


def test_a_failed_probe_opens_it_anew_and_forgets_the_good_ones() -> None:
    breaker = opened()
    now = after(60)
    for _ in range(CLOSE_AFTER - 1):
        assert breaker.wait(now) == 0
        breaker.record(ok=True, now=now)
    assert breaker.wait(now) == 0
    breaker.record(ok=False, now=now)
    assert breaker.wait(now) == 60
    now += PAUSE
    for _ in range(CLOSE_AFTER - 1):
        assert breaker.wait(now) == 0
        breaker.record(ok=True, now=now)
    assert breaker.wait(now) == 0
    assert breaker.wait(now) == 60, "it closed although a probe failed in between"


def test_five_good_probes_close_it_and_its_memory_is_empty() -> None:
    breaker = opened()
    for _ in range(CLOSE_AFTER):
        assert breaker.wait(after(60)) == 0
        breaker.record(ok=True, now=after(60))
    assert [breaker.wait(after(60)) for _ in range(20)] == [0] * 20
    for _ in range(LEAST_CALLS):
        breaker.record(ok=True, now=after(61))
    for _ in range(LEAST_CALLS - 1):
        breaker.record(ok=False, now=after(61))
        assert breaker.wait(after(61)) == 0
    breaker.record(ok=False, now=after(61))
    assert breaker.wait(after(61)) == 60


@pytest.mark.parametrize("hours", [-1, -24, 1])
def test_a_clock_that_jumps_does_not_make_the_pause_longer(hours: int) -> None:
    breaker = opened()
    jumped = START + timedelta(hours=hours)
    assert breaker.wait(jumped) <= 60
    assert breaker.wait(jumped + PAUSE) == 0


calls = st.lists(st.tuples(st.booleans(), st.integers(0, 40)), max_size=60)


@given(calls)
def test_while_closed_it_does_as_the_words_say(history: list[tuple[bool, int]]) -> None:
    breaker, now = Breaker(), START
    seen: list[tuple[datetime, bool]] = []
    for ok, pause in history:
        now += timedelta(seconds=pause)
        breaker.record(ok=ok, now=now)
        seen = [(at, good) for at, good in [*seen, (now, ok)] if at >= now - WINDOW]
        failed = sum(not good for _, good in seen)
        must_open = len(seen) >= 10 and 2 * failed >= len(seen)
        assert (breaker.wait(now) > 0) == must_open
        if must_open:
            return


@given(calls)
def test_a_dead_vendor_gets_one_call_a_minute_at_most(history: list[tuple[bool, int]]) -> None:
    breaker, now, passed = opened(), START, []
    for _, pause in history:
        now += timedelta(seconds=pause)
        if breaker.wait(now) == 0:
            passed.append(now)
            breaker.record(ok=False, now=now)
    gaps = [later - earlier for earlier, later in pairwise(passed)]
    assert all(gap >= MINUTE for gap in gaps)
    assert all(breaker.wait(now) <= 60 for _ in range(2))


def test_a_probe_that_no_call_was_made_with_is_given_to_the_next() -> None:
    breaker = opened()
    assert breaker.wait(after(60)) == 0
    breaker.unused(after(61))
    assert breaker.wait(after(61)) == 0
    assert breaker.wait(after(61)) == 60


def test_a_closed_breaker_stays_closed_when_a_call_is_not_made() -> None:
    breaker = Breaker()
    breaker.unused(START)
    assert [breaker.wait(START) for _ in range(3)] == [0, 0, 0]


def test_a_vendor_that_always_works_is_never_held_up() -> None:
    breaker = Breaker()
    for second in range(400):
        assert breaker.wait(after(second)) == 0
        breaker.record(ok=True, now=after(second))
