"""The gate where requests leave: what headers say, who waits for whom, and who is turned away."""

import asyncio
from datetime import timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.kit import clock
from hub.kit.limits import LONGEST, Told, Urgency
from hub.sdk import Interrupted, RateLimited
from tenants import gate
from tenants.gate import Gate, read
from tenants.messages import Limited
from tests.conftest import Clock

LIST = "GET /returns"


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, Told()),
        ({"x-rate-limit-remaining": "7", "x-rate-limit-limit": "2"}, Told(left=7, interval=seconds(120))),
        ({"x-rate-limit-remaining": "7", "x-rate-limit-limit": "5000"}, Told(left=7)),
        ({"x-ratelimit-remaining": "7", "x-ratelimit-reset": "90"}, Told(left=7, interval=seconds(90))),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "5"}, Told(left=0, interval=seconds(5))),
        ({"x-rate-limit-remaining": "many"}, Told()),
        ({"x-rate-limit-remaining": "-1"}, Told()),
        ({"retry-after": "30"}, Told()),
    ],
)
def test_an_answer_says_how_many_calls_are_left_and_for_how_long(
    stopped: Clock, headers: dict[str, str], expected: Told
) -> None:
    assert read(200, headers, clock.now()) == expected


def test_a_reset_may_be_a_moment_since_1970(stopped: Clock) -> None:
    moment = str(int(stopped.moment.timestamp()) + 40)
    told = read(200, {"x-ratelimit-remaining": "1", "x-ratelimit-reset": moment}, stopped.moment)
    assert told.interval == seconds(40)


@pytest.mark.parametrize(
    ("status", "headers", "pause"),
    [
        (429, {"retry-after": "30"}, 30.0),
        (429, {}, 5.0),
        (429, {"retry-after": "soon"}, 5.0),
        (429, {"retry-after": "99999999"}, 3600.0),
        (503, {"retry-after": "30"}, 30.0),
        (503, {}, None),
        (500, {"retry-after": "30"}, None),
    ],
)
def test_a_refusal_asks_for_a_pause(stopped: Clock, status: int, headers: dict[str, str], pause: float | None) -> None:
    assert read(status, headers, clock.now()).pause == (None if pause is None else seconds(pause))


def test_a_date_to_come_back_at_is_read_by_the_vendors_own_clock(stopped: Clock) -> None:
    theirs = stopped.moment - seconds(300)
    headers = {"date": format_datetime(theirs), "retry-after": format_datetime(theirs + seconds(20))}
    assert read(429, headers, stopped.moment).pause == seconds(20)


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_whatever_the_headers_say_the_gate_stays_within_its_bounds(left: str, reset: str, limit: str) -> None:
    headers = {"x-rate-limit-remaining": left, "x-ratelimit-reset": reset, "x-rate-limit-limit": limit}
    told = read(429, headers, clock.now())
    assert told.pause is not None
    assert told.pause <= LONGEST
    assert told.interval <= LONGEST
    assert told.left is None or told.left >= 0


async def outcome(entering: Gate, urgency: Urgency = Urgency.MONEY) -> float:
    with pytest.raises(Interrupted) as caught:
        await entering.enter(LIST, urgency)
    assert isinstance(caught.value.outcome, RateLimited)
    return caught.value.outcome.after_seconds


def told(door: Gate, left: int) -> None:
    door.leave(LIST, clock.now(), Told(left=left))


async def test_a_pause_turns_everybody_away_at_once_with_the_rest_of_it(stopped: Clock) -> None:
    door = Gate()
    await door.enter(LIST, Urgency.BULK)
    assert door.leave(LIST, clock.now(), Told(pause=seconds(30))) is not None
    stopped.forward(seconds=10)
    assert await outcome(door) == pytest.approx(20, abs=0.001)
    await door.enter("GET /orders", Urgency.MONEY)


async def test_what_another_process_was_told_closes_the_gate_here(stopped: Clock) -> None:
    door = Gate()
    door.heed(Limited(calls={"poll": stopped.moment + seconds(20)}, endpoints={LIST: stopped.moment + seconds(30)}))
    assert door.rest("settle channel") is None
    assert (door.rest("poll") or RateLimited(0)).after_seconds == pytest.approx(20, abs=0.001)
    assert await outcome(door) == pytest.approx(30, abs=0.001)
    stopped.forward(seconds=31)
    await door.enter(LIST, Urgency.BULK)
    assert door.rest("poll") is None


async def test_money_goes_before_people_and_people_before_long_reads(stopped: Clock) -> None:
    door, order = Gate(), list[Urgency]()
    await door.enter(LIST, Urgency.MONEY)
    told(door, 9)
    for _ in range(9):
        await door.enter(LIST, Urgency.MONEY)

    async def pass_through(urgency: Urgency) -> None:
        await door.enter(LIST, urgency)
        order.append(urgency)
        door.leave(LIST, clock.now(), Told(counted=False))

    waiting = [asyncio.create_task(pass_through(each)) for each in sorted(Urgency, reverse=True)]
    await asyncio.sleep(0)
    assert order == []
    stopped.forward(seconds=61)
    for _ in range(9):
        door.leave(LIST, clock.now(), Told(counted=False))
    await asyncio.gather(*waiting)
    assert order == sorted(Urgency)


async def test_who_waits_too_long_for_others_is_sent_back_and_does_not_stand_in_the_way(
    stopped: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "PATIENCE_SECONDS", 0.01)
    door = Gate()
    await door.enter(LIST, Urgency.MONEY)
    told(door, 1)
    await door.enter(LIST, Urgency.MONEY)
    assert await outcome(door) == 1.0
    monkeypatch.setattr(gate, "PATIENCE_SECONDS", 60)
    given_up = asyncio.create_task(door.enter(LIST, Urgency.MONEY))
    behind = asyncio.create_task(door.enter(LIST, Urgency.USUAL))
    await asyncio.sleep(0)
    given_up.cancel()
    await asyncio.gather(given_up, return_exceptions=True)
    told(door, 5)
    await behind


async def test_a_known_number_of_calls_is_never_overrun_by_many_at_once(stopped: Clock) -> None:
    door, inside, most = Gate(), 0, 0
    left = 6
    await door.enter(LIST, Urgency.MONEY)
    told(door, left)

    async def call() -> None:
        nonlocal inside, most, left
        await door.enter(LIST, Urgency.MONEY)
        inside, began = inside + 1, clock.now()
        most = max(most, inside)
        await asyncio.sleep(0)
        inside, left = inside - 1, left - 1
        door.leave(LIST, began, Told(left=left))

    done = await asyncio.gather(*(call() for _ in range(20)), return_exceptions=True)
    assert (left, most) == (0, 6)
    assert len([each for each in done if isinstance(each, Interrupted)]) == 14
