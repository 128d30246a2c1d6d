"""What is signed and what an answer means: pure, so by properties."""

import base64
import hashlib
import hmac
import random
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from hypothesis import given
from hypothesis import strategies as st

from hub.kit.crypto import Secret
from hub.webhooks import engine
from hub.webhooks.engine import SCHEDULE, Answer, Health
from hub.webhooks.messages import DeliveryState

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
statuses = st.none() | st.integers(100, 599)


def test_the_schedule_is_ten_attempts_in_three_days_and_a_bit() -> None:
    assert len(SCHEDULE) + 1 == 10
    assert timedelta(seconds=sum(SCHEDULE)) == timedelta(hours=75, minutes=35, seconds=5)


def test_a_signature_is_the_one_of_the_standards_own_example() -> None:
    """The values stand in the specification's reference libraries, whose receivers accept this signature."""
    key = Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = engine.signed(
        "msg_p5jXN8AQM9LWM0D4loKWxJek", '{"test": 2432232314}', datetime.fromtimestamp(1614265330, UTC), [key]
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert headers["webhook-timestamp"] == "1614265330"


@given(st.text(), st.integers(1, 3))
def test_whoever_has_one_of_the_secrets_can_prove_the_bytes(body: str, count: int) -> None:
    text = body.encode("utf-8", "replace").decode()
    secrets = [engine.new_secret() for _ in range(count)]
    headers = engine.signed("1", text, NOW, [Secret(each) for each in secrets])
    content = f"1.{headers['webhook-timestamp']}.{text}".encode()
    made = [hmac.new(base64.b64decode(each[6:]), content, hashlib.sha256).digest() for each in secrets]
    assert headers["webhook-signature"].split(" ") == ["v1," + base64.b64encode(each).decode() for each in made]
    assert all(24 <= len(base64.b64decode(each[6:])) <= 64 for each in secrets)


@given(statuses, st.integers(1, 12), st.none() | st.text() | st.integers(-5, 10**12).map(str), st.integers())
def test_only_two_hundreds_arrive_and_all_else_is_tried_by_schedule_until_it_is_used_up(
    status: int | None, attempt: int, retry_after: str | None, seed: int
) -> None:
    answer = Answer(status=status, retry_after=retry_after, error=None if status else "no answer")
    after = engine.decide(answer, attempt, NOW, random.Random(seed))
    if status is not None and 200 <= status < 300:
        assert (after.state, after.next_at, after.why) == (DeliveryState.DELIVERED, None, None)
    elif status == 410 or attempt >= 10:
        assert (after.state, after.gone) == (DeliveryState.FAILED, status == 410)
        assert after.why
    else:
        assert after.state is DeliveryState.WAITING
        assert after.next_at is not None
        least = timedelta(seconds=SCHEDULE[attempt - 1])
        assert (
            NOW + least <= after.next_at <= NOW + max(timedelta(seconds=SCHEDULE[attempt - 1] * 1.2), timedelta(days=1))
        )


def test_a_receiver_that_asks_for_a_pause_gets_it_in_seconds_or_as_a_date() -> None:
    for wish in ("7200", format_datetime(NOW + timedelta(hours=2))):
        after = engine.decide(Answer(status=429, retry_after=wish), 1, NOW)
        assert after.next_at == NOW + timedelta(hours=2)


def test_a_busy_receiver_is_left_alone_for_a_minute_at_least() -> None:
    for status in (429, 502, 503, 504):
        after = engine.decide(Answer(status=status), 1, NOW)
        assert after.next_at is not None
        assert after.next_at >= NOW + timedelta(seconds=60)


@given(st.lists(st.tuples(st.floats(0.1, 80), st.booleans()), max_size=60))
def test_nobody_is_disabled_without_five_days_of_nothing_and_a_notice_before(steps: list[tuple[float, bool]]) -> None:
    health, now, last_success, noticed = Health(), NOW, NOW, False
    failures: list[datetime] = []
    for hours, took in steps:
        now += timedelta(hours=hours)
        fared = engine.fare(health, took=took, now=now)
        if took:
            last_success, noticed, failures = now, False, []
            assert fared == engine.Fared(health=Health())
        else:
            failures.append(now)
        if fared.disable:
            assert now - last_success >= engine.DISABLE
            assert now - failures[0] >= engine.DISABLE
            assert noticed
        noticed = noticed or fared.notice
        health = fared.health


def test_an_endpoint_that_fails_all_the_time_is_told_twice_and_then_disabled() -> None:
    health, told = Health(), []
    for hour in range(0, 24 * 6, 6):
        fared = engine.fare(health, took=False, now=NOW + timedelta(hours=hour))
        told += [(hour // 24, "disable")] if fared.disable else [(hour // 24, "notice")] if fared.notice else []
        health = fared.health
    assert told[:3] == [(1, "notice"), (3, "notice"), (5, "disable")]


@given(st.sampled_from(["return.settled", "settlement.held", "hub.ping", "return"]))
def test_a_filter_lets_through_what_it_names(event: str) -> None:
    assert engine.wants((), event)
    assert engine.wants((event,), event)
    assert engine.wants(("return.*",), event) is event.startswith("return.")
    assert not engine.wants(("other.thing",), event)
