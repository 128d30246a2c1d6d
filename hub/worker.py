"""The worker: the arq jobs of each phase, the sweepers beside them, and an orderly end."""

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable, Sequence

from hub import process, timeouts
from hub.api import idempotency
from hub.backfills import service as backfills
from hub.deadlines import service as deadlines
from hub.evidence import service as evidence
from hub.inbox import service as inbox
from hub.kit import db, queue
from hub.kit.telemetry import log
from hub.knocks import keeper as knocks
from hub.notices import service as notices
from hub.operations import service as operations
from hub.operations import sweeper
from hub.operations.runner import Runner
from hub.outbox import mail
from hub.receipt.parcels import service as parcels
from hub.reconciliation import jobs as reconciling
from hub.reconciliation import service as reconciliation
from hub.runtime import Runtime, mail_server
from hub.sdk import Phase
from hub.simulations import service as simulations
from hub.webhooks import jobs as webhooks
from hub.wms import reading
from tenants.people import service as people

ALL_PHASES = tuple(Phase)
PRUNE_SECONDS = 600.0
# How late a connection may begin its nightly reconciliation.
NIGHTLY_SECONDS = 60.0
BEAT_SECONDS = 20.0
# Photos stay for days; what one beat does not get to, the next one does.
PHOTOS_SECONDS = 60.0
# Deadlines are whole days apart.
DEADLINES_SECONDS = 15.0

_log = log("worker")


async def run(runtime: Runtime, phases: Sequence[Phase], stop: asyncio.Event) -> None:
    """Work on the queues of these phases until `stop` is set; what is under way comes to its end first."""
    settings = runtime.settings
    runner = Runner(runtime.vendors, process.conclude)
    poller = inbox.Poller(runtime.vendors, process.import_channel_return, process.take_refusal)
    jobs: dict[str, dict[str, queue.Job]] = {phase.value: {operations.JOB: runner.job(phase)} for phase in phases}
    jobs[webhooks.QUEUE] = {webhooks.JOB: webhooks.Deliverer(runtime.egress, runtime.keyring).deliver}
    beats: list[Callable[[], Awaitable[object]]] = [
        lambda: sweeper.sweep([phase.value for phase in phases]),
        webhooks.sweep,
    ]
    if Phase.INITIATION in phases:
        backfiller = backfills.Backfiller(runtime.vendors, poller.handler)
        keeper = knocks.Keeper(runtime.vendors, settings.public_url)
        reconciler = reconciling.Reconciler(runtime.vendors)
        jobs[Phase.INITIATION.value] |= {
            inbox.JOB: poller.poll, backfills.JOB: backfiller.run, knocks.JOB: keeper.keep,
            reconciling.JOB: reconciler.run, simulations.JOB: simulations.run,
        }  # fmt: skip
        beats += [inbox.sweep, backfills.sweep, keeper.sweep, reconciliation.sweep, simulations.sweep]
    if Phase.RECEIPT in phases:
        reader = reading.Reader(runtime.vendors, process.receive_from_wms, settings.public_url)
        jobs[Phase.RECEIPT.value] |= {reading.JOB: reader.read}
        beats.append(reading.sweep)
    server = mail_server(settings)
    if server is not None:
        beats.append(mail.Sender(server, settings.mail_from or "", runtime.keyring).send_due)
    beats.append(notices.Notifier(runtime.post, runtime.keyring).beat)
    async with asyncio.TaskGroup() as group:
        for prune in (idempotency.prune, people.prune, webhooks.prune):
            group.create_task(_every(PRUNE_SECONDS, prune, stop))
        if Phase.INITIATION in phases:
            group.create_task(_every(NIGHTLY_SECONDS, lambda: reconciliation.nightly(runtime.vendors), stop))
        if Phase.RECEIPT in phases:
            group.create_task(_every(PRUNE_SECONDS, reading.prune, stop))
            group.create_task(_every(PHOTOS_SECONDS, lambda: evidence.sweep(runtime.photos), stop))
        if Phase.SETTLEMENT in phases:
            for slow in (timeouts.sweep, deadlines.warn, deadlines.recompute_changed, parcels.sweep):
                group.create_task(_every(DEADLINES_SECONDS, slow, stop))
        for beat in beats:
            group.create_task(_every(settings.sweep_seconds, beat, stop))
        group.create_task(queue.work(runtime.redis_url, jobs, most_at_once=settings.max_jobs, stop=stop))


async def _every(seconds: float, beat: Callable[[], Awaitable[object]], stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            async with asyncio.timeout(BEAT_SECONDS):
                await beat()
        except Exception as fault:  # noqa: BLE001 - a beat that fails must not end the worker in the middle of its calls
            _log.warning("a beat was missed", fault=type(fault).__name__, exc_info=not isinstance(fault, db.Lost))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), seconds)


def stop_on_signals(stop: asyncio.Event) -> None:
    """Let SIGTERM and SIGINT set `stop`."""
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stop.set)
