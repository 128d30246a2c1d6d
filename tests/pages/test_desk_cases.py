"""What goes wrong at the warehouse app, and how each of its screens looks."""

from itertools import product
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from playwright.async_api import Browser, FilePayload, Page, expect

from connectors import warehouse_app
from hub.receipt.grading import engine
from hub.receipt.grading import service as grading
from hub.receipt.grading.engine import DEFAULT
from hub.receipt.products import service as products
from hub.receipt.products.messages import ProductFacts
from hub.sdk.grading import GradingSet
from hub.sdk.receiving import Grade, Need
from hub.web import templating
from tenants import service as tenants
from tenants.messages import NewWarehouse, ReceivingOption, Role
from tenants.people.devices import service as devices
from tenants.people.devices.messages import NewDevice, NewOperator
from tests.pages.checking import check
from tests.pages.conftest import Open
from tests.pages.visiting import path_of
from tests.support.caller import Caller
from tests.support.floor import APP, Operator
from tests.support.judge import one, rows
from tests.support.parties import reroute
from tests.support.people import somebody
from tests.support.photos import photo
from tests.support.world import ACTOR, Shop, World

# A file of thirty megabytes, made where it is chosen.
LARGE = """input => {
    const chosen = new DataTransfer();
    chosen.items.add(new File([new Uint8Array(30_000_000)], "large.jpg", {type: "image/jpeg"}));
    input.files = chosen.files;
    input.dispatchEvent(new Event("change"));
}"""
FOLDER = Path(warehouse_app.__file__).parent
BY = somebody(Role.SUPPORT_ADMIN)
PHOTO = FilePayload(name="damage.jpg", mimeType="image/jpeg", buffer=photo())
DEMANDING = GradingSet(
    questions=DEFAULT.questions, dispositions=DEFAULT.dispositions, photo_grades=frozenset({Grade.D})
)  # fmt: skip


@pytest.fixture
async def shop(world: World) -> Shop:
    return await world.shop()


@pytest.fixture
async def operator(world: World, shop: Shop, opened: Open) -> Operator:
    """An operator who signed in at an app that has nothing yet."""
    found = Operator(await opened())
    await found.sign_in(world, shop)
    return found


# who stands at the desk ---------------------------------------------------------------------------------


async def test_an_operator_signs_in_by_pin_and_the_next_one_takes_over(world: World, shop: Shop, opened: Open) -> None:
    for name, pin in (("Olga", "4821"), ("Bert", "907153")):
        new = NewOperator(warehouse_id=shop.warehouse, name=name, pin=pin)
        await devices.add_operator(new, world.hub.keyring, by=BY)
    shown = await devices.add_device(
        NewDevice(warehouse_id=shop.warehouse, name="Terminal 4"), address="http://hub", by=BY
    )
    parcel = await world.channel_return(shop, "O-1", {"SHIRT": 2})
    page: Page = await opened()
    operator = Operator(page)
    await page.goto(path_of(shown.link))
    await page.keyboard.press("Tab")
    await page.get_by_role("button").last.press("Enter")
    await page.goto(APP)
    for name, pin, button in (("Olga", "4821", "Book, more will come"), ("Bert", "907153", "Book and finalise")):
        await page.get_by_label("Who are you?").select_option(label=name)
        await page.get_by_label("PIN").fill("0000")
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("The name or the PIN is not right.")).to_be_visible()
        await page.get_by_label("PIN").fill(pin)
        await page.keyboard.press("Enter")
        await operator.ready()
        await expect(page.locator("[data-operator]")).to_have_text(name)
        await operator.open(parcel.number)
        await operator.note("1", "1", "1", "1")
        await operator.button(button)
        await operator.told("Booked")
        await page.get_by_role("link", name="Change operator").press("Enter")
        await expect(page.get_by_label("PIN")).to_be_focused()
    found = await rows("select operator, observed_by from receipts order by id")
    assert [tuple(row.values()) for row in found] == [
        ("warehouse_operator:Olga", "Olga"), ("warehouse_operator:Bert", "Bert"),
    ]  # fmt: skip
    for _ in range(4):
        await page.get_by_label("PIN").fill("1212")
        await page.keyboard.press("Enter")
    await expect(page.get_by_text("Too many tries")).to_be_visible()


