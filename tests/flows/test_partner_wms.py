"""Returns that a partner's own system receives: told at birth, read back, settled once."""

from collections.abc import AsyncIterator

import pytest

from hub import persons
from hub.kit import db
from hub.kit.errors import Invalid
from hub.sdk import Effect
from hub.wms import service
from tenants import service as tenants
from tenants.messages import NewConnection
from tests.support.judge import one
from tests.support.wms import House, Wms
from tests.support.world import ACTOR, World


@pytest.fixture
async def picqer() -> AsyncIterator[Wms]:
    async with Wms.serving("picqer") as wms:
        yield wms


@pytest.fixture
async def house(world: World, picqer: Wms) -> House:
    shop = await world.shop()
    await picqer.stock("SHOE", "SHIRT")
    await picqer.at()
    return await House.opened(world, picqer, shop)


@pytest.mark.parametrize("kind", ["channel", "merchant"])
async def test_a_return_goes_from_its_announcement_to_one_settlement(house: House, kind: str) -> None:
    world, shop = house.world, house.shop
    make = world.channel_return if kind == "channel" else world.merchant_return
    stored = await make(shop, "SO-1", {"SHOE": 2, "SHIRT": 1})
    await world.work()
    (held,) = (await house.wms.ledger())["returns"]
    assert held["return_number"] == stored.number
    assert {(line["sku"], line["quantity"]) for line in held["lines"]} == {("SHOE", 2), ("SHIRT", 1)}
    await house.wms.receive(stored.number, ("SHOE", 2, "back_in_stock"))
    await house.read()
    assert (await world.again(stored)).status == "partially_received"
    await house.wms.receive(stored.number, ("SHIRT", 1, "back_in_stock"), complete=True)
    world.watch.forward(minutes=1)
    await house.read()
    await world.work_until_quiet()
    settled = await world.again(stored)
    assert settled.settlement == "settled"
    assert [line.settled for line in settled.lines] == [2, 1]
    assert await house.receipts() == [("SHOE", 2, "restock"), ("SHIRT", 1, "restock")]
    entries = await world.vendor.ledger(shop.tenant)
    assert sum(entry["quantity"] for entry in entries) == 3


async def test_hooks_polls_and_repeats_make_the_same_rows(house: House) -> None:
    world = house.world
    stored = await world.merchant_return(house.shop, "SO-1", {"SHOE": 2})
    await world.work()
    await house.read()
    await house.wms.receive(stored.number, ("SHOE", 1, "back_in_stock"))
    await house.hooks(repeat=3)
    await house.read(whole=False)
    await house.wms.receive(stored.number, ("SHOE", 1, "back_in_stock"), complete=True)
    await house.hooks(repeat=2)
    await house.read(whole=False)
    for _ in range(3):
        world.watch.forward(minutes=20)
        await house.read()
        await house.hooks()
    assert await house.receipts() == [("SHOE", 1, "restock"), ("SHOE", 1, "restock")]
    await world.work_until_quiet()
    assert (await world.again(stored)).settlement == "settled"


async def test_a_hook_without_a_good_signature_is_told_nothing_and_does_nothing(house: House) -> None:
    stored = await house.world.merchant_return(house.shop, "SO-1", {"SHOE": 1})
    await house.world.work()
    await house.read()
    await house.wms.receive(stored.number, ("SHOE", 1, "back_in_stock"), complete=True)
    told = (await house.wms.outbox())[0]
    other = await House.opened(house.world, house.wms, house.shop)
    unsigned = {name: value for name, value in told["headers"].items() if "signature" not in name.lower()}
    assert not await house.hook(unsigned, told["body"])
    assert not await house.hook(told["headers"], told["body"].replace("returns.", "orders.", 1))
    assert not await house.hook(told["headers"], " " + told["body"])
    assert not await house.hook(told["headers"], told["body"], connection=house.shop.connection)
    assert await one("select count(*) from wms_hints") == 0
    assert await other.hook(told["headers"], told["body"]), "the same secret was entered there"


