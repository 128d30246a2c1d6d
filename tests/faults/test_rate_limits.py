"""Calls that arrived while a vendor had asked for a pause, by the vendor's own log: there are none."""

import asyncio
from collections import Counter

import httpx
import pytest

from hub import process
from hub.inbox import service as inbox
from hub.kit import clock, db
from hub.kit.egress import Egress
from hub.kit.limits import Urgency
from hub.operations import queries as operations
from hub.operations import sweeper
from hub.operations.runner import Runner
from hub.operations.sweeper import measure
from hub.returns.messages import StoredReturn
from hub.sdk import Phase
from hub.sdk.outcomes import RateLimited
from hub.work import service as work
from tenants import queries as tenants
from tenants.service import reach_of
from tenants.vendors import Vendors
from tests.support.caller import Caller, code
from tests.support.judge import differences, one
from tests.support.world import Shop, World


def another_process(world: World) -> Vendors:
    """Who speaks to vendors in another process: it shares the database and nothing else."""
    own = world.hub.vendors
    egress = Egress(allow=own._egress.allow)
    return Vendors(own.connectors, keyring=own.keyring, egress=egress, limits=own._limits)


async def received(world: World, shop: Shop, *orders: str) -> list[StoredReturn]:
    found = [await world.merchant_return(shop, order, {"SHOE": 1}) for order in orders]
    for each in found:
        await world.receive(shop, each.number, [("SHOE", 1, "A")])
    return found


async def ran(runner: Runner, *, most: int = 50) -> None:
    """Run what is due, all at once, as the jobs of one worker."""
    async with db.transaction(db.PLATFORM):
        due = await operations.due([phase.value for phase in Phase], clock.now(), most)
    await asyncio.gather(*(runner.job(each.phase)(str(each.id), str(each.connection_id)) for each in due))


async def asked(world: World, shop: Shop) -> Counter[str]:
    """How often each kind of call arrived."""
    found = (await world.vendor.control.get(f"/_sandbox/{shop.tenant}/calls")).json()["calls"]
    return Counter(str(call["effect"]) for call in found)


async def test_a_pause_holds_in_every_process_and_for_everybody_who_wants_the_endpoint(
    world: World, api: httpx.AsyncClient
) -> None:
    shop, caller = await world.shop(), Caller(api, await world.api_key())
    await received(world, shop, "SO-1", "SO-2", "SO-3", "SO-4")
    await world.vendor.sell(shop.tenant, "SO-9", {"SHOE": 1})
    other = another_process(world)
    runner, poller = Runner(other, process.conclude), inbox.Poller(other, process.import_channel_return)
    await world.vendor.fail(*(f"{shop.tenant}.{effect}=429:30+1" for effect in ("create", "poll", "orders")))

    async def everything() -> None:
        new = {"channel_id": str(shop.channel), "order_number": "SO-9", "lines": [{"sku": "SHOE", "quantity": 1}]}
        answer, *_ = await asyncio.gather(
            caller.post("/returns", new), ran(world.runner), ran(runner), world.poll(shop),
            poller.poll(str(shop.connection)),
        )  # fmt: skip
        answers.append(answer)

    answers: list[httpx.Response] = []
    await world.work(most=1)
    await world.poll(shop)
    await caller.post("/returns", {"channel_id": str(shop.channel), "order_number": "SO-9", "lines": [
        {"sku": "SHOE", "quantity": 1}]})  # fmt: skip
    before = await asked(world, shop)
    assert (before["create"], before["poll"]) == (1, 1)
    await everything()
    world.watch.forward(seconds=28)
    await everything()
    assert await asked(world, shop) == before, "a call arrived although the vendor had asked for a pause"
    assert [code(answer) for answer in answers] == [(503, "connection_limited")] * 2
    world.watch.forward(seconds=4)
    await everything()
    await world.work()
    after = await asked(world, shop)
    assert (after["create"], after["poll"]) == (5, 2)
    assert answers[-1].status_code == 201
    assert await world.vendor.refunded(shop.tenant) == {"SHOE": 4}
    assert {each.attempt for each in await world.operations(shop)} == {1}
    assert await differences(world, shop) == []


