"""A warehouse sees the returns that are routed to it, of every account, and nothing else."""

import httpx
import pytest

from hub.kit import db
from hub.kit.errors import NotFound
from hub.returns.case import Status
from tenants import queries as tenant_queries
from tenants import service as tenants
from tenants.messages import NewWarehouse, ReceivingOption, Role, Route, Rules
from tests.support.world import ACTOR, Shop, World


async def route(shop: Shop, warehouse: object) -> None:
    """Let a shop's goods go to another warehouse from now on."""
    async with db.transaction(db.account(shop.account)):
        channel = await tenant_queries.channel(shop.channel)
    rules = Rules(receiving=(Route(warehouse_id=warehouse),))  # type: ignore[arg-type]  # a UUID, told shortly
    for policy in channel.policies:
        await tenants.publish_policy(shop.account, policy.id, rules, actor=ACTOR)


API = "/api/v1"


def headers(key: str, once: str = "1") -> dict[str, str]:
    return {"authorization": f"Bearer {key}", "idempotency-key": once}


async def test_a_warehouse_key_sees_exactly_the_returns_routed_to_it_of_several_accounts(
    world: World, api: httpx.AsyncClient
) -> None:
    first, second, third = await world.shop("first"), await world.shop("second"), await world.shop("third")
    elsewhere = await world.merchant_return(second, "SO-0", {"SHOE": 1})
    await route(second, first.warehouse)
    expected = [
        await world.merchant_return(first, "SO-1", {"SHOE": 1}),
        await world.channel_return(second, "SO-1", {"SHOE": 1}),
    ]
    stranger = await world.merchant_return(third, "SO-1", {"SHOE": 1})
    key = await world.api_key(Role.WAREHOUSE, warehouse_id=first.warehouse)
    path = f"{API}/warehouses/{first.warehouse}"
    told = (await api.get(f"{path}/expected-returns", headers=headers(key))).json()
    assert [item["return_number"] for item in told["items"]] == [each.number for each in expected]
    assert {item["account"] for item in told["items"]} == {first.tenant, second.tenant}
    for number, other in enumerate((elsewhere, stranger)):
        body = {"key": "1", "return_number": other.number, "items": [{"sku": "SHOE", "quantity": 1, "grade": "A"}]}
        answer = await api.post(f"{path}/receipts", json=body, headers=headers(key, f"{number}"))
        assert (answer.status_code, answer.json()["title"]) == (404, "return_not_found")
        assert (await world.again(other)).status is Status.APPROVED
    for shop in (second, third):
        answer = await api.get(f"{API}/warehouses/{shop.warehouse}/expected-returns", headers=headers(key))
        assert (answer.status_code, answer.json()["title"]) == (404, "warehouse_not_found")


async def test_what_one_warehouse_books_for_two_accounts_stays_apart(world: World, api: httpx.AsyncClient) -> None:
    """Both accounts happen to use the same numbers for parcels and products."""
    first, second = await world.shop("first"), await world.shop("second")
    await route(second, first.warehouse)
    key = await world.api_key(Role.WAREHOUSE, warehouse_id=first.warehouse)
    for shop in (first, second):
        stored = await world.merchant_return(shop, "SO-1", {"SHOE": 1})
        body = {
            "key": "parcel 1", "return_number": stored.number, "finalise": True,
            "items": [{"sku": "SHOE", "quantity": 1, "grade": "A"}],
        }  # fmt: skip
        answer = await api.post(
            f"{API}/warehouses/{first.warehouse}/receipts", json=body, headers=headers(key, stored.number)
        )
        assert (answer.status_code, answer.json()["repeated"]) == (201, False)
    await world.work()
    for shop in (first, second):
        assert await world.vendor.refunded(shop.tenant) == {"SHOE": 1}


async def test_an_account_stands_at_its_own_warehouse_only(world: World, api: httpx.AsyncClient) -> None:
    ours, theirs = await world.shop("ours"), await world.shop("theirs")
    own = await tenants.create_warehouse(
        NewWarehouse(name="Ours", receiving_option=ReceivingOption.MERCHANT_WAREHOUSE, account_id=ours.account),
        actor=ACTOR,
    )
    key = await world.api_key(Role.ACCOUNT, account_id=ours.account)
    their_key = await world.api_key(Role.ACCOUNT, account_id=theirs.account)
    wanted = {own.id: (200, 404), ours.warehouse: (404, 404), theirs.warehouse: (404, 404)}
    for warehouse, statuses in wanted.items():
        path = f"{API}/warehouses/{warehouse}/expected-returns"
        answers = [await api.get(path, headers=headers(each)) for each in (key, their_key)]
        assert tuple(answer.status_code for answer in answers) == statuses


async def test_a_policy_does_not_route_to_the_warehouse_of_another_account(world: World) -> None:
    ours, theirs = await world.shop("ours"), await world.shop("theirs")
    own = await tenants.create_warehouse(
        NewWarehouse(name="Ours", receiving_option=ReceivingOption.MERCHANT_WAREHOUSE, account_id=ours.account),
        actor=ACTOR,
    )
    with pytest.raises(NotFound):
        await route(theirs, own.id)
    await route(ours, own.id)
