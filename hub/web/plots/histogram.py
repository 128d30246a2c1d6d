"""A histogram: how many values lie where, with the middle one and the ones that few exceed."""

from collections.abc import Sequence
from itertools import pairwise

from markupsafe import Markup

from hub.web import formats
from hub.web.plots import svg
from hub.web.plots.figure import NONE, Figure, Words, figure, room_for, value_rules
from hub.web.plots.scales import Linear, quantile, ticks, value_axis

HEIGHT = 200.0
TOP = 34.0
BINS = 12
SHARES = (0.5, 0.9)


def histogram(
    title: str,
    values: Sequence[float],
    *,
    head: str,
    value_head: str,
    says: str = "",
    words: Words = formats.number,
) -> Figure:
    """Return counts of values in round bins, with lines at the median and at the value that one in ten exceeds."""
    bins = binned(values)
    rows = [(f"{words(low)} {NONE} {words(high)}", formats.number(count)) for low, high, count in bins]
    rows += [(f"P{share * 100:.0f}", words(quantile(sorted(values), share))) for share in SHARES if values]
    draw = (lambda width: _bars(title, values, bins, width, words)) if values else None
    return figure(title, draw=draw, heads=(head, value_head), rows=rows, says=says)


def binned(values: Sequence[float]) -> list[tuple[float, float, int]]:
    """Return bins as (from, to, count) with round edges that hold every value; the last one holds its upper edge."""
    if not values:
        return []
    edges = ticks(min(values), max(values), BINS)
    pairs = list(pairwise(edges))
    counts = [0] * len(pairs)
    width = edges[1] - edges[0]
    for value in values:
        counts[min(max(int((value - edges[0]) / width), 0), len(pairs) - 1)] += 1
    return [(low, high, count) for (low, high), count in zip(pairs, counts, strict=True)]


def _bars(
    title: str, values: Sequence[float], bins: list[tuple[float, float, int]], width: float, words: Words
) -> Markup:
    at = value_axis([count for _, _, count in bins], 3)
    left = room_for(at, formats.short)
    up = Linear(at[0], at[-1], HEIGHT, TOP)
    along = Linear(bins[0][0], bins[-1][1], left + 2, width - 2)
    marks = value_rules(at, up, left, width, formats.short)
    for low, high, count in bins:
        said = f"{words(low)} {NONE} {words(high)}: {formats.number(count)}"
        x = along(low)
        if count:
            marks.append(svg.bar(x, up(count), along(high) - x, HEIGHT - up(count), series=1, said=said))
    marks += _edges([low for low, _, _ in bins] + [bins[-1][1]], along, words)
    marks += _shares(sorted(values), along, words)
    return svg.drawing(width, HEIGHT + 24, title, marks)


def _edges(edges: Sequence[float], along: Linear, words: Words) -> list[Markup]:
    room = max(len(words(edge)) for edge in edges) * svg.LETTER + 12
    every = max(1, int(room / (along(edges[1]) - along(edges[0]))) + 1)
    # The last label would leave the drawing if it stood in the middle of its place.
    return [
        svg.text(along(edge), HEIGHT + 17, words(edge), anchor="end" if edge == edges[-1] else "middle")
        for edge in edges[::every]
    ]


def _shares(ordered: Sequence[float], along: Linear, words: Words) -> list[Markup]:
    marks = []
    for row, share in enumerate(SHARES):
        value = quantile(ordered, share)
        x, y = along(value), 10.0 + 13 * row
        marks.append(svg.rule(x, y + 3, x, HEIGHT, "limit"))
        late = x > (along.start + along.end) / 2
        said = f"P{share * 100:.0f} {words(value)}"
        marks.append(svg.text(x + (-5 if late else 5), y + 3, said, kind="value", anchor="end" if late else ""))
    return marks
