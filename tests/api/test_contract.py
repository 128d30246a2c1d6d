"""What the API promises: the whole road, one effect per key, pages without gaps, and problems that say what to do."""

import asyncio
from itertools import count
from typing import Any
from uuid import UUID

import httpx
import pytest
from litestar.routes import HTTPRoute

from hub import app
from hub.runtime import Runtime
from tenants.messages import Role
from tests.support import judge
from tests.support.world import Shop, World

_keys = count(1)


class Caller:
    """Calls the API with one key; each change has an Idempotency-Key of its own unless one is given."""

    def __init__(self, api: httpx.AsyncClient, key: str) -> None:
        self._api = api
        self._key = key

    async def __call__(
        self, method: str, path: str, body: Any = None, *, once: str | None = None, content: bytes | None = None
    ) -> httpx.Response:
        sent = {"authorization": f"Bearer {self._key}", "idempotency-key": once or f"contract:{next(_keys)}"}
        if content is not None:
            headers = sent | {"content-type": "application/json"}
            return await self._api.request(method, f"/api/v1{path}", content=content, headers=headers)
        return await self._api.request(method, f"/api/v1{path}", json=body, headers=sent)

    async def made(self, path: str, body: Any) -> Any:
        """Create a thing and return it."""
        answer = await self("POST", path, body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def read(self, path: str) -> Any:
        """Read a thing."""
        answer = await self("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
async def call(api: httpx.AsyncClient, world: World) -> Caller:
    """The API with a platform key."""
    return Caller(api, await world.api_key())


async def set_up(call: Caller, world: World) -> dict[str, str]:
    """Set a merchant up through the API alone."""
    tenant, secret = await world.vendor.tenant("road")
    await world.vendor.sell(tenant, "SO-1", {"SHOE": 2})
    await world.vendor.sell(tenant, "SO-2", {"SHIRT": 1})
    account = await call.made("/accounts", {"name": tenant})
    warehouse = await call.made("/warehouses", {"name": f"Hub {tenant}", "receiving_option": "return_hub"})
    settings = {"address": f"{world.vendor.address}/{tenant}/api", "api_key": secret}
    login = {"connector": "channelengine", "name": "CE", "account_id": account["id"], "settings": settings}
    connection = await call.made("/connections", login)
    assert secret not in str(connection)
    channel = {"account_id": account["id"], "name": "Shops", "connection_id": connection["id"], "marketplaces": ["11"]}
    rules = {"receiving": [{"warehouse_id": warehouse["id"]}]}
    made = await call.made("/channels", {**channel, "policies": {"channel": rules, "merchant": rules}})
    key = {"name": "desk", "role": "warehouse", "warehouse_id": warehouse["id"]}
    return {
        "tenant": tenant, "account": account["id"], "connection": connection["id"], "channel": made["id"],
        "warehouse": warehouse["id"], "desk": (await call.made("/api-keys", key))["key"],
    }  # fmt: skip


async def test_both_roads_are_gone_to_their_end_through_the_api_alone(
    api: httpx.AsyncClient, call: Caller, world: World
) -> None:
    ids = await set_up(call, world)
    await world.vendor.send_back(ids["tenant"], "SO-1", {"SHOE": 2})
    assert (await call("POST", f"/connections/{ids['connection']}/poll")).status_code == 202
    await world.poller.poll(ids["connection"])
    lines = [{"sku": "SHIRT", "quantity": 1}]
    new = {"channel_id": ids["channel"], "order_number": "SO-2", "lines": lines}
    assert (await call.made("/returns", new))["kind"] == "merchant"
    found = (await call.read(f"/returns?account_id={ids['account']}"))["items"]
    assert [each["kind"] for each in found] == ["channel", "merchant"]
    await world.work()
    await receive(Caller(api, ids["desk"]), ids["warehouse"])
    await world.work()
    for each in found:
        await settled(call, each["number"])
    assert await world.vendor.refunded(ids["tenant"]) == {"SHOE": 2, "SHIRT": 1}
    assert (await call.read(f"/work-items?account_id={ids['account']}"))["items"] == []


async def receive(desk: Caller, warehouse: str) -> None:
    """Book everything that the warehouse expects, as its people would."""
    expected = (await desk.read(f"/warehouses/{warehouse}/expected-returns"))["items"]
    assert len(expected) == 2
    for each in expected:
        items = [{"sku": line["sku"], "quantity": line["expected"], "grade": "A"} for line in each["lines"]]
        number = each["return_number"]
        receipt = {"key": number, "return_number": number, "items": items, "finalise": True}
        assert (await desk.made(f"/warehouses/{warehouse}/receipts", receipt))["deviations"] == []


async def settled(call: Caller, number: str) -> None:
    """See that a return came to its good end everywhere the API tells of it."""
    shown = await call.read(f"/returns/{number}")
    assert shown["status"] in {"processed", "completed"}
    assert shown == await call.read(f"/returns/{shown['id']}")
    assert (await call.read(f"/returns/{number}/memo"))["lines"]
    timeline = [entry["event"] for entry in await call.read(f"/returns/{number}/timeline")]
    feed = (await call.read("/events?limit=200"))["items"]
    assert [event["type"] for event in feed if event["return_id"] == shown["id"]] == timeline
    operations = (await call.read(f"/operations?return_id={shown['id']}"))["items"]
    assert {each["state"] for each in operations} == {"done"}
    assert operations[-1]["effect"] == "settle"
    for each in operations:
        assert [attempt["outcome"] for attempt in await call.read(f"/operations/{each['id']}/attempts")] == ["Done"]


async def accounts(call: Caller) -> list[str]:
    return [each["name"] for each in (await call.read("/accounts"))["items"]]


async def test_a_change_without_an_idempotency_key_is_refused(api: httpx.AsyncClient, world: World) -> None:
    sent = {"authorization": f"Bearer {await world.api_key()}"}
    for method, path in (("POST", "/accounts"), ("PATCH", f"/connections/{UUID(int=1)}")):
        answer = await api.request(method, f"/api/v1{path}", json={"name": "Shoes"}, headers=sent)
        problem(answer, 400, "idempotency_key_missing")


async def test_a_repeat_gets_the_same_answer_and_does_nothing(call: Caller) -> None:
    for body, status in (({"name": "Shoes"}, 201), ({"name": ""}, 400), ({"name": "Shoes"}, 409)):
        once = f"repeat:{next(_keys)}"
        first, again = [await call("POST", "/accounts", body, once=once) for _ in range(2)]
        assert (first.status_code, again.status_code) == (status, status)
        assert first.content == again.content
        assert first.headers["content-type"] == again.headers["content-type"]
        assert "idempotency-replayed" not in first.headers
        assert again.headers["idempotency-replayed"] == "true"
    assert await accounts(call) == ["Shoes"]


async def test_a_key_that_was_used_for_something_else_is_refused(call: Caller) -> None:
    await call("POST", "/accounts", {"name": "Shoes"}, once="one")
    problem(await call("POST", "/accounts", {"name": "Shirts"}, once="one"), 422, "idempotency_key_reused")
    problem(await call("POST", "/partners", {"name": "Shoes"}, once="one"), 422, "idempotency_key_reused")
    assert await accounts(call) == ["Shoes"]


async def test_five_at_once_with_one_key_have_one_effect(call: Caller) -> None:
    answers = await asyncio.gather(*(call("POST", "/accounts", {"name": "Shoes"}, once="five") for _ in range(5)))
    first = [each for each in answers if each.status_code == 201 and "idempotency-replayed" not in each.headers]
    assert len(first) == 1
    for each in answers:
        if each.status_code == 201:
            assert each.content == first[0].content
        else:
            problem(each, 409, "idempotency_key_busy")
    assert await judge.one("select count(*) from audit where action = 'account.created'") == 1


async def test_a_key_belongs_to_who_sent_it(api: httpx.AsyncClient, world: World, call: Caller) -> None:
    other = Caller(api, await world.api_key())
    assert (await call("POST", "/accounts", {"name": "Shoes"}, once="shared")).status_code == 201
    answer = await other("POST", "/accounts", {"name": "Shirts"}, once="shared")
    assert answer.status_code == 201
    assert "idempotency-replayed" not in answer.headers
    assert sorted(await accounts(call)) == ["Shirts", "Shoes"]


async def test_pages_give_each_thing_once(call: Caller) -> None:
    names = [f"Shop {number}" for number in range(7)]
    for name in names:
        await call.made("/accounts", {"name": name})
    pages, cursor = [], ""
    while True:
        page = await call.read(f"/accounts?limit=3{cursor}")
        pages.append([each["name"] for each in page["items"]])
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert pages == [names[:3], names[3:6], names[6:]]


@pytest.mark.parametrize("path", ["accounts", "connections", "returns", "operations", "work-items", "inbox", "events"])
async def test_a_cursor_that_the_hub_did_not_give_is_refused(call: Caller, path: str) -> None:
    problem(await call("GET", f"/{path}?cursor=nonsense"), 400, "cursor_invalid")
    problem(await call("GET", f"/{path}?limit=0"), 400, "request_malformed")


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """See that an answer is a problem of this kind, whole and in shape; returns it."""
    assert answer.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = answer.json()
    assert (answer.status_code, found["title"]) == (status, code), answer.text
    assert (found["status"], found["type"]) == (status, f"urn:returns-hub:error:{code}")
    assert found["detail"]
    return found


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"lines": [{"sku": "HAT", "quantity": 1}]}, 422, "sku_unknown"),
        ({"lines": [{"sku": "FIRST-SKU", "quantity": 2}]}, 422, "more_than_shipped"),
        ({"lines": [{"sku": "FIRST-SKU", "quantity": 0}]}, 400, "request_malformed"),
        ({"order_number": "SO-404"}, 422, "order_unknown"),
        ({"channel_id": str(UUID(int=7))}, 404, "channel_not_found"),
        ({"surprise": 1}, 400, "request_malformed"),
    ],
)
async def test_a_return_that_cannot_be_is_refused_and_leaves_nothing(
    call: Caller, world: World, change: dict[str, Any], status: int, code: str
) -> None:
    shop = await world.shop()
    lines = [{"sku": "FIRST-SKU", "quantity": 1}]
    good = {"channel_id": str(shop.channel), "order_number": "FIRST", "lines": lines}
    before = await judge.counts()
    problem(await call("POST", "/returns", good | change), status, code)
    assert await judge.counts() == before
    assert (await call("POST", "/returns", good)).status_code == 201