async def test_what_was_kept_outlives_the_session_and_is_sent_after_signing_in(
    world: World, shop: Shop, operator: Operator
) -> None:
    parcel = await world.channel_return(shop, "O-1", {"SHIRT": 1})
    page = operator.page
    await operator.open(parcel.number)
    await operator.note("1", "1", "1", "1")
    held: Any = await page.context.cookies()
    await page.context.clear_cookies()
    await operator.button("Book and finalise")
    await operator.told("Kept on this device")
    await expect(page.locator("[data-link]")).to_have_text("Signed out: sign in to send")
    await page.context.add_cookies(cast("Any", held))
    await page.reload()
    await operator.told("1 sent")
    assert await one("select count(*) from receipts") == 1


# what is scanned ----------------------------------------------------------------------------------------


async def test_where_the_browser_reads_no_codes_no_camera_is_offered(operator: Operator) -> None:
    assert await operator.page.evaluate("'BarcodeDetector' in globalThis") is False
    await expect(operator.page.locator("[data-camera]")).to_be_hidden()


async def test_a_code_that_the_camera_sees_is_a_scan(world: World, shop: Shop, opened: Open) -> None:
    parcel = await world.channel_return(shop, "O-1", {"SHIRT": 1})
    page: Page = await opened()
    await page.add_init_script(
        f"""globalThis.BarcodeDetector = class {{
            static async getSupportedFormats() {{ return ["code_128"]; }}
            async detect() {{ return [{{rawValue: "{parcel.number}"}}]; }}
        }};
        Object.defineProperty(navigator, "mediaDevices", {{value: {{getUserMedia: async () => new MediaStream()}}}});
        HTMLMediaElement.prototype.play = async () => undefined;"""
    )
    operator = Operator(page)
    await operator.sign_in(world, shop)
    await page.get_by_role("button", name="Camera").press("Enter")
    await page.get_by_role("heading", name=parcel.number).wait_for()
    await expect(page.locator("#camera")).to_be_hidden()


async def test_a_scan_leaves_no_trace_in_the_field_it_fell_into(world: World, shop: Shop, operator: Operator) -> None:
    first, second = [(await world.channel_return(shop, f"O-{place}", {"SHIRT": 1})).number for place in (1, 2)]
    page = operator.page
    await operator.open(first)
    await page.locator("#quantity").fill("7")
    await operator.open(second)
    await operator.open(first)
    await expect(page.locator("#quantity")).to_have_value("1")
    await page.locator("#quantity").focus()
    await operator.scan("SHIRT")
    await expect(page.locator("#quantity")).to_have_value("2")


async def test_what_is_shared_by_several_returns_is_chosen_by_a_number(
    world: World, shop: Shop, operator: Operator
) -> None:
    for place in (1, 2):
        await world.merchant_return(shop, f"O-{place}", {"SHIRT": 1})
    await operator.scan("SHIRT")
    await operator.told("Choose the parcel")
    chosen = await operator.page.locator("[data-list] .code").nth(1).text_content()
    await operator.press("2")
    await operator.page.get_by_role("heading", name=str(chosen)).wait_for()


async def test_what_belongs_to_another_warehouse_is_sent_on(world: World, shop: Shop, opened: Open) -> None:
    own = [
        (
            await tenants.create_warehouse(
                NewWarehouse(name=name, receiving_option=ReceivingOption.MERCHANT_WAREHOUSE, account_id=shop.account),
                actor=ACTOR,
            )
        ).id
        for name in ("North", "South")
    ]
    await reroute(shop, own[0])
    stored = await world.channel_return(shop, "O-1", {"SHOE": 1})
    operator = Operator(await opened())
    key = await world.api_key(Role.WAREHOUSE, warehouse_id=own[1])
    await operator.page.goto(f"/sign-in/key?next={APP}")
    await operator.page.get_by_label("API key").fill(key)
    await operator.press("Enter")
    await operator.ready()
    await operator.scan(stored.number)
    await operator.told("It belongs to North: send it on")


async def test_a_canceled_return_is_booked_late_and_set_aside(
    world: World, shop: Shop, operator: Operator, api: Any
) -> None:
    stored = await world.merchant_return(shop, "O-1", {"SHOE": 1})
    await Caller(api, await world.api_key()).post(f"/returns/{stored.number}/cancel")
    await operator.open(stored.number)
    await operator.told("The return is over")
    await operator.button("Note units")
    await operator.note("1", "1", "1", "1")
    await operator.button("Book, more will come")
    await operator.told("Booked, not counted")
    assert [item.kind for item in await world.work_items(shop)] == ["late_receipt"]


