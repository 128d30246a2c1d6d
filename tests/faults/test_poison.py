"""Pages of returns that nobody should send: what can be read comes through, and what cannot is a person's to see."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from hub import persons
from hub.inbox import service as inbox
from tests.support.judge import broken_rules, counts, one, stored
from tests.support.tamper import Tamper
from tests.support.vendor import Vendor
from tests.support.world import Shop, World

Element = dict[str, Any]


@pytest.fixture(scope="session")
async def between(vendor_server: Vendor) -> AsyncIterator[Tamper]:
    """What stands before the sandbox, shared by the run."""
    async with Tamper(vendor_server).serving() as standing:
        yield standing


@pytest.fixture
async def tamper(world: World, between: Tamper, monkeypatch: pytest.MonkeyPatch) -> Tamper:
    """What stands between this test's shops and the sandbox."""
    monkeypatch.setattr(world.vendor, "address", between.address)
    between.change, between.asked = None, 0
    return between


async def sent_back(world: World, shop: Shop, many: int = 3) -> None:
    for number in range(many):
        await world.vendor.sell(shop.tenant, f"SO-{number}", {"SHOE": 2})
        await world.vendor.send_back(shop.tenant, f"SO-{number}", {"SHOE": 1})


def line(**changes: Any) -> Callable[[Element], Element]:
    return lambda told: {**told, "Lines": [{**told["Lines"][0], **changes}]}


def field(**changes: Any) -> Callable[[Element], Element]:
    return lambda told: {**told, **changes}


def nested(depth: int) -> Any:
    found: Any = 1
    for _ in range(depth):
        found = [found]
    return found


UNREADABLE: dict[str, Callable[[Element], Any]] = {
    "null": lambda _: None,
    "a number": lambda _: 5,
    "a text": lambda _: "return",
    "nothing in it": lambda _: {},
    "nulls all over": dict.fromkeys,
    "an id of text": field(Id="seven\0teen"),
    "no date": field(CreatedAt=None, ReturnDate=None),
    "a date that is none": field(CreatedAt="yesterday", ReturnDate=None),
    "a year beyond the calendar": field(CreatedAt="9999-12-31T23:59:59-14:00", ReturnDate=None),
    "lines that are no list": field(Lines="two shoes"),
    "half a unit": line(Quantity=1.5),
    "fewer than none": line(Quantity=-1),
    "more units than fit a number": line(Quantity=10**30),
    "more units than fit a column": line(Quantity=10**12),
    "a product with a NUL": line(MerchantProductNo="SH\0OE", OrderLine=None),
}


@pytest.mark.parametrize("poison", UNREADABLE.values(), ids=list(UNREADABLE))
async def test_one_bad_element_is_told_to_a_person_and_its_neighbours_are_imported(
    world: World, tamper: Tamper, poison: Callable[[Element], Any]
) -> None:
    shop = await world.shop()
    await sent_back(world, shop)
    tamper.element(1, poison)
    for _ in range(2):
        await world.poll(shop)
        world.watch.forward(minutes=10)
    assert sorted(each.order_number or "" for each in await stored(shop)) == ["SO-0", "SO-2"]
    (item,) = await world.work_items(shop)
    assert item.kind in {"message_unreadable", "message_quarantined"}
    assert await one("select count(*) from inbox where state = 'quarantined'") == 1
    assert await broken_rules() == {}
    tamper.change = None
    await world.poll(shop)
    assert len(await stored(shop)) == 3


HARMLESS: dict[str, Callable[[Element], Any]] = {
    "seven digits of a second": field(CreatedAt="2026-11-01T10:00:00.1234567+02:00"),
    "a prototype": field(__proto__={"admin": True}, constructor={"prototype": {}}),
    "a NUL in the comment": field(CustomerComment="too\0small"),
    "a written NUL in the comment": field(CustomerComment="it says \\u0000 on the box"),
    "a very long comment": field(CustomerComment="x" * 100_000),
    "deep rubbish in a field nobody reads": field(ExtraData=nested(400)),
    "a status nobody knows": field(Status="ON_THE_MOON"),
    "a reason nobody knows": field(Reason="DOG_ATE_IT"),
    "no comment, no reason": field(CustomerComment=None, Reason=None),
}


