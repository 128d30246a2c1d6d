"""The page of all components, in development only: every component in every state, for eyes, screenshots and checks.

Each file of `templates/components` has a story of the same name in `templates/stories`. What a story needs besides
words is made here, always the same, so that two screenshots differ only where a component does.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
from litestar import Controller, Request, get
from litestar.params import FromPath
from litestar.response import Template

from hub.api.guards import anyone
from hub.kit.errors import NotFound
from hub.web import formats, listing
from hub.web.listing import Asked, Column, Filter
from hub.web.plots import bar, donut, funnel, histogram, line, spark
from hub.web.plots.figure import Series
from hub.web.shell import Banner, Choice, Chooser, Person, Place, Section, Shell, mark
from hub.web.templating import HERE

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
LONG = "A product whose name goes on and on, as such names do: running shoes, waterproof, blue, size 42½, two pairs"
HOSTILE = "<script>alert('x')</script> \"quoted\" & 'single'"


def names() -> list[str]:
    """Return the names of all components, in the order of the alphabet."""
    return sorted(path.stem for path in (HERE / "templates" / "components").glob("*.html"))


class Components(Controller):
    """An index, and a page for each component."""

    path = "/components"
    include_in_schema = False
    guards = (anyone,)

    @get("/", sync_to_thread=False)
    def index(self) -> Template:
        """List the components."""
        return Template("gallery.html", context={"stories": names(), "shown": None})

    @get("/{name:str}", sync_to_thread=False)
    def show(self, request: Request[Any, Any, Any], name: FromPath[str]) -> Template:
        """Show one component in every state."""
        if name not in names():
            raise NotFound("not_found", "There is no such component.")
        path = request.url.path
        shown = data(name, path, dict(request.query_params))
        context: dict[str, Any] = {"stories": names(), "shown": name, "data": shown}
        if name in {"navigation", "shell"}:
            context["around"] = shell(path)
        return Template(f"stories/{name}.html", context=context)


class Row(msgspec.Struct, frozen=True):
    """A return as a list shows it."""

    number: str
    account: str
    units: int
    refund: Decimal
    status: str
    tone: str
    at: datetime


class Happening(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of a timeline."""

    title: str
    at: datetime | None = None
    detail: str = ""
    who: str = ""
    tone: str = ""
    ahead: bool = False


ROWS = (
    Row("R7K3Q9ZD4AM", "Noordzee Sport", 3, Decimal("204.40"), "Expected", "", NOON - timedelta(hours=2)),
    Row("R2HV8XW5TKC", "Lumen Mode", 1, Decimal("24.50"), "Received", "info", NOON - timedelta(days=1)),
    Row("R9PD4MB7YQE", "Noordzee Sport", 1204, Decimal("107999.80"), "Completed", "good", NOON - timedelta(days=3)),
    Row("R5TF6NC8WJG", LONG, 2, Decimal("179.90"), "Needs a person", "warn", NOON - timedelta(days=40)),
)
COLUMNS = (
    Column(name="number", label="Return"),
    Column(name="account", label="Account", sortable=True),
    Column(name="units", label="Units", numeric=True),
    Column(name="refund", label="Refund", numeric=True, sortable=True),
    Column(name="status", label="Status"),
    Column(name="at", label="Since", sortable=True),
)
FILTERS = (
    Filter(name="text", label="Number or order"),
    Filter(
        name="status", label="Status", any_word="Every status",
        words={"expected": "Expected", "received": "Received", "completed": "Completed"},
    ),
)  # fmt: skip
PLACES = ("home", "box", "money", "inbox", "chart", "people", "settings")
# How many of them are work.
WORK = 4
LABELS = ("Start", "Returns", "Settlements", "To decide", "Figures", "People", "Settings")


def data(name: str, path: str, query: dict[str, str]) -> dict[str, Any]:
    """Return what a story shows, by the component's name; most need nothing."""
    makers: dict[str, Callable[[], dict[str, Any]]] = {
        "filters": lambda: _listed(path, query),
        "navigation": lambda: {"shell": shell(path), "short": shell(path, most=4)},
        "moment": lambda: {"noon": NOON, "ahead": NOON + timedelta(days=9)},
        "paging": lambda: _listed(path, query),
        "plot": _plots,
        "region": lambda: _listed(path, query),
        "shell": lambda: {"shell": shell(path)},
        "table": lambda: _listed(path, query),
        "tabs": lambda: {"tabs": _tabs(path, query), "tab": query.get("tab", "lines")},
        "tile": lambda: {
            "spark": spark.spark("Returns of the last 12 days", (12, 18, 14, 22, 19, 25, 21, 30, 26, 33, 29, 38))
        },
        "timeline": lambda: {"entries": _happenings()},
    }
    made = makers[name]() if name in makers else {}
    return {"long": LONG, "hostile": HOSTILE, "noon": NOON, **made}