async def test_a_finalised_return_is_reopened_with_a_reason(world: World, shop: Shop, operator: Operator) -> None:
    stored = await world.channel_return(shop, "O-1", {"SHOE": 2})
    await world.work()
    await world.receive(shop, stored.number, [("SHOE", 1, "A")])
    await operator.open(stored.number)
    await operator.page.locator("summary", has_text="Reopen").press("Enter")
    await operator.page.get_by_label("Why does receiving go on?").fill("a second box came")
    await operator.press("Enter")
    await operator.told("Reopened: book what came")
    await operator.note("1", "1", "1", "1")
    await operator.button("Book and finalise")
    await operator.told("Booked and finalised")
    await world.work_until_quiet()
    assert await world.vendor.refunded(shop.tenant) == {"SHOE": 2}


# what is typed ------------------------------------------------------------------------------------------


async def test_what_is_noted_has_to_be_whole_and_possible(world: World, shop: Shop, operator: Operator) -> None:
    await products.save(shop.account, "SHOE", ProductFacts(needs=Need.SERIAL, instructions="Look below"), actor=ACTOR)
    await grading.publish(shop.account, DEMANDING, actor=ACTOR)
    stored = await world.channel_return(shop, "O-1", {"SHOE": 1})
    page = operator.page
    await page.reload()
    await operator.ready()
    await operator.open(stored.number)
    wrong = page.locator("form.product .wrong")
    await expect(page.locator("form.product").get_by_text("Look below")).to_be_visible()
    for quantity in ("0", "10000", "1.5", ""):
        await page.locator("#quantity").fill(quantity)
        await operator.button("Note these units")
        await expect(wrong).to_have_text("Type a number from 1 to 9999.")
    await page.locator("#quantity").fill("2")
    await page.locator("#serial").focus()
    await operator.scan("SN-1")
    await expect(page.locator("#serial")).to_have_value("SN-1")
    await operator.button("Note these units")
    await expect(wrong).to_have_text("Units with a serial number are noted one by one.")
    await page.locator("#quantity").fill("1")
    await operator.button("Note these units")
    await expect(wrong).to_have_text("Answer every question.")
    await operator.choose("1", "3", "1", "1")
    await operator.press("Enter")
    await expect(wrong).to_have_text("The merchant wants a photo of units of this grade.")
    await page.locator("#photo").evaluate(LARGE)
    await expect(wrong).to_have_text("A photo has at most 20 MB. Take a smaller one.")
    await page.locator("#photo").set_input_files(
        FilePayload(name="note.jpg", mimeType="image/jpeg", buffer=b"this is no photo")
    )
    await expect(wrong).to_have_text("This is no photo that can be read. Take a JPEG, PNG or WebP.")
    await page.locator("#photo").set_input_files(PHOTO)
    await expect(page.locator("[data-album] img")).to_have_count(1)
    await operator.button("Note these units")
    await operator.button("Book and finalise")
    await operator.told("SHOE: damaged")
    (item,) = await rows("select serial, grade, disposition, photos from receipt_items")
    assert (item["serial"], item["grade"], item["disposition"]) == ("SN-1", "D", "quarantine")
    assert await rows("select 1 from photos where id::text = any($1)", list(item["photos"]))


async def test_the_hub_itself_refuses_a_photo_of_thirty_megabytes_and_what_is_no_photo(operator: Operator) -> None:
    found = await operator.page.evaluate(
        """async () => {
            const {token} = await (await fetch('/apps/warehouse_app/desk/session')).json();
            const sent = [new Uint8Array(30_000_000), new TextEncoder().encode('no photo')].map(body =>
                fetch('/apps/warehouse_app/desk/photos?key=' + body.length, {method: 'POST', body,
                    headers: {'content-type': 'image/jpeg', 'x-csrftoken': token, accept: 'application/json'}}));
            return Promise.all((await Promise.all(sent)).map(async each => [each.status, (await each.json()).title]));
        }"""
    )
    assert found == [[413, "too_large"], [422, "photo_unreadable"]]


