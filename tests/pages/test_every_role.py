"""Every page as every role: what leads there, and how it looks on a phone and at a desk, by day and by night."""

import os
import re
from pathlib import Path

from playwright.async_api import Browser, Page

from hub import app
from hub.api import guards
from hub.runtime import Runtime
from hub.web.shell import for_visitor
from tenants.messages import Party, Role
from tenants.permissions import matrix
from tests.pages.checking import Looker
from tests.pages.household import APP, House
from tests.support.people import somebody
from tests.support.world import World

# Where the pictures of all pages are kept, to be looked at; without it only what is new on a page is looked at.
PICTURES = "PICTURES_OF_PAGES"
# The same for everybody and hundreds of rows long; looked at by itself.
ELSEWHERE = "/reference"
NOT_THERE = {"/nowhere", f"{APP}/scan?number=R0000000000"}
IN_AN_ADDRESS = re.compile(r"/(hub_|[0-9a-f]{8}-|R)[^/]+")


async def led_to(page: Page) -> set[str]:
    """Return where the navigation beside a page leads."""
    found = await page.eval_on_selector_all("nav.side a", "links => links.map(each => each.getAttribute('href'))")
    return {str(each).rstrip("/") or "/" for each in found}


async def test_every_page_of_every_role_is_readable_and_usable(
    world: World, hub: Runtime, browser: Browser, site: str, tmp_path: Path
) -> None:
    kept = os.environ.get(PICTURES)
    looker = Looker(Path(kept or tmp_path), thorough=bool(kept))
    house = House(world, await world.shop(), app.build(hub))
    await house.furnish()
    context = await browser.new_context(base_url=site, reduced_motion="reduce", bypass_csp=True)
    page, said = await context.new_page(), list[str]()
    page.on("pageerror", lambda fault: said.append(str(fault)))
    people = [*await house.strangers(), *await house.people(), *await house.terminals(), *await house.keys()]
    for visit in people:
        await context.clear_cookies()
        await context.add_cookies([{"name": name, "value": text, "url": site} for name, text in visit.cookies.items()])
        await page.goto("/")
        led = await led_to(page)
        for address in [*visit.addresses, *sorted(led - {*visit.addresses, ELSEWHERE})]:
            answer = await page.goto(address)
            assert answer is not None
            assert answer.status == (404 if address in NOT_THERE else 200), (visit.name, address)
            kind = IN_AN_ADDRESS.sub("", address.partition("?")[0]).strip("/").replace("/", "-") or "start"
            await looker.look(page, f"{visit.name}-{kind}", kind)
    assert (said, looker.wrong) == ([], [])
    await context.close()


def test_the_navigation_leads_to_every_page_that_a_role_may_open(hub: Runtime) -> None:
    pages = {
        path: names[0]
        for method, path, names in guards.actions(app.build(hub))
        if names and method == "GET" and "{" not in path and not path.startswith(("/api", "/live", f"{APP}/"))
    }
    assert {"/people", "/devices", "/providers", "/impersonations", "/permissions", APP} <= set(pages)
    for role in Role:
        own = APP if role.party is Party.WAREHOUSE else None
        allowed = {path for path, action in pages.items() if action in matrix().of(role) and path != APP}
        shell = for_visitor(somebody(role), "/", ())
        assert {place.href for place in shell.places} >= (set() if own else allowed), role