async def test_a_process_that_was_just_started_keeps_a_pause_that_another_was_asked_for(world: World) -> None:
    shop = await world.shop()
    await world.vendor.fail("orders=429:30+1")
    for vendors in (world.hub.vendors, another_process(world)):
        async with db.transaction(db.PLATFORM):
            held = await tenants.connection(shop.connection)
        called = await vendors.call(reach_of(held), "find_order", "SO-1", key="order")
        assert isinstance(called.outcome, RateLimited)
        assert called.outcome.after_seconds == pytest.approx(30, abs=0.1)
    assert len(called.exchanges) == 0


async def test_what_is_limited_waits_without_being_claimed_and_all_else_of_the_connection_runs(world: World) -> None:
    shop = await world.shop()
    await received(world, shop, "SO-1", "SO-2", "SO-3")
    await world.channel_return(shop, "SO-4", {"SHOE": 1})
    await world.vendor.fail("create=429:60+1")
    await world.work()
    states = Counter((each.effect.value, each.state.value) for each in await world.operations(shop))
    assert states == {("settle", "ready"): 3, ("acknowledge", "done"): 1}
    assert await one("select count(*) from attempts where outcome = 'RateLimited'") == 1
    assert await sweeper.sweep([phase.value for phase in Phase]) == 0


async def test_people_see_until_when_what_waits(world: World, api: httpx.AsyncClient) -> None:
    shop, caller = await world.shop(), Caller(api, await world.api_key())
    (stored, _) = await received(world, shop, "SO-1", "SO-2")
    await world.vendor.fail("create=429:60+1")
    await world.work()
    waiting = (await caller.get("/operations", return_id=str(stored.id))).json()["items"][0]
    assert waiting["why"] == f"waiting for rate limit until {waiting['next_at'][:19]}Z"
    untouched = (await caller.get("/operations", account_id=str(shop.account))).json()["items"]
    assert {each["limited_until"] for each in untouched} == {waiting["limited_until"]}
    assert waiting["limited_until"] > str(clock.now())
    (connection,) = (await caller.get("/connections")).json()["items"]
    assert connection["limited"] == {"settle merchant": waiting["limited_until"]}
    metrics = (await api.get("/metrics")).text
    assert "hub_operations_limited 2.0" in metrics
    assert "hub_connections_limited 1.0" in metrics
    assert "hub_oldest_due_seconds 0.0" in metrics
    world.watch.forward(seconds=61)
    await measure()
    await work.measure()
    assert (await caller.get("/connections")).json()["items"][0]["limited"] == {}
    assert {each["limited_until"] for each in (await caller.get("/operations")).json()["items"]} == {None}
    await world.work()
    assert await world.vendor.refunded(shop.tenant) == {"SHOE": 2}


async def test_a_limit_that_cannot_be_told_to_others_loses_no_outcome(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = await world.shop()
    await received(world, shop, "SO-1")

    async def out_of_reach(*_: object) -> None:
        raise ConnectionResetError

    monkeypatch.setattr(tenants, "limit_calls", out_of_reach)
    await world.vendor.fail("create=429:30+1")
    await world.work()
    (held,) = await world.operations(shop)
    assert (held.state.value, held.attempt) == ("ready", 0)
    world.watch.forward(seconds=31)
    await world.work()
    assert await world.vendor.refunded(shop.tenant) == {"SHOE": 1}


async def test_polls_leave_some_calls_to_settlements(world: World) -> None:
    """The vendor takes eight calls a minute on each endpoint, and tells so; the last two are kept for money."""
    shop = await world.shop()
    await world.vendor.control.put("/_sandbox/limits", json={"calls_per_minute": 8})
    try:
        for _ in range(12):
            await world.poll(shop)
            meter = world.hub.vendors._gates[shop.connection]._meters["GET /v2/returns/merchant"]
            assert meter._window is not None
            assert meter._window.left >= 2
            assert meter.ask(Urgency.MONEY, clock.now()).granted
    finally:
        await world.vendor.control.put("/_sandbox/limits", json={"calls_per_minute": 1_000_000})
    assert {call["told"] for call in await world.vendor.calls(shop.tenant, "poll")} == {"200"}
