"""Shared devices: enrolled by an admin, used by operators with a PIN, bound to one warehouse."""

from collections.abc import Callable
from uuid import UUID, uuid4

import pytest

from hub.runtime import Runtime
from tenants.messages import NewWarehouse, ReceivingOption, Role
from tenants.people.devices import service as devices
from tenants.people.devices.messages import NewDevice, NewOperator
from tenants.service import create_warehouse
from tests.conftest import Clock
from tests.pages.visiting import Guest, path_of, user
from tests.support.judge import one, rows
from tests.support.people import somebody
from tests.support.world import Shop, World

APP = "/apps/warehouse_app"
Opens = Callable[[], Guest]
SUPPORT = somebody(Role.SUPPORT_ADMIN)


@pytest.fixture
def browser(browsers: Opens, world: World) -> Opens:
    """Opens browsers while the clock stands still."""
    return browsers


@pytest.fixture
async def shop(world: World) -> Shop:
    return await world.shop()


async def operator(hub: Runtime, shop: Shop, name: str = "Olga", pin: str = "4821") -> str:
    """Add an operator to the shop's warehouse, and return their id."""
    new = NewOperator(warehouse_id=shop.warehouse, name=name, pin=pin)
    return str((await devices.add_operator(new, hub.keyring, by=SUPPORT)).id)


async def terminal(browser: Opens, shop: Shop) -> Guest:
    """Return a browser that is enrolled as a device of the shop's warehouse."""
    new = NewDevice(warehouse_id=shop.warehouse, name="Terminal 4")
    shown = await devices.add_device(new, address="http://hub", by=SUPPORT)
    tablet = browser()
    await tablet.go(path_of(shown.link))
    await tablet.send(path_of(shown.link))
    assert tablet.path == "/pin"
    return tablet


async def test_an_admin_enrols_a_device_and_an_operator_books_under_their_own_name(
    world: World, shop: Shop, browser: Opens
) -> None:
    place = NewWarehouse(name="Own", receiving_option=ReceivingOption.MERCHANT_WAREHOUSE, account_id=shop.account)
    own = await create_warehouse(place, actor="test")
    await user("ann@shop.example", Role.ACCOUNT_ADMIN, account_id=shop.account)
    ann = browser()
    await ann.sign_in("ann@shop.example", wanted="/devices")
    await ann.send("/devices", name="Terminal 4", warehouse_id=str(own.id))
    link = path_of(ann.page.codes[0])
    assert "<svg" in ann.answer.text
    for pin, words in (("12", "four to six digits"), ("abcd", "four to six"), ("1111", "first that anybody tries")):
        page = await ann.send("/devices/operators", operator="Olga", at=str(own.id), pin=pin)
        assert words in page.wrong("pin")
        assert ann.form("/devices/operators").fields["operator"] == "Olga"
    await ann.send("/devices/operators", operator="Olga", at=str(own.id), pin="4821")
    page = await ann.send("/devices/operators", operator="olga", at=str(own.id), pin="4822")
    assert "has an operator of this name already" in page.wrong("operator")
    tablet = browser()
    await tablet.go(link)
    await tablet.send(link)
    page = await tablet.go(APP)
    assert (tablet.path, "Own" in page.text) == ("/pin", True)
    chosen = str(await one("select id from operators"))
    await tablet.send("/pin", operator=chosen, pin="4821")
    assert (tablet.path, tablet.status) == (APP, 200)
    again = browser()
    await again.go(link)
    assert again.status == 404


async def test_the_operators_name_stands_in_the_receipt(world: World, shop: Shop, browser: Opens) -> None:
    stored = await world.channel_return(shop, "O-1", {"SHIRT": 1})
    olga, tablet = await operator(world.hub, shop), await terminal(browser, shop)
    await tablet.send("/pin", operator=olga, pin="4821")
    page = await tablet.go(f"{APP}/returns/{stored.number}")
    form = page.form("/returns/")
    data = {**form.fields, "quantity-0": "1", "grade-0": "A", "do": "book"}
    answer = await tablet.client.post(form.action, data=data, follow_redirects=True)
    assert answer.status_code == 200
    assert await one("select operator from receipts") == "warehouse_operator:Olga"


async def test_what_an_operator_counted_in_a_session_that_had_ended_is_not_lost(
    world: World, shop: Shop, browser: Opens, stopped: Clock
) -> None:
    stored = await world.channel_return(shop, "O-1", {"SHIRT": 2})
    olga, tablet = await operator(world.hub, shop), await terminal(browser, shop)
    await tablet.send("/pin", operator=olga, pin="4821")
    page = await tablet.go(f"{APP}/returns/{stored.number}")
    form = page.form("/returns/")
    stopped.forward(hours=3)
    await tablet.send(form.action, **{"quantity-0": "2", "grade-0": "B", "do": "book"})
    assert tablet.path == "/pin"
    await tablet.send("/pin", operator=olga, pin="4821")
    assert tablet.path == f"{APP}/returns/{stored.number}"
    fields = tablet.form(form.action).fields
    assert (fields["quantity-0"], fields["grade-0"]) == ("2", "B")
    assert await one("select count(*) from receipts") == 0
    assert "What you had typed is here again" in tablet.page.text


