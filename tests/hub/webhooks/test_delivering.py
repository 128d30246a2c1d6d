"""Endpoints and their receivers: what arrived is judged by the receiver's own ledger."""

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.kit import clock, db, queue
from hub.kit.errors import Conflict, Invalid
from hub.kit.ids import new_id
from hub.runtime import Runtime
from hub.webhooks import jobs, queries, service
from hub.webhooks.messages import (
    DeliveryState,
    EndpointChange,
    EndpointShown,
    EndpointState,
    NewEndpoint,
    Recovered,
    Recovery,
    Rotation,
)
from tenants import service as tenants
from tenants.messages import NewAccount
from tests.conftest import Clock
from tests.support.crash import Crash
from tests.support.judge import one, rows
from tests.support.receiver import Receiver, receiving

ACTOR = "test"


class Post:
    """A hub with an account that has things happen to its returns, and the worker's verbs."""

    def __init__(self, hub: Runtime, receiver: Receiver, watch: Clock, account: UUID) -> None:
        self.hub, self.receiver, self.watch, self.account = hub, receiver, watch, account
        self.deliverer = jobs.Deliverer(hub.egress, hub.keyring)

    async def endpoint(self, path: str = "/hook", **more: Any) -> EndpointShown:
        new = NewEndpoint(url=self.receiver.url(path), account_id=self.account, **more)
        return await service.create(new, self.hub.egress, self.hub.keyring, actor=ACTOR)

    async def happens(self, return_id: UUID, *types: str) -> list[str]:
        ids = []
        for event in types:
            async with db.transaction(db.account(self.account)):
                ids.append(new_id())
                await db.execute(
                    "insert into outbox (account_id, id, return_id, type, body, at) values ($1, $2, $3, $4, $5, $6)",
                    self.account, ids[-1], return_id, event, '{"return_number": "R1"}', clock.now(),
                )  # fmt: skip
        return [str(each) for each in ids]

    async def work(self, most: int = 500) -> None:
        """Do all that is due, one after the other, as one worker would."""
        await jobs.spread()
        for _ in range(most):
            async with db.transaction(db.PLATFORM):
                found = await queries.due(clock.now(), jobs.MOST_AT_ONCE, jobs.BATCH)
            if not found:
                return
            for each in found:
                await self.deliverer.deliver(str(each.endpoint_id), str(each.id))
        raise AssertionError("it never ends")

    async def for_days(self, days: float) -> None:
        """Let time pass an hour at a time, working."""
        for _ in range(int(days * 24)):
            self.watch.forward(hours=1)
            await self.work()

    async def state(self, shown: EndpointShown) -> EndpointState:
        async with db.transaction(db.PLATFORM):
            return (await queries.endpoint(shown.endpoint.id)).state


@pytest.fixture
async def post(hub: Runtime, stopped: Clock) -> AsyncIterator[Post]:
    account = await tenants.create_account(NewAccount(name="shop"), actor=ACTOR)
    async with receiving() as receiver:
        yield Post(hub, receiver, stopped, account.id)


async def test_what_happens_arrives_once_signed_and_in_order(post: Post) -> None:
    shown = await post.endpoint()
    ids = await post.happens(UUID(int=1), "return.initiated", "return.received", "return.settled")
    await post.work()
    assert [each.id for each in post.receiver.ledger] == ids
    assert all(each.signed_by(shown.secret) for each in post.receiver.ledger)
    first = post.receiver.ledger[0]
    assert first.headers["content-type"] == "application/json"
    assert set(first.told) == {"type", "timestamp", "data"}
    assert first.told["data"]["return_number"] == "R1"
    assert first.told["data"]["return_id"] == str(UUID(int=1))


