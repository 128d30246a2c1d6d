"""Back-fills: history read once, page by page, wherever a worker dies, and nothing is made twice."""

import random
from datetime import timedelta
from typing import Any

import httpx
import pytest

from hub.backfills.service import PAGES_PER_JOB
from hub.returns.case import Informational, Status
from hub.sdk import ActionRequired, Page, RateLimited, Refused, Retry
from hub.sdk.messages import ChannelReturn, Kind
from hub.sdk.outcomes import Done, Outcome
from tenants.messages import Role
from tests.support.caller import Caller, code
from tests.support.crash import Crash
from tests.support.judge import broken_rules, counts, one, rows
from tests.support.market import LONG_AGO, Stall, line
from tests.support.storm import leaked

AWAITS = 300


@pytest.fixture
async def caller(stall: Stall, market_api: httpx.AsyncClient) -> Caller:
    """The merchant's own key."""
    return Caller(market_api, await stall.api_key(Role.ACCOUNT))


def history(stall: Stall, many: int) -> list[ChannelReturn]:
    """Returns of the past: every second one is over."""
    return [
        stall.market.send_back(
            line("SHOE", 1), created_at=LONG_AGO + timedelta(days=day),
            **({"raw_status": "RECEIVED", "open": False} if day % 2 else {}),
        )
        for day in range(many)
    ]  # fmt: skip


async def start(stall: Stall, caller: Caller, since: str = LONG_AGO.isoformat()) -> dict[str, Any]:
    answer = await caller.post(f"/connections/{stall.shop.connection}/backfills", {"since": since})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def progress(stall: Stall, caller: Caller) -> dict[str, Any]:
    (found,) = (await caller.get(f"/connections/{stall.shop.connection}/backfills")).json()
    return dict(found)


async def test_history_is_read_page_by_page_and_becomes_what_it_is(stall: Stall, caller: Caller) -> None:
    stall.market.page_size = 4
    told = history(stall, 10)
    made_here = stall.market.send_back(line("SHOE", 1), created_by=Kind.MERCHANT, created_at=LONG_AGO)
    begun = await start(stall, caller)
    assert (begun["state"], begun["read"], begun["born"], begun["total"]) == ("running", 0, 0, None)
    await stall.backfiller.run(begun["id"])
    assert (await progress(stall, caller))["read"] == 11
    ended = await progress(stall, caller)
    assert (ended["state"], ended["read"], ended["total"], ended["born"]) == ("done", 11, 11, 10)
    assert ended["finished_at"] is not None
    found = {each.external_id: (each.status, each.informational) for each in await stall.found()}
    assert made_here.external_id not in found
    for day, each in enumerate(told):
        over = (Status.INFORMATIONAL, Informational.BEFORE_THE_HUB)
        assert found[each.external_id] == (over if day % 2 else (Status.EXPECTED, None))
    assert await one("select count(*) from operations where effect = 'acknowledge'") == 5
    assert await broken_rules() == {}


async def test_only_what_was_created_since_then_is_read_and_what_is_known_is_not_born_again(
    stall: Stall, caller: Caller
) -> None:
    told = history(stall, 4)
    await stall.poll()
    assert len(await stall.found()) == 2
    await start(stall, caller, (LONG_AGO + timedelta(days=1)).isoformat())
    await stall.run_backfills()
    ended = await progress(stall, caller)
    assert (ended["read"], ended["born"]) == (3, 2)
    assert len(await stall.found()) == len(told)


async def test_the_hubs_own_returns_are_echoes(stall: Stall, caller: Caller) -> None:
    (told,) = history(stall, 1)
    await stall.poll()
    number = (await stall.of(told)).number
    echo = {"merchant_return_number": number, "created_at": LONG_AGO, "created_by": Kind.MERCHANT}
    stall.market.send_back(line("SHOE", 1), **echo)
    await start(stall, caller)
    await stall.run_backfills()
    assert len(await stall.found()) == 1
    assert await one("select count(*) from inbox where why = 'the hub''s own return came back as an echo'") == 1


