"""The limiter, with a vendor played beside it that counts calls in intervals of its own."""

import heapq
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.kit.limits import CROWDED, GO, LONGEST, Leave, Meter, Told, Urgency

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def told(left: int | None = None, *, interval: float = 60.0, pause: float | None = None) -> Told:
    return Told(
        left=left,
        interval=timedelta(seconds=interval),
        pause=None if pause is None else timedelta(seconds=pause),
    )


def after(*answers: Told, seconds: float = 0.0) -> Meter:
    """A meter that has had these answers, one after the other."""
    meter = Meter()
    for answer in answers:
        meter.begin()
        meter.end(at(seconds), at(seconds), answer)
    return meter


def test_an_endpoint_that_tells_nothing_is_not_held_back() -> None:
    meter = after(told())
    for _ in range(100):
        assert meter.ask(Urgency.BULK, at(0)) == GO
        meter.begin()


@pytest.mark.parametrize("urgency", Urgency)
def test_a_pause_is_kept_to_the_second_by_everybody(urgency: Urgency) -> None:
    meter = after(told(pause=30))
    assert meter.ask(urgency, at(29.999)) == Leave(granted=False, until=at(30))
    assert meter.ask(urgency, at(30)) == GO


def test_a_pause_is_never_made_shorter() -> None:
    meter = after(told(pause=30), told(pause=10), told(left=50))
    meter.pause(at(20))
    assert meter.ask(Urgency.MONEY, at(29)).until == at(30)
    assert meter.paused_until(at(30)) is None


def test_a_pause_is_never_longer_than_an_hour_even_when_the_clock_is_set_back() -> None:
    meter = after(told(pause=86_400))
    assert meter.ask(Urgency.MONEY, at(0)).until == START + LONGEST
    assert meter.ask(Urgency.MONEY, at(-7_200)).until == at(-7_200) + LONGEST


def test_calls_under_way_count_as_made() -> None:
    meter = after(told(left=2))
    for _ in range(2):
        assert meter.ask(Urgency.MONEY, at(1)) == GO
        meter.begin()
    assert meter.ask(Urgency.MONEY, at(1)) == CROWDED
    meter.end(at(1), at(2), told(left=1))
    assert meter.ask(Urgency.MONEY, at(2)) == CROWDED
    meter.end(at(1), at(2), told(left=0))
    assert meter.ask(Urgency.MONEY, at(2)) == Leave(granted=False, until=at(60))
    assert meter.closed_until(at(2)) == at(60)


def test_long_reads_leave_a_quarter_to_money() -> None:
    meter = after(told(left=11), told(left=3))
    assert meter.ask(Urgency.BULK, at(0)) == Leave(granted=False, until=at(60))
    assert meter.ask(Urgency.USUAL, at(0)) == GO
    assert meter.ask(Urgency.MONEY, at(0)) == GO
    assert meter.closed_until(at(0)) is None


@given(st.integers(1, 100))
def test_a_reserve_never_keeps_long_reads_out_for_good(most: int) -> None:
    meter = after(told(left=most - 1))
    assert meter.ask(Urgency.BULK, at(60)) == GO


def test_who_is_less_urgent_waits_while_somebody_more_urgent_does() -> None:
    meter = after(told(left=9))
    meter.wait(Urgency.MONEY)
    assert meter.ask(Urgency.BULK, at(0)) == CROWDED
    assert meter.ask(Urgency.USUAL, at(0)) == CROWDED
    assert meter.ask(Urgency.MONEY, at(0)) == GO
    meter.wait_no_more(Urgency.MONEY)
    assert meter.ask(Urgency.BULK, at(0)) == GO


def test_answers_that_overtake_each_other_give_no_call_twice() -> None:
    meter = after(told(left=9))
    meter.begin()
    meter.begin()
    meter.end(at(1), at(3), told(left=2))
    meter.end(at(1), at(4), told(left=3))
    for _ in range(2):
        assert meter.ask(Urgency.MONEY, at(4)) == GO
        meter.begin()
    assert meter.ask(Urgency.MONEY, at(4)) == CROWDED


