"""`hub demo`: start everything, let it happen, compare, and stay up."""

import asyncio
import contextlib
import math
import os
import shutil
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import click
import httpx
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from hub import migrations, serving, supervisor, worker
from hub.demo import doors, page
from hub.demo import report as reports
from hub.demo.doors import Door
from hub.demo.driver import Driver, Place
from hub.demo.follower import Follower
from hub.demo.plan import Case, Merchant, deliveries, merchants
from hub.demo.sandbox import Sandbox, key_of
from hub.engines import reachable
from hub.kit import db, embedded
from hub.runtime import NotReady, open_runtime
from hub.settings import Settings
from hub.web.live.streams import Streams
from tenants.keys.messages import NewKey
from tenants.keys.service import create_key
from tenants.messages import Role

HOST = "127.0.0.1"
FIRST_PORT = 8800
VENDOR = ("hub", "sandbox", "channelengine")
# Nothing of the demonstration waits longer than a look-up after a fault and its quiet time.
PATIENCE_SECONDS = 180.0
POLL_SECONDS = 0.25
# When the last box of all is there, as a share of the time over which the goods arrive.
MOST_LATE = 4.0


class Memory(msgspec.Struct, kw_only=True):
    """What the demonstration keeps between runs, in its folder."""

    web_port: int
    vendor_port: int
    page_port: int = 0
    key: str | None = None
    size: int = 0
    complete: bool = False


async def run(settings: Settings, *, once: bool, as_json: bool, faults: tuple[str, ...], size: int, over: float) -> int:
    """Run the demonstration, goods arriving over so many seconds; returns the exit status."""
    started = time.monotonic()
    folder = settings.data / "demo"
    memory = await _remember(folder, size)
    # The demonstration never touches a database of the operator's: it brings its own engines.
    own = msgspec.structs.replace(
        settings, data=folder, egress_allow=f"{HOST}:{memory.vendor_port}", host=HOST, database_url=None, redis_url=None
    )
    console = Console(stderr=True)
    with reachable(own) as engines:
        environment = _environment(own, engines)
        await _prepare(own, engines, memory, folder)
        face = page.Face(hub=f"http://{HOST}:{memory.web_port}")
        async with _processes(memory, folder, environment) as stop, _page(memory, face, console, once=once):
            places, flows = await _road(memory, faults, console, face, over)
            report = reports.Report(ok=reports.is_ok(flows), seconds=round(time.monotonic() - started, 1), flows=flows)
            memory.complete = report.ok
            face.agrees = report.ok
            _write(folder, memory)
            _show(report, as_json=as_json)
            if not once:
                face.doors = await _open_doors(own, engines, memory, places)
                doors.show(face.doors, console, hub=face.hub, vendor=f"http://{HOST}:{memory.vendor_port}")
                # The signal also ends whatever else may be under way, which is nothing any more.
                with contextlib.suppress(asyncio.CancelledError):
                    await stop.wait()
    return 0 if report.ok else 1


def _environment(settings: Settings, engines: Any) -> dict[str, str]:
    return {
        "HUB_DATA": str(settings.data),
        "HUB_DATABASE_URL": engines.database_url,
        "HUB_REDIS_URL": engines.redis_url,
        "HUB_EGRESS_ALLOW": settings.egress_allow,
        "HUB_PLUGINS": str(settings.plugins),
        "HUB_LOG_LEVEL": "error" if settings.log_level == "info" else settings.log_level,
    }


async def _remember(folder: Path, size: int) -> Memory:
    """Return what a run that was cut short left, or begin anew in an empty folder."""
    path = folder / "demo.json"
    if path.exists():
        memory = msgspec.json.decode(path.read_bytes(), type=Memory)
        if not memory.complete and memory.size == size:
            await _wait_for_ports(memory)
            return memory
        _sweep_away(folder)
    return _begin(folder, size)


def _begin(folder: Path, size: int) -> Memory:
    folder.mkdir(parents=True, exist_ok=True)
    web_port = _free_port(FIRST_PORT)
    vendor_port = _free_port(web_port + 1)
    page_port = _free_port(vendor_port + 1)
    memory = Memory(web_port=web_port, vendor_port=vendor_port, page_port=page_port, size=size)
    _write(folder, memory)
    return memory


def _sweep_away(folder: Path) -> None:
    embedded.stop(folder)
    shutil.rmtree(folder)


def _free_port(first: int) -> int:
    for port in range(first, first + 200):
        if serving.port_is_free(HOST, port):
            return port
    raise NotReady(f"No free port between {first} and {first + 200}.")


async def _wait_for_ports(memory: Memory) -> None:
    """Give the children of a killed run the moment they take to notice."""
    for _ in range(40):
        if serving.port_is_free(HOST, memory.web_port) and serving.port_is_free(HOST, memory.vendor_port):
            return
        await asyncio.sleep(0.25)
    raise NotReady(
        f"Port {memory.web_port} or {memory.vendor_port} is taken: is another `hub demo` running? "
        "End it, or set HUB_DATA to another folder."
    )


