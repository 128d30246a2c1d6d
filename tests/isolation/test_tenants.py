"""Two merchants with everything they can own: through the API neither finds a thing of the other's."""

from uuid import UUID

import httpx
import pytest

from hub.kit import db
from hub.runtime import Runtime
from tenants import queries as tenant_queries
from tenants import service as tenants
from tenants.keys import service as keys
from tenants.keys.messages import NewKey
from tenants.messages import Role, Route, Rules
from tests.isolation.estates import QUERIES, Estate, body, call, estate, numbers, routes
from tests.isolation.routes import API, ASSIGNED, AT_A_WAREHOUSE, COMMON, FOREIGN, LISTS, NAMELESS, SEEN
from tests.support import judge
from tests.support.world import ACTOR, Shop, World


@pytest.fixture
async def ours(world: World) -> Estate:
    return await estate(world, "ours")


@pytest.fixture
async def theirs(world: World) -> Estate:
    return await estate(world, "theirs")


async def test_every_route_is_in_one_of_the_tables(hub: Runtime) -> None:
    assert set(routes(hub)) == {*FOREIGN, *COMMON}


async def test_no_account_reaches_a_thing_of_another(
    api: httpx.AsyncClient, world: World, ours: Estate, theirs: Estate
) -> None:
    before = await judge.counts(), await world.of_order(theirs.shop, "SO-theirs")
    for (method, template), expected in FOREIGN.items():
        for path in theirs.addresses(template):
            address = path + QUERIES.get((method, template), "")
            answer = await call(api, ours.key, method, address, body(method, template, theirs))
            assert (method, path, answer.status_code) == (method, path, expected), answer.text
            assert theirs.shop.tenant not in answer.text
    assert (await judge.counts(), await world.of_order(theirs.shop, "SO-theirs")) == before


async def test_the_same_calls_reach_what_is_there_for_those_who_may(
    api: httpx.AsyncClient, world: World, theirs: Estate
) -> None:
    platform, unnoted = await world.api_key(), set()
    ends = [
        ("DELETE", "/api-keys/{key_id}"),
        ("DELETE", "/webhooks/{endpoint_id}"),
        ("DELETE", "/sessions/{session_id}"),
        ("DELETE", "/members/{membership_id}/sessions"),
        ("DELETE", "/members/{membership_id}"),
    ]
    # A key has no person behind it, who alone may impersonate.
    persons = [("DELETE", "/impersonations/{impersonation_id}")]
    # A channel has no words for the state of goods.
    no_system = [(method, "/connections/{connection_id}/words") for method in ("GET", "PUT")]
    for method, template in [*(each for each in FOREIGN if each not in [*ends, *persons, *no_system]), *ends]:
        for path in theirs.addresses(template):
            closing = f"?account_id={theirs.shop.account}" if template.endswith("/close") else ""
            address = path + QUERIES.get((method, template), closing)
            entries = await judge.one("select count(*) from audit")
            answer = await call(api, platform, method, address, body(method, template, theirs))
            of_return = template.endswith(("/receipts", "/reopen"))
            if template.endswith("/receipts") and method == "GET":
                answer = await call(api, platform, method, f"{path}?return_number={theirs.number}")
            own_warehouse = of_return and theirs.everything["warehouse_id"][1] in path
            # Nothing of the one return is expected at the second warehouse; replays may find the return over.
            allowed = {404} if own_warehouse else {200, 201, 202, 204, 409}
            assert answer.status_code in allowed, (method, path, answer.text)
            changed = method != "GET" and answer.status_code // 100 == 2
            if changed and await judge.one("select count(*) from audit") == entries:
                unnoted.add((method, template))
    assert unnoted == NOT_IN_THE_LOG


# What the audit log has no entry of: facts of receiving, which are never changed and name who told them; and what
# changes nothing by itself, of which a comparison says who began it.
NOT_IN_THE_LOG = {
    # A draft is nothing until it is published, which is in the log; asking a policy, and an equal file, change nothing.
    ("PUT", "/policies/{policy_id}/draft"),
    ("POST", "/policies/{policy_id}/draft/validate"),
    ("POST", "/policies/{policy_id}/decisions"),
    ("PUT", "/accounts/{account_id}/configuration"),
    ("POST", "/warehouses/{warehouse_id}/receipts"),
    ("POST", "/warehouses/{warehouse_id}/receipts/batch"),
    ("POST", "/warehouses/{warehouse_id}/photos"),
    ("POST", "/connections/{connection_id}/check"),
    ("POST", "/connections/{connection_id}/poll"),
    ("POST", "/connections/{connection_id}/reconciliations"),
    # It is assigned already.
    ("PUT", "/warehouses/{warehouse_id}/accounts/{account_id}"),
}


