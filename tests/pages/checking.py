"""Holds a page in a browser against the accessibility standard that is promised (WCAG 2.2 AA)."""

from pathlib import Path
from typing import Any, Literal

import axe_playwright_python  # type: ignore[import-untyped]  # only its file is used
from playwright.async_api import Page

CHECKER = Path(axe_playwright_python.__file__).parent / "axe.min.js"
SIZES = {"phone": {"width": 360, "height": 740}, "desk": {"width": 1280, "height": 800}}
COLOURS: tuple[Literal["light", "dark"], ...] = ("light", "dark")
# The standard, and what its authors advise besides.
RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}
CONTRAST = {"runOnly": {"type": "rule", "values": ["color-contrast"]}, "resultTypes": ["violations"]}


async def faults(page: Page, rules: dict[str, Any]) -> list[str]:
    """What the checker finds wrong with a page as it is shown now."""
    found = await page.evaluate("rules => axe.run(document, rules)", rules)
    return [
        f"{each['id']}: {node['html'][:200]} {node['failureSummary'][:300]}"
        for each in found["violations"]
        for node in each["nodes"]
    ]


async def check(page: Page, name: str, folder: Path) -> None:
    """Show a page on a phone and a desk, by day and by night: it fits, and everybody can read it.

    Its pictures are kept in a folder. The page's context passes over its policy (`bypass_csp`), which would rightly
    refuse the checker.
    """
    await page.add_script_tag(path=CHECKER)
    for size, shape in SIZES.items():
        await page.set_viewport_size({"width": shape["width"], "height": shape["height"]})
        for colours in COLOURS:
            await page.emulate_media(color_scheme=colours, reduced_motion="reduce")
            assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
                f"{name}, {size}: too wide"
            )
            rules = RULES if colours == COLOURS[0] else CONTRAST
            assert await faults(page, rules) == [], f"{name}, {size}, {colours}"
            await page.screenshot(path=folder / f"{name}-{size}-{colours}.png", full_page=True)


async def glance(page: Page, name: str, folder: Path) -> None:
    """Check a page made of components that were checked: on a phone by day, and on a desk by night."""
    await page.add_script_tag(path=CHECKER)
    for size, colours, rules in (("phone", COLOURS[0], RULES), ("desk", COLOURS[1], CONTRAST)):
        await page.set_viewport_size({"width": SIZES[size]["width"], "height": SIZES[size]["height"]})
        await page.emulate_media(color_scheme=colours, reduced_motion="reduce")
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name}, {size}"
        assert await faults(page, rules) == [], f"{name}, {size}, {colours}"
        await page.screenshot(path=folder / f"{name}-{size}-{colours}.png", full_page=True)