def _write(folder: Path, memory: Memory) -> None:
    fresh = folder / "demo.json.new"
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.encode(memory))
    fresh.replace(folder / "demo.json")


async def _prepare(settings: Settings, engines: Any, memory: Memory, folder: Path) -> None:
    await db.connect(engines.database_url, most=2)
    try:
        await migrations.migrate()
    finally:
        await db.disconnect()
    if memory.key is not None:
        return
    async with open_runtime(settings, database_url=engines.database_url, redis_url=engines.redis_url):
        shown = await create_key(NewKey(name="demo", role=Role.PLATFORM), actor="demo")
    memory.key = shown.key
    _write(folder, memory)


@asynccontextmanager
async def _processes(memory: Memory, folder: Path, environment: dict[str, str]) -> AsyncIterator[asyncio.Event]:
    """Keep sandbox, web and worker running for as long as the block runs or until a signal."""
    stop = asyncio.Event()
    worker.stop_on_signals(stop)
    tenants_of_vendor = [word for each in merchants(0) for word in ("--tenant", f"{each.tenant}={key_of(each.tenant)}")]
    journal = str(folder / "sandbox.journal")
    vendor_words = [*VENDOR, "--port", str(memory.vendor_port), "--journal", journal]
    children = (
        supervisor.Child(name="sandbox", words=[*vendor_words, *tenants_of_vendor], environment={}),
        supervisor.Child(name="web", words=["hub", "web", "--port", str(memory.web_port)], environment=environment),
        supervisor.Child(name="worker", words=["hub", "worker"], environment=environment),
    )
    keepers = [asyncio.create_task(supervisor.keep(child, stop)) for child in children]
    main = asyncio.current_task()
    ending = asyncio.create_task(_cancel_on(stop, main))
    try:
        yield stop
    finally:
        ending.cancel()
        stop.set()
        await asyncio.gather(*keepers, return_exceptions=True)


async def _cancel_on(stop: asyncio.Event, main: "asyncio.Task[Any] | None") -> None:
    await stop.wait()
    if main is not None:
        main.cancel()


@asynccontextmanager
async def _page(memory: Memory, face: page.Face, console: Console, *, once: bool) -> AsyncIterator[None]:
    """Show the live page for as long as the block runs, unless nobody is there to look."""
    if once:
        yield
        return
    streams = Streams()
    async with (
        httpx.AsyncClient(base_url=f"http://{HOST}:{memory.vendor_port}", timeout=30) as vendor_http,
        httpx.AsyncClient(base_url=face.hub, timeout=30) as hub_http,
    ):
        plan = merchants(memory.size)
        follower = Follower(hub_http, Sandbox(vendor_http), plan, key=memory.key or "", streams=streams)
        port = memory.page_port or _free_port(FIRST_PORT)
        async with page.shown(page.Showing(follower, streams, face), host=HOST, port=port):
            console.print(f"\nWatch the road live: [bold]http://{HOST}:{port}[/bold]\n", highlight=False)
            yield


async def _road(
    memory: Memory, faults: tuple[str, ...], console: Console, face: page.Face, over: float
) -> tuple[dict[str, Place], tuple[reports.Flow, ...]]:
    vendor_url = f"http://{HOST}:{memory.vendor_port}"
    async with (
        httpx.AsyncClient(base_url=vendor_url, timeout=30) as vendor_http,
        httpx.AsyncClient(base_url=f"http://{HOST}:{memory.web_port}", timeout=60) as hub_http,
    ):
        await _until_up(vendor_http, "/_sandbox/health", "the sandbox")
        await _until_up(hub_http, "/health", "the web process")
        sandbox = Sandbox(vendor_http)
        driver = Driver(hub_http, key=memory.key or "", vendor=vendor_url)
        plan = merchants(memory.size)
        with _progress(console) as progress:
            places = await _set_up(driver, sandbox, plan, progress)
            face.doors = doors.of_keys(face.hub, memory.key or "", plan, places)
            return places, await _drive(driver, sandbox, plan, places, faults, progress, over)


async def _set_up(driver: Driver, sandbox: Sandbox, plan: tuple[Merchant, ...], progress: "Steps") -> dict[str, Place]:
    progress.begin(sum(len(merchant.cases) for merchant in plan))
    await sandbox.fail(())
    places = {}
    for merchant in plan:
        await sandbox.sell(merchant)
        places[merchant.tenant] = await driver.set_up(merchant)
        await sandbox.send_back(merchant)
        await driver.ask_for_news(places[merchant.tenant], 0)
    return places


