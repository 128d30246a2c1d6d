"""What the words of a partner's system mean is said by whom they concern, and by nobody else."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from hub.kit import clock
from hub.kit.errors import Invalid
from tenants import service as tenants
from tenants.messages import NewConnection, NewPartner, NewWarehouse, ReceivingOption, Role
from tests.support.caller import Caller, code
from tests.support.judge import one
from tests.support.parties import reroute
from tests.support.wms import House, Wms
from tests.support.world import ACTOR, World

SQUASHED = {"grade": "B", "condition": "opened", "disposition": "restock"}


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


async def callers(house: House, api: httpx.AsyncClient) -> dict[str, Caller]:
    world, shop = house.world, house.shop
    keys = {
        "platform": await world.api_key(Role.PLATFORM),
        "account": await world.api_key(Role.ACCOUNT, account_id=shop.account),
        "partner": await world.api_key(Role.PARTNER, partner_id=house.partner),
    }
    return {name: Caller(api, key) for name, key in keys.items()}


def path(house: House, account: object = None) -> str:
    return f"/connections/{house.connection}/words" + (f"?account_id={account}" if account else "")


async def put(caller: Caller, where: str, words: dict[str, Any]) -> httpx.Response:
    return await caller.send("PUT", where, words)


async def test_an_account_says_what_a_word_means_and_what_waited_is_booked(
    house: House, api: httpx.AsyncClient
) -> None:
    world = house.world
    caller = (await callers(house, api))["account"]
    stored = await world.merchant_return(house.shop, "SO-1", {"SHOE": 1})
    await world.work()
    await house.wms.receive(stored.number, ("SHOE", 1, "slightly squashed"), complete=True)
    await house.read()
    assert [item.kind for item in await world.work_items(house.shop)] == ["wms_word_unknown"]
    said = (await put(caller, path(house), {"state": {"slightly_squashed": SQUASHED}, "client": "17"})).json()
    assert said["account_id"] == str(house.shop.account)
    assert said["said"]["client"] == "17"
    assert said["usual"]["state"]["back_in_stock"]["grade"] == "A"
    await house.read(whole=False)
    await world.work_until_quiet()
    assert (await world.again(stored)).settlement == "settled"
    assert await world.work_items(house.shop) == []
    assert (await caller.get(path(house))).json() == said


async def test_an_accounts_words_go_before_the_partners_and_leave_them_as_they_are(
    house: House, api: httpx.AsyncClient
) -> None:
    who = await callers(house, api)
    general = {"state": {"ok": SQUASHED}, "reason": {"wrong_size": "14"}}
    assert (await put(who["partner"], path(house), general)).json()["account_id"] is None
    own = {"state": {"ok": SQUASHED | {"grade": "C"}}}
    shown = (await put(who["partner"], path(house, house.shop.account), own)).json()
    assert shown["said"]["state"]["ok"]["grade"] == "C"
    assert shown["for_all"]["state"]["ok"]["grade"] == "B"
    assert shown["for_all"]["reason"] == {"wrong_size": "14"}
    cleared = (await put(who["account"], path(house), {})).json()
    assert cleared["said"]["state"] == {}
    assert cleared["for_all"]["state"]["ok"]["grade"] == "B"
    assert await one("select count(*) from audit where action = 'words.changed'") == 3
    await put(who["account"], path(house), {})
    assert await one("select count(*) from audit where action = 'words.changed'") == 3, "nothing changed"


async def test_words_of_a_system_are_nobody_elses(house: House, api: httpx.AsyncClient) -> None:
    world = house.world
    stranger = await world.shop("stranger")
    other = await tenants.create_partner(NewPartner(name="Other"), actor=ACTOR)
    who = await callers(house, api)
    nobodys = [
        (await world.api_key(Role.ACCOUNT, account_id=stranger.account), path(house)),
        (await world.api_key(Role.PARTNER, partner_id=other.id), path(house)),
    ]
    for key, where in nobodys:
        caller = Caller(api, key)
        assert code(await caller.get(where)) == (404, "connection_not_found")
        assert code(await put(caller, where, {})) == (404, "connection_not_found")
    for caller in who.values():
        assert code(await put(caller, path(house, stranger.account), {})) == (404, "account_not_found")
    no_system = f"/connections/{house.shop.connection}/words"
    assert code(await who["platform"].get(no_system)) == (404, "connection_not_found")
    assert code(await who["platform"].get(f"/connections/{uuid4()}/words")) == (404, "connection_not_found")


@pytest.mark.parametrize(
    "words",
    [
        {"state": {"ok": {"grade": "Z"}}},
        {"state": {"ok": {}}},
        {"state": {"": SQUASHED}},
        {"reason": {"because": "1"}},
        {"client": ""},
        {"colour": {}},
    ],
)
async def test_words_that_say_nothing_are_refused_and_change_nothing(
    house: House, api: httpx.AsyncClient, words: dict[str, Any]
) -> None:
    caller = (await callers(house, api))["partner"]
    assert (await put(caller, path(house), {"client": "17"})).status_code == 200
    answer = await put(caller, path(house), words)
    assert answer.status_code == 400, answer.text
    assert (await caller.get(path(house))).json()["said"]["client"] == "17"


async def test_a_warehouse_is_run_by_a_warehouses_system_or_not_made(world: World) -> None:
    partner = await tenants.create_partner(NewPartner(name="Carriers"), actor=ACTOR)
    tenant, key = await world.vendor.tenant("carriers")
    login = NewConnection(
        connector="channelengine", name="No WMS", partner_id=partner.id,
        settings={"address": f"{world.vendor.address}/{tenant}/api", "api_key": key},
    )  # fmt: skip
    connection = await tenants.create_connection(login, world.hub.vendors, actor=ACTOR)
    place = NewWarehouse(
        name="House", receiving_option=ReceivingOption.PARTNER_WMS, partner_id=partner.id, connection_id=connection.id
    )
    with pytest.raises(Invalid, match="no warehouse's system"):
        await tenants.create_warehouse(place, actor=ACTOR, vendors=world.hub.vendors)


async def test_what_nobody_announced_is_asked_about_at_each_account_and_none_is_told_what_is_in_it(
    house: House,
) -> None:
    world = house.world
    second = await world.shop("second")
    place = await one("select id from warehouses where connection_id = $1", house.connection)
    await reroute(second, place)
    await house.wms.receive(None, ("SHOE", 2, "back_in_stock"))
    await house.read()
    for shop in (house.shop, second):
        (item,) = await world.work_items(shop)
        assert (item.kind, item.owner) == ("unannounced_goods", "support")
        assert "SHOE" not in str(item.detail)


async def test_a_system_is_read_at_once_for_whoever_asks_for_news(house: House, api: httpx.AsyncClient) -> None:
    await house.read()
    assert await one("select next_at from wms_readings where connection_id = $1", house.connection) > clock.now()
    caller = (await callers(house, api))["platform"]
    assert (await caller.post(f"/connections/{house.connection}/poll", None)).status_code == 202
    assert await one("select next_at from wms_readings where connection_id = $1", house.connection) <= clock.now()
