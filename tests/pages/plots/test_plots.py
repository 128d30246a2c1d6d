"""Plots of any data: well-formed, within their drawing, escaped, and with all their figures in the table."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.web import reader
from hub.web.plots import bar, donut, funnel, histogram, line, spark, svg
from hub.web.plots.figure import WIDTHS, Figure, Series
from hub.web.reader import Language, Reader

NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30)
AMOUNTS = st.floats(0, 1e9, allow_nan=False) | st.integers(0, 10**9).map(float)
START = datetime(2026, 1, 1, tzinfo=UTC)
HOSTILE = "<script>alert(1)</script>\"'&"


def drawn(figure: Figure) -> None:
    """Hold a figure's drawings against what every drawing promises."""
    for name, width in WIDTHS.items():
        root = ET.fromstring(figure.drawings[name])
        assert root.attrib["role"] == "img"
        assert root.attrib["aria-label"] == figure.title
        _, _, wide, high = map(float, root.attrib["viewBox"].split())
        assert wide == width
        for mark in root.iter("rect"):
            x, y, w, h = (float(mark.attrib[key]) for key in ("x", "y", "width", "height"))
            assert w >= 0
            assert h >= 0
            assert x >= -1
            assert y >= -1
            assert x + w <= wide + 1
            assert y + h <= high + 1
        assert "nan" not in figure.drawings[name]
        assert "style=" not in figure.drawings[name]


@given(st.lists(st.tuples(NAMES, AMOUNTS | st.floats(-1e9, 0)), min_size=1, max_size=12))
def test_bars_fit_and_every_value_stands_in_the_table(values: list[tuple[str, float]]) -> None:
    figure = bar.bars("Reasons", values, head="Reason", value_head="Returns")
    drawn(figure)
    assert [row[0] for row in figure.rows] == [name for name, _ in values]


@given(st.integers(1, 6), st.integers(1, 30), st.data())
def test_stacked_bars_fit_whatever_their_parts(many: int, names: int, data: st.DataObject) -> None:
    values = st.lists(AMOUNTS | st.none(), min_size=names, max_size=names).map(tuple)
    series = [Series(name=f"s{place}", values=data.draw(values)) for place in range(many)]
    figure = bar.stacked("Settled", [f"W{place}" for place in range(names)], series, head="Week")
    drawn(figure)
    assert figure.legend == tuple(each.name for each in series)
    assert len(figure.rows) == names


@given(st.lists(st.tuples(st.integers(1, 10**6), AMOUNTS | st.none()), min_size=1, max_size=40))
def test_a_line_goes_through_every_value_and_stops_at_gaps(steps: list[tuple[int, float | None]]) -> None:
    moments = [START + timedelta(minutes=sum(step for step, _ in steps[: place + 1])) for place in range(len(steps))]
    values = tuple(value for _, value in steps)
    figure = line.over_time("Received", moments, [Series(name="Units", values=values)], head="Day")
    if all(value is None for value in values):
        assert not figure.drawings
        return
    drawn(figure)
    root = ET.fromstring(figure.drawings["wide"])
    lines = [mark.attrib["d"] for mark in root.iter("path") if "line-mark" in mark.attrib["class"]]
    dots = list(root.iter("circle"))
    points = sum(len(re.findall(r"[ML]", each)) for each in lines) + len(dots)
    assert points == sum(value is not None for value in values)


@given(st.lists(st.floats(-1e6, 1e6) | st.integers(-50, 50).map(float), min_size=1, max_size=200))
def test_a_histogram_counts_every_value_once(values: list[float]) -> None:
    bins = histogram.binned(values)
    assert sum(count for _, _, count in bins) == len(values)
    assert bins[0][0] <= min(values) + 1e-6
    assert bins[-1][1] >= max(values) - 1e-6
    drawn(histogram.histogram("Hours", values, head="Hours", value_head="Returns"))


@given(st.lists(st.tuples(NAMES, st.integers(0, 10**6)), min_size=1, max_size=8))
def test_a_funnel_fits_whichever_step_is_the_widest(steps: list[tuple[str, int]]) -> None:
    figure = funnel.funnel("Road", steps, head="Step", value_head="Returns", share_head="Share")
    if any(count for _, count in steps):
        drawn(figure)
    else:
        assert not figure.drawings
    assert len(figure.rows) == len(steps)


