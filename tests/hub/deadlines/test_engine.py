from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.deadlines.engine import QUIET, deadlines, retries_until
from hub.deadlines.messages import Deadline, Due, Moments
from hub.sdk.messages import Kind
from hub.sdk.profiles import MOST_DAYS, ChannelReturns, Profile
from tenants.messages import Route, Rules

ROUTE = (Route(warehouse_id=UUID(int=9)),)
START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
BORN = START + timedelta(hours=5)
ARRIVED = START + timedelta(days=3)
DAY = timedelta(days=1)

EVERYTHING = Profile(auto_cancel_days=21, decision_days=4, retry_days=5)
PATIENT = Rules(receiving=ROUTE, arrive_within_days=30, finalise_after_days=7)


def moments(kind: Kind = Kind.CHANNEL, **more: object) -> Moments:
    return Moments(**{"kind": kind, "started_at": START, "born_at": BORN, **more})  # type: ignore[arg-type]  # a test's


def due(found: tuple[Deadline, ...]) -> dict[Due, datetime]:
    assert len({each.kind for each in found}) == len(found)
    return {each.kind: each.at for each in found}


def test_before_anything_arrives_the_channel_counts_from_the_customer_and_the_policy_from_the_birth() -> None:
    assert due(deadlines(EVERYTHING, PATIENT, moments())) == {
        Due.CANCEL: START + 21 * DAY, Due.ARRIVE: BORN + 30 * DAY,
    }  # fmt: skip


def test_after_the_first_receipt_the_decision_is_due_and_receiving_ends_by_itself() -> None:
    assert due(deadlines(EVERYTHING, PATIENT, moments(arrived_at=ARRIVED))) == {
        Due.CANCEL: START + 21 * DAY, Due.DECIDE: ARRIVED + 4 * DAY, Due.FINALISE: ARRIVED + 7 * DAY,
    }  # fmt: skip


def test_what_is_missing_is_awaited_as_before_where_receiving_does_not_end_by_itself() -> None:
    rules = Rules(receiving=ROUTE, arrive_within_days=30)
    found = due(deadlines(Profile(), rules, moments(arrived_at=ARRIVED)))
    assert found == {Due.ARRIVE: BORN + 30 * DAY}


def test_once_receiving_is_finalised_only_the_channel_is_waited_for() -> None:
    found = due(deadlines(EVERYTHING, PATIENT, moments(arrived_at=ARRIVED, finalised=True)))
    assert set(found) == {Due.CANCEL, Due.DECIDE}


def test_a_merchant_return_is_not_canceled_by_a_channel_that_does_not_know_it() -> None:
    assert set(due(deadlines(EVERYTHING, PATIENT, moments(Kind.MERCHANT)))) == {Due.ARRIVE}
    found = due(deadlines(EVERYTHING, PATIENT, moments(Kind.MERCHANT, arrived_at=ARRIVED)))
    assert set(found) == {Due.DECIDE, Due.FINALISE}


@pytest.mark.parametrize("manner", [ChannelReturns.INFORMATIONAL, ChannelReturns.NONE])
def test_a_marketplace_that_takes_no_decision_waits_for_none(manner: ChannelReturns) -> None:
    profile = Profile(channel_returns=manner, auto_cancel_days=21, decision_days=4)
    assert set(due(deadlines(profile, PATIENT, moments(arrived_at=ARRIVED)))) == {Due.FINALISE}
    assert Due.DECIDE in due(deadlines(profile, PATIENT, moments(Kind.MERCHANT, arrived_at=ARRIVED)))


def test_a_return_that_was_refused_afterwards_is_only_watched_for_a_second_refusal() -> None:
    refused = moments(arrived_at=ARRIVED, finalised=True, refused_at=START + 9 * DAY)
    assert due(deadlines(EVERYTHING, PATIENT, refused)) == {Due.CONFIRM: START + 9 * DAY + QUIET}
    assert deadlines(Profile(auto_cancel_days=21), PATIENT, refused) == (), (
        "nobody tries again, so silence says nothing"
    )


