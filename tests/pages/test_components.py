"""Every component in every state, as a person meets it: on a phone and a desk, by day and by night."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Browser, Page

from hub.web import gallery, templating
from tests.pages.checking import check

STORIES = gallery.names()
SMALLEST_TARGET = 24
POLICY_OF_FOCUS = """() => {
    const style = getComputedStyle(document.activeElement);
    const mark = getComputedStyle(document.activeElement, "::after");
    return style.outlineStyle !== "none" || mark.outlineStyle !== "none";
}"""


@pytest.fixture(scope="module")
async def visitor(browser: Browser, components: str) -> AsyncIterator[Page]:
    """One browser window for all stories: each is a page of its own."""
    # The checker is put into the page by the test, which the page's own policy would rightly refuse.
    context = await browser.new_context(base_url=components, reduced_motion="reduce", bypass_csp=True)
    context.set_default_timeout(10_000)
    yield await context.new_page()
    await context.close()


@pytest.mark.parametrize("story", STORIES)
async def test_a_component_is_readable_and_usable_by_everybody(visitor: Page, story: str, tmp_path: Path) -> None:
    said: list[str] = []
    visitor.on("console", lambda message: said.append(message.text) if message.type in {"error", "warning"} else None)
    visitor.on("pageerror", lambda fault: said.append(str(fault)))
    answer = await visitor.goto(f"/components/{story}")
    assert answer is not None
    assert answer.status == 200
    await check(visitor, story, tmp_path)
    assert said == []


@pytest.mark.parametrize("story", STORIES)
async def test_a_component_is_reached_with_keys_only_and_shows_where_one_is(visitor: Page, story: str) -> None:
    await visitor.set_viewport_size({"width": 1280, "height": 800})
    await visitor.goto(f"/components/{story}")
    wanted = await visitor.evaluate(
        """() => [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']")]
            .filter(it => it.checkVisibility() && !it.disabled && it.tabIndex >= 0 && it.type !== "hidden"
                && !(it.type === "radio" && document.querySelector(`[name="${it.name}"]:checked`) !== it
                    && document.querySelector(`[name="${it.name}"]`) !== it))
            .map((it, place) => (it.dataset.place = place, it.outerHTML.slice(0, 100)))"""
    )
    reached = set()
    await visitor.evaluate("document.body.focus()")
    for _ in range(len(wanted) + 5):
        await visitor.keyboard.press("Tab")
        place = await visitor.evaluate("document.activeElement.dataset.place")
        if place is not None:
            reached.add(int(place))
            assert await visitor.evaluate(POLICY_OF_FOCUS), "the focus is not to be seen"
    missing = [html for place, html in enumerate(wanted) if place not in reached]
    # Of a group of radio buttons that none of is chosen, one is on the way.
    assert [html for html in missing if 'type="radio"' not in html] == []


@pytest.mark.parametrize("story", STORIES)
async def test_on_the_smallest_screen_everything_fits_and_can_be_hit(visitor: Page, story: str) -> None:
    # WCAG 1.4.10: a desk of 1280 points at 400 % has 320.
    await visitor.set_viewport_size({"width": 320, "height": 640})
    await visitor.goto(f"/components/{story}")
    assert await visitor.evaluate("document.documentElement.scrollWidth <= innerWidth")
    small = await visitor.evaluate(
        """least => [...document.querySelectorAll("button, select, summary, input:not([type=hidden])")]
            .filter(it => it.checkVisibility())
            .map(it => (it.matches("[type=checkbox], [type=radio]") ? it.closest("label") : it))
            .filter(it => it.getBoundingClientRect().height < least).map(it => it.outerHTML)""",
        SMALLEST_TARGET,
    )
    assert small == []


# These show nothing that comes from outside, or show it in another one's story.
WITHOUT_TEXT = {"icon", "navigation", "shell", "moment", "skeleton", "region", "paging", "tabs"}
ESCAPED = "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &#34;quoted&#34; &amp; &#39;single&#39;"


@pytest.mark.parametrize("story", STORIES)
async def test_text_from_outside_stays_text(components: str, story: str) -> None:
    async with httpx.AsyncClient(base_url=components) as client:
        text = (await client.get(f"/components/{story}")).text
    assert "<script>alert" not in text
    assert "alert('x')" not in text
    assert '"quoted"' not in text
    assert ESCAPED in text or story in WITHOUT_TEXT


def test_every_component_has_a_story_and_every_story_a_component() -> None:
    stories = {path.stem for path in (templating.HERE / "templates" / "stories").glob("*.html")}
    assert stories == set(STORIES)
