"""What every outcome means for its operation, and the promises that hold for any stream of outcomes."""

import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hub.kit import schedule
from hub.operations.engine import Next, Now, decide
from hub.operations.messages import Call, State
from hub.sdk.messages import VendorReference
from hub.sdk.outcomes import (
    Absent,
    ActionRequired,
    Done,
    Outcome,
    OutcomeUnknown,
    Pending,
    RateLimited,
    Refused,
    Retry,
)

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
WAITING = {State.READY, State.PENDING, State.UNKNOWN}
ENDS = {State.DONE, State.REFUSED, State.DEAD}
MOST_TRIES = len(schedule.RETRY) + 1


class Bug(Outcome, frozen=True):
    """Something that is no answer at all."""


def effect(attempt: int = 1) -> Now:
    return Now(call=Call.EFFECT, attempt=attempt, lookups=0, doubtful_since=None, now=START)


def lookup(*, lookups: int = 0, age: float = 0.0, attempt: int = 1) -> Now:
    since = START - timedelta(seconds=age)
    return Now(call=Call.LOOKUP, attempt=attempt, lookups=lookups, doubtful_since=since, now=START)


def wait(after: Next) -> float:
    assert after.next_at is not None
    return (after.next_at - START).total_seconds()


# outcome, call, state after it, attempt (1 before), look-ups (0 before), whether doubt remains
TABLE = [
    (Done(VendorReference(reference="7")), Call.EFFECT, State.DONE, 1, 0, False),
    (Done(VendorReference(reference="7")), Call.LOOKUP, State.DONE, 1, 0, False),
    (Refused("invalid", "no"), Call.EFFECT, State.REFUSED, 1, 0, False),
    (Refused("invalid", "no"), Call.LOOKUP, State.REFUSED, 1, 0, False),
    (RateLimited(60), Call.EFFECT, State.READY, 0, 0, False),
    (RateLimited(60), Call.LOOKUP, State.UNKNOWN, 1, 0, True),
    (ActionRequired("key"), Call.EFFECT, State.READY, 0, 0, False),
    (ActionRequired("key"), Call.LOOKUP, State.UNKNOWN, 1, 0, True),
    (Pending(120), Call.EFFECT, State.PENDING, 1, 0, True),
    (Pending(120), Call.LOOKUP, State.PENDING, 1, 0, True),
    (OutcomeUnknown("504"), Call.EFFECT, State.UNKNOWN, 1, 0, True),
    (OutcomeUnknown("504"), Call.LOOKUP, State.UNKNOWN, 1, 1, True),
    (Retry("503"), Call.EFFECT, State.READY, 1, 0, False),
    (Retry("503"), Call.LOOKUP, State.UNKNOWN, 1, 1, True),
    (Absent(), Call.EFFECT, State.DEAD, 1, 0, False),
    (Absent(), Call.LOOKUP, State.UNKNOWN, 1, 1, True),
    (Bug(), Call.EFFECT, State.DEAD, 1, 0, False),
    (Bug(), Call.LOOKUP, State.DEAD, 1, 0, False),
]


@pytest.mark.parametrize(("outcome", "call", "state", "attempt", "lookups", "doubt"), TABLE)
def test_every_outcome_of_each_call_leads_where_the_table_says(
    outcome: Outcome, call: Call, state: State, attempt: int, lookups: int, *, doubt: bool
) -> None:
    after = decide(outcome, effect() if call is Call.EFFECT else lookup())
    assert (after.state, after.attempt, after.lookups) == (state, attempt, lookups)
    assert (after.doubtful_since == START) if doubt else (after.doubtful_since is None)
    assert (after.next_at is not None) == (state in WAITING)


def test_the_table_names_every_outcome_with_both_calls() -> None:
    named = {(type(outcome), call) for outcome, call, *_ in TABLE}
    answers = set(Outcome.__subclasses__())
    assert {kind.__name__ for kind, _ in named} >= {kind.__name__ for kind in answers if "sdk" in kind.__module__}
    assert all((kind, call) in named for kind, _ in named for call in Call)


def test_a_result_that_is_no_reference_is_kept_out() -> None:
    reference = VendorReference(reference="CE-7")
    assert decide(Done(reference), effect()).result == reference
    assert decide(Done("words"), effect()).result == VendorReference()


def test_a_refusal_keeps_the_code_and_the_words() -> None:
    after = decide(Refused("settled_elsewhere", "paid before"), effect())
    assert (after.code, after.why) == ("settled_elsewhere", "paid before")


def test_a_limit_says_until_when_and_a_refused_key_pauses_the_connection() -> None:
    limited = decide(RateLimited(90), effect())
    assert limited.next_at == START + timedelta(seconds=90)
    assert limited.why == f"waiting for rate limit until {START + timedelta(seconds=90):%Y-%m-%dT%H:%M:%SZ}"
    assert limited.pause is None
    paused = decide(ActionRequired("The key is revoked."), effect())
    assert (paused.pause, paused.next_at) == ("The key is revoked.", START)