async def test_a_worker_that_dies_at_any_await_of_a_back_fill_loses_nothing_and_makes_nothing_twice(
    stall: Stall, caller: Caller
) -> None:
    stall.market.page_size = 2
    # Every second one, beginning with the first or the second.
    for at in range(random.randrange(2), AWAITS, 2):
        stall.market.returns.clear()
        told = history(stall, 3)
        begun = await start(stall, caller)
        ended = await Crash(at).run(stall.backfiller.run(begun["id"]))
        if not ended:
            stall.watch.forward(minutes=2)
            await stall.run_backfills()
            await stall.poll()
        state = await rows("select state, read, born from backfills where id = $1", begun["id"])
        assert state == [{"state": "done", "read": 3, "born": 3}]
        for each in told:
            assert (await stall.of(each)).external_id == each.external_id
        if ended:
            break
    assert 20 < at < AWAITS - 1
    assert leaked() == 0
    assert (await counts())["returns"] == 3 * (at // 2 + 1)
    assert await one("select count(*) from inbox where state <> 'handled'") == 0
    assert await broken_rules() == {}


async def test_one_back_fill_of_a_connection_runs_at_a_time(stall: Stall, caller: Caller) -> None:
    history(stall, 2)
    await start(stall, caller)
    again = await caller.post(f"/connections/{stall.shop.connection}/backfills", {"since": LONG_AGO.isoformat()})
    assert code(again) == (409, "backfill_running")
    await stall.run_backfills()
    await start(stall, caller)


@pytest.mark.parametrize("since", ["2100-01-01T00:00:00Z", "1990-01-01T00:00:00Z"])
async def test_a_moment_that_cannot_be_is_refused(stall: Stall, caller: Caller, since: str) -> None:
    answer = await caller.post(f"/connections/{stall.shop.connection}/backfills", {"since": since})
    assert code(answer) == (422, "since_unusable")
    without_zone = {"since": "2026-01-01T00:00:00"}
    answer = await caller.post(f"/connections/{stall.shop.connection}/backfills", without_zone)
    assert answer.status_code == 400


async def test_another_merchants_connection_is_not_there(
    stall: Stall, caller: Caller, market_api: httpx.AsyncClient
) -> None:
    path = f"/connections/{stall.shop.connection}/backfills"
    await stall._set_up()
    stranger = Caller(market_api, await stall.api_key(Role.ACCOUNT))
    assert code(await stranger.get(path)) == (404, "connection_not_found")
    assert code(await stranger.post(path, {"since": LONG_AGO.isoformat()})) == (404, "connection_not_found")


@pytest.mark.parametrize("answer", [RateLimited(3600), ActionRequired("The key is revoked")])
async def test_a_vendor_that_wants_to_be_left_alone_is_asked_later_and_no_settlement_waits_for_it(
    stall: Stall, caller: Caller, answer: Outcome
) -> None:
    history(stall, 2)
    stall.market.answers["history"] = [answer]
    begun = await start(stall, caller)
    await stall.run_backfills()
    assert (await progress(stall, caller))["state"] == "running"
    assert await rows("select limited_until from connections") == [{"limited_until": None}]
    if isinstance(answer, ActionRequired):
        assert [item.kind for item in await stall.work_items()] == ["connection_paused"]
        assert await stall.run_backfills() == 0
        await rows("update connections set state = 'active', paused_why = null returning 1 as done")
    else:
        stall.watch.forward(minutes=59)
        await stall.backfiller.run(begun["id"])
        assert len(stall.market.asked_of("history")) == 1
        stall.watch.forward(minutes=2)
    await stall.run_backfills()
    assert (await progress(stall, caller))["state"] == "done"


async def test_a_page_that_cannot_be_read_is_tried_by_schedule_and_then_it_failed_with_a_sentence(
    stall: Stall, caller: Caller
) -> None:
    history(stall, 2)
    stall.market.answers["history"] = [ZeroDivisionError(), *[Retry("the vendor is down")] * 20]
    await start(stall, caller)
    for _ in range(200):
        await stall.run_backfills()
        stall.watch.forward(hours=1)
    ended = await progress(stall, caller)
    assert ended["state"] == "failed"
    assert ended["why"] == "A page could not be read after 11 tries: the vendor is down."
    assert [item.kind for item in await stall.work_items()] == ["backfill_failed"]
    assert len(stall.market.asked_of("history")) == 11


async def test_a_refused_back_fill_failed_and_a_page_that_leads_nowhere_is_not_read_for_ever(
    stall: Stall, caller: Caller
) -> None:
    stall.market.answers["history"] = [Refused("no", "Not for this account")]
    await start(stall, caller)
    await stall.run_backfills()
    assert (await progress(stall, caller))["why"] == "The vendor refused it: Not for this account"
    still = Done(Page(items=(), cursor="same", more=True))
    stall.market.answers["history"] = [still] * 50
    await start(stall, caller)
    for _ in range(5):
        await stall.run_backfills()
    assert len(stall.market.asked_of("history")) <= 4


async def test_a_back_fill_gives_way_to_settlements_and_to_other_jobs(stall: Stall, caller: Caller) -> None:
    stall.market.page_size = 1
    told = stall.market.send_back(line("SHOE", 1))
    await stall.poll()
    await stall.receive((await stall.of(told)).number, ("SHOE", 1, "A"))
    stall.market.returns.clear()
    history(stall, 10)
    begun = await start(stall, caller)
    await stall.backfiller.run(begun["id"])
    assert stall.market.asked_of("history") == [], "a settlement is due"
    await stall.work()
    stall.watch.forward(seconds=6)
    await stall.backfiller.run(begun["id"])
    assert len(stall.market.asked_of("history")) == PAGES_PER_JOB
    await stall.run_backfills()
    assert (await progress(stall, caller))["state"] == "done"


async def test_a_channel_can_be_set_up_with_its_history(stall: Stall, market_api: httpx.AsyncClient) -> None:
    caller = Caller(market_api, await stall.api_key())
    told = stall.market.send_back(line("SHOE", 1), marketplace="amazon", created_at=LONG_AGO, open=False)
    rules = {"receiving": [{"warehouse_id": str(stall.shop.warehouse)}]}
    body = {
        "account_id": str(stall.shop.account), "name": "Amazon", "connection_id": str(stall.shop.connection),
        "marketplaces": ["amazon"], "policies": {"channel": rules, "merchant": rules},
        "history_since": LONG_AGO.isoformat(),
    }  # fmt: skip
    assert (await caller.post("/channels", body)).status_code == 201
    refused = await caller.post("/channels", {**body, "name": "Otto", "marketplaces": ["otto"]})
    assert code(refused) == (409, "backfill_running")
    await stall.run_backfills()
    assert (await stall.of(told)).status is Status.INFORMATIONAL
    there = (await caller.get("/channels", account_id=str(stall.shop.account))).json()
    assert "Otto" not in {each["name"] for each in there}
