"""The road as a funnel: how many came to each step, and how many of those before."""

from collections.abc import Sequence

from markupsafe import Markup

from hub.web import formats
from hub.web.plots import svg
from hub.web.plots.figure import Figure, figure

ROW = 58.0
THICK = 30.0


def funnel(
    title: str, steps: Sequence[tuple[str, int]], *, head: str, value_head: str, share_head: str, says: str = ""
) -> Figure:
    """Return the steps of a road from above, each as wide as what came to it; what was lost is drawn pale."""
    rows = [
        (name, formats.number(count), formats.percent(share(steps, place))) for place, (name, count) in enumerate(steps)
    ]
    draw = (lambda width: _steps(title, steps, width)) if steps and max(count for _, count in steps) > 0 else None
    return figure(title, draw=draw, heads=(head, value_head, share_head), rows=rows, says=says)


def share(steps: Sequence[tuple[str, int]], place: int) -> float:
    """Return the share of the first step that came to a step."""
    return steps[place][1] / steps[0][1] if steps[0][1] else 0.0


def _steps(title: str, steps: Sequence[tuple[str, int]], width: float) -> Markup:
    most = max(count for _, count in steps)
    marks: list[Markup] = []
    for place, (name, count) in enumerate(steps):
        top = place * ROW
        length = width * count / most
        said = f"{name}: {formats.number(count)}"
        marks.append(svg.text(0, top + 11, name, room=width * 0.6))
        told = f"{formats.number(count)} · {formats.percent(share(steps, place))}"
        marks.append(svg.text(width, top + 11, told, anchor="end", kind="value"))
        if place and steps[place - 1][1] > count:
            before = width * steps[place - 1][1] / most
            marks.append(svg.element("rect", x=0, y=top + 18, width=before, height=THICK, rx=3, class_="loss"))
        if count:
            marks.append(svg.bar(0, top + 18, length, THICK, series=1, said=said))
    return svg.drawing(width, len(steps) * ROW - 8, title, marks)
