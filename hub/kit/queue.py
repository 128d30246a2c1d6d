"""The bell: arq carries ids, nothing else, and may be flushed at any moment.

This is the only module that knows arq. The truth is in PostgreSQL; whoever rings has committed before, and the
sweeper rings again for whatever was lost.

Dispatch is fair over flows (one flow is one connection) by start-time fair queuing: a job's place in its queue is
a virtual time that grows by one per job of its flow, so a flow with one job goes before another flow's thousandth.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec
from arq.connections import ArqRedis, RedisSettings, create_pool
from arq.constants import job_key_prefix
from arq.jobs import serialize_job
from arq.worker import Worker, func
from redis.exceptions import RedisError

from hub.kit import clock, db
from hub.kit.telemetry import RINGS_LOST, log

Job = Callable[..., Awaitable[None]]

# A job that is not started for a day is forgotten here and rung again by the sweeper.
EXPIRES_MS = 86_400_000
# arq starts whatever has a score in the past; virtual time starts far enough back to stay there.
EPOCH_MS = 1_577_836_800_000
# Bounds how long arq holds a job whose worker was killed.
JOB_TIMEOUT_SECONDS = 40
DRAIN_SECONDS = 30.0
# How long a poll may take that is under way at the end; one that hangs is cut off.
POLL_ENDS_SECONDS = 2.0
# Nobody waits longer for a bell: what is not rung is swept.
RING_SECONDS = 2.0

# The virtual time is that of the job at the head of the queue, or the last one given out if the queue is empty.
RING = """
if redis.call('exists', KEYS[3]) == 1 and redis.call('zscore', KEYS[1], ARGV[3]) then return 0 end
local head = redis.call('zrange', KEYS[1], 0, 0, 'withscores')
local now = head[2] or redis.call('hget', KEYS[2], 'top') or ARGV[4]
local last = redis.call('hget', KEYS[2], ARGV[1]) or '0'
local place = math.max(tonumber(now), tonumber(last)) + 1
redis.call('hset', KEYS[2], ARGV[1], place)
local top = redis.call('hget', KEYS[2], 'top') or '0'
if place > tonumber(top) then redis.call('hset', KEYS[2], 'top', place) end
redis.call('expire', KEYS[2], 604800)
redis.call('psetex', KEYS[3], ARGV[5], ARGV[2])
redis.call('zadd', KEYS[1], place, ARGV[3])
return 1
"""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode
_log = log("queue")


def queue_name(phase: str) -> str:
    """Return the name of a phase's queue."""
    return f"hub:{phase}"


class Bell:
    """Rings for work that is already committed; a ring that fails is counted and left to the sweeper."""

    def __init__(self, pool: ArqRedis) -> None:
        self._pool = pool
        self._script = pool.register_script(RING)

    async def ring(self, phase: str, job: str, ids: Sequence[str], *, flow: str, token: str) -> None:
        """Put a job into the phase's queue, unless one with this token already waits there."""
        queue = queue_name(phase)
        body = serialize_job(job, tuple(ids), {}, None, int(clock.now().timestamp() * 1000), serializer=_encode)
        try:
            async with asyncio.timeout(RING_SECONDS):
                await self._script(
                    keys=[queue, f"{queue}:places", job_key_prefix + token],
                    args=[flow, body, token, EPOCH_MS, EXPIRES_MS],
                )
        except (RedisError, OSError) as fault:
            RINGS_LOST.labels(phase).inc()
            _log.warning("ring lost", phase=phase, fault=type(fault).__name__)

    async def waiting(self, phase: str) -> int:
        """Return how many jobs of a phase are queued or running."""
        return int(await self._pool.zcard(queue_name(phase)))

    async def forget_everything(self) -> None:
        """Empty Valkey, as an accident or an operator may at any moment; the sweeper rings again."""
        await self._pool.flushdb()

    async def ping(self) -> None:
        """Raise if Valkey does not answer."""
        await self._pool.ping()

    async def close(self) -> None:
        """Close the connections."""
        await self._pool.aclose()


# One per process, like the database's pool; without one, ringing is left to the sweeper of another process.
_bell: Bell | None = None


