"""The warehouse app as its operators use it: in a browser, with a keyboard and a scanner."""

from typing import Any

from playwright.async_api import expect

from tests.pages.conftest import Open
from tests.support.floor import Operator
from tests.support.world import World


async def test_a_first_return(world: World, opened: Open) -> None:
    shop = await world.shop()
    parcel = await world.channel_return(shop, "O-1", {"SHIRT": 2})
    page = await opened()
    said: list[Any] = []
    page.on("console", lambda m: said.append(m.text))
    page.on("pageerror", lambda m: said.append(str(m)))
    operator = Operator(page)
    try:
        await operator.sign_in(world, shop)
        await operator.open(parcel.number)
        await operator.choose("1", "1", "1", "1")
        await page.screenshot(path="/tmp/app-1.png", full_page=True)
        await operator.press("Enter")
        await page.screenshot(path="/tmp/app-2.png", full_page=True)
        await operator.button("Book, more will come")
        await operator.told("Booked")
        await page.screenshot(path="/tmp/app-3.png", full_page=True)
    except BaseException:
        await page.screenshot(path="/tmp/app-x.png", full_page=True)
        raise
    finally:
        print(said)
