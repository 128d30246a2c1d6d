"""An operator's hour at the warehouse app: with a keyboard and a scanner, through ten minutes without a connection."""

from playwright.async_api import FilePayload, Page, expect

from hub.kit import db
from hub.receipt.products import service as products
from hub.receipt.products.messages import ProductFacts
from tenants import queries as tenants
from tenants import service
from tenants.messages import Route, Rules, Unchecked
from tests.pages.conftest import Open
from tests.support.floor import Operator
from tests.support.judge import broken_rules, differences, rows
from tests.support.photos import photo
from tests.support.world import ACTOR, Shop, World

FINE, DAMAGED, ANOTHER, PARTS = "1111", "1311", "2111", "1121"
PHOTO = FilePayload(name="parcel.jpg", mimeType="image/jpeg", buffer=photo())


async def send_to(shop: Shop, warehouse: Shop, unchecked: Unchecked) -> None:
    """Let a shop's goods come to another one's warehouse."""
    async with db.transaction(db.account(shop.account)):
        channel = await tenants.channel(shop.channel)
    rules = Rules(receiving=(Route(warehouse_id=warehouse.warehouse),), unchecked=unchecked)
    for policy in channel.policies:
        await service.publish_policy(shop.account, policy.id, rules, actor=ACTOR)


async def sent_back(world: World, shop: Shop, goods: list[dict[str, int]]) -> list[str]:
    """Let customers of both kinds send goods back in turns, and return the numbers of the returns."""
    for place, lines in enumerate(goods):
        await world.vendor.sell(shop.tenant, f"O-{place}", lines)
        if place % 2:
            await world.vendor.send_back(shop.tenant, f"O-{place}", lines)
    await world.poll(shop)
    return [
        (
            await (world.of_order if place % 2 else world.create)(shop, f"O-{place}", *(() if place % 2 else (lines,)))
        ).number
        for place, lines in enumerate(goods)
    ]


class Shift:
    """What an operator does with a parcel, and what has come of it."""

    def __init__(self, operator: Operator) -> None:
        self.operator = operator
        self.page: Page = operator.page
        self.receipts = 0

    async def whole(self, number: str, told: str = "Booked and finalised") -> None:
        """One unit, as it was announced."""
        await self.operator.open(number)
        await self.operator.note(*FINE)
        await self.book(told)

    async def book(self, told: str, button: str = "Book and finalise") -> None:
        """Press the button that has the focus, or the one named."""
        await self.operator.button(button)
        self.receipts += 1
        await self.operator.told(told)
        await self.page.get_by_role("heading", name="Expected returns").wait_for()

    async def closed(self, number: str, told: str = "Booked and finalised") -> None:
        """A parcel that stays closed."""
        await self.operator.open(number)
        await self.operator.button("Cancel")
        await self.book(told, "Leave closed and finalise")


