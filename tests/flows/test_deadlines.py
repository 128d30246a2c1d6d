"""Deadlines are there from the moment that makes them, are told once, and go when the return is over."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from hub import persons, timeouts
from hub.deadlines import service as deadlines
from hub.deadlines.messages import Due
from hub.kit import clock, db
from hub.kit.telemetry import DEADLINES
from hub.returns.case import Settling
from hub.returns.messages import StoredReturn
from tenants.messages import Role
from tests.support.caller import Caller, code
from tests.support.deadlines import deadlines_of
from tests.support.judge import broken_rules, one, rows
from tests.support.world import Shop, World

BOL = {"channel_id": 12, "channel_name": "bol NL", "global_channel_name": "bol"}
DAY = timedelta(days=1)


async def moments(stored: StoredReturn) -> dict[Due, datetime]:
    return {kind: each.at for kind, each in (await deadlines_of(stored)).items()}


async def strict(world: World, **rules: Any) -> Shop:
    """A shop at marketplaces that cancel after three weeks and want a decision within four days, by the hub's clock."""
    await world.vendor.set_clock(clock.now(), stopped=True)
    shop = await world.shop(**rules)
    for marketplace in ("11", "12"):
        await world.profile(shop, marketplace, auto_cancel_days=21, decision_days=4)
    return shop


async def test_deadlines_follow_a_return_from_its_birth_to_its_end(world: World) -> None:
    shop = await strict(world, arrive_within_days=30, finalise_after_days=7)
    stored = await world.channel_return(shop, "SO-1", {"SHOE": 2})
    started = stored.started_at or stored.created_at
    assert await moments(stored) == {Due.CANCEL: started + 21 * DAY, Due.ARRIVE: stored.created_at + 30 * DAY}
    world.watch.forward(days=2)
    await world.receive(shop, stored.number, [("SHOE", 1, "A")], finalise=False)
    arrived = (await world.again(stored)).arrived_at
    assert arrived is not None
    assert await moments(stored) == {
        Due.CANCEL: started + 21 * DAY, Due.DECIDE: arrived + 4 * DAY, Due.FINALISE: arrived + 7 * DAY,
    }  # fmt: skip
    await world.receive(shop, stored.number, [("SHOE", 1, "A")])
    assert set(await moments(stored)) == {Due.CANCEL, Due.DECIDE}
    await world.work_until_quiet()
    assert await moments(stored) == {}
    assert await broken_rules() == {}


async def test_a_return_that_ends_in_any_way_has_no_deadlines(world: World) -> None:
    shop = await strict(world, arrive_within_days=30)
    ours = await world.merchant_return(shop, "SO-1", {"SHOE": 1})
    theirs = await world.channel_return(shop, "SO-2", {"SHOE": 1})
    elsewhere = await world.channel_return(shop, "SO-3", {"SHOE": 1})
    assert await one("select count(distinct return_id) from deadlines") == 3
    await persons.cancel(shop.account, ours.id, actor="Ada")
    await world.vendor.cancel(shop.tenant, int(theirs.external_id or 0))
    await world.poll(shop)
    await persons.settled_elsewhere(shop.account, elsewhere.id, "by phone", actor="Ada")
    assert await one("select count(*) from deadlines") == 0


async def test_a_deadline_that_is_near_is_told_once_and_forgotten_when_it_is_met(world: World) -> None:
    shop = await strict(world)
    stored = await world.channel_return(shop, "SO-1", {"SHOE": 1})
    world.watch.forward(days=18, hours=23)
    await world.beat()
    assert await world.work_items(shop) == []
    world.watch.forward(hours=1)
    told = await asyncio.gather(*(deadlines.warn() for _ in range(4)))
    assert sum(told) == 1
    assert await deadlines.warn() == 0
    (item,) = await world.work_items(shop)
    assert (item.kind, item.owner, item.return_id) == ("deadline_near", "account", stored.id)
    at = (await deadlines_of(stored))[Due.CANCEL].at
    assert item.summary == (
        f"{stored.number}: the marketplace cancels this return at {at:%Y-%m-%d %H:%M} UTC, unless it is settled before."
    )
    await world.receive(shop, stored.number, [("SHOE", 1, "A")])
    await world.work_until_quiet()
    assert await world.work_items(shop) == []


