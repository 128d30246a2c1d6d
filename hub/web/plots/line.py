"""Lines over time: how something went, one line for each thing, filled below where there is one only."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from markupsafe import Markup

from hub.web import formats, reader
from hub.web.plots import svg
from hub.web.plots.figure import Figure, Series, Words, figure, require_few, room_for, table_of, value_rules
from hub.web.plots.scales import Linear, time_ticks, value_axis

HEIGHT = 220.0
# A label of an axis of time needs so much room.
TICK_ROOM = 70.0
TWO_DAYS, YEAR = timedelta(days=2), timedelta(days=300)


def over_time(
    title: str,
    moments: Sequence[datetime],
    series: Sequence[Series],
    *,
    head: str,
    says: str = "",
    words: Words = formats.number,
) -> Figure:
    """Return lines through the values at these moments, which are in order; a value that is None breaks its line."""
    require_few(series)
    known = [value for each in series for value in each.known]
    draw = (lambda width: _lines(title, moments, series, width, words)) if moments and known else None
    names = [formats.moment(at) if _fine(moments) else formats.day(at) for at in moments]
    return figure(
        title, draw=draw, heads=(head, *(each.name for each in series)), rows=table_of(names, series, words),
        says=says, legend=[each.name for each in series] if len(series) > 1 else (),
    )  # fmt: skip


def _fine(moments: Sequence[datetime]) -> bool:
    """Say whether the time of day tells these moments apart."""
    return len(moments) > 1 and moments[-1] - moments[0] < TWO_DAYS


def _lines(title: str, moments: Sequence[datetime], series: Sequence[Series], width: float, words: Words) -> Markup:
    at = value_axis([value for each in series for value in each.known])
    left = room_for(at, formats.short)
    up = Linear(at[0], at[-1], HEIGHT, 10)
    first, last = moments[0], moments[-1]
    along = Linear(first.timestamp(), last.timestamp(), left + 4, width - 6)
    marks = value_rules(at, up, left, width, formats.short)
    marks += _dates(first, last, along, width - left)
    for number, each in enumerate(series, 1):
        points = [
            (along(moment.timestamp()), None if value is None else up(value))
            for moment, value in zip(moments, each.values, strict=True)
        ]
        marks += _line(points, number, up(max(at[0], 0)) if len(series) == 1 else None)
    marks += _touch(moments, series, along, words, width, left)
    return svg.drawing(width, HEIGHT + 26, title, marks)


def _dates(first: datetime, last: datetime, along: Linear, room: float) -> list[Markup]:
    zone = reader.current().timezone
    span = last - first
    words = formats.time_of_day if span < TWO_DAYS else formats.short_day if span < YEAR else formats.month
    marks = []
    for tick in time_ticks(first, last, max(int(room / TICK_ROOM), 1), zone):
        x = along(tick.timestamp())
        marks.append(svg.rule(x, HEIGHT, x, HEIGHT + 5))
        anchor = "end" if x > along.end - TICK_ROOM / 2 else "start" if x < along.start + TICK_ROOM / 3 else "middle"
        marks.append(svg.text(x, HEIGHT + 19, words(tick), anchor=anchor))
    return marks


def _line(points: Sequence[tuple[float, float | None]], number: int, ground: float | None) -> list[Markup]:
    marks = []
    for run in _runs(points):
        if ground is not None and len(run) > 1:
            area = [(run[0][0], ground), *run, (run[-1][0], ground)]
            marks.append(svg.element("path", d=svg.path(area, close=True), class_=f"area-mark series-{number}"))
        if len(run) > 1:
            marks.append(svg.element("path", d=svg.path(run), class_=f"line-mark series-{number}"))
        else:
            marks.append(svg.element("circle", cx=run[0][0], cy=run[0][1], r=3, class_=f"dot-mark series-{number}"))
    return marks


def _runs(points: Iterable[tuple[float, float | None]]) -> list[list[tuple[float, float]]]:
    """Return the points in runs without a gap."""
    runs: list[list[tuple[float, float]]] = [[]]
    for x, y in points:
        if y is None:
            runs.append([])
        else:
            runs[-1].append((x, y))
    return [run for run in runs if run]


def _touch(
    moments: Sequence[datetime], series: Sequence[Series], along: Linear, words: Words, width: float, left: float
) -> list[Markup]:
    """Return a strip for each moment that says its values when pointed at."""
    places = [along(moment.timestamp()) for moment in moments]
    edges = [left, *((one + other) / 2 for one, other in pairwise(places)), width]
    marks = []
    for place, moment in enumerate(moments):
        values = [f"{each.name}: {words(value)}" for each in series if (value := each.values[place]) is not None]
        said = "\n".join([formats.moment(moment) if _fine(moments) else formats.day(moment), *values])
        span = max(edges[place + 1] - edges[place], 0)
        marks.append(
            svg.element(
                "rect", svg.element("title", said), x=edges[place], y=0, width=span, height=HEIGHT, class_="touch"
            )
        )
    return marks
