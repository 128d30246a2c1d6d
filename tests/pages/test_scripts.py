"""What the page's own scripts do, in a browser; each page works without them, too."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from litestar import Controller, get
from litestar.params import FromQuery
from litestar.response import Stream, Template
from playwright.async_api import Browser, FilePayload, Page, expect

from hub.web.live import wire
from tests.pages import gallery
from tests.pages.conftest import listening

PHONE, DESK = {"width": 360, "height": 740}, {"width": 1280, "height": 800}


class Told:
    """A stream that a test tells what to say, and the count of what a page showed."""

    def __init__(self) -> None:
        self.shown = 0
        self.asked: asyncio.Queue[str | None] = asyncio.Queue()
        self.say: asyncio.Queue[bytes | None] = asyncio.Queue()


def pages(told: Told) -> type[Controller]:
    """A page with a live region, and its stream."""

    class Pages(Controller):
        @get("/live-page", sync_to_thread=False)
        def show(self) -> Template:
            told.shown += 1
            source = (
                '{% extends "base.html" %}{% import "macros.html" as ui %}{% block content %}'
                '{% call ui.region("part", live="/stream?after=1-a") %}<p id="count">' + str(told.shown) + "</p>"
                '<input id="typed" aria-label="typed">{% endcall %}{% endblock %}'
            )
            return Template(template_str=source)

        @get("/stream")
        async def stream(self, after: FromQuery[str | None] = None) -> Stream:
            told.asked.put_nowait(after)

            async def said() -> AsyncIterator[bytes]:
                yield wire.HEARTBEAT
                while (each := await told.say.get()) is not None:
                    yield each

            return Stream(said(), media_type=wire.MEDIA_TYPE)

    return Pages


Open = Callable[..., Any]


@pytest.fixture
async def told() -> Told:
    return Told()


@pytest.fixture
async def opened(browser: Browser, told: Told) -> AsyncIterator[Open]:
    """Open pages of the components; a fault in a script fails the test."""
    faults: list[str] = []
    contexts = []
    async with listening(gallery.application(pages(told))) as address:

        async def open_page(path: str, *, still: bool = True, **more: Any) -> Page:
            motion = "reduce" if still else "no-preference"
            context = await browser.new_context(
                base_url=address, **{"viewport": DESK, "reduced_motion": motion, **more}
            )
            context.set_default_timeout(20_000)
            contexts.append(context)
            page = await context.new_page()
            page.on("pageerror", lambda fault: faults.append(str(fault)))
            page.on("console", lambda said: faults.append(said.text) if "Content Security" in said.text else None)
            await page.goto(path)
            return page

        yield open_page
        told.say.put_nowait(None)
        for context in contexts:
            await context.close()
    assert not faults


# -- regions


@pytest.mark.parametrize("still", [True, False], ids=["still", "moving"])
async def test_a_list_is_sorted_in_its_place_and_the_address_says_so(opened: Open, still: bool) -> None:  # noqa: FBT001 - given by pytest
    page: Page = await opened("/components/region", still=still)
    await page.evaluate("window.kept = true")
    link = page.get_by_role("columnheader", name="Refund").get_by_role("link")
    await link.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("columnheader", name="Refund")).to_have_attribute("aria-sort", "ascending")
    assert page.url.endswith("?sort=refund")
    assert await page.evaluate("window.kept"), "the whole page was loaded"
    first = page.locator("td.lead").first
    await expect(first).to_have_text("R2HV8XW5TKC")
    await page.go_back()
    await expect(page.get_by_role("columnheader", name="Refund")).to_have_attribute("aria-sort", "none")
    assert await page.evaluate("window.kept")


async def test_the_focus_stays_where_it_was_when_its_region_changes(opened: Open) -> None:
    page: Page = await opened("/components/tabs")
    await page.get_by_role("link", name="To the memo").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Here is: memo")).to_be_visible()
    assert await page.evaluate("document.activeElement.textContent") == "To the memo"
    # The tabs stand outside of the region, and still show where it is now.
    await expect(page.get_by_role("link", name="Memo", exact=True)).to_have_attribute("aria-current", "page")
    await page.get_by_role("link", name="Timeline").click()
    await expect(page.get_by_text("Here is: timeline")).to_be_visible()
    await expect(page.locator("nav.tabs [aria-current]")).to_have_text("Timeline")


async def test_without_scripts_the_same_links_load_the_page(opened: Open) -> None:
    page: Page = await opened("/components/tabs", java_script_enabled=False)
    await page.get_by_role("link", name="Timeline").click()
    await expect(page.get_by_text("Here is: timeline")).to_be_visible()
    await expect(page.locator("nav.tabs [aria-current]")).to_have_text("Timeline")


async def test_filters_narrow_a_list_and_a_chip_takes_them_away(opened: Open) -> None:
    page: Page = await opened("/components/filters")
    await page.get_by_label("Status").select_option("completed")
    await page.get_by_role("button", name="Show").click()
    await expect(page.get_by_text("1 shown.")).to_be_visible()
    assert "status=completed" in page.url
    await page.get_by_role("link", name="Without Status: Completed").click()
    await expect(page.get_by_text("4 shown.")).to_be_visible()


async def test_what_cannot_be_swapped_is_gone_to(opened: Open) -> None:
    page: Page = await opened("/components/tabs")
    await page.evaluate("document.querySelector('nav.tabs a').href = '/components/tabs?tab=lines#'")
    await page.route("**/components/tabs?tab=parcels", lambda route: route.fulfill(status=500, body="<h1>Broken</h1>"))
    await page.get_by_role("link", name="Parcels").click()
    await expect(page.get_by_role("heading", name="Broken")).to_be_visible()


# -- live


async def test_an_event_brings_its_region_up_to_date_and_a_lost_stream_goes_on_where_it_was(
    opened: Open, told: Told
) -> None:
    page: Page = await opened("/live-page")
    await expect(page.locator("#count")).to_have_text("1")
    told.say.put_nowait(wire.message({"type": "return.received"}, cursor="2-b"))
    await expect(page.locator("#count")).to_have_text("2")
    # What only says how far the feed was read changes nothing.
    told.say.put_nowait(wire.message({}, cursor="3-c"))
    told.say.put_nowait(None)
    assert [await asyncio.wait_for(told.asked.get(), 5) for _ in range(2)] == ["1-a", "3-c"]
    assert told.shown == 2


async def test_nobody_loses_what_they_type_because_something_happened(opened: Open, told: Told) -> None:
    page: Page = await opened("/live-page")
    await page.locator("#typed").fill("half a sen")
    told.say.put_nowait(wire.message({"type": "return.received"}, cursor="2-b"))
    async with page.expect_response("**/live-page"):
        pass
    await expect(page.locator("#typed")).to_have_value("half a sen")
    await expect(page.locator("#count")).to_have_text("1")


async def test_a_page_that_nobody_looks_at_holds_no_stream(opened: Open, told: Told) -> None:
    page: Page = await opened("/live-page")
    await page.wait_for_function("performance.getEntriesByType('resource').length > 0")
    hide = "state => { Object.defineProperty(document, 'hidden', {value: state, configurable: true});"
    hide += " document.dispatchEvent(new Event('visibilitychange')); }"
    await page.evaluate(hide, True)  # noqa: FBT003 - an argument of the script
    told.say.put_nowait(None)
    await page.evaluate(hide, False)  # noqa: FBT003 - an argument of the script
    told.say.put_nowait(wire.message({"type": "return.received"}, cursor="2-b"))
    await expect(page.locator("#count")).to_have_text("2")


# -- dialogs, menus, toasts, keys


async def test_a_question_opens_as_a_dialog_and_esc_and_cancel_close_it(opened: Open) -> None:
    page: Page = await opened("/components/dialog", viewport=PHONE)
    dialog = page.get_by_role("dialog", name="Revoke this key?")
    for close in ("Escape", "Cancel"):
        await page.get_by_role("link", name="Revoke key…").click()
        await expect(dialog).to_be_visible()
        await (page.keyboard.press(close) if close == "Escape" else dialog.get_by_text(close).click())
        await expect(dialog).not_to_be_visible()
        assert await page.evaluate("document.activeElement.textContent") == "Revoke key…"


async def test_without_scripts_the_question_is_a_page(opened: Open) -> None:
    page: Page = await opened("/components/dialog", java_script_enabled=False)
    await page.get_by_role("link", name="Revoke key…").click()
    assert page.url.endswith("#as-page")


async def test_a_menu_closes_by_esc_and_by_a_look_elsewhere(opened: Open) -> None:
    page: Page = await opened("/components/menu")
    summary = page.locator("summary").first
    await summary.click()
    await expect(page.get_by_role("link", name="Print label")).to_be_visible()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("link", name="Print label")).not_to_be_visible()
    await expect(summary).to_be_focused()
    await summary.click()
    await page.get_by_role("heading", name="Menu").click()
    await expect(page.get_by_role("link", name="Print label")).not_to_be_visible()


async def test_a_code_is_copied_and_told_in_a_toast_that_goes_by_itself(opened: Open) -> None:
    page: Page = await opened("/components/code", permissions=["clipboard-read", "clipboard-write"])
    await page.clock.install()
    await page.get_by_role("button", name="Copy the return number").click()
    toast = page.locator(".toast", has_text="Copied")
    await expect(toast).to_be_visible()
    assert await page.evaluate("navigator.clipboard.readText()") == "R7K3Q9ZD4AM"
    await page.mouse.move(0, 0)
    await page.clock.fast_forward(10_000)
    await expect(toast).not_to_be_attached()


async def test_where_copying_is_impossible_the_text_is_marked_or_the_button_absent(opened: Open) -> None:
    page: Page = await opened("/components/code")
    await page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('no')); }")
    await page.get_by_role("button", name="Copy the return number").click()
    assert await page.evaluate("getSelection().toString()") == "R7K3Q9ZD4AM"
    bare: Page = await opened("/components/code", java_script_enabled=False)
    await expect(bare.locator(".copyable button").first).not_to_be_visible()


async def test_a_toast_says_text_as_text_and_bad_news_stay(opened: Open) -> None:
    page: Page = await opened("/components/badge")
    await page.clock.install()
    say = "detail => document.dispatchEvent(new CustomEvent('hub:toast', {detail}))"
    await page.evaluate(say, {"text": "<b>x</b>", "tone": "bad"})
    await page.evaluate(say, {"text": "fine", "tone": "good"})
    await page.clock.fast_forward(20_000)
    await expect(page.locator(".toasts > .toast")).to_have_text(re.compile("<b>x</b>"))
    await page.locator(".toasts > .toast").get_by_role("button", name="Dismiss").click()
    await expect(page.locator(".toasts > .toast")).to_have_count(0)


async def test_shortcuts_are_listed_by_a_key_and_lead_somewhere_but_not_while_one_types(opened: Open) -> None:
    page: Page = await opened("/components/keys")
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    await page.keyboard.press("s")
    await expect(page.locator("#find")).to_be_focused()
    await expect(page.get_by_role("dialog")).not_to_be_visible()
    await page.keyboard.type("c?")
    await expect(page.locator("#find")).to_have_value("c?")
    await page.locator("#find").blur()
    async with page.expect_navigation():
        await page.keyboard.press("c")
    assert page.url.endswith("/components")


async def test_typed_text_is_not_left_behind_unasked(opened: Open) -> None:
    page: Page = await opened("/components/form")
    asked: list[str] = []

    async def stay(dialog: Any) -> None:
        asked.append(dialog.type)
        await dialog.dismiss()

    page.on("dialog", stay)
    await page.get_by_label("Name").fill("North dock")
    await page.get_by_role("link", name="Returns hub").click()
    await expect(page.get_by_label("Name")).to_have_value("North dock")
    assert asked == ["beforeunload"]
    await page.get_by_role("button", name="Save").click()
    await page.wait_for_url("**name=North+dock")
    assert asked == ["beforeunload"]


async def test_what_is_chosen_for_upload_is_shown_before_it_is_sent(opened: Open) -> None:
    page: Page = await opened("/components/drop")
    pixel = bytes.fromhex(
        "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060"
        "000000050001a5f645400000000049454e44ae426082"
    )
    picture = FilePayload(name="torn.png", mimeType="image/png", buffer=pixel)
    feed = FilePayload(name="<b>list</b>.csv", mimeType="text/csv", buffer=b"x" * 2_500_000)
    await page.locator("#photo").set_input_files([picture, feed])
    shown = page.locator("[data-shown] figure")
    await expect(shown).to_have_text([re.compile(r"torn\.png"), re.compile(r"<b>list</b>\.csv · 2\.5 MB")])
    await page.wait_for_function("document.querySelector('[data-shown] img').naturalWidth === 1")


async def test_a_device_tells_its_zone_and_moments_are_shown_in_it(opened: Open) -> None:
    page: Page = await opened("/components/moment", timezone_id="America/New_York")
    await expect(page.locator("time[data-moment]").first).to_have_text(re.compile("07:00"))
    await page.reload()
    await expect(page.locator("html")).to_have_attribute("data-zone", "America/New_York")
    await expect(page.locator("time[data-moment]").first).to_have_text("23 Nov 2026, 07:00")


async def test_the_drawer_holds_all_places_and_opens_without_scripts(opened: Open) -> None:
    page: Page = await opened("/components/navigation", viewport=PHONE, java_script_enabled=False)
    await expect(page.locator("#drawer")).not_to_be_visible()
    await page.get_by_role("button", name="More").click()
    await expect(page.locator("#drawer").get_by_role("link", name="Settings")).to_be_visible()
