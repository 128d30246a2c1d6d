"""What polls do beside reading pages: what a walk did not show, what no knock announced, what was refused later."""

import random
from datetime import timedelta
from types import SimpleNamespace

import pytest

from hub.inbox import handler, polling
from hub.inbox.polling import FETCHES_PER_JOB
from hub.kit import clock
from hub.returns.case import Settling, Status
from hub.sdk import ActionRequired, Done, Page, Profile, RateLimited, Refusal, Refused, Retry
from hub.sdk.messages import ChannelReturn
from tests.support.crash import Crash
from tests.support.judge import broken_rules, events_of, one, rows
from tests.support.market import Stall, line
from tests.support.storm import leaked

AWAITS = 150


def fetched(stall: Stall) -> list[str]:
    return [each.removeprefix("fetch:") for each in stall.market.asked if each.startswith("fetch")]


async def imported(stall: Stall, many: int = 1) -> list[ChannelReturn]:
    told = [stall.market.send_back(line("SHOE", 2)) for _ in range(many)]
    await stall.poll()
    stall.watch.forward(minutes=5)
    return told


async def test_what_a_whole_walk_did_not_show_is_read_and_followed(stall: Stall) -> None:
    canceled, closed, changed, same = await imported(stall, 4)
    stall.market.cancel(canceled)
    stall.market.close(closed)
    stall.market.change(changed, lines=(line("SHOE", 3),))
    stall.market.hidden |= {changed.external_id}
    await stall.poll()
    assert sorted(fetched(stall)) == sorted(each.external_id for each in (canceled, closed, changed))
    assert (await stall.of(canceled)).status is Status.CHANNEL_CANCELED
    assert (await stall.of(closed)).settlement is Settling.ELSEWHERE
    assert [each.declared for each in (await stall.of(changed)).lines] == [3]
    assert (await stall.of(same)).status is Status.EXPECTED
    assert await broken_rules() == {}


async def test_each_is_read_once_per_walk_and_what_is_over_never_again(stall: Stall) -> None:
    (gone, hidden) = await imported(stall, 2)
    stall.market.cancel(gone)
    stall.market.hidden.add(hidden.external_id)
    stall.market.answers["fetch"] = [Retry("down"), Retry("down")]
    for _ in range(3):
        await stall.poll()
        # Nothing but the walk itself has it asked for again.
        await stall.see(stall.market.returns[hidden.external_id])
    assert fetched(stall) == [gone.external_id, hidden.external_id] * 2 + [hidden.external_id]
    stall.market.hidden.clear()
    for _ in range(3):
        stall.watch.forward(hours=25)
        await stall.poll()
    assert len(fetched(stall)) == 5


async def test_a_job_reads_so_many_at_most_and_the_longest_unseen_first(stall: Stall) -> None:
    first = await imported(stall, FETCHES_PER_JOB)
    second = await imported(stall, 3)
    for told in first + second:
        stall.market.cancel(told)
    await stall.poll()
    assert sorted(fetched(stall)) == sorted(told.external_id for told in first)
    await stall.poller.poll(str(stall.shop.connection))
    assert sorted(fetched(stall)) == sorted(told.external_id for told in first + second)
    assert {each.status for each in await stall.found()} == {Status.CHANNEL_CANCELED}


async def test_without_a_whole_walk_what_nothing_showed_for_a_day_is_read(stall: Stall) -> None:
    (told,) = await imported(stall)
    stall.market.cancel(told)
    silent = Page(items=(), cursor="0", more=False)
    for hours, expected in ((12, 0), (13, 1), (1, 1)):
        stall.watch.forward(hours=hours)
        stall.market.answers["poll"] = [Done(silent)]
        await stall.poll()
        assert len(fetched(stall)) == expected
    assert (await stall.of(told)).status is Status.CHANNEL_CANCELED


async def test_a_return_that_the_channel_does_not_know_any_more_is_asked_about_once(stall: Stall) -> None:
    (told,) = await imported(stall)
    del stall.market.returns[told.external_id]
    for _ in range(3):
        await stall.poll()
        stall.watch.forward(hours=25)
    assert len(fetched(stall)) == 1
    assert [item.kind for item in await stall.work_items()] == ["vanished_at_channel"]
    found = await stall.of(told)
    assert (await events_of(found))[1:] == ["return.vanished_at_channel", "settlement.held"]
    await stall.receive(found.number, ("SHOE", 2, "A"))
    await stall.work()
    assert "settle" not in stall.market.asked
    assert await broken_rules() == {}


