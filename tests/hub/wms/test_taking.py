"""Taking snapshots: in whatever order, how often and by how many workers, the same rows come of it."""

import asyncio
import random
from collections.abc import AsyncIterator

import httpx
import msgspec
import pytest

from hub import process
from hub.kit import clock
from hub.sdk import Snapshot, SnapshotKey
from hub.wms import service
from tests.support.judge import one, rows
from tests.support.wms import House, Wms
from tests.support.world import World

WORDS = ("back_in_stock", "unsalable")


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


async def booked(house: House) -> dict[tuple[str, str], int]:
    totals: dict[tuple[str, str], int] = {}
    for sku, quantity, disposition in await house.receipts():
        totals[(sku, disposition)] = totals.get((sku, disposition), 0) + quantity
    return totals


async def seen_at(house: House, number: str) -> Snapshot:
    called = await house.world.hub.vendors.call(
        await house.reach(), "snapshot", SnapshotKey(return_number=number), key="test"
    )
    found: Snapshot = called.outcome.result  # type: ignore[attr-defined]  # it is there
    return found


@pytest.mark.parametrize("seed", range(4))
async def test_any_order_of_deliveries_hooks_and_readings_books_what_is_there(house: House, seed: int) -> None:
    dice = random.Random(seed)
    world = house.world
    stored = await world.merchant_return(house.shop, "SO-1", {"SHOE": 3, "SHIRT": 2})
    await world.work()
    await house.read()
    pieces = [("SHOE", 1, dice.choice(WORDS)) for _ in range(3)] + [("SHIRT", 1, dice.choice(WORDS)) for _ in range(2)]
    dice.shuffle(pieces)
    delivered = 0
    while pieces or delivered < 20:
        action = dice.choice(["receive", "hook", "hook", "read", "wait"])
        if action == "receive" and pieces:
            await house.wms.receive(stored.number, pieces.pop())
        elif action == "hook":
            delivered += 1
            told = await house.wms.outbox()
            if told:
                each = dice.choice(told)
                assert await house.hook(each["headers"], each["body"])
                await house.read(whole=dice.random() < 0.3)
        elif action == "read":
            await house.read()
        else:
            world.watch.forward(seconds=dice.choice([1, 40, 900]))
    world.watch.forward(hours=1)
    await house.read()
    true = (await house.wms.ledger())["returns"][0]["lines"]
    assert sum((await booked(house)).values()) == sum(line["quantity"] for line in true) == 5
    moves = {"restock": "back_in_stock", "quarantine": "unsalable"}
    held = {(sku, moves[where]): units for (sku, where), units in (await booked(house)).items()}
    assert held == await house.truth(stored.number)


async def test_many_workers_with_one_snapshot_book_it_once(house: House) -> None:
    stored = await house.world.merchant_return(house.shop, "SO-1", {"SHOE": 2})
    await house.world.work()
    await house.wms.receive(stored.number, ("SHOE", 2, "back_in_stock"), complete=True)
    seen, now = await seen_at(house, stored.number), clock.now()
    manifest = house.world.hub.vendors.connector("picqer").manifest
    takes = [service.take(manifest, house.connection, seen, now, process.receive_from_wms) for _ in range(12)]
    assert sum(await asyncio.gather(*takes)) == 1
    assert await house.receipts() == [("SHOE", 2, "restock")]


async def test_an_answer_that_was_overtaken_takes_nothing_back(house: House) -> None:
    stored = await house.world.merchant_return(house.shop, "SO-1", {"SHOE": 2})
    await house.world.work()
    manifest = house.world.hub.vendors.connector("picqer").manifest
    await house.wms.receive(stored.number, ("SHOE", 1, "back_in_stock"))
    old, asked_at = await seen_at(house, stored.number), clock.now()
    house.world.watch.forward(minutes=1)
    await house.wms.receive(stored.number, ("SHOE", 1, "back_in_stock"))
    await house.read()
    for at in (asked_at, clock.now()):
        assert not await service.take(manifest, house.connection, old, at, process.receive_from_wms)
    assert await booked(house) == {("SHOE", "restock"): 2}
    assert await house.world.work_items(house.shop) == []