async def test_a_word_that_nobody_knows_waits_for_a_person_who_says_what_it_means(house: House) -> None:
    world = house.world
    stored = await world.merchant_return(house.shop, "SO-1", {"SHOE": 1})
    await world.work()
    await house.wms.receive(stored.number, ("SHOE", 1, "slightly squashed"), complete=True)
    await house.read()
    assert (await world.again(stored)).status == "approved"
    assert [item.kind for item in await world.work_items(house.shop)] == ["wms_word_unknown"]
    means = {"grade": "B", "condition": "opened", "disposition": "restock"}
    await service.say_words(house.connection, house.shop.account, "state", {"slightly_squashed": means}, by="support")
    await house.read(whole=False)
    await world.work_until_quiet()
    assert (await world.again(stored)).settlement == "settled"
    assert await world.work_items(house.shop) == []


async def test_goods_that_went_aside_without_a_grade_wait_for_a_person(house: House) -> None:
    world = house.world
    stored = await world.merchant_return(house.shop, "SO-1", {"SHOE": 1})
    await world.work()
    await house.wms.receive(stored.number, ("SHOE", 1, "unsalable"), complete=True)
    await house.read()
    assert (await world.again(stored)).settlement == "held"
    (item,) = await world.work_items(house.shop)
    assert "unsalable" in item.summary


async def test_what_is_taken_back_after_the_settlement_is_asked_about_and_never_claimed_back(house: House) -> None:
    world = house.world
    stored = await world.merchant_return(house.shop, "SO-1", {"SHOE": 2})
    await world.work()
    await house.wms.receive(stored.number, ("SHOE", 2, "back_in_stock"), complete=True)
    await house.read()
    await world.work_until_quiet()
    paid = await world.vendor.ledger(house.shop.tenant)
    await house.wms.receive(stored.number, ("SHOE", -1, "back_in_stock"))
    world.watch.forward(minutes=20)
    await house.read()
    await world.work_until_quiet()
    (item,) = await world.work_items(house.shop)
    assert (item.kind, item.detail["kind"]) == ("late_receipt", "correction")
    assert (await world.again(stored)).settlement == "settled"
    assert await world.vendor.ledger(house.shop.tenant) == paid


async def test_what_is_taken_back_before_the_settlement_counts_no_more_and_a_person_looks(house: House) -> None:
    world = house.world
    stored = await world.merchant_return(house.shop, "SO-1", {"SHOE": 2, "SHIRT": 1})
    await world.work()
    await house.wms.receive(stored.number, ("SHOE", 2, "back_in_stock"))
    await house.read()
    await house.wms.receive(stored.number, ("SHOE", -2, "back_in_stock"), ("SHOE", 1, "unsalable"))
    world.watch.forward(minutes=20)
    await house.read()
    assert [line.received for line in (await world.again(stored)).lines] == [1, 0]
    await house.wms.receive(stored.number, ("SHIRT", 1, "back_in_stock"), complete=True)
    world.watch.forward(minutes=20)
    await house.read()
    after = await world.again(stored)
    assert (after.settlement, [line.received for line in after.lines]) == ("held", [1, 1])
    (item,) = await world.work_items(house.shop)
    assert "took back 1 of SHOE" in item.summary


async def test_a_return_that_is_called_off_is_withdrawn_where_it_was_announced(house: House) -> None:
    world = house.world
    told = await world.merchant_return(house.shop, "SO-1", {"SHOE": 1})
    await world.work()
    await persons.cancel(told.account_id, told.id, actor=ACTOR)
    untold = await world.merchant_return(house.shop, "SO-2", {"SHOE": 1})
    await persons.cancel(untold.account_id, untold.id, actor=ACTOR)
    await world.work()
    held = await house.wms.ledger()
    assert (held["returns"], held["withdrawn"]) == ([], [told.number])
    made = [(each.effect, each.state) for each in await world.operations(house.shop) if each.phase == "receipt"]
    assert made == [(Effect.ANNOUNCE, "done"), (Effect.WITHDRAW, "done"), (Effect.ANNOUNCE, "withdrawn")]


