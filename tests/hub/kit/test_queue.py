"""The bell with a real Valkey: it may lose everything and carries nothing worth keeping."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from arq.connections import ArqRedis
from prometheus_client import REGISTRY

from hub.kit import db, queue
from hub.kit.embedded import Engines
from hub.runtime import Runtime

PHASE, JOB = "receipt", "run_operation"


@pytest.fixture
async def valkey(hub: Runtime, own_engines: Engines) -> AsyncIterator[ArqRedis]:
    """A look past the bell, at what Valkey really holds."""
    client = ArqRedis.from_url(own_engines.redis_url)
    yield client
    await client.aclose()


async def ring(hub: Runtime, *ids: str, flow: str = "flow", token: str | None = None) -> None:
    await hub.bell.ring(PHASE, JOB, ids, flow=flow, token=token or ids[0])


def lost() -> float:
    return REGISTRY.get_sample_value("hub_rings_lost_total", {"phase": PHASE}) or 0.0


async def order(valkey: ArqRedis) -> list[str]:
    """The tokens in the order in which arq takes them."""
    keys: list[bytes] = await valkey.zrange(queue.queue_name(PHASE), 0, -1)
    return [key.decode().removeprefix("arq:job:") for key in keys]


@asynccontextmanager
async def working(
    hub: Runtime, job: Callable[..., Awaitable[None]], *, most_at_once: int = 1
) -> AsyncIterator[asyncio.Event]:
    """A worker of one queue, stopped when the block ends."""
    stop = asyncio.Event()
    jobs = {PHASE: {JOB: job}}
    work = queue.work(hub.redis_url, jobs, most_at_once=most_at_once, stop=stop, poll_seconds=0.005)
    task = asyncio.create_task(work)
    try:
        yield stop
    finally:
        stop.set()
        await asyncio.wait_for(task, 10)


async def until(true: Callable[[], bool | Awaitable[bool]]) -> None:
    async with asyncio.timeout(10):
        while True:
            found = true()
            if await found if isinstance(found, Awaitable) else found:
                return
            await asyncio.sleep(0.005)


async def empty(hub: Runtime) -> bool:
    return await hub.bell.waiting(PHASE) == 0


async def test_a_token_that_waits_already_is_not_rung_twice(hub: Runtime, valkey: ArqRedis) -> None:
    for _ in range(3):
        await ring(hub, "one", token="operation:due")
    assert await hub.bell.waiting(PHASE) == 1
    await ring(hub, "one", token="operation:later")
    assert await hub.bell.waiting(PHASE) == 2
    assert await order(valkey) == ["operation:due", "operation:later"]


async def test_ringing_again_does_not_cost_a_job_its_place(hub: Runtime, valkey: ArqRedis) -> None:
    for name in ("first", "second", "first", "first"):
        await ring(hub, name)
    assert await order(valkey) == ["first", "second"]


async def test_a_job_that_is_kept_and_no_longer_queued_is_queued_again(hub: Runtime, valkey: ArqRedis) -> None:
    await ring(hub, "one")
    await valkey.delete(queue.queue_name(PHASE))
    await ring(hub, "one")
    assert await order(valkey) == ["one"]


async def test_phases_have_queues_of_their_own(hub: Runtime) -> None:
    await ring(hub, "one")
    assert await hub.bell.waiting("settlement") == 0
    assert queue.queue_name("settlement") != queue.queue_name(PHASE)


async def test_valkey_holds_ids_and_nothing_else(hub: Runtime, valkey: ArqRedis) -> None:
    await ring(hub, "operation-id", "connection-id", flow="connection-id", token="operation-id:1")
    names = {key.decode() for key in await valkey.keys("*")}
    assert names == {"hub:receipt", "hub:receipt:places", "arq:job:operation-id:1"}
    body = await valkey.get("arq:job:operation-id:1")
    held: dict[str, Any] = msgspec.msgpack.decode(body)
    assert held.pop("et") > 0
    assert held == {"t": None, "f": JOB, "a": ["operation-id", "connection-id"], "k": {}}
    assert sorted([name async for name, _ in valkey.hscan_iter("hub:receipt:places")]) == [b"connection-id", b"top"]
    assert all([await valkey.pttl(name) > 0 for name in names - {"hub:receipt"}]), "a forgotten key stays for ever"


async def test_after_a_flush_everything_can_be_rung_again(hub: Runtime) -> None:
    for name in "abc":
        await ring(hub, name)
    await hub.bell.forget_everything()
    assert await hub.bell.waiting(PHASE) == 0
    for name in "abc":
        await ring(hub, name)
    assert await hub.bell.waiting(PHASE) == 3


# fairness -----------------------------------------------------------------------------------------------


async def test_flows_take_turns_whoever_rang_first(hub: Runtime, valkey: ArqRedis) -> None:
    for place in range(30):
        await ring(hub, f"many-{place}", flow="many")
    for place in range(3):
        await ring(hub, f"few-{place}", flow="few")
    tokens = await order(valkey)
    assert [tokens.index(f"few-{place}") <= 2 * place + 3 for place in range(3)] == [True] * 3
    assert [token for token in tokens if token.startswith("many")] == [f"many-{place}" for place in range(30)]


async def test_a_flow_that_comes_late_is_served_beside_the_head_and_not_before_or_behind_all(
    hub: Runtime, valkey: ArqRedis
) -> None:
    for place in range(40):
        await ring(hub, f"many-{place}", flow="many")
    await valkey.zremrangebyrank(queue.queue_name(PHASE), 0, 19)
    await ring(hub, "late", flow="late")
    tokens = await order(valkey)
    assert tokens[0] == "many-20"
    assert tokens.index("late") <= 2


async def test_an_idle_time_earns_a_flow_no_credit(hub: Runtime, valkey: ArqRedis) -> None:
    for place in range(20):
        await ring(hub, f"busy-{place}", flow="busy")
    await valkey.delete(queue.queue_name(PHASE))
    for place in range(5):
        await ring(hub, f"rested-{place}", flow="rested")
    for place in range(5):
        await ring(hub, f"busy-again-{place}", flow="busy")
    kinds = [token.rsplit("-", 1)[0] for token in await order(valkey)]
    assert sorted(kinds[:4]) == ["busy-again", "busy-again", "rested", "rested"]


async def test_one_job_behind_a_thousand_of_another_flow_runs_among_the_first(hub: Runtime) -> None:
    await asyncio.gather(*(ring(hub, f"many-{place}", flow="many") for place in range(1000)))
    await ring(hub, "other", flow="other")
    ran: list[str] = []

    async def job(operation_id: str) -> None:
        ran.append(operation_id)

    async with working(hub, job):
        await until(lambda: "other" in ran or len(ran) > 20)
    assert "other" in ran[:5]


# workers ------------------------------------------------------------------------------------------------


async def test_a_job_gets_its_ids_runs_once_and_may_be_rung_again_afterwards(hub: Runtime) -> None:
    ran: list[tuple[str, ...]] = []

    async def job(*ids: str) -> None:
        ran.append(ids)

    async with working(hub, job):
        await ring(hub, "operation", "connection")
        await until(lambda: len(ran) == 1)
        await until(lambda: empty(hub))
        await ring(hub, "operation", "connection")
        await until(lambda: len(ran) == 2)
    assert ran == [("operation", "connection")] * 2
    assert await hub.bell.waiting(PHASE) == 0


async def test_a_job_that_fails_harms_no_other(hub: Runtime, capfd: pytest.CaptureFixture[str]) -> None:
    ran: list[str] = []

    async def job(name: str) -> None:
        ran.append(name)
        if name == "bad":
            raise ZeroDivisionError

    await ring(hub, "bad")
    await ring(hub, "good")
    async with working(hub, job):
        await until(lambda: "good" in ran)
    assert ran == ["bad", "good"]


@pytest.mark.parametrize("most_at_once", [1, 4])
async def test_what_runs_at_the_end_comes_to_its_end_and_nothing_new_begins(hub: Runtime, most_at_once: int) -> None:
    began: list[str] = []
    ended: list[str] = []

    async def job(name: str) -> None:
        began.append(name)
        await asyncio.sleep(0.03)
        ended.append(name)

    for place in range(12):
        await ring(hub, f"job {place}")
    async with working(hub, job, most_at_once=most_at_once) as stop:
        await until(lambda: len(began) == most_at_once)
        stop.set()
    assert sorted(began) == sorted(ended)
    assert len(began) == most_at_once
    async with working(hub, job, most_at_once=12):
        # Nothing is left marked as running, so the next worker need not wait for marks to expire.
        await until(lambda: len(ended) == 12)
    assert len(set(began)) == len(began) == 12


async def test_what_the_worker_has_read_ahead_does_not_begin_after_the_end(hub: Runtime) -> None:
    began: list[str] = []
    ended: list[str] = []
    stops: list[asyncio.Event] = []

    async def job(name: str) -> None:
        stops[0].set()
        began.append(name)
        await asyncio.sleep(0.03)
        ended.append(name)

    for place in range(200):
        await ring(hub, f"job {place}")
    async with working(hub, job, most_at_once=200) as stop:
        stops.append(stop)
        await until(lambda: bool(began))
    assert sorted(began) == sorted(ended)
    assert len(began) < 50


async def test_a_job_that_outlasts_the_poll_still_comes_to_its_end(
    hub: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "POLL_ENDS_SECONDS", 0.001)
    ended: list[str] = []

    async def job(name: str) -> None:
        stops[0].set()
        await asyncio.sleep(0.05)
        ended.append(name)

    await ring(hub, "long")
    stops: list[asyncio.Event] = []
    async with working(hub, job) as stop:
        stops.append(stop)
        await stop.wait()
    assert ended == ["long"]
    assert await empty(hub)


async def test_a_job_that_never_ends_does_not_keep_the_worker(hub: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "POLL_ENDS_SECONDS", 0.001)
    monkeypatch.setattr(queue, "DRAIN_SECONDS", 0.02)
    told: list[str] = []

    async def job(name: str) -> None:
        told.append(name)
        stops[0].set()
        try:
            await asyncio.Event().wait()
        finally:
            told.append("cut off")

    await ring(hub, "endless")
    stops: list[asyncio.Event] = []
    async with working(hub, job) as stop:
        stops.append(stop)
        await stop.wait()
    assert told == ["endless", "cut off"]


# Valkey away --------------------------------------------------------------------------------------------


async def test_a_ring_that_valkey_does_not_hear_is_counted_and_raises_nothing(tmp_path: Path) -> None:
    deaf = queue.Bell(ArqRedis.from_url(f"unix://{tmp_path}/nobody.sock"))
    before = lost()
    for name in "ab":
        await deaf.ring(PHASE, JOB, (name,), flow="flow", token=name)
    assert lost() == before + 2
    with pytest.raises(OSError, match=r"nobody\.sock"):
        await _answer(deaf)
    await deaf.close()


async def _answer(bell: queue.Bell) -> None:
    try:
        await bell.ping()
    except Exception as fault:
        raise OSError(str(fault)) from fault


@pytest.mark.skipif("HUB_TEST_REDIS_URL" in os.environ, reason="a foreign server is not ours to fill up")
async def test_a_valkey_that_is_full_loses_the_ring_and_takes_the_next_one(hub: Runtime, valkey: ArqRedis) -> None:
    before = lost()
    await valkey.config_set("maxmemory", 1)
    try:
        await ring(hub, "full")
    finally:
        await valkey.config_set("maxmemory", 0)
    assert lost() == before + 1
    assert await hub.bell.waiting(PHASE) == 0
    await ring(hub, "full")
    assert await hub.bell.waiting(PHASE) == 1


async def test_without_a_bell_ringing_is_left_to_others(hub: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    before = lost()
    monkeypatch.setattr(queue, "_bell", None)
    await queue.ring(PHASE, JOB, ("one",), flow="flow", token="one")
    assert (lost(), await hub.bell.waiting(PHASE)) == (before, 0)


# with the database --------------------------------------------------------------------------------------


async def test_the_bell_rings_after_the_commit_and_not_before(hub: Runtime) -> None:
    async with db.transaction(db.PLATFORM):
        queue.ring_after_commit(PHASE, JOB, ("one",), flow="flow", token="one")
        assert await hub.bell.waiting(PHASE) == 0
    assert await hub.bell.waiting(PHASE) == 1


async def test_the_bell_stays_silent_after_a_rollback(hub: Runtime) -> None:
    with suppress(ZeroDivisionError):
        async with db.transaction(db.PLATFORM):
            queue.ring_after_commit(PHASE, JOB, ("one",), flow="flow", token="one")
            raise ZeroDivisionError
    assert await hub.bell.waiting(PHASE) == 0


async def test_ringing_outside_of_a_transaction_is_a_mistake(hub: Runtime) -> None:
    with pytest.raises(RuntimeError, match="outside of a scoped transaction"):
        queue.ring_after_commit(PHASE, JOB, ("one",), flow="flow", token="one")
