"""Reconciliations and differences through the API."""

from uuid import UUID

import httpx
import pytest

from hub.kit import clock
from hub.reconciliation.jobs import Reconciler
from tenants.messages import Role
from tests.support.caller import Caller, code
from tests.support.disorder import Disorder, lost_settlement, not_imported, other_decision
from tests.support.world import Shop, World


@pytest.fixture
async def disorder(world: World) -> Disorder:
    await world.vendor.set_clock(clock.now())
    made = Disorder(world, await world.shop())
    await lost_settlement(made)
    await other_decision(made)
    await (await not_imported(made))()
    world.watch.forward(minutes=10)
    await world.vendor.set_clock(clock.now())
    return made


@pytest.fixture
async def call(api: httpx.AsyncClient, world: World) -> Caller:
    return Caller(api, await world.api_key())


async def compared(world: World, call: Caller, shop: Shop) -> dict[str, object]:
    answer = await call.post(f"/connections/{shop.connection}/reconciliations", {})
    assert answer.status_code == 202
    begun: dict[str, object] = answer.json()
    reconciler = Reconciler(world.hub.vendors)
    while await reconciler.step(begun_id(begun)):
        pass
    return begun


def begun_id(begun: dict[str, object]) -> UUID:
    return UUID(str(begun["id"]))


async def test_a_person_compares_sees_the_causes_and_repairs(world: World, call: Caller, disorder: Disorder) -> None:
    shop = disorder.shop
    begun = await compared(world, call, shop)
    assert begun["state"] == "running"
    assert str(begun["started_by"]).startswith("platform:")
    (ended,) = (await call.get(f"/connections/{shop.connection}/reconciliations")).json()["items"]
    assert (ended["state"], ended["found"], ended["id"]) == ("done", 3, begun["id"])
    found = (await call.get("/differences", account_id=str(shop.account))).json()["items"]
    assert {each["kind"] for each in found} == {"missing", "quantity"}
    assert all(each["cause"].endswith(".") and each["repair_does"].endswith(".") for each in found)
    for each in found:
        first = (await call.post(f"/differences/{each['id']}/repair")).json()
        again = (await call.post(f"/differences/{each['id']}/repair")).json()
        assert first == again
        assert first["repaired_by"].startswith("platform:")
    assert (await call.get("/differences")).json()["items"] == []
    assert len((await call.get("/differences", status="repaired")).json()["items"]) == 3
    assert len((await call.get("/differences", status="all", kind="missing")).json()["items"]) == 2


async def test_a_difference_of_another_account_is_not_there(
    world: World, api: httpx.AsyncClient, call: Caller, disorder: Disorder
) -> None:
    await compared(world, call, disorder.shop)
    (one, *_) = (await call.get("/differences")).json()["items"]
    other = await world.shop("other")
    stranger = Caller(api, await world.api_key(Role.ACCOUNT, account_id=other.account))
    assert (await stranger.get("/differences")).json()["items"] == []
    assert code(await stranger.post(f"/differences/{one['id']}/repair")) == (404, "difference_not_found")
    assert code(await stranger.post(f"/connections/{disorder.shop.connection}/reconciliations", {})) == (
        404,
        "connection_not_found",
    )
    assert code(await stranger.get(f"/connections/{disorder.shop.connection}/reconciliations")) == (
        404,
        "connection_not_found",
    )
    owner = Caller(api, await world.api_key(Role.ACCOUNT, account_id=disorder.shop.account))
    assert len((await owner.get("/differences")).json()["items"]) == 3
    assert (await owner.post(f"/differences/{one['id']}/repair")).status_code == 200


@pytest.mark.parametrize("since", ["2199-01-01T00:00:00Z", "1999-12-31T23:59:59Z"])
async def test_a_moment_that_is_none_of_the_past_is_refused(call: Caller, disorder: Disorder, since: str) -> None:
    path = f"/connections/{disorder.shop.connection}/reconciliations"
    assert code(await call.post(path, {"since": since})) == (422, "since_unusable")
    assert code(await call.post(path, {"since": "2026-11-01"}))[0] == 400


async def test_the_open_differences_are_a_gauge_by_kind(
    world: World, api: httpx.AsyncClient, call: Caller, disorder: Disorder
) -> None:
    await compared(world, call, disorder.shop)
    metrics = (await api.get("/metrics")).text
    assert 'hub_differences_open{kind="missing"} 2.0' in metrics
    assert 'hub_differences_open{kind="quantity"} 1.0' in metrics
    assert 'hub_differences_open{kind="extra"} 0.0' in metrics