def shell(path: str, most: int = len(PLACES)) -> Shell:
    """Return a shell with everything in it."""
    places = [
        Place(
            label=label,
            href=f"{path}?at={icon}" if icon != "home" else path,
            icon=icon,
            count=12 if icon == "inbox" else 0,
        )
        for label, icon in zip(LABELS[:most], PLACES, strict=False)
    ]
    marked = tuple(mark(place, path) if place.icon == "home" else place for place in places)
    choices = (
        Choice(label="Noordzee Sport", href=path, detail="24 open returns", current=True),
        Choice(label="Lumen Mode", href=path, detail="3 open returns"),
    )
    return Shell(
        sections=(
            Section(label="Work", places=marked[:WORK]),
            *((Section(label="Set-up", places=marked[WORK:]),) if len(marked) > WORK else ()),
        ),
        chooser=Chooser(label="Account", current="Noordzee Sport", choices=choices),
        banner=Banner(
            text="You look at Noordzee Sport with their eyes and change nothing.", end=path, end_label="Stop"
        ),
        person=Person(
            name="Fenna de Vries", detail="Support", links=(Place(label="Your account", href=path, icon="person"),)
        ),
    )


def _listed(path: str, query: dict[str, str]) -> dict[str, Any]:
    asked: Asked = listing.read(path, query, COLUMNS, FILTERS)
    rows = [row for row in ROWS if asked.filters.get("status", row.status).lower() == row.status.lower()]
    text = asked.filters.get("text", "").upper()
    rows = [row for row in rows if text in row.number]
    if asked.sort:
        rows.sort(key=lambda row: getattr(row, asked.sort), reverse=asked.descending)
    return {"asked": asked, "columns": COLUMNS, "filters": FILTERS, "rows": rows, "next": "cursor"}


def _tabs(path: str, query: dict[str, str]) -> list[Place]:
    shown = query.get("tab", "lines")
    words = {"lines": "Lines", "timeline": "Timeline", "parcels": "Parcels", "memo": "Memo", "calls": "Calls outside"}
    return [
        Place(label=label, href=f"{path}?tab={name}", current=name == shown, count=3 if name == "parcels" else 0)
        for name, label in words.items()
    ]


def _happenings() -> list[Happening]:
    return [
        Happening(title="Started at bol NL", at=NOON - timedelta(days=4), who="customer"),
        Happening(
            title="Received: 2 of 3 units",
            at=NOON - timedelta(days=1),
            who="Return hub Venlo",
            detail=LONG,
            tone="info",
        ),
        Happening(
            title="1 unit missing", at=NOON - timedelta(hours=3), tone="warn", detail="The policy waits for a person."
        ),
        Happening(title="Settled", ahead=True),
    ]


def _plots() -> dict[str, Any]:
    days = [NOON + timedelta(days=place) for place in range(-27, 1)]
    up = tuple(float(40 + place * 2 + (place * 7) % 13) for place in range(28))
    gap = tuple(None if 9 < place < 14 else float(18 + (place * 5) % 9) for place in range(28))  # noqa: PLR2004 - the days of the gap
    hours = [0.4 + (place * place) % 97 / 3 for place in range(160)]
    money: Callable[[float], str] = lambda value: formats.money(round(value), "EUR")  # noqa: E731 - a word for amounts
    reasons = [
        ("Wrong size", 412),
        ("Not as expected", 268),
        ("Damaged on arrival", 97),
        (LONG, 31),
        ("Other", 4),
        (HOSTILE, 2),
    ]
    return {
        "bars": bar.bars("Reasons", reasons, head="Reason", value_head="Returns", says="Last 28 days"),
        "stacked": bar.stacked(
            "Settled by week", [f"W{week}" for week in range(36, 48)],
            [
                Series(name="Accepted", values=tuple(float(180 + (week * 37) % 90) for week in range(12))),
                Series(name="Rejected", values=tuple(float((week * 23) % 40) for week in range(12))),
                Series(name="Missing", values=tuple(float((week * 11) % 17) for week in range(12))),
            ], head="Week",
        ),
        "line": line.over_time("Received each day", days, [Series(name="Units", values=up)], head="Day"),
        "lines": line.over_time(
            "Waiting, by kind", days,
            [Series(name="Channel returns", values=up), Series(name="Merchant returns", values=gap)],
            head="Day", says="Four days without figures leave a gap",
        ),
        "histogram": histogram.histogram(
            "Hours from receipt to settlement", hours, head="Hours", value_head="Returns",
            words=lambda value: formats.number(round(value, 1)),
        ),
        "funnel": funnel.funnel(
            "The road of last week", [("Initiated", 1480), ("Received", 1312), ("Decided", 1295), ("Settled", 1207)],
            head="Step", value_head="Returns", share_head="Share",
        ),
        "donut": donut.donut(
            "Refunded by marketplace", [("bol NL", 48210), ("Kaufland DE", 21170), ("Amazon FR", 9340)],
            head="Marketplace", value_head="Refunded", share_head="Share", words=money,
        ),
        "nothing": bar.bars("Reasons", [], head="Reason", value_head="Returns"),
        "spark": spark.spark("Rising", (3, 4, 4, 6, 5, 8, 9)),
    }  # fmt: skip