@pytest.mark.parametrize("answer", [RateLimited(60), ActionRequired("The key is revoked")])
async def test_a_vendor_that_wants_to_be_left_alone_is_left_alone(
    stall: Stall, answer: RateLimited | ActionRequired
) -> None:
    for told in await imported(stall, 3):
        stall.market.cancel(told)
    stall.market.answers["fetch"] = [answer]
    await stall.poll()
    assert len(fetched(stall)) == 1
    await stall.poll()
    assert len(fetched(stall)) == 1
    held = await rows("select state, coalesce(limited -> 'calls' ? 'fetch', false) as limited from connections")
    assert held in ([{"state": "active", "limited": True}], [{"state": "paused", "limited": False}])


async def knocked(stall: Stall, ago: timedelta) -> None:
    await rows("update polls set knocked_at = $1 returning 1 as done", clock.now() - ago)


async def subscribed(stall: Stall) -> None:
    await stall.keeper.keep(str(stall.shop.connection))
    stall.watch.forward(minutes=1)


async def repaired() -> int:
    return int(await one("select repaired from polls"))


async def kinds(stall: Stall) -> list[str]:
    return [item.kind for item in await stall.work_items()]


async def test_five_lost_knocks_are_counted_and_raise_an_alarm_that_ends_when_knocks_work_again(stall: Stall) -> None:
    await subscribed(stall)
    for _ in range(5):
        stall.market.send_back()
    stall.watch.forward(minutes=2)
    await stall.poll()
    assert await repaired() == 5
    assert await kinds(stall) == ["knocks_lost"]
    stall.market.send_back()
    stall.watch.forward(seconds=1)
    await knocked(stall, timedelta())
    await stall.poll()
    assert await repaired() == 5
    assert await kinds(stall) == []


async def test_a_change_that_was_announced_is_young_or_older_than_the_registration_is_no_repair(stall: Stall) -> None:
    stall.market.send_back()
    stall.watch.forward(minutes=2)
    await subscribed(stall)
    await stall.poll()
    assert await repaired() == 0, "older than the registration"
    stall.market.send_back()
    stall.watch.forward(seconds=50)
    await stall.poll()
    assert await repaired() == 0, "young"
    told = stall.market.send_back()
    await knocked(stall, timedelta())
    stall.watch.forward(minutes=2)
    await stall.poll()
    assert await repaired() == 0, "announced"
    for _ in range(3):
        # The late knock, the same one twice, and a poll for nothing.
        await knocked(stall, timedelta())
        await stall.poll()
    stall.market.change(told, customer_comment="nothing that matters")
    stall.watch.forward(minutes=2)
    await stall.poll()
    assert await repaired() == 0, "nothing changed here"


async def test_a_few_lost_knocks_a_day_are_counted_and_alarm_nobody(stall: Stall) -> None:
    await subscribed(stall)
    for _ in range(8):
        stall.market.send_back()
        stall.watch.forward(minutes=40)
        await stall.poll()
    assert await repaired() == 8
    assert await kinds(stall) == []


async def test_nobody_misses_knocks_of_a_vendor_that_does_not_knock(stall: Stall) -> None:
    for _ in range(5):
        stall.market.send_back()
    stall.watch.forward(minutes=2)
    await stall.poll()
    assert await repaired() == 0


async def settled(stall: Stall, marketplace: str = "bol") -> str:
    told = stall.market.send_back(line("SHOE", 1), marketplace=marketplace)
    await stall.poll()
    found = await stall.of(told)
    await stall.receive(found.number, ("SHOE", 1, "A"))
    await stall.work()
    return found.number


def refusal(stall: Stall, number: str, key: str = "n1", message: str = "no balance") -> Refusal:
    return Refusal(key=key, return_number=number, message=message, at=clock.now())


async def test_refusals_are_asked_every_ten_minutes_for_what_was_settled_within_its_marketplaces_days(
    stall: Stall,
) -> None:
    await stall.cover("amazon", "otto")
    stall.market.profiles |= {"amazon": Profile(late_refusal_days=10), "otto": Profile(late_refusal_days=0)}
    numbers = [await settled(stall, each) for each in ("bol", "amazon", "otto")]
    stall.market.watched.clear()
    stall.watch.forward(minutes=11)
    for _ in range(3):
        await stall.poll()
        stall.watch.forward(minutes=4)
    assert [sorted(each) for each in stall.market.watched] == [sorted(numbers[:2])]
    stall.watch.forward(days=4)
    await stall.poll()
    assert stall.market.watched[1:] == [(numbers[1],)]
    stall.watch.forward(days=8)
    await stall.poll()
    assert stall.market.watched[2:] == [()], "nothing is left to be refused"


