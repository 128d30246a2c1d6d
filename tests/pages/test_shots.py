import pytest
from tenants.messages import Role
OUT="/tmp/shots"
import os; os.makedirs(OUT,exist_ok=True)

async def walk(world, page, tag):
    shop = await world.shop("bergmann")
    rs=[await world.channel_return(shop, f"BO-2024-{i:04}", {"TREK-JACKET-M-OLIVE": 2, "HEADLAMP-400": 1} if i%2 else {"TREK-JACKET-M-OLIVE": 1}) for i in range(4)]
    key = await world.api_key(Role.WAREHOUSE, warehouse_id=shop.warehouse)
    n=0
    async def shot(name):
        await page.screenshot(path=f"{OUT}/{tag}-{name}.png", full_page=False)
        over = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        print(tag,name,"overflow",over, "focus", await page.evaluate("document.activeElement.id||document.activeElement.outerHTML.slice(0,80)"))
    await page.goto("/"); await shot("1landing")
    await page.goto("/apps/warehouse_app"); 
    await page.keyboard.type("hub_nope"); await page.keyboard.press("Enter"); await page.wait_for_selector(".wrong"); await shot("2signin")
    await page.fill("#key", key); await page.keyboard.press("Enter"); await page.wait_for_selector("h1:has-text('Expected')"); await shot("3list")
    await page.keyboard.type("R123"); await page.keyboard.press("Enter"); await page.wait_for_selector(".wrong"); await shot("4unknown")
    await page.fill("#number", rs[1].number); await page.keyboard.press("Enter"); await page.wait_for_selector("h1:has-text('%s')"%rs[1].number); await shot("5receive")
    await page.keyboard.type("1"); await page.keyboard.press("Enter"); await page.wait_for_selector(".wrong"); await shot("6wrong")
    await page.keyboard.press("ArrowRight"); await page.keyboard.press("Tab"); await page.keyboard.press("Tab"); 
    await page.click("summary:has-text('unexpected')")
    await page.keyboard.press("Tab"); await page.keyboard.type("MUG"); await page.keyboard.press("Enter"); await page.wait_for_load_state(); await page.wait_for_selector("[aria-invalid]"); await shot("10unexp")
    await page.fill("[name=quantity-2]","2"); await page.click("label[for=grade-2-D]"); await page.keyboard.press("Enter"); await page.wait_for_selector("text=Nothing is booked yet"); await shot("11check")
    await page.click("button[value='add:TREK-JACKET-M-OLIVE']"); await page.wait_for_load_state(); await shot("7add")
    await page.screenshot(path=f"{OUT}/{tag}-7full.png", full_page=True)
    await page.click("button[value=finalise]"); await page.wait_for_selector("button[value=finalise_short]"); await shot("8short")
    await page.click("button[value=finalise_short]"); await page.wait_for_selector("text=Booked and finalised"); await shot("9done")
    await page.goto("/nope"); await shot("99error")
    await page.goto("/apps/warehouse_app/"); await shot("98list")

@pytest.mark.parametrize("tag,kw", [("phone-light",dict(width=360,height=740,color_scheme="light")),("phone-dark",dict(width=360,height=740,color_scheme="dark")),("desk-light",dict(color_scheme="light")),("desk-dark",dict(color_scheme="dark"))])
async def test_shots(world, opened, tag, kw):
    page = await opened(**kw)
    await walk(world, page, tag)