@pytest.mark.parametrize(
    ("asked", "kept"),
    [(-5.0, 1.0), (0.0, 1.0), (90.0, 90.0), (1e9, 86_400.0), (float("inf"), 86_400.0), (float("nan"), 1.0)],
)
def test_no_vendor_stops_a_connection_for_longer_than_a_day_or_is_asked_without_a_pause(
    asked: float, kept: float
) -> None:
    assert wait(decide(RateLimited(asked), effect())) == kept
    assert wait(decide(Pending(asked), effect())) == kept
    assert wait(decide(Pending(asked), lookup())) == kept
    assert wait(decide(Retry("busy", asked), effect())) <= 86_400.0


@pytest.mark.parametrize("attempt", range(1, MOST_TRIES))
def test_a_retry_waits_by_the_schedule_or_longer_if_the_vendor_asks(attempt: int) -> None:
    planned = schedule.RETRY[attempt - 1]
    assert planned * 0.8 <= wait(decide(Retry("503"), effect(attempt))) <= planned * 1.2
    assert wait(decide(Retry("503", after_seconds=80_000.0), effect(attempt))) >= 80_000.0
    assert wait(decide(Retry("503", after_seconds=0.5), effect(attempt))) >= planned * 0.8


def test_the_last_try_ends_as_a_dead_letter_that_says_so() -> None:
    assert decide(Retry("503"), effect(MOST_TRIES - 1)).state is State.READY
    after = decide(Retry("503"), effect(MOST_TRIES))
    assert (after.state, after.why) == (State.DEAD, f"gave up after {MOST_TRIES} tries: 503")


@pytest.mark.parametrize(
    ("age", "state"), [(0.0, State.UNKNOWN), (59.9, State.UNKNOWN), (60.0, State.READY), (1e6, State.READY)]
)
def test_absence_is_believed_only_after_the_quiet_time(age: float, state: State) -> None:
    assert decide(Absent(), lookup(age=age)).state is state


def test_absence_without_a_known_beginning_is_not_believed() -> None:
    after = decide(Absent(), msgspec.structs.replace(lookup(age=1e6), doubtful_since=None))
    assert (after.state, after.doubtful_since) == (State.UNKNOWN, START)


def test_what_did_not_happen_is_tried_again_with_fresh_look_ups() -> None:
    after = decide(Absent(), lookup(age=60, lookups=3, attempt=2))
    assert (after.state, after.lookups, after.attempt, after.doubtful_since) == (State.READY, 0, 2, None)
    assert decide(Absent(), lookup(age=60, attempt=MOST_TRIES)).state is State.DEAD


def test_look_ups_follow_their_schedule_and_then_a_person_looks() -> None:
    assert wait(decide(OutcomeUnknown("504"), effect())) == schedule.LOOKUP[0]
    for done, pause in enumerate(schedule.LOOKUP[1:]):
        assert wait(decide(Retry("503"), lookup(lookups=done))) == pause
    after = decide(Retry("503"), lookup(lookups=len(schedule.LOOKUP) - 1))
    assert (after.state, after.lookups) == (State.DEAD, 0 + len(schedule.LOOKUP) - 1)
    assert after.why == "still unknown after 12 look-ups: the look-up failed: 503"


def test_doubt_keeps_its_first_moment() -> None:
    since = START - timedelta(seconds=500)
    for outcome in (Retry("503"), OutcomeUnknown("504"), Pending(60), RateLimited(60), ActionRequired("key")):
        assert decide(outcome, lookup(age=500)).doubtful_since == since


@pytest.mark.parametrize("outcome", [RateLimited(60), ActionRequired("key")])
def test_a_replayed_effect_that_cannot_be_looked_up_never_counts_below_zero(outcome: Outcome) -> None:
    replayed = Now(call=Call.EFFECT, attempt=0, lookups=0, doubtful_since=START - timedelta(days=1), now=START)
    after = decide(outcome, replayed)
    assert (after.attempt, after.state, after.doubtful_since) == (0, State.UNKNOWN, replayed.doubtful_since)


# streams ------------------------------------------------------------------------------------------------

seconds = st.floats(0, 5_000)
neutral = st.one_of(st.builds(RateLimited, seconds), st.just(ActionRequired("key")))
bad = st.one_of(
    st.builds(Retry, st.just("503"), st.none() | seconds),
    st.just(OutcomeUnknown("504")),
    st.just(Absent()),
)
any_outcome = st.one_of(
    bad, neutral, st.builds(Pending, seconds), st.just(Bug()), st.just(Refused("no", "no")), st.just(Done(None))
)