async def test_a_channel_that_tells_nothing_for_long_is_told_of_until_it_does(stall: Stall) -> None:
    stall.market.answers["poll"] = [Retry("a page for people")] * 12
    for round_ in range(12):
        assert await stall.work_items() == [], f"after {round_} failures it may yet be a short maintenance"
        await stall.poll()
        stall.watch.forward(minutes=6)
    (item,) = await stall.work_items()
    assert (item.kind, item.owner) == ("channel_silent", "support")
    assert "a page for people" in item.summary
    await stall.poll()
    assert await stall.work_items() == []


async def test_a_channel_that_refuses_to_tell_of_late_refusals_is_told_of_until_it_does(stall: Stall) -> None:
    stall.market.answers["refusals"] = [Refused("filter_ignored", "it cannot say whose they are")]
    await stall.poll()
    assert [each.kind for each in await stall.work_items()] == ["channel_silent"]
    stall.watch.forward(minutes=11)
    await stall.poll()
    assert await stall.work_items() == []


async def test_each_refusal_is_handed_on_once_however_often_it_is_told(stall: Stall) -> None:
    number = await settled(stall)
    stall.market.refused = [refusal(stall, number), refusal(stall, number, message="a\0b", key="n2")]
    for _ in range(3):
        stall.watch.forward(minutes=11)
        await stall.poll()
    assert [(each.key, each.message) for each in stall.refusals] == [("n1", "no balance"), ("n2", "ab")]
    assert await rows("select state from inbox where kind = 'refusal'") == [{"state": "handled"}] * 2


async def test_refusals_that_cannot_be_asked_hold_up_no_poll(stall: Stall) -> None:
    number = await settled(stall)
    stall.market.answers["refusals"] = [ZeroDivisionError(), Retry("down")]
    for _ in range(2):
        stall.watch.forward(minutes=11)
        told = stall.market.send_back()
        await stall.poll()
        assert (await stall.of(told)).status is Status.EXPECTED
    stall.market.refused = [refusal(stall, number)]
    stall.watch.forward(minutes=11)
    await stall.poll()
    assert len(stall.refusals) == 1
    assert await one("select failures from polls") == 0


async def test_a_slow_vendor_is_asked_for_everything_in_turn(stall: Stall, monkeypatch: pytest.MonkeyPatch) -> None:
    number = await settled(stall)
    told = await imported(stall, 4)
    for each in told:
        stall.market.cancel(each)
    stall.watch.forward(minutes=11)
    stall.market.asked.clear()
    # Each call takes six seconds.
    slow = SimpleNamespace(monotonic=lambda: 6.0 * len(stall.market.asked))
    monkeypatch.setattr(polling, "time", slow)
    monkeypatch.setattr(handler, "time", slow)
    await stall.poll()
    assert stall.market.asked == ["poll", f"fetch:{told[0].external_id}", "refusals"]
    assert stall.market.watched[-1] == (number,)
    for _ in range(3):
        await stall.poller.poll(str(stall.shop.connection))
    assert sorted(fetched(stall)) == sorted(each.external_id for each in told)


async def test_a_clock_that_is_put_back_stops_nothing(stall: Stall) -> None:
    await imported(stall)
    stall.watch.forward(days=400)
    await stall.poll()
    stall.watch.forward(days=-400)
    told = stall.market.send_back()
    await stall.poller.poll(str(stall.shop.connection))
    assert (await stall.of(told)).status is Status.EXPECTED


async def test_a_worker_that_dies_at_any_await_of_a_sweep_loses_nothing_and_does_nothing_twice(stall: Stall) -> None:
    number = await settled(stall)
    # Every second one, beginning with the first or the second.
    for at in range(random.randrange(2), AWAITS, 2):
        stall.market.refused = [refusal(stall, number, key=f"n{at}")]
        (gone,) = await imported(stall)
        stall.market.cancel(gone)
        parked = stall.market.send_back(line("HAT", 1, order_line=None, shipped=None))
        stall.watch.forward(minutes=11)
        ended = await Crash(at).run(stall.poll())
        stall.watch.forward(minutes=11)
        await stall.poll()
        assert (await stall.of(gone)).status is Status.CHANNEL_CANCELED
        assert (await stall.of(parked)).status is Status.EXPECTED
        assert [each.key for each in stall.refusals].count(f"n{at}") >= 1
        if ended:
            break
        stall.market.returns.clear()
    assert 20 < at < AWAITS - 1
    assert leaked() == 0
    assert await one("select count(*) from inbox where state <> 'handled'") == 0
    canceled = await one("select count(*) from timeline where event = 'return.canceled_by_channel'")
    assert canceled == at // 2 + 1
    assert await broken_rules() == {}