async def test_what_the_hub_refused_is_taken_back_and_corrected_or_dropped(
    world: World, shop: Shop, operator: Operator
) -> None:
    await products.save(shop.account, "SHOE", ProductFacts(needs=Need.SERIAL), actor=ACTOR)
    stored = await world.channel_return(shop, "O-1", {"SHOE": 3})
    page = operator.page
    for _ in range(2):
        await operator.open(stored.number)
        await operator.choose("1", "1", "1", "1")
        await page.locator("#serial").fill("SN-1")
        await operator.button("Note these units")
        await operator.button("Book, more will come")
    await operator.told("This serial number is booked already; each unit has its own.")
    await operator.button("1 to decide")
    await operator.button("Correct it")
    await expect(page.locator("[data-noted]")).to_contain_text("SN-1")
    await operator.button("Book, more will come")
    await operator.told("This serial number is booked already; each unit has its own.")
    await operator.button("1 to decide")
    await operator.button("Drop what I noted")
    await expect(page.get_by_role("heading", name="Everything was sent")).to_be_visible()
    assert await operator.kept() == []
    assert await one("select count(*) from receipts") == 1


# how it looks -------------------------------------------------------------------------------------------


async def test_every_screen_is_readable_and_usable_by_everybody(
    world: World, shop: Shop, browser: Browser, site: str, tmp_path: Path
) -> None:
    await products.save(shop.account, "SHIRT", ProductFacts(instructions="Look at the collar"), actor=ACTOR)
    parcel = await world.channel_return(shop, "O-1", {"SHIRT": 2, "A-LONG-PRODUCT-NUMBER-WITHOUT-A-BREAK": 1})
    over = await world.channel_return(shop, "O-2", {"SHIRT": 1})
    await world.receive(shop, over.number, [("SHIRT", 1, "A")])
    context = await browser.new_context(base_url=site, reduced_motion="reduce", bypass_csp=True)
    page = await context.new_page()
    said: list[str] = []
    page.on("pageerror", lambda fault: said.append(str(fault)))
    operator = Operator(page)
    await operator.sign_in(world, shop)
    await check(page, "home", tmp_path)
    await operator.open(parcel.number)
    await check(page, "return", tmp_path)
    await operator.scan("SHIRT")
    await operator.choose("1", "3", "1", "1")
    await page.locator("#photo").set_input_files(PHOTO)
    await expect(page.locator("[data-album] img")).to_have_count(1)
    await check(page, "product", tmp_path)
    await page.locator("[data-note]").press("Enter")
    await operator.button("Book and finalise")
    await check(page, "noted", tmp_path)
    await operator.scan("3SNOBODY123456")
    await operator.told("Unknown")
    await check(page, "unknown", tmp_path)
    await operator.button("Register an unknown parcel")
    await page.get_by_role("heading", name="Register an unknown parcel").wait_for()
    await check(page, "parcel", tmp_path)
    await operator.button("Cancel")
    await page.get_by_role("heading", name="Expected returns").wait_for()
    await operator.open(over.number)
    await check(page, "over", tmp_path)
    await context.set_offline(True)
    await operator.open(parcel.number)
    await operator.button("Book, more will come")
    await operator.told("Kept on this device")
    await world.receive(shop, parcel.number, [("SHIRT", 1, "A")], finalise=False)
    await context.set_offline(False)
    await operator.button("1 to decide")
    await page.get_by_role("button", name="Add what I noted").wait_for()
    await check(page, "waiting", tmp_path)
    assert said == []
    await context.close()


async def test_the_grade_that_is_shown_at_once_is_the_one_that_the_hub_books(operator: Operator) -> None:
    ids = [question.id for question in DEFAULT.questions]
    given = [
        dict(zip(ids, each, strict=True))
        for each in product(*([answer.id for answer in question.answers] for question in DEFAULT.questions))
    ]
    address = templating.addresses({"warehouse_app": FOLDER})["warehouse_app/js/grading.js"]
    shown = await operator.page.evaluate(
        "async ([address, set, given]) => { const {graded} = await import(address);"
        "return given.map(each => graded(set, each)); }",
        [address, msgspec.to_builtins(DEFAULT), given],
    )
    told = [{name: each[name] for name in ("grade", "condition", "disposition")} for each in shown]
    assert told == [msgspec.to_builtins(engine.grade(DEFAULT, each)) for each in given]