async def test_a_deadline_of_the_channel_that_passed_is_told_instead(world: World) -> None:
    shop = await strict(world)
    stored = await world.channel_return(shop, "SO-1", {"SHOE": 1})
    world.watch.forward(days=20)
    await world.beat()
    world.watch.forward(days=1)
    await world.beat()
    await world.beat()
    (item,) = await world.work_items(shop)
    assert item.kind == "deadline_passed"
    assert "was to cancel this return at" in item.summary
    assert (await deadlines_of(stored))[Due.CANCEL].passed_at is not None
    await world.vendor.cancel(shop.tenant, int(stored.external_id or 0))
    await world.poll(shop)
    assert await world.work_items(shop) == []


async def test_a_decision_that_is_due_is_told_of_a_settlement_that_waits(world: World) -> None:
    shop = await strict(world, settle_by="person")
    stored = await world.channel_return(shop, "SO-1", {"SHOE": 1})
    await world.receive(shop, stored.number, [("SHOE", 1, "A")])
    world.watch.forward(days=4)
    await world.beat()
    assert sorted(item.kind for item in await world.work_items(shop)) == ["deadline_passed", "settlement_held"]
    await persons.settle(shop.account, stored.id, actor="Ada")
    await world.work_until_quiet()
    assert (await world.again(stored)).settlement is Settling.SETTLED
    assert await world.work_items(shop) == []


async def test_deadlines_of_open_returns_follow_a_changed_profile(world: World) -> None:
    shop = await strict(world)
    stored = await world.channel_return(shop, "SO-1", {"SHOE": 1})
    other = await world.channel_return(shop, "SO-2", {"SHOE": 1}, **BOL)
    before = await moments(stored), await moments(other)
    world.watch.forward(days=20)
    await world.beat()
    assert len(await world.work_items(shop)) == 2
    await world.profile(shop, "11", auto_cancel_days=60)
    started = stored.started_at or stored.created_at
    assert await moments(stored) == {Due.CANCEL: started + 60 * DAY}
    assert await moments(other) == before[1]
    (item,) = await world.work_items(shop)
    assert item.return_id == other.id, "what was told of the earlier date holds no more"
    world.watch.forward(days=38)
    await world.beat()
    kinds = {item.return_id: item.kind for item in await world.work_items(shop)}
    assert kinds == {stored.id: "deadline_near", other.id: "deadline_passed"}
    await world.profile(shop, "11", channel_returns="informational")
    assert await moments(stored) == {}


async def test_a_birth_that_met_the_profile_before_follows_the_new_one_within_minutes(world: World) -> None:
    shop = await strict(world)
    stored = await world.channel_return(shop, "SO-1", {"SHOE": 1})
    await world.profile(shop, "11", auto_cancel_days=60)
    late = await moments(stored)
    async with db.transaction(db.PLATFORM):
        await db.execute("update deadlines set at = at - interval '39 days', warn_at = warn_at - interval '39 days'")
    await world.beat()
    assert await moments(stored) != late
    world.watch.forward(minutes=1)
    await world.beat()
    assert await moments(stored) == late
    assert await one("select count(*) from channel_marketplaces where recompute_at is not null") == 0


async def test_a_new_policy_changes_no_deadline_of_a_return_that_was_born_before_it(
    world: World, api: httpx.AsyncClient
) -> None:
    shop = await world.shop(arrive_within_days=30)
    stored = await world.merchant_return(shop, "SO-1", {"SHOE": 1})
    platform = Caller(api, await world.api_key())
    channel = (await platform.get(f"/channels/{shop.channel}")).json()
    for policy in channel["policies"]:
        path = f"/api/v1/channels/{shop.channel}/policies/{policy['id']}"
        body = {"receiving": [{"warehouse_id": str(shop.warehouse)}], "arrive_within_days": 10}
        assert (await api.put(path, json=body, headers=platform.headers())).status_code == 200
    later = await world.merchant_return(shop, "SO-2", {"SHOE": 1})
    assert await moments(stored) == {Due.ARRIVE: stored.created_at + 30 * DAY}
    assert await moments(later) == {Due.ARRIVE: later.created_at + 10 * DAY}


async def test_many_deadlines_are_walked_in_batches_each_of_them_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadlines, "BATCH", 2)
    shop = await world.shop(arrive_within_days=10, when_overdue="settle")
    for number in range(7):
        await world.merchant_return(shop, f"SO-{number}", {"SHOE": 1})
    assert await deadlines.recompute(shop.account, shop.connection, "11") == 7
    world.watch.forward(days=9)
    assert await deadlines.warn() == 7
    world.watch.forward(days=1)
    assert await timeouts.sweep() == 7
    assert await deadlines.recompute(shop.account, shop.connection, "11") == 0
    assert await one("select count(*) from returns where status = 'expired'") == 7
    assert await world.work_items(shop) == []


