from tests.pages.test_operator import *
async def test_dbg(world, opened):
    shop = await world.shop()
    parcel = await world.channel_return(shop, "O-1", {"SHIRT": 1})
    page = await opened()
    keys = Keys(page)
    page.on("console", lambda m: print("console", m.text))
    page.on("response", lambda m: print("resp", m.url, m.status, m.headers.get("content-type")))
    await keys.sign_in(await world.api_key(Role.WAREHOUSE, warehouse_id=shop.warehouse))
    await keys.type(parcel.number)
    await keys.sent("Enter")
    print(await keys.focus())
    print(await page.evaluate("typeof form + String(typeof typed)"))
    assert 0