async def test_an_operators_hour_with_ten_minutes_without_a_connection(world: World, opened: Open) -> None:  # noqa: PLR0915 - an hour is one story
    shop, other = await world.shop("product"), await world.shop("parcel")
    await send_to(other, shop, Unchecked.SETTLE)
    await products.save(shop.account, "MUG", ProductFacts(eans=("4006381333931",), instructions="Wash it"), actor=ACTOR)
    goods = [{"SHIRT": 1}] * 40 + [{"SHOE": 2}] * 6 + [{"MUG": 2, "CAP": 1}] * 2
    numbers = await sent_back(world, shop, goods)
    parcels = await sent_back(world, other, [{"BOOK": 1}] * 12)
    assert len(numbers) + len(parcels) == 60
    page = await opened()
    operator = Operator(page)
    await operator.sign_in(world, shop)
    shift = Shift(operator)
    plain = iter(numbers[:40])
    closed = iter(parcels)

    for _ in range(10):
        await shift.whole(next(plain))
    for _ in range(4):
        await shift.closed(next(closed))

    # Every deviation: short, over, damaged, another one, missing parts, and something that nobody announced.
    short, over, damaged, wrong, parts, partial = numbers[40:46]
    await operator.open(short)
    await operator.note(*FINE)
    await operator.button("Book and finalise")
    await expect(page.get_by_text("SHOE: 1 of 2")).to_be_visible()
    await shift.book("1 × SHOE: not everything arrived", "Finalise as it is")
    await operator.open(over)
    await operator.press("+", "+")
    await expect(page.locator("#quantity")).to_have_value("3")
    await operator.note(*FINE)
    await shift.book("1 × SHOE: more arrived than was expected")
    for number, answers, told in (
        (damaged, DAMAGED, "1 × SHOE: damaged"),
        (wrong, ANOTHER, "1 × SHOE: wrong item"),
        (parts, PARTS, "1 × SHOE: parts are missing"),
    ):
        await operator.open(number)
        await operator.note(*answers)
        await operator.button("Note units: SHOE")
        await operator.note(*FINE)
        await shift.book(told)
    mixed, late = numbers[46:]
    await operator.open(mixed)
    await operator.scan("4006381333931")
    await expect(page.locator("form.product").get_by_text("Wash it")).to_be_visible()
    await operator.scan("4006381333931")
    await expect(page.locator("#quantity")).to_have_value("2")
    await operator.note(*FINE)
    await operator.scan("CAP")
    await operator.note(*FINE)
    await operator.scan("GIFT")
    await operator.button("Note it as an unexpected product")
    await operator.note(*FINE)
    await shift.book("1 × GIFT: was not expected in this return")

    # A parcel that nobody knows.
    await operator.scan("3SNOBODY123456")
    await operator.told("Unknown: 3SNOBODY123456")
    await operator.button("Register an unknown parcel")
    await operator.scan("SENDER-77")
    await page.locator("#photo").set_input_files(PHOTO)
    await expect(page.locator("[data-album] img")).to_have_count(1)
    await shift.book("Registered", "Register")
    shift.receipts -= 1

    # The first of two boxes.
    await operator.open(partial)
    await operator.note(*FINE)
    await shift.book("Booked", "Book, more will come")

    await page.context.set_offline(True)
    for _ in range(8):
        await shift.whole(next(plain), "Kept on this device")
    await operator.open(late)
    await operator.scan("CAP")
    await operator.note(*FINE)
    await page.reload()
    await operator.ready()
    await expect(page.locator("[data-noted]")).to_contain_text("CAP")
    await shift.book("Kept on this device", "Book, more will come")
    for _ in range(7):
        await shift.whole(next(plain), "Kept on this device")
    for _ in range(4):
        await shift.closed(next(closed), "Kept on this device")
    await operator.scan("3SOFFLINE99999")
    await operator.button("Register an unknown parcel")
    await shift.book("Kept on this device", "Register")
    shift.receipts -= 1
    await operator.open(partial)
    await operator.note(*FINE)
    await shift.book("Kept on this device")
    await expect(page.locator("[data-waiting]")).to_have_text("22 waiting")
    assert len({kept["key"] for kept in await operator.kept()}) == 22
    # Meanwhile somebody else works at the same return.
    await world.receive(shop, late, [("MUG", 2, "A")], finalise=False)
    shift.receipts += 1
    await page.context.set_offline(False)
    await expect(page.locator("[data-waiting]")).to_have_text("1 to decide")
    await operator.button("1 to decide")
    await expect(page.locator("[data-list]")).to_contain_text("MUG: 2 of 2 received · CAP: 0 of 1 received")
    await operator.button("Add what I noted")
    await operator.told("1 sent")
    await expect(page.locator("[data-waiting]")).to_be_hidden()

    await operator.open(late)
    await shift.book("Booked and finalised", "Finalise")
    for number in plain:
        await shift.whole(number)
    for number in closed:
        await shift.closed(number)

    found = await rows("select key from receipts")
    assert (len(found), len({row["key"] for row in found})) == (shift.receipts, shift.receipts)
    assert len(await rows("select 1 from parcels")) == 2
    await world.work_until_quiet()
    assert await world.vendor.refunded(other.tenant) == {"BOOK": 12}
    assert await world.vendor.refunded(shop.tenant) == {"SHIRT": 40, "SHOE": 1, "MUG": 4, "CAP": 2}
    assert await differences(world, shop) == await differences(world, other) == []
    assert await broken_rules() == {}
