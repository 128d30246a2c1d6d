"""Bars: one value for each name, lying, so that names have room; or several parts of each, standing and stacked."""

import math
from collections.abc import Sequence

from markupsafe import Markup

from hub.web import formats
from hub.web.plots import svg
from hub.web.plots.figure import Figure, Series, Words, figure, require_few, room_for, table_of, value_rules
from hub.web.plots.scales import Bands, Linear, value_axis

ROW = 40.0
THICK = 14.0
HEIGHT = 220.0


def bars(
    title: str,
    values: Sequence[tuple[str, float]],
    *,
    head: str,
    value_head: str,
    says: str = "",
    words: Words = formats.number,
) -> Figure:
    """Return lying bars in the order given, each with its name above it and its value at its end."""
    rows = [(name, words(value)) for name, value in values]
    draw = (lambda width: _lying(title, values, width, words)) if values else None
    return figure(title, draw=draw, heads=(head, value_head), rows=rows, says=says)


def _lying(title: str, values: Sequence[tuple[str, float]], width: float, words: Words) -> Markup:
    room = max(len(words(value)) for _, value in values) * (svg.LETTER + 1) + 8
    least = min(0.0, *(value for _, value in values))
    most = max(0.0, *(value for _, value in values))
    scale = Linear(least, most if most > least else least + 1, 0.0 if least == 0 else room, width - room)
    marks: list[Markup] = []
    for place, (name, value) in enumerate(values):
        top = place * ROW
        marks.append(svg.text(0, top + 11, name, room=width))
        start, length = scale(0), scale(value) - scale(0)
        marks.append(svg.bar(start, top + 18, length, THICK, series=1, said=f"{name}: {words(value)}"))
        end = start + length + (6 if value >= 0 else -6)
        marks.append(svg.text(end, top + 29, words(value), kind="value", anchor="" if value >= 0 else "end"))
    return svg.drawing(width, len(values) * ROW - 6, title, marks)


def stacked(
    title: str,
    names: Sequence[str],
    series: Sequence[Series],
    *,
    head: str,
    says: str = "",
    words: Words = formats.number,
) -> Figure:
    """Return standing bars, one for each name, made of the parts that the series give; no part may be negative."""
    require_few(series)
    if any(value < 0 for each in series for value in each.known):
        raise ValueError("A stack has no negative parts.")
    draw = (lambda width: _standing(title, names, series, width, words)) if names and series else None
    heads = (head, *(each.name for each in series))
    return figure(
        title, draw=draw, heads=heads, rows=table_of(names, series, words), says=says,
        legend=[each.name for each in series],
    )  # fmt: skip


def _standing(title: str, names: Sequence[str], series: Sequence[Series], width: float, words: Words) -> Markup:
    sums = [sum(each.values[place] or 0 for each in series) for place in range(len(names))]
    at = value_axis(sums)
    left = room_for(at, formats.short)
    scale = Linear(at[0], at[-1], HEIGHT, 10)
    bands = Bands(len(names), left, width)
    marks = value_rules(at, scale, left, width, formats.short)
    # Labels that would run into each other are left out, evenly.
    every = math.ceil((max(len(name) for name in names) * svg.LETTER + 8) / bands.step)
    for place, name in enumerate(names):
        below = 0.0
        for number, each in enumerate(series, 1):
            value = each.values[place] or 0
            said = f"{name}, {each.name}: {words(value)}"
            height = scale(below) - scale(below + value)
            if value:
                marks.append(
                    svg.bar(bands.at(place), scale(below + value), bands.width, height, series=number, said=said)
                )
            below += value
        if place % every == 0:
            marks.append(svg.text(bands.middle(place), HEIGHT + 18, name, anchor="middle", room=bands.step * every))
    return svg.drawing(width, HEIGHT + 26, title, marks)