async def test_a_body_that_is_no_json_or_too_large_is_refused(call: Caller) -> None:
    problem(await call("POST", "/accounts", content=b'{"name": '), 400, "request_malformed")
    large = b'{"name": "%s"}' % (b"x" * 1_000_001)
    problem(await call("POST", "/accounts", content=large), 413, "too_large")


async def test_a_login_that_does_not_work_is_not_stored(call: Caller, world: World) -> None:
    shop = await world.shop()
    wrong = "wrong-key-of-forty-characters-0123456789"
    settings = {"address": f"{world.vendor.address}/{shop.tenant}/api", "api_key": wrong}
    login = {"connector": "channelengine", "name": "Second", "account_id": str(shop.account), "settings": settings}
    before = await judge.counts()
    found = problem(await call("POST", "/connections", login), 422, "connection_refused")
    assert wrong not in str(found)
    assert await judge.counts() == before


def channel(shop: Shop, **receiving: list[Any]) -> dict[str, Any]:
    routed = [{"warehouse_id": str(shop.warehouse)}]
    policies = {kind: {"receiving": receiving.get(kind, routed)} for kind in ("channel", "merchant")}
    owner = {"account_id": str(shop.account), "connection_id": str(shop.connection)}
    return {**owner, "name": "Second", "marketplaces": ["11"], "policies": policies}