async def test_what_the_customer_changes_before_it_is_sent_is_amended(house: House) -> None:
    world, shop = house.world, house.shop
    stored = await world.channel_return(shop, "SO-1", {"SHOE": 2})
    await world.work()
    await world.vendor.count_again(shop.tenant, int(stored.external_id or 0), {"SHOE": 1})
    world.watch.forward(minutes=1)
    await world.poll(shop)
    await world.work()
    (held,) = (await house.wms.ledger())["returns"]
    assert held["return_number"] == stored.number
    assert [(line["sku"], line["quantity"]) for line in held["lines"]] == [("SHOE", 1)]


async def test_an_answer_that_got_lost_makes_no_second_announcement(house: House) -> None:
    world = house.world
    await house.wms.faults("POST /api/v1/returns=500-after/1")
    stored = await world.merchant_return(house.shop, "SO-1", {"SHOE": 1})
    await world.work()
    await house.wms.faults()
    await world.work_until_quiet()
    assert [held["return_number"] for held in (await house.wms.ledger())["returns"]] == [stored.number]


async def test_goods_that_nobody_announced_are_asked_about(house: House) -> None:
    await house.wms.receive(None, ("SHOE", 1, "back_in_stock"))
    await house.read()
    assert [item.kind for item in await house.world.work_items(house.shop)] == ["unannounced_goods"]
    assert await house.receipts() == []


async def test_a_login_that_is_refused_pauses_the_connection_and_loses_nothing(house: House) -> None:
    world = house.world
    stored = await world.merchant_return(house.shop, "SO-1", {"SHOE": 1})
    await world.work()
    await house.wms.receive(stored.number, ("SHOE", 1, "back_in_stock"), complete=True)
    await house.wms.faults("* /=401")
    await house.read()
    assert [item.kind for item in await world.work_items(house.shop)] == ["connection_paused"]
    await house.wms.faults()
    async with db.transaction(db.PLATFORM):
        await db.execute("update connections set state = 'active', paused_why = null where id = $1", house.connection)
    world.watch.forward(hours=1)
    await house.read()
    assert await house.receipts() == [("SHOE", 1, "restock")]


@pytest.fixture
async def monta() -> AsyncIterator[Wms]:
    async with Wms.serving("monta") as wms:
        yield wms


async def test_a_system_that_calls_nobody_and_knows_days_only_is_read_to_the_settlement(
    world: World, monta: Wms
) -> None:
    await monta.at()
    house = await House.opened(world, monta, await world.shop())
    stored = await world.channel_return(house.shop, "SO-1", {"SHOE": 2, "SHIRT": 1})
    lines = [(line.sku, line.declared, line.order_line or "") for line in stored.lines]
    await monta.sent(stored.order_number or "", lines)
    await world.work()
    (held,) = (await monta.ledger())["returns"]
    assert held["return_number"] == stored.number
    world.watch.forward(hours=20)
    await monta.receive(stored.number, ("SHOE", 2, "sellable"), ("SHIRT", 1, "sellable"))
    for _ in range(3):
        await house.read()
        world.watch.forward(hours=13)
    await world.work_until_quiet()
    assert (await world.again(stored)).settlement == "settled"
    assert sorted(await house.receipts()) == [("SHIRT", 1, "restock"), ("SHOE", 2, "restock")]


async def test_what_a_system_cannot_be_told_is_told_by_a_person(world: World, monta: Wms) -> None:
    house = await House.opened(world, monta, await world.shop())
    stored = await world.merchant_return(house.shop, "SO-1", {"SHOE": 1})
    await monta.sent("SO-1", [(line.sku, line.declared, line.order_line or "") for line in stored.lines])
    await world.work()
    await persons.cancel(stored.account_id, stored.id, actor=ACTOR)
    await world.work()
    (item,) = await world.work_items(house.shop)
    assert (item.kind, item.detail["code"]) == ("withdraw_refused", "not_possible")
    assert "phone" in item.summary


async def test_a_warehouses_system_belongs_to_a_partner(world: World, monta: Wms) -> None:
    shop = await world.shop()
    login = NewConnection(connector="monta", name="WMS", account_id=shop.account, settings=monta.settings)
    with pytest.raises(Invalid, match="partner_id"):
        await tenants.create_connection(login, world.hub.vendors, actor=ACTOR)