@pytest.mark.parametrize("oddity", HARMLESS.values(), ids=list(HARMLESS))
async def test_what_is_only_odd_is_imported(world: World, tamper: Tamper, oddity: Callable[[Element], Any]) -> None:
    shop = await world.shop()
    await sent_back(world, shop)
    tamper.element(1, oddity)
    await world.poll(shop)
    assert len(await stored(shop)) == 3
    assert await world.work_items(shop) == []


PAGES: dict[str, Callable[[bytes], bytes]] = {
    "not JSON": lambda _: b"<html>back soon</html>",
    "nothing": lambda _: b"",
    "half of it": lambda body: body[: len(body) // 2],
    "a list": lambda _: b"[]",
    "null": lambda _: b"null",
    "bad UTF-8": lambda body: body.replace(b"SHOE", b"\xff\xfe\xfa\xfb"),
    "ten million characters": lambda _: b'{"Content": "' + b"x" * 10_500_000 + b'"}',
    "a hundred thousand brackets": lambda _: b'{"Content": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
}


@pytest.mark.parametrize("poison", PAGES.values(), ids=list(PAGES))
async def test_a_page_that_cannot_be_read_loses_nothing(
    world: World, tamper: Tamper, poison: Callable[[bytes], bytes]
) -> None:
    shop = await world.shop()
    await sent_back(world, shop)
    before = await counts()
    tamper.change = poison
    await world.poll(shop)
    assert tamper.asked == 1
    after = await counts()
    assert after["returns"] == before["returns"]
    tamper.change = None
    world.watch.forward(minutes=5)
    await world.poll(shop)
    assert len(await stored(shop)) == 3
    assert await broken_rules() == {}


async def test_a_poll_that_failed_is_made_again_soon_and_then_less_often(world: World, tamper: Tamper) -> None:
    shop = await world.shop()
    tamper.change = PAGES["not JSON"]
    for _ in range(300):
        await world.poller.poll(str(shop.connection))
        world.watch.forward(seconds=10)
    assert 5 <= tamper.asked <= 20


async def test_a_connector_that_breaks_while_it_polls_holds_back_nothing_that_is_stored(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = await world.shop()
    await sent_back(world, shop)
    connector = world.hub.vendors.connector("channelengine")
    poll, calls = connector.poll, 0

    async def breaks(*words: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise ZeroDivisionError
        return await poll(*words)

    monkeypatch.setattr(connector, "poll", breaks)
    await world.poll(shop)
    assert await one("select failures from polls where connection_id = $1", shop.connection) == 1
    world.watch.forward(seconds=10)
    await world.poller.poll(str(shop.connection))
    assert len(await stored(shop)) == 3


async def test_what_the_hub_failed_on_is_tried_daily_and_asked_about_although_somebody_closed_the_item(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = await world.shop()
    await sent_back(world, shop)
    take, failures = world.poller.handler.take, ["SO-1"]

    async def fails(account: Any, connection: Any, seen: Any, looked: Any) -> Any:
        if seen.order_number in failures:
            raise ZeroDivisionError
        return await take(account, connection, seen, looked)

    monkeypatch.setattr(world.poller.handler, "take", fails)
    await world.poll(shop)
    (item,) = await world.work_items(shop)
    await persons.close_item(shop.account, item.id, "seen", actor="Ada")
    world.watch.forward(hours=25)
    await world.poll(shop)
    assert [item.kind for item in await world.work_items(shop)] == ["message_quarantined"]
    failures.clear()
    world.watch.forward(hours=25)
    await world.poll(shop)
    assert len(await stored(shop)) == 3
    assert await world.work_items(shop) == []


async def test_what_the_hub_failed_on_can_be_tried_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = await world.shop()
    await sent_back(world, shop)
    take, failures = world.poller.handler.take, ["SO-1"]

    async def fails(account: Any, connection: Any, seen: Any, looked: Any) -> Any:
        if seen.order_number in failures:
            raise ZeroDivisionError
        return await take(account, connection, seen, looked)

    monkeypatch.setattr(world.poller.handler, "take", fails)
    await world.poll(shop)
    assert len(await stored(shop)) == 2
    assert [item.kind for item in await world.work_items(shop)] == ["message_quarantined"]
    failures.clear()
    await world.poll(shop)
    assert len(await stored(shop)) == 2
    await inbox.try_again(shop.account, shop.connection, by="a person")
    await world.poll(shop)
    assert len(await stored(shop)) == 3
    assert await world.work_items(shop) == []
