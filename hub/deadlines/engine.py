"""Which deadlines a return has: a pure function of profile, rules and moments.

A day is 24 hours, whatever the clocks of a country do in it.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from hub.deadlines.messages import Deadline, Due, Moments
from hub.sdk.messages import Kind
from hub.sdk.profiles import ChannelReturns, Profile
from tenants.policies.rules import Rules

LONGEST_WARNING = timedelta(days=2)
# A channel that tries again by itself tells of each failure; if none came for this long, it was paid.
QUIET = timedelta(days=2)


def deadlines(profile: Profile, rules: Rules, moments: Moments) -> tuple[Deadline, ...]:
    """Return what a return must be watched for, in no order; nothing once it is over."""
    if moments.over:
        return ()
    if moments.refused_at is not None:
        return tuple(_after_refusal(profile, moments.refused_at))
    return tuple(_on_the_road(profile, rules, moments))


def _on_the_road(profile: Profile, rules: Rules, moments: Moments) -> Iterator[Deadline]:
    settled_here = moments.kind is Kind.MERCHANT or profile.channel_returns is ChannelReturns.SETTLE
    if moments.kind is Kind.CHANNEL and settled_here and profile.auto_cancel_days:
        yield after(Due.CANCEL, moments.started_at, profile.auto_cancel_days)
    if moments.arrived_at is not None and settled_here and profile.decision_days:
        yield after(Due.DECIDE, moments.arrived_at, profile.decision_days)
    if moments.finalised:
        return
    if moments.arrived_at is not None and rules.finalise_after_days:
        yield after(Due.FINALISE, moments.arrived_at, rules.finalise_after_days)
    elif rules.arrive_within_days:
        yield after(Due.ARRIVE, moments.born_at, rules.arrive_within_days)


def _after_refusal(profile: Profile, refused_at: datetime) -> Iterator[Deadline]:
    if profile.retry_days:
        at = refused_at.astimezone(UTC) + QUIET
        yield Deadline(kind=Due.CONFIRM, at=at, warn_at=at)


def after(kind: Due, begin: datetime, days: int) -> Deadline:
    """Return the deadline whole days after a moment; the warning is two days or a fifth of the time ahead of it."""
    span = timedelta(days=days)
    at = begin.astimezone(UTC) + span
    return Deadline(kind=kind, at=at, warn_at=at - min(LONGEST_WARNING, span / 5))


def retries_until(profile: Profile, settled_at: datetime | None, now: datetime) -> datetime | None:
    """Return until when the channel tries a refused payment again by itself, nothing if it does so no more."""
    if settled_at is None:
        return None
    until = settled_at.astimezone(UTC) + timedelta(days=profile.retry_days)
    return until if until > now else None