def test_a_call_without_an_answer_counts_and_one_that_never_left_does_not() -> None:
    meter = after(told(left=1))
    meter.begin()
    meter.end(at(1), at(1), Told(counted=False))
    assert meter.ask(Urgency.MONEY, at(1)) == GO
    meter.begin()
    meter.end(at(1), at(1), Told())
    assert meter.ask(Urgency.MONEY, at(1)).until == at(60)


def test_after_a_pause_no_more_calls_go_at_once_than_the_interval_before_had() -> None:
    meter = after(told(left=3), told(left=0, pause=12))
    for _ in range(4):
        assert meter.ask(Urgency.MONEY, at(12)) == GO
        meter.begin()
    assert meter.ask(Urgency.MONEY, at(12)) == CROWDED


class Counting:
    """A vendor that takes `most` calls in each interval and tells how many are left."""

    def __init__(self, most: int, interval: float, shift: float) -> None:
        self.most, self.interval, self.shift = most, interval, shift
        self.used: Counter[int] = Counter()

    def take(self, seconds: float) -> Told:
        window, into = divmod(seconds + self.shift, self.interval)
        self.used[int(window)] += 1
        left = self.most - self.used[int(window)]
        if left < 0:
            return told(0, interval=self.interval, pause=self.interval - into)
        return told(left, interval=self.interval)


class Call(msgspec.Struct, frozen=True):
    """A call that is wanted at a moment, and how long it travels there and back."""

    wanted: float
    urgency: Urgency
    there: float
    back: float


calls = st.builds(Call, st.floats(0, 400), st.sampled_from(list(Urgency)), st.floats(0, 3), st.floats(0, 3))


@given(st.integers(1, 12), st.floats(5, 120), st.floats(0, 120), st.lists(calls, max_size=80))
def test_once_it_knows_the_limit_it_never_meets_it(
    most: int, interval: float, shift: float, wanted: list[Call]
) -> None:
    vendor, meter = Counting(most, interval, shift), Meter()
    meter.begin()
    meter.end(at(0), at(0), vendor.take(0))
    numbers = count()
    agenda: list[tuple[float, int, Callable[[float], None]]] = []

    def later(moment: float, step: Callable[[float], None]) -> None:
        # The number keeps what falls on one moment in order.
        heapq.heappush(agenda, (moment, next(numbers), step))

    def ask(call: Call, moment: float) -> None:
        leave = meter.ask(call.urgency, at(moment))
        if leave.until is not None:
            assert at(moment) < leave.until <= at(moment) + LONGEST
        if leave.granted:
            meter.begin()
            later(moment + call.there, partial(arrive, call))

    def arrive(call: Call, moment: float) -> None:
        answer = vendor.take(moment)
        assert answer.pause is None, "the limit was met"
        later(moment + call.back, partial(end, call, answer))

    def end(call: Call, answer: Told, moment: float) -> None:
        meter.end(at(call.wanted), at(moment), answer)

    for call in wanted:
        later(call.wanted, partial(ask, call))
    while agenda:
        moment, _, step = heapq.heappop(agenda)
        step(moment)


@given(st.lists(st.tuples(st.floats(0, 30), st.none() | st.integers(0, 5), st.none() | st.floats(0, 5_000))))
def test_no_pause_is_undercut_and_money_never_waits_longer_than_it_must(
    answers: list[tuple[float, int | None, float | None]],
) -> None:
    meter, now, asked = Meter(), START, START
    for wait, left, pause in answers:
        now += timedelta(seconds=wait)
        leave = meter.ask(Urgency.MONEY, now)
        assert not (leave.granted and now < asked)
        if leave.until is not None:
            assert now < leave.until <= now + LONGEST
            now = leave.until
        assert meter.ask(Urgency.MONEY, now) == GO
        meter.begin()
        meter.end(now, now, told(left, pause=pause))
        if pause is not None:
            asked = max(asked, now + min(timedelta(seconds=pause), LONGEST))
