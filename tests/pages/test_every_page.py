"""The hub's own pages and the warehouse app's, as everybody meets them."""

from pathlib import Path

from playwright.async_api import Browser

from tenants.messages import Role
from tests.pages.checking import glance
from tests.support.world import World


async def test_every_page_is_readable_and_usable_by_everybody(
    world: World, browser: Browser, site: str, tmp_path: Path
) -> None:
    shop = await world.shop()
    parcel = await world.channel_return(shop, "O-1", {"SHIRT": 2, "A-LONG-PRODUCT-NUMBER-WITHOUT-A-BREAK": 1})
    await world.channel_return(shop, "O-2", {"SHIRT": 1})
    key = await world.api_key(Role.WAREHOUSE, warehouse_id=shop.warehouse)
    context = await browser.new_context(base_url=site, reduced_motion="reduce", bypass_csp=True)
    page = await context.new_page()
    said: list[str] = []
    page.on("pageerror", lambda fault: said.append(str(fault)))
    for name, address in (
        ("start", "/"),
        ("preferences", "/preferences"),
        ("nowhere", "/nowhere"),
        ("enter", "/sign-in/key"),
    ):
        await page.goto(address)
        await glance(page, name, tmp_path)
    await page.get_by_label("API key").fill(key)
    await page.get_by_role("button", name="Sign in").click()
    app = "/apps/warehouse_app"
    pages = {
        "signed-in": "/",
        "expected": f"{app}/",
        "unknown": f"{app}/scan?number=R0000000000",
        "receive": f"{app}/returns/{parcel.number}",
    }
    for name, address in pages.items():
        await page.goto(address)
        await glance(page, name, tmp_path)
    await page.goto(f"{app}/returns/{parcel.number}")
    await page.get_by_role("button", name="Book", exact=True).click()
    await glance(page, "nothing-typed", tmp_path)
    # Its rows are all alike, and there are hundreds.
    await page.goto("/reference")
    await page.evaluate("document.querySelectorAll('main section').forEach((it, place) => place && it.remove())")
    await glance(page, "reference", tmp_path)
    assert said == []
    await context.close()