@pytest.mark.parametrize("kind", ["channel", "merchant"])
async def test_a_channel_without_a_receiving_option_is_refused_whole(call: Caller, world: World, kind: str) -> None:
    shop = await world.shop()
    before = await judge.counts()
    found = problem(await call("POST", "/channels", channel(shop, **{kind: []})), 422, "no_receiving_option")
    assert found["policy"] == kind
    assert await judge.counts() == before


async def test_what_is_not_there_and_what_is_somebody_elses_look_the_same(api: httpx.AsyncClient, world: World) -> None:
    ours, theirs = await world.shop("ours"), await world.shop("theirs")
    call = Caller(api, await world.api_key(Role.ACCOUNT, account_id=ours.account))
    for path, there in (("accounts", theirs.account), ("channels", theirs.channel)):
        answers = [await call("GET", f"/{path}/{each}") for each in (there, UUID(int=9))]
        code = f"{path.removesuffix('s')}_not_found"
        assert problem(answers[0], 404, code) == problem(answers[1], 404, code)


async def test_an_unknown_route_and_a_wrong_method_are_problems_too(call: Caller) -> None:
    problem(await call("GET", "/nothing"), 404, "not_found")
    problem(await call("DELETE", "/accounts"), 405, "method_not_allowed")
    problem(await call("GET", "/channels/no-uuid"), 404, "not_found")


async def test_the_hub_says_how_it_is(api: httpx.AsyncClient) -> None:
    assert (await api.get("/health")).text == "ok"
    ready = await api.get("/ready")
    assert (ready.status_code, ready.json()) == (200, {"database": "ok", "queue": "ok"})
    metrics = await api.get("/metrics")
    assert metrics.status_code == 200
    assert "\nhub_dead_letters 0.0\n" in metrics.text


async def test_the_document_describes_every_route_once(api: httpx.AsyncClient, hub: Runtime) -> None:
    paths = (await api.get("/schema/openapi.json")).json()["paths"]
    described = {(method, path): each for path, item in paths.items() for method, each in item.items()}
    there = {
        (method.lower(), route.path_format)
        for route in app.build(hub).routes
        if isinstance(route, HTTPRoute) and route.path_format.startswith("/api/")
        for method in set(route.methods) - {"OPTIONS"}
    }
    assert set(described) == there
    assert len({each["operationId"] for each in described.values()}) == len(described)
    for each in described.values():
        assert each["description"].endswith(".")
        assert each["responses"]