async def _drive(
    driver: Driver,
    sandbox: Sandbox,
    plan: tuple[Merchant, ...],
    places: dict[str, Place],
    faults: tuple[str, ...],
    progress: "Steps",
    over: float,
) -> tuple[reports.Flow, ...]:
    try:
        await sandbox.fail(faults)
    except httpx.HTTPStatusError as refused:
        raise NotReady(f"The sandbox does not know this fault: {refused.response.text}") from refused
    await asyncio.gather(*(_one(driver, merchant, places[merchant.tenant], progress, over) for merchant in plan))
    flows: list[reports.Flow] = []
    for merchant in plan:
        place = places[merchant.tenant]
        flows += reports.compare(merchant, await driver.returns(place), await sandbox.ledger(merchant))
    return tuple(flows)


async def _one(driver: Driver, merchant: Merchant, place: Place, progress: "Steps", over: float) -> None:
    """Run one merchant's returns to their end: receive each when its goods arrive, then wait for the settlements."""
    await driver.create_returns(merchant, place)
    cases = {case.order: case for case in merchant.cases}
    booked = dict.fromkeys(cases, 0)
    begun = asyncio.get_running_loop().time()
    end = begun + over * MOST_LATE + PATIENCE_SECONDS
    while asyncio.get_running_loop().time() < end:
        found = await driver.returns(place)
        here = arrived(merchant.cases, asyncio.get_running_loop().time() - begun, over)
        due = [each for each in found if here.get(each["order_number"], 0) > booked.get(each["order_number"], 0)]
        progress.initiated(merchant.tenant, len(found))
        await asyncio.gather(*(_receive(driver, place, cases, each, booked, here) for each in due))
        progress.received(merchant.tenant, sum(booked[order] == boxes(case) for order, case in cases.items()))
        settled = sum(each["status"] == "completed" for each in found)
        progress.settled(merchant.tenant, settled)
        if settled == len(cases):
            return
        await asyncio.sleep(POLL_SECONDS)


def boxes(case: Case) -> int:
    """Return in how many boxes the goods of a return arrive."""
    return len(deliveries(case.story))


def arrived(cases: Sequence[Case], seconds: float, over: float) -> dict[str, int]:
    """Return how many boxes of each order are there after so many seconds.

    First boxes arrive evenly in the order of the plan, each further one a quarter of the whole time after it.
    """
    share = seconds / over if over else MOST_LATE
    there = {case.order: share - (place + 1) / len(cases) for place, case in enumerate(cases)}
    return {case.order: min(max(math.floor(there[case.order] * 4) + 1, 0), boxes(case)) for case in cases}


async def _receive(
    driver: Driver,
    place: Place,
    cases: dict[str, Case],
    found: dict[str, Any],
    booked: dict[str, int],
    here: dict[str, int],
) -> None:
    order = found["order_number"]
    if found["status"] != "completed":
        for box in range(booked[order], here[order]):
            await driver.receive(place, cases[order], found["number"], box)
    booked[order] = here[order]


async def _until_up(http: httpx.AsyncClient, path: str, what: str) -> None:
    for _ in range(240):
        with contextlib.suppress(httpx.TransportError):
            if (await http.get(path)).status_code == httpx.codes.OK:
                return
        await asyncio.sleep(0.125)
    raise NotReady(f"{what} did not come up within 30 seconds; HUB_LOG_LEVEL=debug shows why.")


class Steps:
    """The three bars of the road."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}
        self._counts: dict[str, dict[str, int]] = {}

    def begin(self, total: int) -> None:
        """Show the bars, empty."""
        for name in ("initiated", "received", "settled"):
            self._tasks[name] = self._progress.add_task(name, total=total)
            self._counts[name] = {}

    def initiated(self, tenant: str, count: int) -> None:
        """Note how many of a merchant's returns are there."""
        self._set("initiated", tenant, count)

    def received(self, tenant: str, count: int) -> None:
        """Note how many of a merchant's returns have arrived."""
        self._set("received", tenant, count)

    def settled(self, tenant: str, count: int) -> None:
        """Note how many of a merchant's returns are settled."""
        self._set("settled", tenant, count)

    def _set(self, name: str, tenant: str, count: int) -> None:
        self._counts[name][tenant] = count
        self._progress.update(self._tasks[name], completed=sum(self._counts[name].values()))


@contextmanager
def _progress(console: Console) -> Iterator[Steps]:
    columns = (TextColumn("{task.description:>10}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        yield Steps(progress)


def _show(report: reports.Report, *, as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.encode(report).decode())
    else:
        reports.show(report, Console())


async def _open_doors(settings: Settings, engines: Any, memory: Memory, places: dict[str, Place]) -> Sequence[Door]:
    plan, hub = merchants(memory.size), f"http://{HOST}:{memory.web_port}"
    async with open_runtime(settings, database_url=engines.database_url, redis_url=engines.redis_url):
        people = await doors.of_people(plan, places, address=hub)
    return (*people, *doors.of_keys(hub, memory.key or "", plan, places))