async def test_the_queue_of_deadlines_has_the_soonest_first_and_only_ones_own(
    world: World, api: httpx.AsyncClient
) -> None:
    ours, theirs = await strict(world, arrive_within_days=5), await strict(world, arrive_within_days=3)
    expected = []
    for shop in (ours, theirs):
        for order in ("SO-1", "SO-2"):
            stored = await world.channel_return(shop, order, {"SHOE": 1})
            expected += [(at, str(stored.id), kind.value) for kind, at in (await moments(stored)).items()]
            world.watch.forward(hours=1)
    platform = Caller(api, await world.api_key())
    account = Caller(api, await world.api_key(Role.ACCOUNT, account_id=ours.account))
    everything = (await platform.get("/deadlines")).json()["items"]
    assert [(each["return_id"], each["kind"]) for each in everything] == [each[1:] for each in sorted(expected)]
    own = (await account.get("/deadlines")).json()["items"]
    assert own == [each for each in everything if each["account_id"] == str(ours.account)]
    assert (await platform.get("/deadlines", account_id=str(ours.account))).json()["items"] == own
    arrivals = (await account.get("/deadlines", kind="arrive")).json()["items"]
    assert arrivals == [each for each in own if each["kind"] == "arrive"]
    read, cursor = [], None
    while True:
        page = (await platform.get("/deadlines", limit=3, **({"cursor": cursor} if cursor else {}))).json()
        read += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert read == everything
    for bad in ("x", "1-arrive", "1-soon-01a20e46-23ab-725c-a874-23fe949d0e23", "9" * 30 + "-arrive-1"):
        assert code(await platform.get("/deadlines", cursor=bad))[0] == 400


async def test_a_return_shows_its_deadlines(world: World, api: httpx.AsyncClient) -> None:
    shop = await strict(world, arrive_within_days=30)
    stored = await world.channel_return(shop, "SO-1", {"SHOE": 1})
    account = Caller(api, await world.api_key(Role.ACCOUNT, account_id=shop.account))
    shown = (await account.get(f"/returns/{stored.number}")).json()["deadlines"]
    assert [(each["kind"], each["rule"]) for each in shown] == [
        ("cancel", "profile: auto_cancel_days 21"),
        ("arrive", "policy: arrive_within_days 30, when_overdue ask"),
    ]
    assert shown[0]["warned_at"] is None


async def test_the_gauges_count_what_is_near_and_what_has_passed(world: World, api: httpx.AsyncClient) -> None:
    shop = await strict(world)
    await world.channel_return(shop, "SO-1", {"SHOE": 1})
    world.watch.forward(days=18)
    await world.vendor.set_clock(clock.now(), stopped=True)
    await world.channel_return(shop, "SO-2", {"SHOE": 1})
    world.watch.forward(days=2)
    await world.beat()
    await deadlines.measure()
    told = (await api.get("/metrics")).text
    assert 'hub_deadlines{state="near"} 1.0' in told
    assert 'hub_deadlines{state="passed"} 0.0' in told
    world.watch.forward(days=1)
    await world.beat()
    assert [dict(row) for row in await rows("select kind from deadlines where passed_at is not null")] == [
        {"kind": "cancel"}
    ]
    await deadlines.measure()
    assert DEADLINES.labels("passed")._value.get() == 1


async def test_a_deadline_that_outlived_its_return_is_told_to_nobody_and_goes_when_it_passes(world: World) -> None:
    shop = await strict(world)
    stored = await world.channel_return(shop, "SO-1", {"SHOE": 1})
    await world.receive(shop, stored.number, [("SHOE", 1, "A")])
    await world.work_until_quiet()
    async with db.transaction(db.PLATFORM):
        await db.execute(
            """insert into deadlines (account_id, return_id, kind, at, warn_at)
            values ($1, $2, 'cancel', $3::timestamptz, $3::timestamptz - interval '2 days')""",
            stored.account_id, stored.id, clock.now() + 2 * DAY,
        )  # fmt: skip
    await world.beat()
    assert await world.work_items(shop) == []
    world.watch.forward(days=2)
    await world.beat()
    assert await one("select count(*) from deadlines") == 0
    assert await world.work_items(shop) == []
