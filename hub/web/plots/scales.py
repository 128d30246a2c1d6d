"""Where values stand on an axis, and which of them are round enough to be written beside it. Pure."""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo

import msgspec

# A span of values too small to be told apart at its height is drawn as if it were a little wider.
NARROWEST = 1e-9
ROUND = (1, 2, 2.5, 5, 10)
# Spans between moments that read well on an axis.
SPANS = (
    *(timedelta(minutes=many) for many in (1, 2, 5, 10, 15, 30)),
    *(timedelta(hours=many) for many in (1, 2, 3, 6, 12)),
    *(timedelta(days=many) for many in (1, 2, 7, 14)),
)
MONTHS = (1, 2, 3, 6, 12, 24, 60, 120)
MONTH = timedelta(days=30.44)


class Linear(msgspec.Struct, frozen=True):
    """Puts values from `low` to `high` between `start` and `end`, evenly; `end` may be the smaller one."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return where a value stands."""
        if self.high == self.low:
            return self.start
        # Parted before they are weighed, so that the ends are met exactly.
        share = (value - self.low) / (self.high - self.low)
        return self.start * (1 - share) + self.end * share


class Bands(msgspec.Struct, frozen=True):
    """Parts the way from `start` to `end` into bands of one width, with `gap` of each left free around it."""

    count: int
    start: float
    end: float
    gap: float = 0.3

    @property
    def step(self) -> float:
        """From the begin of a band to the begin of the next."""
        return (self.end - self.start) / max(self.count, 1)

    @property
    def width(self) -> float:
        """What is drawn of each."""
        return self.step * (1 - self.gap)

    def at(self, place: int) -> float:
        """Return where a band's drawing begins."""
        return self.start + self.step * place + self.step * self.gap / 2

    def middle(self, place: int) -> float:
        """Return the middle of a band."""
        return self.start + self.step * (place + 0.5)


def step(low: float, high: float, most: int, *, whole: bool = False) -> float:
    """Return the smallest round distance, 1, 2, 2.5 or 5 times a power of ten, that parts a span in at most `most`."""
    raw = max(high - low, NARROWEST * max(abs(low), abs(high), 1.0)) / max(most, 1)
    power = math.floor(math.log10(raw))
    candidates = [factor * 10.0**exponent for exponent in (power, power + 1) for factor in ROUND]
    round_enough = [each for each in candidates if each >= raw * (1 - 1e-9)]
    if not whole:
        return round_enough[0]
    return next((each for each in round_enough if each >= 1 and each.is_integer()), 1.0)


def ticks(low: float, high: float, most: int = 5, *, whole: bool = False) -> list[float]:
    """Return round values that span from `low` to `high`: the first is not above it, the last not below it.

    There are at least two and at most `most` + 2. With `whole` none is a fraction, for things that are counted.
    Raises `ValueError` for a value that is not a finite number.
    """
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ValueError("A plot has finite values only.")
    low, high = min(low, high), max(low, high)
    if low == high:
        high = low + (abs(low) / 10 or 1.0)
    distance = step(low, high, most, whole=whole)
    first = math.floor(low / distance + 1e-9)
    last = max(math.ceil(high / distance - 1e-9), first + 1)
    return [_clean(place * distance, distance) for place in range(first, last + 1)]


def _clean(value: float, distance: float) -> float:
    """Return a tick without the last digits that are left of reckoning with halves: 0.3 and not 0.30000000000000004."""
    return round(value, max(0, -math.floor(math.log10(distance))) + 1) + 0.0


def value_axis(values: Sequence[float], most: int = 4) -> list[float]:
    """Return the ticks of an axis for amounts: it begins at zero, and is whole where all values are."""
    whole = all(float(value).is_integer() for value in values)
    return ticks(min([0.0, *values]), max([0.0, *values]), most, whole=whole)


def time_ticks(first: datetime, last: datetime, most: int, zone: tzinfo) -> list[datetime]:
    """Return moments between two moments, at most `most` + 1, that are round on a clock or a calendar in a zone."""
    span = (last - first) / max(most, 1)
    first, last = first.astimezone(zone), last.astimezone(zone)
    found = next((each for each in SPANS if each >= span), None)
    candidates = _clock(first, last, found) if found else _calendar(first, last, span)
    return [each for each in candidates if first <= each <= last]


def _clock(first: datetime, last: datetime, span: timedelta) -> list[datetime]:
    midnight = first.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    if span >= timedelta(days=7):
        midnight -= timedelta(days=midnight.weekday())
    elif span >= timedelta(days=1):
        # Counted from the first of January, so that the next refresh shows the same days.
        midnight -= timedelta(days=(midnight.timetuple().tm_yday - 1) % span.days)
    wall = last.replace(tzinfo=None)
    many = int((wall - midnight) / span) + 1
    # Reckoned on the wall clock: a day stays a day when the clocks change.
    return [(midnight + span * place).replace(tzinfo=first.tzinfo) for place in range(many + 1)]


def _calendar(first: datetime, last: datetime, span: timedelta) -> list[datetime]:
    months = next((each for each in MONTHS if MONTH * each >= span), MONTHS[-1])
    begin = first.year * 12 // months * months
    end = last.year * 12 + 12
    begins = first.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return [begins.replace(year=each // 12, month=each % 12 + 1) for each in range(begin, end, months)]


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the value below which a share of the ordered values lies, between two values by the way between them."""
    if not ordered:
        raise ValueError("There is no quantile of nothing.")
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] * (1 - (place - below)) + ordered[above] * (place - below)
