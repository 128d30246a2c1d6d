import re
from pathlib import Path

import pytest

from connectors import warehouse_app
from hub import web
from hub.web import apps, templating

SHEETS = [
    Path(web.__file__).parent / "static" / "hub.css",
    Path(warehouse_app.__file__).parent / "static" / "warehouse_app.css",
]
SHEET = SHEETS[0].read_text(encoding="utf-8")

TEXT = 4.5
EDGE = 3.0
PAIRS = [
    ("ink", "ground", TEXT),
    ("ink", "surface", TEXT),
    ("ink", "sunken", TEXT),
    ("ink-soft", "ground", TEXT),
    ("ink-soft", "surface", TEXT),
    ("ink-soft", "sunken", TEXT),
    ("accent", "ground", TEXT),
    ("accent", "surface", TEXT),
    ("accent", "sunken", TEXT),
    ("accent-strong", "surface", TEXT),
    ("on-accent", "accent", TEXT),
    ("on-accent", "accent-strong", TEXT),
    ("on-accent-soft", "accent-soft", TEXT),
    ("on-good-soft", "good-soft", TEXT),
    ("on-warn-soft", "warn-soft", TEXT),
    ("on-bad-soft", "bad-soft", TEXT),
    ("bad", "surface", TEXT),
    ("bad", "ground", TEXT),
    ("edge", "surface", EDGE),
    ("edge", "ground", EDGE),
    ("bad", "surface", EDGE),
    ("focus", "surface", EDGE),
    ("focus", "ground", EDGE),
]


def colours(*, dark: bool) -> dict[str, str]:
    """The tokens that hold in light or in dark."""
    light, _, rest = SHEET.partition("@media (prefers-color-scheme: dark)")
    found = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", light))
    overridden = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", rest))
    assert overridden.keys() == found.keys()
    return overridden if dark else found


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
@pytest.mark.parametrize(("front", "back", "least"), PAIRS)
def test_colours_that_meet_can_be_told_apart(front: str, back: str, least: float, dark: bool) -> None:  # noqa: FBT001 - given by pytest
    found = colours(dark=dark)
    assert contrast(found[front], found[back]) >= least


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda path: path.name)
def test_colours_are_named_once_and_used_by_name(sheet: Path) -> None:
    rules = re.sub(r"--[\w-]+: [^;]+;", "", sheet.read_text(encoding="utf-8"))
    assert not re.findall(r"#[0-9a-f]{3,8}\b|rgba?\(|hsla?\(|@import|url\(", rules)
    used = set(re.findall(r"var\(--([\w-]+)\)", rules))
    assert used <= set(re.findall(r"--([\w-]+):", SHEET))


def test_every_colour_is_used_by_some_rule() -> None:
    rules = "".join(sheet.read_text(encoding="utf-8") for sheet in SHEETS)
    assert set(colours(dark=False)) <= set(re.findall(r"var\(--([\w-]+)\)", rules))


def test_an_address_changes_with_its_file(tmp_path: Path) -> None:
    (tmp_path / "static").mkdir()
    file = tmp_path / "static" / "a.css"
    file.write_text("a", encoding="utf-8")
    before = templating.addresses({"plugin": tmp_path})["plugin/a.css"]
    file.write_text("b", encoding="utf-8")
    after = templating.addresses({"plugin": tmp_path})["plugin/a.css"]
    assert before.startswith("/static/plugin/a.css?v=")
    assert before != after


def test_two_plugins_of_one_package_name_do_not_share_their_files() -> None:
    pages = [warehouse_app.WarehouseApp]
    with pytest.raises(apps.AppsClash, match="warehouse_app"):
        apps.offered({"north": pages, "south": pages})
    (app,) = apps.offered({"dock": pages, "silent": []})
    assert (app.path, app.package, app.title) == ("/apps/dock", "warehouse_app", "Dock")
