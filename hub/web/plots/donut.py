"""A donut: the parts of one whole, where there are few and the whole is worth saying in the middle."""

import math
from collections.abc import Sequence

from markupsafe import Markup

from hub.web import formats
from hub.web.plots import svg
from hub.web.plots.figure import MOST_SERIES, Figure, Words, figure

SIZE = 200.0
OUTER, INNER = 92.0, 62.0
WHOLE = 2 * math.pi
# What the hole has room for in large letters.
SHORT = 7


def donut(
    title: str,
    parts: Sequence[tuple[str, float]],
    *,
    head: str,
    value_head: str,
    share_head: str,
    says: str = "",
    words: Words = formats.number,
) -> Figure:
    """Return the parts clockwise from above, with their sum in the middle; at most six, none negative."""
    if len(parts) > MOST_SERIES or any(value < 0 for _, value in parts):
        raise ValueError(f"A donut has at most {MOST_SERIES} parts, and none is negative.")
    total = sum(value for _, value in parts)
    rows = [(name, words(value), formats.percent(value / total if total else 0)) for name, value in parts]
    draw = (lambda width: _ring(title, parts, total, width, words)) if total else None
    return figure(
        title, draw=draw, heads=(head, value_head, share_head), rows=rows, says=says,
        legend=[name for name, _ in parts],
    )  # fmt: skip


def _ring(title: str, parts: Sequence[tuple[str, float]], total: float, width: float, words: Words) -> Markup:
    marks: list[Markup] = []
    angle = 0.0
    for number, (name, value) in enumerate(parts, 1):
        end = angle + WHOLE * value / total
        said = f"{name}: {words(value)} ({formats.percent(value / total)})"
        if value:
            shape = arc(width / 2, SIZE / 2, angle, end)
            marks.append(
                svg.element(
                    "path", svg.element("title", said), d=shape, class_=f"bar-mark series-{number}", fill_rule="evenodd"
                )
            )
        angle = end
    said = words(total)
    marks.append(
        svg.text(width / 2, SIZE / 2 + 6, said, anchor="middle", kind="big" if len(said) <= SHORT else "value")
    )
    return svg.drawing(width, SIZE, title, marks)


def arc(x: float, y: float, begin: float, end: float) -> str:
    """Return the path of a part of the ring between two angles, clockwise from above."""
    if end - begin >= WHOLE * 0.99999:
        return f"{_circle(x, y, OUTER)} {_circle(x, y, INNER)}"
    wide = int(end - begin > math.pi)
    corners = [
        _point(x, y, radius, angle) for radius, angle in ((OUTER, begin), (OUTER, end), (INNER, end), (INNER, begin))
    ]
    return (
        f"M{corners[0]} A{OUTER:.0f} {OUTER:.0f} 0 {wide} 1 {corners[1]}"
        f" L{corners[2]} A{INNER:.0f} {INNER:.0f} 0 {wide} 0 {corners[3]} Z"
    )


def _circle(x: float, y: float, radius: float) -> str:
    top, bottom = _point(x, y, radius, 0), _point(x, y, radius, math.pi)
    return f"M{top} A{radius:.0f} {radius:.0f} 0 1 1 {bottom} A{radius:.0f} {radius:.0f} 0 1 1 {top} Z"


def _point(x: float, y: float, radius: float, angle: float) -> str:
    return f"{svg.number(x + radius * math.sin(angle))} {svg.number(y - radius * math.cos(angle))}"