async def test_another_house_with_our_number_books_nothing(house: House) -> None:
    stored = await house.world.merchant_return(house.shop, "SO-1", {"SHOE": 1})
    await house.world.work()
    await house.wms.receive(stored.number, ("SHOE", 1, "back_in_stock"), complete=True)
    other = await House.opened(house.world, house.wms, await house.world.shop())
    await other.read()
    assert await house.receipts() == []
    (kept,) = await rows("select connection_id, return_id from wms_returns")
    assert (kept["connection_id"], kept["return_id"]) == (other.connection, None)


async def test_a_return_that_the_hub_fails_on_is_tried_again_and_keeps_nobody_waiting(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = house.world
    bad = await world.merchant_return(house.shop, "SO-1", {"SHOE": 1})
    good = await world.merchant_return(house.shop, "SO-2", {"SHIRT": 1})
    await world.work()
    for stored, sku in ((bad, "SHOE"), (good, "SHIRT")):
        await house.wms.receive(stored.number, (sku, 1, "back_in_stock"), complete=True)
    whole = house.reader.book

    async def failing(held: object, delivery: object) -> None:
        if getattr(held, "number", None) == bad.number:
            raise RuntimeError("a bug of ours")
        await whole(held, delivery)  # type: ignore[arg-type]  # passed on as they came

    house.reader.book = failing
    await house.read()
    assert [sku for sku, _, _ in await house.receipts()] == ["SHIRT"]
    house.reader.book = whole
    world.watch.forward(minutes=5)
    await house.read(whole=False)
    assert sorted(sku for sku, _, _ in await house.receipts()) == ["SHIRT", "SHOE"]


async def test_the_address_for_hooks_answers_before_anything_is_read(house: House, api: httpx.AsyncClient) -> None:
    stored = await house.world.merchant_return(house.shop, "SO-1", {"SHOE": 1})
    await house.world.work()
    await house.read()
    await house.wms.receive(stored.number, ("SHOE", 1, "back_in_stock"))
    told = (await house.wms.outbox())[-1]
    path = f"/hooks/{house.connection}"
    assert told["address"].endswith(path)
    taken = await api.post(path, content=told["body"], headers=told["headers"])
    forged = await api.post(path, content=told["body"], headers={"x-picqer-signature": "AAAA"})
    nowhere = await api.post("/hooks/nowhere", content=told["body"], headers=told["headers"])
    assert [taken.status_code, forged.status_code, nowhere.status_code] == [202, 404, 404]
    assert forged.content == nowhere.content == b""
    assert (await api.head(path)).status_code == 200
    assert await one("select count(*) from wms_hints where state = 'waiting'") == 1


async def test_hooks_that_the_vendor_switched_off_run_again_within_the_hour(house: House) -> None:
    await house.read()
    hooks = (await house.wms.control.get("/api/v1/hooks", headers=house.login)).json()
    assert len(hooks) == 4
    await house.wms.control.delete(f"/api/v1/hooks/{hooks[0]['idhook']}", headers=house.login)
    house.world.watch.forward(minutes=61)
    await house.read()
    after = (await house.wms.control.get("/api/v1/hooks", headers=house.login)).json()
    assert [each["active"] for each in after] == [True] * 4


async def test_a_hook_faster_than_our_own_answer_is_followed_once_the_return_is_there(house: House) -> None:
    await house.read()
    about = msgspec.json.encode(
        {"idhook": 1, "event": "returns.created", "event_triggered_at": "x", "data": {"idreturn": 70_500}}
    ).decode()
    assert await house.hook(house.signed(about), about)
    await house.read(whole=False)
    assert await one("select attempt from wms_hints where state = 'waiting'") == 1
    house.world.watch.forward(days=1)
    for _ in range(6):
        await house.read(whole=False)
        house.world.watch.forward(hours=1)
    assert await one("select count(*) from wms_hints where state = 'given_up'") == 1