async def test_an_endpoint_hears_nothing_from_before_it_unless_it_asks(post: Post) -> None:
    early = await post.happens(UUID(int=1), "return.initiated")
    post.watch.forward(hours=1)
    since = clock.now()
    middle = await post.happens(UUID(int=1), "return.received")
    await post.endpoint("/new")
    await post.endpoint("/asks", since=since)
    late = await post.happens(UUID(int=1), "return.settled")
    await post.work()
    assert [each.id for each in post.receiver.took("/new")] == late
    assert [each.id for each in post.receiver.took("/asks")] == middle + late
    assert early


async def test_a_filter_and_another_account_hold_events_back(post: Post) -> None:
    await post.endpoint(events=("settlement.*", "return.settled"))
    other = await tenants.create_account(NewAccount(name="other"), actor=ACTOR)
    await post.happens(UUID(int=1), "return.initiated", "settlement.held", "return.settled")
    await Post(post.hub, post.receiver, post.watch, other.id).happens(UUID(int=2), "return.settled")
    await post.work()
    assert [each.told["type"] for each in post.receiver.took()] == ["settlement.held", "return.settled"]


async def test_what_fails_is_tried_by_schedule_with_one_id_and_every_attempt_is_in_the_log(post: Post) -> None:
    shown = await post.endpoint()
    post.receiver.answers["/hook"] = [500, 302, 404]
    (told,) = await post.happens(UUID(int=1), "return.settled")
    await post.for_days(1)
    assert [each.status for each in post.receiver.ledger] == [500, 302, 404, 200]
    assert {each.id for each in post.receiver.ledger} == {told}
    assert len({each.headers["webhook-timestamp"] for each in post.receiver.ledger}) == 4
    assert len({each.body for each in post.receiver.ledger}) == 1
    async with db.transaction(db.PLATFORM):
        logged = await queries.attempts(shown.endpoint.id, UUID(told))
    assert [(each.number, each.status, each.outcome) for each in logged] == [
        (1, 500, "retried"), (2, 302, "retried"), (3, 404, "retried"), (4, 200, "delivered"),
    ]  # fmt: skip
    assert all("return.settled" in each.request and each.response == "ok" for each in logged)
    assert all(shown.secret not in str(each) for each in logged)


async def test_a_return_waits_for_its_own_event_and_no_other_return_does(post: Post) -> None:
    await post.endpoint()
    post.receiver.answers["/hook"] = [500]
    first = await post.happens(UUID(int=1), "return.initiated", "return.received")
    second = await post.happens(UUID(int=2), "return.initiated")
    await post.work()
    assert [each.id for each in post.receiver.took()] == second
    await post.for_days(1)
    assert [each.id for each in post.receiver.took()] == second + first


async def test_after_the_last_attempt_it_has_failed_and_the_next_event_of_the_return_goes(post: Post) -> None:
    shown = await post.endpoint()
    post.receiver.answers["/hook"] = [500] * 10
    first, second = await post.happens(UUID(int=1), "return.initiated", "return.received")
    await post.for_days(4.2)
    assert [each.id for each in post.receiver.ledger] == [first] * 10 + [second]
    assert await service.recover(
        shown.endpoint.id, Recovery(since=clock.now() - timedelta(days=10)), actor=ACTOR
    ) == Recovered(deliveries=1)
    await post.work()
    assert [each.id for each in post.receiver.took()] == [second, first]


async def test_recover_repeats_nothing_that_arrived_and_replay_repeats_what_it_is_told(post: Post) -> None:
    shown = await post.endpoint()
    (told,) = await post.happens(UUID(int=1), "return.settled")
    await post.work()
    begin = clock.now() - timedelta(days=1)
    assert (await service.recover(shown.endpoint.id, Recovery(since=begin), actor=ACTOR)).deliveries == 0
    await service.replay(shown.endpoint.id, UUID(told), actor=ACTOR)
    await post.work()
    assert [each.id for each in post.receiver.ledger] == [told, told]