async def test_ids_of_another_account_in_a_query_or_a_body_are_not_there(
    api: httpx.AsyncClient, ours: Estate, theirs: Estate
) -> None:
    for path in ("/returns", "/channels", "/operations", "/work-items", "/events"):
        assert (await call(api, ours.key, "GET", f"{path}?account_id={theirs.shop.account}")).status_code == 404
    narrowed = await call(api, ours.key, "GET", f"/operations?return_id={theirs.return_id}")
    assert narrowed.json()["items"] == []
    lines = [{"sku": "FIRST-SKU", "quantity": 1}]
    new = {"channel_id": str(theirs.shop.channel), "order_number": "FIRST", "lines": lines}
    assert (await call(api, ours.key, "POST", "/returns", new)).status_code == 404
    settings = {"address": "https://demo.channelengine.net/api", "api_key": "0123456789abcdef"}
    login = {"connector": "channelengine", "name": "Mine", "settings": settings}
    for owner in ({"account_id": str(theirs.shop.account)}, {"partner_id": str(theirs.shop.account)}, {}):
        assert (await call(api, ours.key, "POST", "/connections", login | owner)).status_code == 404
    (item,) = theirs.everything["item_id"]
    path = f"/work-items/{item}/close?account_id={ours.shop.account}"
    assert (await call(api, ours.key, "POST", path, {"resolution": "mine"})).status_code == 404


async def test_an_account_key_lacks_the_rights_of_the_platform(
    api: httpx.AsyncClient, hub: Runtime, ours: Estate
) -> None:
    for (method, path), open_ in COMMON.items():
        answer = await call(api, ours.key, method, path, None if method == "GET" else {})
        assert (answer.status_code == 403) is not open_, (method, path, answer.text)
        assert open_ or answer.json()["title"] == "role_lacks_right"


@pytest.mark.parametrize("path", LISTS)
async def test_a_list_holds_what_is_ours_and_nothing_of_theirs(
    api: httpx.AsyncClient, ours: Estate, theirs: Estate, path: str
) -> None:
    answer = await call(api, ours.key, "GET", f"{path}?limit=200")
    assert answer.status_code == 200
    assert any(trace in answer.text for trace in ours.traces)
    assert [trace for trace in theirs.traces if trace in answer.text] == []


async def test_no_route_answers_without_a_working_key(api: httpx.AsyncClient, world: World, theirs: Estate) -> None:
    made = await keys.create_key(NewKey(name="gone", role=Role.PLATFORM), actor=ACTOR)
    assert (await call(api, made.key, "GET", "/accounts")).status_code == 200
    await keys.revoke_key(made.id, actor=ACTOR)
    wrong = theirs.key[:-4] + ("aaaa" if theirs.key[-4:] != "aaaa" else "bbbb")
    for method, template in routes(world.hub):
        path = theirs.addresses(template)[0] if "{" in template else template
        for key in (None, made.key, wrong, "garbage", ""):
            sent = {"idempotency-key": f"nobody:{next(numbers)}"}
            known = {} if key is None else {"authorization": f"Bearer {key}"}
            answer = await api.request(method, API + path, headers=sent | known)
            assert (method, path, answer.status_code) == (method, path, 401)
            assert answer.json()["title"] == "key_required"


async def at_one_warehouse(world: World) -> tuple[UUID, dict[str, str], str]:
    """Route the returns of two accounts to one warehouse, and one return to another; name all by account."""
    one, two, elsewhere = [await world.shop(name) for name in ("one", "two", "elsewhere")]
    await _reroute(two, one.warehouse)
    shared = {
        one.tenant: (await world.channel_return(one, "SO-1", {"SHOE": 1})).number,
        two.tenant: (await world.channel_return(two, "SO-2", {"SHOE": 1})).number,
    }
    return one.warehouse, shared, (await world.channel_return(elsewhere, "SO-3", {"SHOE": 1})).number


async def _reroute(shop: Shop, warehouse: UUID) -> None:
    async with db.transaction(db.PLATFORM):
        (channel,) = await tenant_queries.channels(shop.account)
    for policy in channel.policies:
        await tenants.publish_policy(
            shop.account, policy.id, Rules(receiving=(Route(warehouse_id=warehouse),)), actor=ACTOR
        )


async def test_a_warehouse_sees_and_receives_what_is_routed_to_it_and_no_more(
    api: httpx.AsyncClient, world: World
) -> None:
    warehouse, shared, elsewhere = await at_one_warehouse(world)
    key = await world.api_key(Role.WAREHOUSE, warehouse_id=warehouse)
    listed = (await call(api, key, "GET", f"/warehouses/{warehouse}/expected-returns")).json()["items"]
    assert {each["account"]: each["return_number"] for each in listed} == shared
    assert len(listed) == 2
    for number, expected in [*((number, 201) for number in shared.values()), (elsewhere, 404)]:
        receipt = {"key": number, "return_number": number, "items": [{"sku": "SHOE", "quantity": 1, "grade": "A"}]}
        answer = await call(api, key, "POST", f"/warehouses/{warehouse}/receipts", receipt)
        assert (number, answer.status_code) == (number, expected), answer.text


async def test_a_warehouse_key_opens_its_own_desk_and_nothing_else(
    api: httpx.AsyncClient, world: World, ours: Estate, theirs: Estate
) -> None:
    key = await world.api_key(Role.WAREHOUSE, warehouse_id=ours.shop.warehouse)
    for method, template in routes(world.hub):
        desk = template.startswith(AT_A_WAREHOUSE) and not template.startswith(ASSIGNED)
        seen = method == "GET" and template.endswith(SEEN)
        missing = desk or seen or (method, template) == ("GET", "/parcels/{parcel_id}")
        expected = NAMELESS.get(template, 404 if missing else 403)
        for path in theirs.addresses(template) if "{" in template else [template]:
            answer = await call(api, key, method, path, body(method, template, theirs))
            assert (method, path, answer.status_code) == (method, path, expected), answer.text
