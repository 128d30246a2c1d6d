"""A sparkline: a word-sized line that shows how something went, beside the figure that says where it is."""

from collections.abc import Sequence

from markupsafe import Markup

from hub.web.plots import svg
from hub.web.plots.scales import Linear

WIDTH, HEIGHT = 96.0, 24.0


def spark(label: str, values: Sequence[float]) -> Markup:
    """Return a line through values in their order, with a dot at the last; nothing for fewer than two."""
    if len(values) < 2:  # noqa: PLR2004 - one value is no way
        return Markup("")
    low, high = min(values), max(values)
    up = Linear(low, high, HEIGHT - 3, 3) if high > low else Linear(0, 1, HEIGHT / 2, HEIGHT / 2)
    along = Linear(0, len(values) - 1, 3, WIDTH - 3)
    points = [(along(place), up(value)) for place, value in enumerate(values)]
    ground = [(points[0][0], HEIGHT), *points, (points[-1][0], HEIGHT)]
    marks = (
        svg.element("path", d=svg.path(ground, close=True), class_="area-mark"),
        svg.element("path", d=svg.path(points), class_="line-mark"),
        svg.element("circle", cx=points[-1][0], cy=points[-1][1], r=2.5, class_="dot-mark"),
    )
    return svg.element(
        "svg", *marks, viewBox=f"0 0 {WIDTH:.0f} {HEIGHT:.0f}", role="img", aria_label=label, class_="spark series-1"
    )
