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
    for size, colours, rules in (("phone", COLOURS[0], RULES), ("desk", COLOURS[1], RULES)):
        await page.set_viewport_size({"width": SIZES[size]["width"], "height": SIZES[size]["height"]})
        await page.emulate_media(color_scheme=colours, reduced_motion="reduce")
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name}, {size}"
        assert await faults(page, rules) == [], f"{name}, {size}, {colours}"
        await page.screenshot(path=folder / f"{name}-{size}-{colours}.png", full_page=True)


# What a page is made of, without its words.
MADE_OF = """[...new Set([...document.querySelectorAll('body *')].map(it => it.parentElement.className + '>'
    + it.tagName + it.className + (it.type || '') + [...it.attributes].map(each => each.name)))]"""
# A page in two ways: together they show what size and colours do to it, for what a page is made of takes both from one
# set of styles.
TWO_WAYS = (("phone", COLOURS[0], RULES), ("desk", COLOURS[1], RULES))
EVERY_WAY = tuple((size, colours, RULES) for size in SIZES for colours in COLOURS)


class Looker:
    """Looks at many pages that are much alike, and keeps their pictures.

    That a page fits is checked of each; whether everybody can read it, only where something stands on it that was not
    looked at before. A `thorough` one looks at all of everything.
    """

    def __init__(self, folder: Path, *, thorough: bool) -> None:
        self._folder, self._thorough = folder, thorough
        self._seen: set[str] = set()
        self.wrong: list[str] = []

    async def look(self, page: Page, name: str, kind: str) -> None:
        """Look at a page as it is now; pages of one kind are the same template."""
        made_of = {kind, *await page.evaluate(MADE_OF)}
        fresh = self._thorough or not made_of <= self._seen
        self._seen |= made_of
        if fresh:
            await page.add_script_tag(path=CHECKER)
        for size, colours, rules in EVERY_WAY if self._thorough else TWO_WAYS:
            await page.set_viewport_size({"width": SIZES[size]["width"], "height": SIZES[size]["height"]})
            told = [] if await page.evaluate("document.documentElement.scrollWidth <= innerWidth") else ["too wide"]
            if fresh:
                await page.emulate_media(color_scheme=colours, reduced_motion="reduce")
                await page.screenshot(path=self._folder / f"{name}-{size}-{colours}.png", full_page=True)
                told += await faults(page, rules)
            self.wrong += [f"{name}, {size}, {colours}: {each}" for each in told]