async def test_while_a_secret_is_rotated_both_sign_and_then_the_new_one_alone(post: Post) -> None:
    shown = await post.endpoint()
    new = await service.rotate(shown.endpoint.id, Rotation(overlap_hours=2), post.hub.keyring, actor=ACTOR)
    await service.ping(shown.endpoint.id, actor=ACTOR)
    await post.work()
    post.watch.forward(hours=3)
    await service.ping(shown.endpoint.id, actor=ACTOR)
    await post.work()
    during, later = post.receiver.took()
    assert (during.signed_by(shown.secret), during.signed_by(new.secret)) == (True, True)
    assert (later.signed_by(shown.secret), later.signed_by(new.secret)) == (False, True)
    assert during.told["type"] == "hub.ping"


async def test_an_endpoint_that_fails_for_five_days_is_warned_of_twice_and_disabled_and_loses_nothing(
    post: Post,
) -> None:
    shown = await post.endpoint()
    post.receiver.answers["/hook"] = [500] * 10_000
    told: list[str] = []
    kinds: list[str] = []
    for day in range(7):
        told += await post.happens(UUID(int=day + 1), "return.settled")
        await post.for_days(1)
        kinds.append(" ".join(sorted(row["kind"] for row in await rows(
            "select kind from work_items where closed_at is null"))))  # fmt: skip
    assert kinds[:2] == ["", "webhook_failing"]
    assert kinds[-1] == "webhook_disabled"
    assert await post.state(shown) is EndpointState.DISABLED
    count = len(post.receiver.ledger)
    with pytest.raises(Conflict, match="enable it first"):
        await service.ping(shown.endpoint.id, actor=ACTOR)
    await post.for_days(1)
    assert len(post.receiver.ledger) == count
    post.receiver.answers["/hook"].clear()
    await service.change(shown.endpoint.id, EndpointChange(state=EndpointState.ACTIVE), post.hub.egress, actor=ACTOR)
    await service.recover(shown.endpoint.id, Recovery(since=clock.now() - timedelta(days=30)), actor=ACTOR)
    await post.for_days(1.2)
    assert {each.id for each in post.receiver.took()} == set(told)


async def test_an_endpoint_that_says_it_is_gone_is_disabled_at_once(post: Post) -> None:
    shown = await post.endpoint()
    post.receiver.answers["/hook"] = [410]
    await post.happens(UUID(int=1), "return.settled")
    await post.work()
    assert await post.state(shown) is EndpointState.DISABLED
    assert await one("select kind from work_items") == "webhook_disabled"


async def test_one_that_works_again_closes_the_notice(post: Post) -> None:
    await post.endpoint()
    post.receiver.answers["/hook"] = [500] * 8
    await post.happens(UUID(int=1), "return.settled")
    await post.for_days(4)
    (item,) = await rows("select kind, closed_by from work_items")
    assert item == {"kind": "webhook_failing", "closed_by": "hub"}


async def test_a_slow_endpoint_holds_up_nobody_and_few_of_its_own_are_under_way(post: Post) -> None:
    await post.endpoint("/slow")
    await post.endpoint("/quick")
    post.receiver.slow.add("/slow")
    for number in range(20):
        await post.happens(UUID(int=number + 1), "return.settled")
    await jobs.spread()
    stop = asyncio.Event()
    worker = asyncio.create_task(
        queue.work(post.hub.redis_url, {jobs.QUEUE: {jobs.JOB: post.deliverer.deliver}}, most_at_once=8, stop=stop)
    )
    try:
        async with asyncio.timeout(20):
            while len(post.receiver.took("/quick")) < 20:
                await jobs.sweep()
                await asyncio.sleep(0.02)
        assert post.receiver.waiting["/slow"] == jobs.MOST_AT_ONCE
        assert post.receiver.took("/slow") == []
    finally:
        post.receiver.go.set()
        stop.set()
        await worker


