"""Moments, numbers and money as the reader of a page writes them. Templates have these as filters."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from babel import dates, numbers

from hub.kit import clock
from hub.web import reader
from hub.web.translations import gettext as _

MINUTE = timedelta(minutes=1)


def number(value: float | Decimal) -> str:
    """Return a number with the separators of its reader, at most three places behind the comma."""
    return numbers.format_decimal(value, locale=reader.current().locale)


def short(value: float) -> str:
    """Return a number in few characters, as beside an axis: 950, 3.4K, 12K."""
    if abs(value) < 1000:  # noqa: PLR2004 - shorter than any abbreviation
        return number(value)
    return numbers.format_compact_decimal(value, fraction_digits=1, locale=reader.current().locale)


def percent(share: float) -> str:
    """Return a share of 1 as per cent, with one place where it is small."""
    pattern = "#,##0.#%" if abs(share) < 0.1 else "#,##0%"  # noqa: PLR2004 - below a tenth the place says something
    locale = reader.current().locale
    # The locale's own pattern says where the sign stands and whether a space is before it.
    own = locale.percent_formats[None].pattern
    return numbers.format_percent(share, format=own.replace("#,##0", pattern[:-1]), locale=locale)


def money(amount: Decimal | int | str, currency: str) -> str:
    """Return an amount of money; `currency` is a code of ISO 4217."""
    return numbers.format_currency(Decimal(amount), currency, locale=reader.current().locale)


def moment(at: datetime) -> str:
    """Return a day and a time of day in the reader's zone: 23 Nov 2026, 10:00."""
    return _moment(at, "medium", "short")


def exact(at: datetime) -> str:
    """Return a moment to the second, with its zone, for whoever looks closely."""
    return _moment(at, "full", "long")


def _moment(at: datetime, day_style: str, time_style: str) -> str:
    who = reader.current()
    local = at.astimezone(who.timezone)
    day_text = dates.format_date(local, day_style, locale=who.locale)
    time_text = dates.format_time(local, time_style, tzinfo=who.timezone, locale=who.locale)
    return f"{day_text}, {time_text}"


def day(at: datetime | date) -> str:
    """Return a day: 23 Nov 2026."""
    who = reader.current()
    return dates.format_date(at.astimezone(who.timezone) if isinstance(at, datetime) else at, locale=who.locale)


def short_day(at: datetime) -> str:
    """Return a day without its year, as below an axis: 23 Nov."""
    who = reader.current()
    return dates.format_skeleton("MMMd", at.astimezone(who.timezone), tzinfo=who.timezone, locale=who.locale)


def month(at: datetime) -> str:
    """Return a month with its year: Nov 2026."""
    who = reader.current()
    return dates.format_skeleton("yMMM", at.astimezone(who.timezone), tzinfo=who.timezone, locale=who.locale)


def time_of_day(at: datetime) -> str:
    """Return a time of day in the reader's zone: 10:00."""
    who = reader.current()
    return dates.format_time(at, "short", tzinfo=who.timezone, locale=who.locale)


def ago(at: datetime, now: datetime | None = None) -> str:
    """Return how long ago a moment was, or how far ahead it is: 3 hours ago, in 2 days."""
    distance = at - (now or clock.now())
    locale = reader.current().locale
    if abs(distance) < MINUTE:
        return _("just now")
    return dates.format_timedelta(distance, add_direction=True, locale=locale)


def duration(span: timedelta | float) -> str:
    """Return a span of time, or of seconds, in its largest unit: 4 minutes."""
    long = span if isinstance(span, timedelta) else timedelta(seconds=span)
    return dates.format_timedelta(long, granularity="second", locale=reader.current().locale)


def iso(at: datetime) -> str:
    """Return a moment for machines, in UTC."""
    return at.astimezone(UTC).isoformat(timespec="seconds")


FILTERS: dict[str, Callable[..., Any]] = {
    "number": number,
    "short": short,
    "percent": percent,
    "money": money,
    "moment": moment,
    "exact": exact,
    "day": day,
    "time_of_day": time_of_day,
    "ago": ago,
    "duration": duration,
    "iso": iso,
}