def test_nothing_is_due_by_default_and_nothing_once_it_is_over() -> None:
    assert deadlines(Profile(), Rules(receiving=ROUTE), moments(arrived_at=ARRIVED)) == ()
    assert deadlines(EVERYTHING, PATIENT, moments(arrived_at=ARRIVED, over=True)) == ()


days_of = st.none() | st.integers(1, MOST_DAYS)
ZONES = ("UTC", "Europe/Amsterdam", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe")
# Wherever the clocks are put forward or back, in leap years and in others.
instants = st.datetimes(
    datetime(2023, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    datetime(2029, 12, 31),  # noqa: DTZ001 - as above
    timezones=st.sampled_from(ZONES).map(ZoneInfo),
)


@given(instants, st.none() | instants, st.tuples(days_of, days_of, days_of, days_of), st.sampled_from(Kind))
def test_a_day_is_24_hours_whatever_the_clocks_do(
    start: datetime, arrived: datetime | None, days: tuple[int | None, ...], kind: Kind
) -> None:
    cancel, decide, arrive, finalise = days
    profile = Profile(auto_cancel_days=cancel, decision_days=decide)
    rules = Rules(receiving=ROUTE, arrive_within_days=arrive, finalise_after_days=finalise)
    found = deadlines(profile, rules, Moments(kind=kind, started_at=start, born_at=start, arrived_at=arrived))
    spans = {Due.CANCEL: (start, cancel), Due.ARRIVE: (start, arrive)}
    spans |= {Due.DECIDE: (arrived or start, decide), Due.FINALISE: (arrived or start, finalise)}
    for each in found:
        begin, whole = spans[each.kind]
        assert whole is not None
        assert each.at.tzinfo is UTC
        assert each.at.timestamp() - begin.timestamp() == whole * 86_400
        ahead = (each.at - each.warn_at).total_seconds()
        assert ahead == pytest.approx(min(2 * 86_400, whole * 86_400 / 5))
        assert begin < each.warn_at < each.at
    expected = {Due.CANCEL} if cancel and kind is Kind.CHANNEL else set()
    if arrived is not None and decide:
        expected.add(Due.DECIDE)
    if arrived is not None and finalise:
        expected.add(Due.FINALISE)
    elif arrive:
        expected.add(Due.ARRIVE)
    assert set(due(found)) == expected


@given(instants, days_of, days_of)
def test_the_zone_in_which_a_moment_is_told_makes_no_difference(
    start: datetime, cancel: int | None, arrive: int | None
) -> None:
    profile, rules = Profile(auto_cancel_days=cancel), Rules(receiving=ROUTE, arrive_within_days=arrive)
    told = [Moments(kind=Kind.CHANNEL, started_at=each, born_at=each) for each in (start, start.astimezone(UTC))]
    assert deadlines(profile, rules, told[0]) == deadlines(profile, rules, told[1])


def test_a_deadline_over_the_night_in_which_clocks_change_is_not_an_hour_off() -> None:
    amsterdam = ZoneInfo("Europe/Amsterdam")
    profile = Profile(auto_cancel_days=1)
    for night in (datetime(2026, 3, 28, 12, tzinfo=amsterdam), datetime(2026, 10, 24, 12, tzinfo=amsterdam)):
        (found,) = deadlines(profile, Rules(receiving=ROUTE), moments(started_at=night))
        assert found.at - night.astimezone(UTC) == timedelta(hours=24)


def test_a_leap_day_counts() -> None:
    start = datetime(2028, 2, 28, 12, tzinfo=UTC)
    (found,) = deadlines(Profile(auto_cancel_days=2), Rules(receiving=ROUTE), moments(started_at=start))
    assert found.at == datetime(2028, 3, 1, 12, tzinfo=UTC)


@given(instants, st.integers(0, MOST_DAYS), st.integers(0, 2 * MOST_DAYS))
def test_the_channel_tries_again_for_as_many_days_as_its_profile_says(settled: datetime, days: int, later: int) -> None:
    now = settled.astimezone(UTC) + timedelta(days=later)
    until = retries_until(Profile(retry_days=days), settled, now)
    assert (until is None) == (later >= days)
    if until is not None:
        assert until.timestamp() - settled.timestamp() == days * 86_400
    assert retries_until(Profile(retry_days=days), None, now) is None