async def test_a_pin_works_at_its_own_device_and_warehouse_only(world: World, shop: Shop, browser: Opens) -> None:
    olga, tablet = await operator(world.hub, shop), await terminal(browser, shop)
    other = await world.shop("other")
    foreign = await terminal(browser, other)
    assert "Nobody has a PIN for this warehouse yet" in foreign.page.text
    await foreign.go("/sign-in")
    token = foreign.form("/sign-in").fields["_csrf_token"]
    answer = await foreign.client.post("/pin", data={"operator": olga, "pin": "4821", "_csrf_token": token})
    assert (answer.status_code, "hub_signed_in" in foreign.client.cookies) == (422, False)
    stranger = browser()
    await stranger.go("/pin")
    assert stranger.status == 404
    await tablet.send("/pin", operator=olga, pin="4821")
    held = tablet.client.cookies["hub_signed_in"]
    stranger.client.cookies.set("hub_signed_in", held, domain="hub.local")
    await stranger.go(APP)
    assert stranger.path == "/sign-in", "the session belongs to the device"
    await tablet.go("/account")
    assert tablet.path == "/pin", "an operator has no account"


async def test_pins_cannot_be_guessed_in_a_row(world: World, shop: Shop, browser: Opens, stopped: Clock) -> None:
    olga, tablet = await operator(world.hub, shop), await terminal(browser, shop)
    bert = await operator(world.hub, shop, "Bert", "907153")
    for pin in ("0000", "1234", "", "4822"):
        page = await tablet.send("/pin", operator=olga, pin=pin)
    assert (tablet.status, page.wrong("pin")[:14]) == (429, "Too many tries")
    await tablet.send("/pin", operator=bert, pin="907153")
    assert tablet.path == "/", "a colleague is not held up"
    await tablet.send("/sign-out")
    stopped.forward(seconds=2)
    await tablet.go("/pin")
    for wrong in ("nonsense", "", str(uuid4())):
        page = await tablet.send("/pin", operator=wrong, pin="4821")
        assert page.wrong("operator") or page.wrong("pin") == "The name or the PIN is not right."
    await tablet.send("/pin", operator=olga, pin="4821")
    assert tablet.path == "/"


async def test_a_revoked_device_and_a_removed_operator_are_out_at_once(
    world: World, shop: Shop, browser: Opens
) -> None:
    olga, tablet = await operator(world.hub, shop), await terminal(browser, shop)
    await tablet.send("/pin", operator=olga, pin="4821")
    await devices.set_pin(UUID(olga), "5937", world.hub.keyring, by=SUPPORT)
    await devices.remove_operator(UUID(olga), by=SUPPORT)
    await tablet.go(APP)
    assert tablet.path == "/pin"
    bert = await operator(world.hub, shop, "Bert", "907153")
    await tablet.go("/pin")
    await tablet.send("/pin", operator=bert, pin="907153")
    await devices.revoke(await one("select id from devices"), by=SUPPORT)
    await tablet.go(APP)
    assert (tablet.path, tablet.status) == ("/pin", 404)


async def test_another_partys_devices_are_not_there(world: World, shop: Shop, browser: Opens) -> None:
    olga = await operator(world.hub, shop)
    await terminal(browser, shop)
    await user("ann@shop.example", Role.ACCOUNT_ADMIN, account_id=shop.account)
    ann = browser()
    page = await ann.sign_in("ann@shop.example", wanted="/devices")
    assert "Olga" not in page.text, "the return hub is the platform's"
    token = ann.form("/sign-out").fields["_csrf_token"]
    device = await one("select id from devices")
    for path in (f"{device}/revoke", f"operators/{olga}/pin", f"operators/{olga}/remove"):
        answer = await ann.client.post(f"/devices/{path}", data={"_csrf_token": token, "pin": "5937"})
        assert answer.status_code == 404, path
    data = {"_csrf_token": token, "name": "X", "operator": "X", "pin": "5937"}
    for path, field in (("", "warehouse_id"), ("/operators", "at")):
        answer = await ann.client.post(f"/devices{path}", data=data | {field: str(shop.warehouse)})
        assert (answer.status_code, "There is no such warehouse." in answer.text) == (404, True)


async def test_neither_pin_nor_cookie_can_be_read_from_the_database(world: World, shop: Shop, browser: Opens) -> None:
    await operator(world.hub, shop)
    tablet = await terminal(browser, shop)
    (held,) = await rows("select pin from operators")
    assert not bytes(held["pin"]).startswith(b"$argon2")
    token = tablet.client.cookies["hub_device"]
    for table in ("devices", "operators", "audit"):
        for row in await rows(f"select t::text as text from {table} t"):
            assert token.split("_", 2)[2] not in row["text"]
            assert "4821" not in row["text"]
