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

FINE = "1111"
# Answers to the hub's own questions, and the deviation that they mean.
STATES = {"1311": "damaged", "2111": "wrong item", "1121": "parts are missing"}
KEPT, DONE = "Kept on this device", "Booked and finalised"
EAN = "4006381333931"
# Short 1, over 2, both of the two boxes, and of each of the three others the unit that was fine.
REFUNDED_SHOES = 1 + 2 + 2 + 3
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
    made = [
        await (world.of_order(shop, f"O-{place}") if place % 2 else world.create(shop, f"O-{place}", lines))
        for place, lines in enumerate(goods)
    ]
    return [each.number for each in made]


class Shift:
    """What an operator does with a parcel, and what has come of it."""

    def __init__(self, operator: Operator) -> None:
        self.operator = operator
        self.page: Page = operator.page
        self.receipts = self.parcels = 0

    async def several(self, plain: list[str], closed: list[str], *, told: str = DONE) -> None:
        """Parcels as they come."""
        for number in plain:
            await self.whole(number, told)
        for number in closed:
            await self.closed(number, told)

    async def whole(self, number: str, told: str = DONE) -> None:
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

    async def closed(self, number: str, told: str = DONE) -> None:
        """A parcel that stays closed."""
        await self.operator.open(number)
        await self.operator.button("Cancel")
        await self.book(told, "Leave closed and finalise")

    async def deviations(self, short: str, over: str, *others: str) -> None:
        """Less than was announced, more of it, and units that are not as they should be."""
        operator = self.operator
        await operator.open(short)
        await operator.note(*FINE)
        await operator.button("Book and finalise")
        await expect(self.page.get_by_text("SHOE: 1 of 2")).to_be_visible()
        await self.book("SHOE: not everything arrived", "Finalise as it is")
        await operator.open(over)
        await operator.press("+", "+")
        await expect(self.page.locator("#quantity")).to_have_value("3")
        await operator.note(*FINE)
        await self.book("SHOE: more arrived than was expected")
        for number, (answers, told) in zip(others, STATES.items(), strict=True):
            await operator.open(number)
            await operator.note(*answers)
            await operator.button("Note units: SHOE")
            await operator.note(*FINE)
            await self.book(f"SHOE: {told}")

    async def mixed(self, number: str) -> None:
        """Two products, one of them counted by scanning it twice, and something that nobody announced."""
        operator = self.operator
        await operator.open(number)
        await operator.scan(EAN)
        await expect(self.page.locator("form.product").get_by_text("Wash it")).to_be_visible()
        await operator.scan(EAN)
        await expect(self.page.locator("#quantity")).to_have_value("2")
        await operator.note(*FINE)
        await operator.scan("CAP")
        await operator.note(*FINE)
        await operator.scan("GIFT")
        await operator.button("Note it as an unexpected product")
        await operator.note(*FINE)
        await self.book("GIFT: was not expected in this return")

    async def unknown(self, code: str, told: str) -> None:
        """A parcel that nobody knows, with another number and a photo."""
        await self.operator.scan(code)
        await self.operator.told(f"Unknown: {code}")
        await self.operator.button("Register an unknown parcel")
        await self.operator.scan(f"{code}-B")
        await self.page.locator("#photo").set_input_files(PHOTO)
        await expect(self.page.locator("[data-album] img")).to_have_count(1)
        await self.book(told, "Register")
        self.receipts -= 1
        self.parcels += 1

    async def box(self, number: str, told: str, button: str) -> None:
        """One of several boxes."""
        await self.operator.open(number)
        await self.operator.note(*FINE)
        await self.book(told, button)

    async def noted_before_a_reload(self, number: str) -> None:
        """A cap, noted before the page is loaded anew and booked after it."""
        await self.operator.open(number)
        await self.operator.scan("CAP")
        await self.operator.note(*FINE)
        await self.page.reload()
        await self.operator.ready()
        await expect(self.page.locator("[data-noted]")).to_contain_text("CAP")
        await self.book(KEPT, "Book, more will come")

    async def settle_conflict(self) -> None:
        """Decide on what somebody else changed in between."""
        await expect(self.page.locator("[data-waiting]")).to_have_text("1 to decide", timeout=15_000)
        await self.operator.button("1 to decide")
        there = "MUG: 2 of 2 received · CAP: 0 of 1 received"
        await expect(self.page.locator("[data-list]")).to_contain_text(there)
        await self.operator.button("Add what I noted")
        await self.operator.told("1 sent")
        await expect(self.page.locator("[data-waiting]")).to_be_hidden()

    async def arrived_once(self) -> None:
        """Everything that was booked is at the hub, once."""
        keys = [row["key"] for row in await rows("select key from receipts")]
        assert (len(keys), len(set(keys))) == (self.receipts, self.receipts)
        assert len(await rows("select 1 from parcels")) == self.parcels
        assert await self.operator.kept() == []


async def test_an_operators_hour_with_ten_minutes_without_a_connection(world: World, opened: Open) -> None:
    shop, other = await world.shop("product"), await world.shop("parcel")
    await send_to(other, shop, Unchecked.SETTLE)
    await products.save(shop.account, "MUG", ProductFacts(eans=(EAN,), instructions="Wash it"), actor=ACTOR)
    goods = [{"SHIRT": 1}] * 40 + [{"SHOE": 2}] * 6 + [{"MUG": 2, "CAP": 1}] * 2
    numbers = await sent_back(world, shop, goods)
    closed = await sent_back(world, other, [{"BOOK": 1}] * 12)
    plain, (partial, *deviating), (mixed, shared) = numbers[:40], numbers[40:46], numbers[46:]
    page = await opened()
    operator = Operator(page)
    await operator.sign_in(world, shop)
    shift = Shift(operator)

    await shift.several(plain[:10], closed[:4])
    await shift.deviations(*deviating)
    await shift.mixed(mixed)
    await shift.unknown("3SNOBODY123456", "Registered")
    await shift.box(partial, "Booked", "Book, more will come")

    await page.context.set_offline(True)
    await shift.several(plain[10:18], closed[4:6], told=KEPT)
    await shift.noted_before_a_reload(shared)
    await shift.several(plain[18:25], closed[6:8], told=KEPT)
    await shift.unknown("3SOFFLINE99999", KEPT)
    await shift.box(partial, KEPT, "Book and finalise")
    await expect(page.locator("[data-waiting]")).to_have_text("22 waiting")
    assert len({kept["key"] for kept in await operator.kept()}) == 22
    # Meanwhile somebody else works at the same return.
    await world.receive(shop, shared, [("MUG", 2, "A")], finalise=False)
    shift.receipts += 1
    await page.context.set_offline(False)

    await shift.settle_conflict()
    await operator.open(shared)
    await shift.book(DONE, "Finalise")
    await shift.several(plain[25:], closed[8:])
    await shift.arrived_once()
    await world.work_until_quiet()
    assert await world.vendor.refunded(other.tenant) == {"BOOK": 12}
    assert await world.vendor.refunded(shop.tenant) == {"SHIRT": 40, "SHOE": REFUNDED_SHOES, "MUG": 4, "CAP": 2}
    assert await differences(world, shop) == await differences(world, other) == []
    assert await broken_rules() == {}
