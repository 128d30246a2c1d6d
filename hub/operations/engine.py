"""What an outcome means for its operation, as a pure function; the random part is the jitter handed in."""

import random
from datetime import datetime, timedelta

import msgspec

from hub.kit import schedule
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


class Now(msgspec.Struct, frozen=True, kw_only=True):
    """An operation while it is called; `attempt` counts this call if it is an effect that was not in doubt.

    An effect in doubt is called only where it is repeatable and cannot be looked up; it counts as a look-up.
    """

    call: Call
    attempt: int
    lookups: int
    doubtful_since: datetime | None
    now: datetime

    @property
    def in_doubt(self) -> bool:
        """Whether it may have happened before this call."""
        return self.call is Call.LOOKUP or self.doubtful_since is not None


class Next(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of an operation, and of its connection."""

    state: State
    attempt: int
    lookups: int
    doubtful_since: datetime | None = None
    next_at: datetime | None = None
    why: str | None = None
    code: str | None = None
    result: VendorReference | None = None
    pause: str | None = None


def decide(outcome: Outcome, now: Now, dice: random.Random | None = None) -> Next:
    """Return what follows from an outcome; an answer that does not fit its call is a dead letter."""
    match outcome:
        case Done(result=result):
            return _end(now, State.DONE, result=result if isinstance(result, VendorReference) else VendorReference())
        case Refused(code=code, message=message):
            return _end(now, State.REFUSED, why=message, code=code)
        case RateLimited(after_seconds=seconds):
            until = now.now + timedelta(seconds=schedule.wished(seconds))
            return _uncounted(now, why=f"waiting for rate limit until {until:%Y-%m-%dT%H:%M:%SZ}", next_at=until)
        case ActionRequired(message=message):
            return _uncounted(now, why=message, next_at=now.now, pause=message)
    return _after_effect(outcome, now, dice) if now.call is Call.EFFECT else _after_lookup(outcome, now, dice)


def _after_effect(outcome: Outcome, now: Now, dice: random.Random | None) -> Next:
    match outcome:
        case Pending(check_after_seconds=seconds):
            return _doubt(now, State.PENDING, schedule.wished(seconds), "the vendor decides later", since=now.now)
        case OutcomeUnknown(why=why) if now.in_doubt:
            return _look_again(now, why)
        case OutcomeUnknown(why=why):
            return _doubt(now, State.UNKNOWN, schedule.LOOKUP[0], why, since=now.now)
        case Retry(why=why, after_seconds=seconds):
            return _again(now, why, seconds, dice)
    return _end(now, State.DEAD, why=f"the connector answered {type(outcome).__name__} to an effect")


def _after_lookup(outcome: Outcome, now: Now, dice: random.Random | None) -> Next:
    match outcome:
        case Absent() if _quiet(now):
            return _again(now, "it did not happen", None, dice)
        case Absent():
            return _look_again(now, "nothing to be seen yet")
        case Pending(check_after_seconds=seconds):
            return _doubt(
                now, State.PENDING, schedule.wished(seconds), "the vendor decides later", since=now.doubtful_since
            )
        case Retry(why=why) | OutcomeUnknown(why=why):
            return _look_again(now, f"the look-up failed: {why}")
    return _end(now, State.DEAD, why=f"the connector answered {type(outcome).__name__} to a look-up")


def _quiet(now: Now) -> bool:
    since = now.doubtful_since or now.now
    return (now.now - since).total_seconds() >= schedule.QUIET


def _again(now: Now, why: str, seconds: float | None, dice: random.Random | None) -> Next:
    pause = schedule.retry_after(now.attempt, dice=dice)
    if pause is None:
        return _end(now, State.DEAD, why=f"gave up after {now.attempt} tries: {why}")
    wait = timedelta(seconds=pause if seconds is None else max(pause, schedule.wished(seconds)))
    return Next(state=State.READY, attempt=now.attempt, lookups=0, next_at=now.now + wait, why=why)


def _look_again(now: Now, why: str) -> Next:
    pause = schedule.lookup_after(now.lookups + 1)
    if pause is None:
        return _end(now, State.DEAD, why=f"still unknown after {now.lookups + 1} look-ups: {why}")
    doubt = _doubt(now, State.UNKNOWN, pause, why, since=now.doubtful_since)
    return msgspec.structs.replace(doubt, lookups=now.lookups + 1)


def _doubt(now: Now, state: State, seconds: float, why: str, *, since: datetime | None) -> Next:
    return Next(
        state=state,
        attempt=now.attempt,
        lookups=now.lookups,
        doubtful_since=since or now.now,
        next_at=now.now + timedelta(seconds=seconds),
        why=why,
    )


def _uncounted(now: Now, *, why: str, next_at: datetime, pause: str | None = None) -> Next:
    return Next(
        state=State.UNKNOWN if now.in_doubt else State.READY,
        attempt=now.attempt if now.in_doubt else now.attempt - 1,
        lookups=now.lookups,
        doubtful_since=now.doubtful_since,
        next_at=next_at,
        why=why,
        pause=pause,
    )


def _end(
    now: Now, state: State, *, why: str | None = None, code: str | None = None, result: VendorReference | None = None
) -> Next:
    return Next(state=state, attempt=now.attempt, lookups=now.lookups, why=why, code=code, result=result)