class Ledger:
    """One operation as the database keeps it: what `claim` and `finish` do, without their SQL."""

    def __init__(self, dice: random.Random, *, can_look_up: bool = True, replayed: bool = False) -> None:
        self.dice, self.can_look_up = dice, can_look_up
        self.now = START
        self.after = Next(state=State.READY, attempt=0, lookups=0, next_at=START)
        if replayed:
            long_ago = START - timedelta(days=1)
            self.after = Next(state=State.UNKNOWN, attempt=0, lookups=0, next_at=START, doubtful_since=long_ago)
        self.effects = self.lookups = 0

    def call(self) -> Now:
        before = self.after
        assert before.next_at is not None
        self.now = max(self.now, before.next_at) + timedelta(seconds=1)
        counted = before.doubtful_since is None and before.state is State.READY
        call = Call.LOOKUP if before.doubtful_since is not None and self.can_look_up else Call.EFFECT
        self.effects += call is Call.EFFECT
        self.lookups += call is Call.LOOKUP
        return Now(
            call=call,
            attempt=before.attempt + counted,
            lookups=before.lookups,
            doubtful_since=before.doubtful_since,
            now=self.now,
        )

    def run(self, outcomes: Iterable[Outcome]) -> Iterable[tuple[Now, Outcome, Next]]:
        for outcome in outcomes:
            now = self.call()
            self.after = decide(outcome, now, self.dice)
            yield now, outcome, self.after
            if self.after.state in ENDS:
                return


streams = st.lists(any_outcome, min_size=1, max_size=60)
ledgers = st.builds(Ledger, st.randoms(), can_look_up=st.booleans(), replayed=st.booleans())


@given(ledgers, streams)
def test_after_every_answer_the_row_can_be_stored(ledger: Ledger, outcomes: list[Outcome]) -> None:
    for now, _, after in ledger.run(outcomes):
        assert (after.next_at is not None) == (after.state in WAITING)
        assert after.state in WAITING | ENDS
        assert 0 <= after.attempt <= MOST_TRIES
        assert 0 <= after.lookups <= len(schedule.LOOKUP)
        assert after.next_at is None or after.next_at >= now.now
        assert after.state is State.DONE or after.why
        if after.state is State.READY:
            assert after.doubtful_since is None
        if after.state in {State.UNKNOWN, State.PENDING}:
            assert after.doubtful_since is not None


@given(ledgers, streams)
def test_limits_and_pauses_never_count(ledger: Ledger, outcomes: list[Outcome]) -> None:
    held = ledger.after
    for _, outcome, after in ledger.run(outcomes):
        if isinstance(outcome, RateLimited | ActionRequired):
            assert (after.attempt, after.lookups) == (held.attempt, held.lookups)
            assert after.doubtful_since == held.doubtful_since
        held = after


@given(st.builds(Ledger, st.randoms(), replayed=st.booleans()), streams)
def test_doubt_ends_only_by_an_answer_or_by_absence_after_the_quiet_time(
    ledger: Ledger, outcomes: list[Outcome]
) -> None:
    doubtful_since = ledger.after.doubtful_since
    for now, outcome, after in ledger.run(outcomes):
        if isinstance(outcome, OutcomeUnknown):
            assert after.state is not State.READY
        if doubtful_since is not None:
            assert now.call is Call.LOOKUP
            if after.state is State.READY:
                assert isinstance(outcome, Absent)
                assert (now.now - doubtful_since).total_seconds() >= schedule.QUIET
        doubtful_since = after.doubtful_since


@given(st.booleans(), st.booleans(), st.randoms(), st.lists(bad, min_size=1, max_size=8))
def test_every_endless_stream_of_bad_answers_ends_as_a_dead_letter(
    can_look_up: bool, replayed: bool, dice: random.Random, pattern: list[Outcome]  # noqa: FBT001 - drawn
) -> None:  # fmt: skip
    ledger = Ledger(dice, can_look_up=can_look_up, replayed=replayed)
    rounds = MOST_TRIES * (len(schedule.LOOKUP) + 2)
    for _ in ledger.run(pattern * rounds):
        pass
    assert ledger.after.state is State.DEAD
    assert ledger.effects <= MOST_TRIES + (0 if can_look_up else MOST_TRIES * len(schedule.LOOKUP))


@given(st.randoms(), st.lists(bad | neutral, min_size=1, max_size=60))
def test_limits_and_pauses_in_between_change_nothing_of_the_end(dice: random.Random, outcomes: list[Outcome]) -> None:
    assume(any(not isinstance(each, RateLimited | ActionRequired) for each in outcomes))
    ledger = Ledger(dice)
    for _ in ledger.run(outcomes * (MOST_TRIES * (len(schedule.LOOKUP) + 2))):
        pass
    assert ledger.after.state is State.DEAD
    assert ledger.after.attempt <= MOST_TRIES
