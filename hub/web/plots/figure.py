"""What every plot has: its drawings for narrow and wider places, its legend, and its figures as a table."""

from collections.abc import Callable, Mapping, Sequence

import msgspec
from markupsafe import Markup

from hub.web.plots import svg
from hub.web.plots.scales import Linear

# A phone's card, half a desk and a whole one. Drawn for each, letters keep their size.
WIDTHS = {"narrow": 330.0, "middle": 540.0, "wide": 900.0}
MOST_SERIES = 6
NONE = "\N{EN DASH}"

Words = Callable[[float], str]


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """A plot as a page shows it; without drawings there is nothing to draw yet."""

    title: str
    says: str = ""
    legend: tuple[str, ...] = ()
    drawings: Mapping[str, Markup] = {}
    heads: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """Values of one thing, in the order of the plot's names or moments; None where there is none."""

    name: str
    values: tuple[float | None, ...]

    @property
    def known(self) -> list[float]:
        """The values that there are."""
        return [value for value in self.values if value is not None]


def figure(
    title: str,
    *,
    draw: Callable[[float], Markup] | None,
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    says: str = "",
    legend: Sequence[str] = (),
) -> Figure:
    """Return a figure, drawn for places of each width; `draw` is None if there is nothing to draw."""
    return Figure(
        title=title,
        says=says,
        legend=tuple(legend),
        drawings={name: draw(width) for name, width in WIDTHS.items()} if draw else {},
        heads=tuple(heads),
        rows=tuple(tuple(row) for row in rows),
    )


def table_of(names: Sequence[str], series: Sequence[Series], words: Words) -> list[list[str]]:
    """Return a row for each name with the value of each series."""
    return [[name, *(_said(each, place, words) for each in series)] for place, name in enumerate(names)]


def _said(series: Series, place: int, words: Words) -> str:
    value = series.values[place] if place < len(series.values) else None
    return NONE if value is None else words(value)


def value_rules(at: Sequence[float], scale: Linear, left: float, right: float, words: Words) -> list[Markup]:
    """Return the grid of an upright value axis, with its labels at the left; zero is drawn stronger."""
    marks = []
    for tick in at:
        y = scale(tick)
        marks.append(svg.rule(left, y, right, y, "zero" if tick == 0 else ""))
        marks.append(svg.text(left - 8, y + 4, words(tick), anchor="end"))
    return marks


def room_for(at: Sequence[float], words: Words) -> float:
    """Return how much room the labels of a value axis take."""
    return max(len(words(tick)) for tick in at) * svg.LETTER + 10


def require_few(series: Sequence[Series]) -> None:
    """Raise `ValueError` where there are more series than colours that can be told apart."""
    if len(series) > MOST_SERIES:
        raise ValueError(f"A plot has at most {MOST_SERIES} series; put the small ones together.")
