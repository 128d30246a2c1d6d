import re
import tomllib
from pathlib import Path

import pytest

from connectors import warehouse_app
from hub import web
from hub.web import apps, templating
from tests.docs.book import ROOT
from tests.pages.catalogues import ROOMS

HOUSE = Path(web.__file__).parent / "static"
SHEETS = [
    *(HOUSE / "css" / f"{name}.css" for name in templating.SHEETS),
    *sorted((Path(warehouse_app.__file__).parent / "static").glob("*.css")),
]
TOKENS = SHEETS[0].read_text(encoding="utf-8")

TEXT = 4.5
EDGE = 3.0
SERIES = [f"series-{number}" for number in range(1, 7)]
GROUNDS = ["ground", "surface", "raised", "sunken"]
TONES = ["accent", "good", "warn", "bad"]
PAIRS = [
    *((text, ground, TEXT) for text in ("ink", "ink-soft") for ground in GROUNDS),
    *((tone, ground, TEXT) for tone in TONES for ground in ("ground", "surface", "raised")),
    *((f"on-{tone}-soft", f"{tone}-soft", TEXT) for tone in TONES),
    *((tone, f"{tone}-soft", EDGE) for tone in TONES),
    ("accent", "sunken", TEXT),
    ("accent-strong", "surface", TEXT),
    ("accent-strong", "ground", TEXT),
    ("on-accent", "accent", TEXT),
    ("on-accent", "accent-strong", TEXT),
    ("on-bad", "bad", TEXT),
    ("on-bad", "bad-strong", TEXT),
    ("bad", "surface", EDGE),
    *((edge, ground, EDGE) for edge in ("edge", "focus") for ground in ("ground", "surface", "raised")),
    *((series, "surface", EDGE) for series in SERIES),
]


def colours(*, dark: bool) -> dict[str, str]:
    """The tokens that hold in light or in dark."""
    pairs = re.findall(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);", TOKENS)
    return {name: (night if dark else day) for name, day, night in pairs}


def luminance(colour: str) -> float:
    """The relative luminance of WCAG 2.2."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2.2, from 1 to 21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_the_ratio_is_the_one_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == 21
    assert round(contrast("#777777", "#ffffff"), 2) == 4.48


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_colours_that_meet_can_be_told_apart(dark: bool) -> None:  # noqa: FBT001 - given by pytest
    found = colours(dark=dark)
    ratios = {(front, back): (contrast(found[front], found[back]), least) for front, back, least in PAIRS}
    assert {pair: round(ratio, 2) for pair, (ratio, least) in ratios.items() if ratio < least} == {}


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_no_two_series_of_a_plot_are_alike(dark: bool) -> None:  # noqa: FBT001 - given by pytest
    found = [colours(dark=dark)[name] for name in SERIES]
    for place, one in enumerate(found):
        for other in found[place + 1 :]:
            apart = sum(abs(int(one[at : at + 2], 16) - int(other[at : at + 2], 16)) for at in (1, 3, 5))
            assert apart > 60, (one, other)


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda path: path.name)
def test_colours_are_named_once_and_used_by_name(sheet: Path) -> None:
    rules = sheet.read_text(encoding="utf-8")
    if sheet.name == "tokens.css":
        rules = re.sub(r"--[\w-]+: [^;]+;", "", rules)
    assert not re.findall(r"#[0-9a-f]{3,8}\b|rgba?\(|hsla?\(|light-dark\(|@import|url\(", rules)
    used = set(re.findall(r"var\(--([\w-]+)[,)]", rules))
    # Tones and series are named where they are given a meaning.
    assert used - set(re.findall(r"--([\w-]+):", TOKENS)) <= {"tone", "tone-soft", "on-tone-soft", "series"}


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda path: path.name)
def test_every_rule_stands_in_the_layer_of_its_file(sheet: Path) -> None:
    (order,) = re.findall(r"^@layer ([\w, ]+);", TOKENS, re.MULTILINE)
    text = re.sub(r"/\*.*?\*/", "", sheet.read_text(encoding="utf-8"), flags=re.DOTALL)
    text = re.sub(r"^@layer [\w, ]+;", "", text, flags=re.MULTILINE)
    (layer,) = re.findall(r"^\s*@layer (\w+) \{$", text, re.MULTILINE)
    assert layer in order.split(", ")
    assert re.fullmatch(r"\s*@layer \w+ \{\n(?:(?:  .*)?\n)*\}\n", text), "something stands outside of the layer"


def test_every_token_is_used_by_some_rule() -> None:
    rules = "".join(sheet.read_text(encoding="utf-8") for sheet in SHEETS)
    tokens = set(re.findall(r"--([\w-]+):", TOKENS))
    assert tokens - set(re.findall(r"var\(--([\w-]+)[,)]", rules)) == set()


def test_an_address_changes_with_any_file_of_its_folder(tmp_path: Path) -> None:
    (tmp_path / "static" / "js").mkdir(parents=True)
    (tmp_path / "static" / "a.css").write_text("a", encoding="utf-8")
    file = tmp_path / "static" / "js" / "b.js"
    file.write_text("b", encoding="utf-8")
    before = templating.addresses({"plugin": tmp_path})["plugin/a.css"]
    file.write_text("c", encoding="utf-8")
    after = templating.addresses({"plugin": tmp_path})["plugin/a.css"]
    assert re.fullmatch(r"/static/plugin/[0-9a-f]{10}/a\.css", before)
    assert before != after
    # A script that imports another by a relative name gets the one of its own version.
    assert templating.addresses({"plugin": tmp_path})["plugin/js/b.js"].rpartition("/js/")[0] == after[: -len("/a.css")]


def test_two_plugins_of_one_package_name_do_not_share_their_files() -> None:
    pages = [warehouse_app.WarehouseApp]
    with pytest.raises(apps.AppsClash, match="warehouse_app"):
        apps.offered({"north": pages, "south": pages})
    (app,) = apps.offered({"dock": pages, "silent": []})
    assert (app.path, app.package, app.title) == ("/apps/dock", "warehouse_app", "Dock")


def test_every_file_that_pages_need_reaches_the_wheel() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = project["tool"]["setuptools"]["package-data"]["*"]
    needed = [
        path for room in ROOMS for path in room.rglob("*") if path.is_file() and path.suffix not in {".py", ".pyc"}
    ]
    assert len(needed) > 80
    assert [path.name for path in needed if not any(path.match(pattern) for pattern in patterns)] == []


def test_every_icon_that_a_page_names_is_drawn() -> None:
    drawn = set(re.findall(r'<symbol id="([a-z]+)"', (HOUSE / "icons.svg").read_text(encoding="utf-8")))
    named = set()
    for path in Path(web.__file__).parent.rglob("*.html"):
        named |= set(re.findall(r'icon\("([a-z]+)"', path.read_text(encoding="utf-8")))
    for path in Path(web.__file__).parent.glob("*.py"):
        named |= set(re.findall(r'icon="([a-z]+)"', path.read_text(encoding="utf-8")))
    assert named <= drawn
