"""Writes SVG, with everything that comes from outside escaped. Pure."""

from collections.abc import Iterable

from markupsafe import Markup, escape

# An average letter of the interface's font at 12 px; labels are cut by it, not laid out.
LETTER = 6.8


def element(name: str, *inside: str | Markup, **attributes: object) -> Markup:
    """Return an element; `text_anchor` becomes `text-anchor`, `class_` `class`, and numbers get two places at most."""
    written = Markup("").join(
        Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), _value(value))
        for key, value in attributes.items()
        if value is not None and value != ""
    )
    return Markup("<{0}{1}>{2}</{0}>").format(name, written, Markup("").join(escape(each) for each in inside))


def _value(value: object) -> object:
    return number(value) if isinstance(value, int | float) else value


def number(value: float) -> str:
    """Return a number as SVG reads it."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if value else "0"


def drawing(width: float, height: float, label: str, marks: Iterable[Markup]) -> Markup:
    """Return a whole drawing, told as a picture with a name."""
    inside = Markup("").join(marks)
    return element("svg", inside, viewBox=f"0 0 {number(width)} {number(height)}", role="img", aria_label=label)


def rule(x1: float, y1: float, x2: float, y2: float, kind: str = "") -> Markup:
    """Return a line of an axis or a grid."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=f"rule {kind}".strip())


def text(x: float, y: float, said: str, *, anchor: str = "", kind: str = "", room: float | None = None) -> Markup:
    """Return a label; one that is longer than its room is cut and says the whole of it when pointed at."""
    shown = cut(said, room)
    inside = [shown] if shown == said else [element("title", said), shown]
    return element("text", *inside, x=x, y=y, text_anchor=anchor, class_=kind)


def cut(said: str, room: float | None) -> str:
    """Return as much of a text as fits."""
    most = len(said) if room is None else max(int(room / LETTER), 1)
    return said if len(said) <= most else said[: max(most - 1, 1)] + "…"


def bar(x: float, y: float, width: float, height: float, *, series: int, said: str) -> Markup:
    """Return a bar with what it says when pointed at; negative sizes are drawn the other way."""
    left, top = (min(x, x + width), min(y, y + height))
    return element(
        "rect", element("title", said), x=left, y=top, width=abs(width), height=abs(height), rx=2,
        class_=f"bar-mark series-{series}",
    )  # fmt: skip


def path(points: Iterable[tuple[float, float]], *, close: bool = False) -> str:
    """Return the path through points, empty if there are none."""
    steps = " L".join(f"{number(x)} {number(y)}" for x, y in points)
    return f"M{steps}{' Z' if close else ''}" if steps else ""