async def connect(url: str) -> Bell:
    """Connect the process to Valkey or Redis; raises what redis-py raises if it is out of reach."""
    global _bell  # noqa: PLW0603 - the process's one bell
    _bell = Bell(await create_pool(_settings(url), job_serializer=_encode, job_deserializer=_decode))
    return _bell


async def disconnect() -> None:
    """Close the connection, if there is one."""
    global _bell
    held, _bell = _bell, None
    if held is not None:
        await held.close()


async def ring(phase: str, job: str, ids: Sequence[str], *, flow: str, token: str) -> None:
    """Ring for work that is already committed."""
    if _bell is not None:
        await _bell.ring(phase, job, ids, flow=flow, token=token)


def ring_after_commit(phase: str, job: str, ids: Sequence[str], *, flow: str, token: str) -> None:
    """Ring once the current transaction is durable, and not at all if it never is."""

    async def later() -> None:
        await ring(phase, job, ids, flow=flow, token=token)

    db.current().after_commit.append(later)


def _settings(url: str) -> RedisSettings:
    settings = RedisSettings.from_dsn(url)
    settings.conn_retries = 3
    return settings


async def work(
    url: str,
    jobs: Mapping[str, Mapping[str, Job]],
    *,
    most_at_once: int,
    stop: asyncio.Event,
    poll_seconds: float = 0.02,
) -> None:
    """Run the jobs of each phase's queue until `stop` is set, then let what runs come to its end.

    A lost Valkey does not end it: it reconnects until it is back.
    """
    logging.getLogger("arq").setLevel(logging.ERROR)
    async with asyncio.TaskGroup() as group:
        for phase, functions in jobs.items():
            group.create_task(_serve(url, phase, functions, most_at_once, poll_seconds, stop))


async def _serve(
    url: str, phase: str, functions: Mapping[str, Job], most_at_once: int, poll_seconds: float, stop: asyncio.Event
) -> None:
    while not stop.is_set():
        worker = _worker(url, phase, functions, most_at_once, poll_seconds)
        main = asyncio.create_task(worker.async_run())
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait({main, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        await _end(worker, main)
        if not stop.is_set():
            await asyncio.sleep(0.5)


async def _end(worker: Worker, main: "asyncio.Task[None]") -> None:
    # arq asks for room before it starts each job of what it has read ahead, and a burst of no jobs ends by itself once
    # what runs has ended. Cut off in the middle of a poll it would leave connections open and jobs marked as running.
    worker.max_jobs, worker.burst, worker.max_burst_jobs = 0, True, 0
    await asyncio.wait({main}, timeout=POLL_ENDS_SECONDS)
    running = [task for task in worker.tasks.values() if not task.done()]
    if running:
        await asyncio.wait(running, timeout=DRAIN_SECONDS)
    main.cancel()
    fault = (await asyncio.gather(main, return_exceptions=True))[0]
    if isinstance(fault, Exception):
        _log.warning("the queue is out of reach", fault=type(fault).__name__)
    await _close(worker)


async def _close(worker: Worker) -> None:
    pool: ArqRedis | None = worker.pool
    for task in worker.tasks.values():
        task.cancel()
    await asyncio.gather(*worker.tasks.values(), return_exceptions=True)
    worker.tasks.clear()
    await asyncio.gather(worker.close(), return_exceptions=True)
    # A worker that could not say goodbye leaves its connections open.
    if pool is not None:
        await pool.connection_pool.disconnect()


def _worker(url: str, phase: str, functions: Mapping[str, Job], most_at_once: int, poll_seconds: float) -> Worker:
    return Worker(
        functions=[func(_without_context(job), name=name) for name, job in functions.items()],
        queue_name=queue_name(phase),
        redis_settings=_settings(url),
        handle_signals=False,
        max_jobs=most_at_once,
        job_timeout=JOB_TIMEOUT_SECONDS,
        keep_result=0,
        poll_delay=poll_seconds,
        max_tries=5,
        job_serializer=_encode,
        job_deserializer=_decode,
        log_results=False,
    )


def _without_context(job: Job) -> Any:
    async def run(_context: dict[Any, Any], *ids: str) -> None:
        await job(*ids)

    return run
