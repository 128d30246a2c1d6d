import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.kit import schedule
from hub.kit.schedule import DAY, HOUR, LOOKUP, MINUTE, QUIET, RETRY, lookup_after, retry_after, wished


class Middle(random.Random):
    """Dice that always fall on the middle."""

    def uniform(self, a: float, b: float) -> float:
        return (a + b) / 2


def test_the_schedule_is_the_published_one() -> None:
    assert list(RETRY) == [2, 10, MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 6 * HOUR, 12 * HOUR, DAY, DAY]
    assert round(sum(RETRY) / HOUR) == 69
    lookups = [2, MINUTE, 5 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 6 * HOUR, 12 * HOUR, DAY, DAY, DAY, DAY]
    assert list(LOOKUP) == lookups


@pytest.mark.parametrize(("attempt", "pause"), list(enumerate(RETRY, 1)))
def test_each_try_waits_its_own_pause(attempt: int, pause: float) -> None:
    assert retry_after(attempt, dice=Middle()) == pytest.approx(pause)


def test_after_the_last_pause_there_is_none() -> None:
    assert retry_after(len(RETRY) + 1) is None
    assert retry_after(10_000) is None
    assert lookup_after(len(LOOKUP)) is None
    assert [lookup_after(done) for done in range(len(LOOKUP))] == list(LOOKUP)


def test_what_was_never_tried_waits_as_after_its_first_try() -> None:
    assert retry_after(0, dice=Middle()) == pytest.approx(RETRY[0])


@given(st.integers(1, len(RETRY)), st.randoms())
def test_jitter_stays_within_a_fifth(attempt: int, dice: random.Random) -> None:
    pause = retry_after(attempt, dice=dice)
    assert pause is not None
    assert RETRY[attempt - 1] * 0.8 <= pause <= RETRY[attempt - 1] * 1.2


def test_jitter_spreads() -> None:
    pauses = [retry_after(4) or 0.0 for _ in range(200)]
    assert min(pauses) < 0.9 * RETRY[3]
    assert max(pauses) > 1.1 * RETRY[3]


def test_absence_can_be_believed_by_the_second_look() -> None:
    assert LOOKUP[0] < QUIET <= LOOKUP[0] + LOOKUP[1]


@given(st.floats())
def test_a_wish_is_kept_between_a_second_and_a_day(seconds: float) -> None:
    assert schedule.SHORTEST_WISH <= wished(seconds) <= schedule.LONGEST_WISH
    if 1 <= seconds <= DAY:
        assert wished(seconds) == seconds
