from typing import Any

import pytest
from playwright.async_api import Page, expect

from hub.kit import db
from hub.sdk.receiving import Grade
from tenants.messages import Role
from tests.pages.conftest import Open
from tests.support.world import World

SIZES = {"phone": {"width": 360, "height": 740}, "desktop": {"width": 1280, "height": 800}}
SHORTEST_TARGET = 44
NAME = "A-LONG-PRODUCT-NUMBER-WITHOUT-A-BREAK-0123456789-ABC"[:50]


class Keys:
    """An operator who touches nothing but the keyboard."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def type(self, text: str) -> None:
        """Type where the focus is."""
        await self.page.keyboard.type(text)

    async def press(self, *keys: str) -> None:
        """Press keys one after the other."""
        for key in keys:
            await self.page.keyboard.press(key)

    async def sent(self, *keys: str) -> None:
        """Press keys of which the last one loads a page."""
        async with self.page.expect_navigation():
            await self.press(*keys)
        await self.ready()

    async def ready(self) -> None:
        """Wait, as a person does, until the focus is where the page wants it."""
        await expect(self.page.locator("[autofocus]")).to_be_focused()

    async def focus(self) -> str:
        """The name of the field, or the value of the button, that has the focus."""
        return str(await self.page.evaluate("document.activeElement.id || document.activeElement.value"))

    async def tab_to(self, focus: str) -> None:
        """Press Tab until this has the focus; it must be on the way."""
        for _ in range(40):
            if await self.focus() == focus:
                return
            await self.press("Tab")
        raise AssertionError(f"{focus} cannot be reached by Tab")

    async def sign_in(self, key: str) -> None:
        """Open the app with a key."""
        await self.page.goto("/sign-in/key?next=/apps/warehouse_app")
        await self.ready()
        await self.type(key)
        await self.sent("Enter")


async def fits(page: Page) -> None:
    """Nothing is wider than the screen, and nothing that is touched is too small to hit."""
    assert await page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    small = await page.evaluate(
        """least => [...document.querySelectorAll("button, input, select, summary, .grade label")]
            .filter(it => it.checkVisibility() && !it.matches(".only-read, [type=hidden]"))
            .filter(it => it.getBoundingClientRect().height < least).map(it => it.outerHTML)""",
        SHORTEST_TARGET,
    )
    assert small == []


@pytest.fixture(params=[f"{size}, {colours}" for size in SIZES for colours in ("light", "dark")])
async def keys(request: pytest.FixtureRequest, opened: Open) -> Keys:
    """An operator at a phone or a desk, by day or by night."""
    size, colours = request.param.split(", ")
    return Keys(await opened(**SIZES[size], color_scheme=colours))


async def received() -> list[tuple[Any, ...]]:
    """What the hub holds as received."""
    async with db.transaction(db.PLATFORM):
        rows = await db.fetch("select sku, quantity, grade, condition from receipt_items order by position")
    return [tuple(row) for row in rows]


async def test_an_operator_books_a_parcel_with_keys_only(world: World, keys: Keys) -> None:
    shop = await world.shop()
    parcel = await world.channel_return(shop, "O-1", {"SHIRT": 2, "SHOE": 1})
    key = await world.api_key(Role.WAREHOUSE, warehouse_id=shop.warehouse)
    await keys.sign_in(key)
    await expect(keys.page.get_by_role("heading", name="Expected returns")).to_be_visible()
    await fits(keys.page)

    await keys.type("R0000000000")
    await keys.sent("Enter")
    await expect(keys.page.get_by_text("No return with this number is expected here.")).to_be_visible()
    await keys.press("Control+A")
    await keys.type(parcel.number.lower())
    await keys.sent("Enter")
    await expect(keys.page.get_by_role("heading", name=parcel.number)).to_be_visible()
    await fits(keys.page)

    # Two shirts in two states; Enter goes to what is missing and never books.
    await keys.type("1")
    await keys.sent("Enter")
    assert await keys.focus() == "grade-0-A"
    await keys.press("Space")
    await keys.tab_to("add:SHIRT")
    await keys.sent("Enter")
    assert await keys.focus() == "quantity-1"
    await keys.type("1")
    await keys.press("Tab", "Space", "ArrowRight", "ArrowRight", "ArrowRight", "Tab")
    await keys.type("Dam")
    await keys.tab_to("quantity-2")
    await keys.type("1")
    await keys.press("Tab", "Space")
    await fits(keys.page)
    await keys.sent("Enter")
    assert await keys.focus() == "book"
    await keys.press("Tab")
    await keys.sent("Enter")

    await expect(keys.page.get_by_text("Booked and finalised. 3 units in this delivery.")).to_be_visible()
    assert await keys.focus() == "number"
    await fits(keys.page)
    assert await received() == [
        ("SHIRT", 1, Grade.A, "unknown"), ("SHIRT", 1, Grade.D, "damaged"), ("SHOE", 1, Grade.A, "unknown"),
    ]  # fmt: skip
    await world.work_until_quiet()
    assert await world.vendor.refunded(shop.tenant) == {"SHIRT": 1, "SHOE": 1}


async def test_the_app_works_without_javascript_and_with_products_of_any_length(world: World, opened: Open) -> None:
    shop = await world.shop()
    parcel = await world.channel_return(shop, "O-1", {NAME: 3})
    keys = Keys(await opened(**SIZES["phone"], java_script_enabled=False))
    await keys.sign_in(await world.api_key(Role.WAREHOUSE, warehouse_id=shop.warehouse))
    await keys.type(parcel.number)
    await keys.sent("Enter")
    await keys.type("2")
    await keys.press("Tab", "Space")
    await keys.page.get_by_text("Something unexpected in the parcel").press("Enter")
    await keys.page.get_by_label("SKU").fill("MUG" * 20)
    await keys.page.get_by_label("SKU").press("Tab")
    await keys.type("1")
    await keys.press("Tab", "Space")
    await keys.page.get_by_role("button", name="Book and finalise").click()
    await expect(keys.page.get_by_text("Not everything arrived.")).to_be_visible()
    await keys.page.get_by_role("button", name="Finalise as it is").click()
    await expect(keys.page.get_by_text("was not expected in this return")).to_be_visible()
    await expect(keys.page.get_by_text("not everything arrived")).to_be_visible()
    size = await keys.page.locator("main").bounding_box()
    assert size is not None
    assert size["width"] <= SIZES["phone"]["width"]


async def test_what_was_typed_and_not_booked_is_not_left_behind_unasked(world: World, opened: Open) -> None:
    shop = await world.shop()
    parcel = await world.channel_return(shop, "O-1", {"SHIRT": 1})
    page = await opened()
    keys = Keys(page)
    asked: list[str] = []

    async def stay(dialog: Any) -> None:
        asked.append(dialog.type)
        await dialog.dismiss()

    page.on("dialog", stay)
    await keys.sign_in(await world.api_key(Role.WAREHOUSE, warehouse_id=shop.warehouse))
    await keys.type(parcel.number)
    await keys.sent("Enter")
    await keys.type("1")
    await page.get_by_label("Return number").fill("R0000000000")
    await page.get_by_label("Return number").press("Enter")
    await expect(page.get_by_label("Units").first).to_have_value("1")
    assert asked == ["beforeunload"]