@pytest.mark.parametrize(
    "url",
    [
        "http://93.184.216.34/hook",
        "https://10.0.0.1/hook",
        "https://[::1]/x",
        "ftp://x.example",
        "https://u:p@x.example",
    ],
)
async def test_an_address_that_the_hub_may_not_call_is_refused_with_a_sentence(post: Post, url: str) -> None:
    new = NewEndpoint(url=url, account_id=post.account)
    with pytest.raises(Invalid, match="The hub cannot send there") as refused:
        await service.create(new, post.hub.egress, post.hub.keyring, actor=ACTOR)
    assert refused.value.code == "webhook_address_refused"


async def test_secrets_lie_sealed(post: Post) -> None:
    shown = await post.endpoint()
    kept = await one("select sealed from webhook_endpoints")
    assert shown.secret.encode() not in kept
    assert "whsec_" not in str(await rows("select * from webhook_endpoints"))


async def test_wherever_a_sender_dies_the_next_one_sends_it(post: Post) -> None:
    await post.endpoint()
    at = 0
    while True:
        ids = await post.happens(UUID(int=at + 1), "return.initiated", "return.settled")
        await jobs.spread()
        async with db.transaction(db.PLATFORM):
            (due,) = await queries.due(clock.now(), 1, 1)
        crash = Crash(at)
        ended = await crash.run(post.deliverer.deliver(str(due.endpoint_id), str(due.id)))
        post.watch.forward(seconds=jobs.LEASE.total_seconds() + 1)
        await post.work()
        got = [each.id for each in post.receiver.took() if each.id in ids]
        assert list(dict.fromkeys(got)) == ids
        assert len(got) <= 3
        if ended:
            break
        at += 1
    assert at > 10


async def test_wherever_the_reader_of_the_feed_dies_nothing_is_lost_or_doubled(post: Post) -> None:
    await post.endpoint()
    told: list[str] = []
    for at in range(60):
        told += await post.happens(UUID(int=1), "return.received")
        if await Crash(at).run(jobs.spread()):
            break
    await post.work()
    assert [each.id for each in post.receiver.took()] == told


STEPS = st.lists(
    st.tuples(st.integers(1, 3), st.sampled_from([200, 200, 500, 429, 301]), st.none() | st.integers(0, 40)),
    min_size=1, max_size=12,
)  # fmt: skip


@settings(max_examples=8)
@given(STEPS, st.integers(0, 1000))
async def test_whatever_fails_and_dies_all_arrives_in_order_for_each_return(
    post: Post, steps: list[tuple[int, int, int | None]], seed: int
) -> None:
    """At least once, nothing lost, and the first arrivals of each return in the order in which they happened."""
    path = f"/hook-{new_id()}"
    shown = await post.endpoint(path)
    told: dict[int, list[str]] = defaultdict(list)
    post.receiver.answers[path] = [answer for _, answer, _ in steps if answer != 200]
    dice = random.Random(seed)
    dice.shuffle(post.receiver.answers[path])
    base = dice.getrandbits(60)
    for which, _, crash in steps:
        told[base + which] += await post.happens(UUID(int=base + which), "return.received")
        await jobs.spread()
        async with db.transaction(db.PLATFORM):
            found = await queries.due(clock.now(), 4, 4, shown.endpoint.id)
        for each in found[:2]:
            await Crash(crash).run(post.deliverer.deliver(str(each.endpoint_id), str(each.id)))
        post.watch.forward(seconds=dice.choice([0, 5, 60]))
    await post.for_days(3.5)
    took = [each.id for each in post.receiver.took(path)]
    for events in told.values():
        assert list(dict.fromkeys(each for each in took if each in events)) == events
    states = await rows("select distinct state from webhook_deliveries where endpoint_id = $1", shown.endpoint.id)
    assert states == [{"state": DeliveryState.DELIVERED}]


def test_a_lease_outlives_a_call() -> None:
    assert jobs.LEASE.total_seconds() > jobs.CALL_SECONDS * 2