@given(st.lists(st.tuples(NAMES, AMOUNTS), min_size=1, max_size=6))
def test_the_parts_of_a_donut_add_up_to_the_whole_ring(parts: list[tuple[str, float]]) -> None:
    figure = donut.donut("By marketplace", parts, head="Name", value_head="Refunded", share_head="Share")
    if sum(value for _, value in parts):
        drawn(figure)
        root = ET.fromstring(figure.drawings["narrow"])
        assert len(list(root.iter("path"))) == sum(value > 0 for _, value in parts)
    else:
        assert not figure.drawings


@given(st.lists(AMOUNTS | st.floats(-1e6, 0), max_size=40))
def test_a_sparkline_keeps_within_its_word(values: list[float]) -> None:
    made = spark.spark("Refunds", values)
    if len(values) < 2:
        assert made == ""
        return
    numbers = [float(number) for number in re.findall(r"[ML]?(-?\d+(?:\.\d+)?) (-?\d+(?:\.\d+)?)", made)[0]]
    assert all(-1 <= number <= spark.WIDTH + 1 for number in numbers)
    assert ET.fromstring(made).attrib["aria-label"] == "Refunds"


NOTHING: list[Callable[[], Figure]] = [
    lambda: bar.bars("t", [], head="h", value_head="v"),
    lambda: bar.stacked("t", [], [], head="h"),
    lambda: line.over_time("t", [], [], head="h"),
    lambda: histogram.histogram("t", [], head="h", value_head="v"),
    lambda: funnel.funnel("t", [], head="h", value_head="v", share_head="s"),
    lambda: donut.donut("t", [], head="h", value_head="v", share_head="s"),
]


@pytest.mark.parametrize("make", NOTHING)
def test_nothing_is_drawn_of_nothing(make: Callable[[], Figure]) -> None:
    assert not make().drawings


def test_text_from_outside_stays_text() -> None:
    figures = [
        bar.bars(HOSTILE, [(HOSTILE, 3)], head=HOSTILE, value_head=HOSTILE),
        bar.stacked(HOSTILE, [HOSTILE], [Series(name=HOSTILE, values=(1,))], head=HOSTILE),
        line.over_time(HOSTILE, [START], [Series(name=HOSTILE, values=(1,))], head=HOSTILE),
        funnel.funnel(HOSTILE, [(HOSTILE, 3)], head=HOSTILE, value_head="v", share_head="s"),
        donut.donut(HOSTILE, [(HOSTILE, 3)], head=HOSTILE, value_head="v", share_head="s"),
    ]
    for figure in figures:
        drawn(figure)
        assert "<script" not in "".join(figure.drawings.values())
    assert "<script" not in spark.spark(HOSTILE, [1, 2])
    assert svg.element("a", HOSTILE, href=HOSTILE).count("<") == 2


def test_figures_are_written_as_the_reader_writes_them() -> None:
    with reader.reading(Reader(language=Language.GERMAN)):
        figure = bar.bars("t", [("a", 1234.5)], head="h", value_head="v")
    assert figure.rows == (("a", "1.234,5"),)


@pytest.mark.parametrize(
    "make",
    [
        lambda: bar.stacked("t", ["a"], [Series(name="s", values=(-1,))], head="h"),
        lambda: bar.stacked("t", ["a"], [Series(name=str(n), values=(1,)) for n in range(7)], head="h"),
        lambda: line.over_time("t", [START], [Series(name=str(n), values=(1,)) for n in range(7)], head="h"),
        lambda: donut.donut("t", [("a", -1)], head="h", value_head="v", share_head="s"),
        lambda: donut.donut("t", [("a", 1)] * 7, head="h", value_head="v", share_head="s"),
    ],
)
def test_what_cannot_be_told_apart_or_piled_up_is_refused(make: Callable[[], Figure]) -> None:
    with pytest.raises(ValueError, match=r"at most|negative"):
        make()
