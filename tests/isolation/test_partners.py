"""A partner works for some merchants: it finds what its warehouses are to receive, and nothing else of theirs."""

import httpx
import msgspec
import pytest

from hub.kit import db
from hub.returns import queries
from tenants.messages import Role
from tests.support.caller import Caller, code
from tests.support.judge import counts
from tests.support.parties import Partner, full_road, partner_of
from tests.support.people import Crowd, somebody
from tests.support.world import Shop, World


class Neighbours(msgspec.Struct, frozen=True):
    """A partner that receives for two of three merchants, and another that receives for the third."""

    first: Shop
    second: Shop
    third: Shop
    partner: Partner
    other: Partner


@pytest.fixture
async def town(world: World) -> Neighbours:
    first, second, third = [await full_road(world, name) for name in ("first", "second", "third")]
    partner = await partner_of(world, "Carriers", first, second)
    return Neighbours(first, second, third, partner, await partner_of(world, "Haulers", third))


@pytest.fixture
def carriers(api: httpx.AsyncClient, town: Neighbours) -> Caller:
    """The partner's program."""
    return Caller(api, town.partner.key)


async def test_a_partner_sees_the_returns_of_two_merchants_that_it_receives_and_none_of_the_third(
    carriers: Caller, town: Neighbours
) -> None:
    shown = (await carriers.get("/returns")).json()["items"]
    assert {each["number"] for each in shown} == set(town.partner.numbers.values())
    assert {each["account_id"] for each in shown} == {str(town.first.account), str(town.second.account)}
    for number in town.partner.numbers.values():
        found = (await carriers.get(f"/returns/{number}")).json()
        assert [(line["sku"], line["declared"], line["received"]) for line in found["lines"]] == [("SHOE", 2, 1)]
        events = [each["event"] for each in (await carriers.get(f"/returns/{number}/timeline")).json()]
        assert events[0] == "return.initiated"
        assert "return.received" in events
    narrowed = await carriers.get("/returns", account_id=str(town.first.account))
    assert [each["number"] for each in narrowed.json()["items"]] == [town.partner.numbers[town.first.tenant]]
    assert (await carriers.get("/returns", account_id=str(town.third.account))).json()["items"] == []


async def test_a_partner_does_not_find_what_is_received_elsewhere(
    carriers: Caller, world: World, town: Neighbours
) -> None:
    elsewhere = await world.of_order(town.first, "SO-first")
    for reference in (elsewhere.number, elsewhere.id, *town.other.numbers.values()):
        for path in (f"/returns/{reference}", f"/returns/{reference}/timeline"):
            assert code(await carriers.get(path)) == (404, "return_not_found")


async def test_the_queries_alone_keep_partners_apart_where_policies_would_show_everything(town: Neighbours) -> None:
    async with db.transaction(db.PLATFORM):
        shown = await queries.page(
            account_id=None, partner_id=town.partner.id, state=None, kind=None, order_number=None, after=None, limit=200
        )
        assert {each.number for each in shown} == set(town.partner.numbers.values())
        for each in shown:
            assert await queries.find(None, each.number, partner_id=town.partner.id) == each
            assert await queries.find(None, each.number, partner_id=town.other.id) is None
            assert await queries.read(None, each.id, partner_id=town.partner.id) == each
            assert await queries.read(None, each.id, partner_id=town.other.id) is None


async def test_a_partner_sees_its_own_places_and_logins_and_itself(carriers: Caller, town: Neighbours) -> None:
    for path, own in (
        ("/warehouses", town.partner.warehouse),
        ("/connections", town.partner.connection),
        ("/partners", town.partner.id),
    ):
        assert [each["id"] for each in (await carriers.get(path)).json()["items"]] == [str(own)]


async def test_a_partner_changes_its_own_login_and_finds_no_other(
    carriers: Caller, world: World, town: Neighbours
) -> None:
    before = await counts()
    own, foreign = town.partner.connection, (town.other.connection, town.first.connection)
    for connection in foreign:
        assert code(await carriers.send("PATCH", f"/connections/{connection}", {})) == (404, "connection_not_found")
        assert code(await carriers.post(f"/connections/{connection}/check")) == (404, "connection_not_found")
    assert (await carriers.post(f"/connections/{own}/check")).status_code == 200
    tenant, key = await world.vendor.tenant("third")
    settings = {"address": f"{world.vendor.address}/{tenant}/api", "api_key": key}
    login = {"connector": "channelengine", "name": "Second", "settings": settings}
    for owner in ({"partner_id": str(town.other.id)}, {}, {"account_id": str(town.first.account)}):
        assert code(await carriers.post("/connections", login | owner)) == (404, "partner_not_found")
    assert await counts() == before
    assert (await carriers.post("/connections", login | {"partner_id": str(town.partner.id)})).status_code == 201


async def test_a_partner_receives_at_its_own_warehouse_and_at_no_other(
    crowd: Crowd, carriers: Caller, town: Neighbours
) -> None:
    operator = crowd.caller(somebody(Role.PARTNER_OPERATOR, town.partner.id))
    number = town.partner.numbers[town.second.tenant]
    body = {"key": "1", "return_number": number, "items": [{"sku": "SHOE", "quantity": 1, "grade": "A"}]}
    for place in (town.other.warehouse, town.first.warehouse):
        for caller in (operator, carriers):
            path = f"/warehouses/{place}"
            assert code(await caller.get(f"{path}/expected-returns")) == (404, "warehouse_not_found")
            assert code(await caller.post(f"{path}/receipts", body)) == (404, "warehouse_not_found")
    path = f"/warehouses/{town.partner.warehouse}"
    expected = (await operator.get(f"{path}/expected-returns")).json()["items"]
    assert {each["return_number"] for each in expected} == set(town.partner.numbers.values())
    assert (await operator.post(f"{path}/receipts", body)).status_code == 201
    told = (await operator.get(f"/returns/{number}/timeline")).json()
    assert "partner_operator:Ann" in {each["actor"] for each in told}


async def test_no_answer_to_a_partner_names_what_is_not_its_own(carriers: Caller, town: Neighbours) -> None:
    foreign = {
        *town.other.numbers.values(),
        *(str(each) for each in (town.other.id, town.other.warehouse, town.other.connection, town.third.account)),
        *(str(each) for each in (town.first.connection, town.third.connection)),
        *(each.tenant for each in (town.first, town.second, town.third)),
    }
    for path in ("/warehouses", "/connections", "/partners", "/api-keys", "/permissions"):
        text = (await carriers.get(path)).text
        assert [each for each in foreign if each in text] == [], path
