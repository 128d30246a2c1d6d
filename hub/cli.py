"""The command line: `hub --help` lists what a stranger can do."""

import asyncio
import os
import runpy
import sys
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from hub import authoring, checking, migrations, serving, supervisor, worker
from hub.audit import command as audit_command
from hub.bench import command as bench_command
from hub.bench import decisions as decision_bench
from hub.bench import scanning as bench_scanning
from hub.bench import simulation as simulation_bench
from hub.demo import command as demo_command
from hub.engines import reachable
from hub.kit import db
from hub.plugins.loader import load
from hub.reconciliation import command as reconciliation_command
from hub.runtime import open_runtime
from hub.sdk import Phase
from hub.settings import Settings
from hub.terminal import fail, read_settings, run, told
from tenants.keys import service as api_keys
from tenants.keys.messages import NewKey
from tenants.messages import Role
from tenants.people.links import service as links
from tenants.people.messages import Profile
from tenants.permissions import matrix

Made = TypeVar("Made")
PHASES = click.Choice([phase.value for phase in Phase])


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="returns-hub", prog_name="hub")
def cli() -> None:
    r"""The returns hub: imports returns, has them received and settles them, once.

    \b
    Without configuration it runs on engines of its own in the folder .hub.
    See it work:         hub demo
    Run it for real:     hub up
    """


@cli.command()
@click.option("--once", is_flag=True, help="End after the run; exit status 0 only if the ledger agrees in every line.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="EFFECT=KIND/N",
    help="Let the sandbox fail, e.g. settle=500-after/3, or picqer:POST /api/v1/returns=500-after/3.",
)
@click.option("--returns", "size", default=24, show_default=True, help="Returns per account.")
@click.option(
    "--over",
    type=click.FloatRange(0, 3600),
    help="Seconds over which the goods arrive [default: 30, with --once 0].",
)
def demo(*, once: bool, as_json: bool, faults: tuple[str, ...], size: int, over: float | None) -> None:
    """Watch returns of both kinds go from initiated to settled against a sandbox.

    It prints the address of a page that shows the road live, and stays up until interrupted, unless with --once.
    It keeps everything in .hub/demo: interrupt or kill it at any moment and start it again; it goes on where it was.
    """
    with told():
        # Watching takes time; a run that only has to be right takes none.
        pace = over if over is not None else 0.0 if once else 30.0
        sys.exit(
            run(demo_command.run(read_settings(), once=once, as_json=as_json, faults=faults, size=size, over=pace))
        )


@cli.command()
@click.option("--port", type=int, help="Where the web process listens [default: HUB_PORT or 8800].")
def up(port: int | None) -> None:
    """Run the whole hub on this machine: engines, migrations, web and worker, until interrupted."""
    with told():
        settings = read_settings()
        matrix()
        load(settings.plugins)
        with reachable(settings) as engines:
            environment = {"HUB_DATABASE_URL": engines.database_url, "HUB_REDIS_URL": engines.redis_url}
            if port is not None:
                environment["HUB_PORT"] = str(port)
            run(_up(environment, settings, port or settings.port))


async def _up(environment: dict[str, str], settings: Settings, port: int) -> None:
    await _migrate(environment["HUB_DATABASE_URL"])
    stop = asyncio.Event()
    worker.stop_on_signals(stop)
    click.echo(f"The hub is at http://{settings.host}:{port}. Make yourself a key with: hub keys create", err=True)
    async with asyncio.TaskGroup() as group:
        for name in ("web", "worker"):
            child = supervisor.Child(name=name, words=["hub", name], environment=environment)
            group.create_task(supervisor.keep(child, stop))


@cli.command()
@click.option("--port", type=int, help="Where to listen [default: HUB_PORT or 8800].")
def web(port: int | None) -> None:
    """Run the web process: API, pages, health and metrics."""
    with told():
        settings = read_settings()
        with reachable(settings) as engines:
            chosen = msgspec.structs.replace(settings, port=port or settings.port)
            run(_web(chosen, engines.database_url, engines.redis_url))


async def _web(settings: Settings, database_url: str, redis_url: str) -> None:
    async with open_runtime(settings, database_url=database_url, redis_url=redis_url) as runtime:
        await serving.serve(runtime, host=settings.host, port=settings.port)


@cli.command("worker")
@click.option(
    "--phase", "phases", multiple=True, type=PHASES, help="Only this phase's queue; may be given more than once."
)
def work(phases: tuple[str, ...]) -> None:
    """Run the worker: the jobs of the phases initiation, receipt and settlement."""
    with told():
        settings = read_settings()
        wanted = tuple(Phase(phase) for phase in phases) or worker.ALL_PHASES
        with reachable(settings) as engines:
            run(_work(settings, engines.database_url, engines.redis_url, wanted))


async def _work(settings: Settings, database_url: str, redis_url: str, phases: Sequence[Phase]) -> None:
    stop = asyncio.Event()
    worker.stop_on_signals(stop)
    async with (
        open_runtime(settings, database_url=database_url, redis_url=redis_url) as runtime,
        asyncio.TaskGroup() as group,
    ):
        group.create_task(supervisor.follow_parent(stop))
        group.create_task(worker.run(runtime, phases, stop))


@cli.command()
def migrate() -> None:
    """Bring the database to the shape that this version needs; safe to repeat."""
    with told():
        settings = read_settings()
        with reachable(settings) as engines:
            ran = run(_migrate(engines.database_url))
        click.echo(f"ran {', '.join(ran)}" if ran else "nothing to do")


async def _migrate(database_url: str) -> list[str]:
    await db.connect(database_url, most=2, command_seconds=None)
    try:
        await db.refuse_unsafe_role()
        return await migrations.migrate()
    finally:
        await db.disconnect()


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def check(*, as_json: bool) -> None:
    """Name everything that is wrong at once; exit status 0 if nothing is."""
    report = checking.run(os.environ)
    click.echo(report.as_json() if as_json else report.as_text())
    sys.exit(0 if report.ok else 1)


@cli.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("name")
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def sandbox(name: str, words: tuple[str, ...]) -> None:
    """Run the sandbox of a connector, the vendor played on this machine: hub sandbox channelengine --help."""
    with told():
        module = f"connectors.{name}.sandbox"
        if not name.isidentifier() or not _has_sandbox(name):
            there = ", ".join(sorted(path.parent.name for path in Path(_connectors()).glob("*/sandbox")))
            fail([f"There is no sandbox {name!r}; there are: {there}."])
        supervisor.follow_parent_from_a_thread()
        sys.argv = [f"hub sandbox {name}", *words]
        runpy.run_module(module, run_name="__main__", alter_sys=True)


def _connectors() -> str:
    import connectors  # noqa: PLC0415 - only this command looks into the folder

    return next(iter(connectors.__path__))


def _has_sandbox(name: str) -> bool:
    return (Path(_connectors()) / name / "sandbox").is_dir()


@cli.group()
def connector() -> None:
    """Write a connector, and see whether it keeps its promises."""


@connector.command("new")
@click.argument("name")
@click.option(
    "--in", "folder", type=click.Path(file_okay=False, path_type=Path), default=Path(), help="Where [default: here]."
)
def new_connector(name: str, folder: Path) -> None:
    """Write a Python project with a connector to begin from; it keeps the first tier as it is."""
    with told():
        project = authoring.new(name, folder)
    click.echo(f"{project} is there. See what it keeps: cd {project} && hub connector test {name}")


@connector.command("test")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print the report as one JSON object.")
def test_connector(name: str, *, as_json: bool) -> None:
    """Run the conformance kit; exit status 0 if the connector keeps what it claims."""
    with told():
        report = run(authoring.test(name))
    click.echo(report.as_json() if as_json else report.as_text())
    sys.exit(0 if report.ok else 1)


@cli.command()
@click.option("--account", metavar="NAME|ID", help="Only this account's connections.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Compare from this day on [default: 35 days ago].")
@click.option("--repair", is_flag=True, help="Repair each difference as it says.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
def reconcile(*, account: str | None, since: datetime | None, repair: bool, as_json: bool) -> None:
    """Compare the hub with its channels now; exit status 0 if nothing differs, or all was repaired."""
    begin = since.replace(tzinfo=UTC) if since else None
    wanted = reconciliation_command.Wanted(account=account, since=begin, repair=repair, as_json=as_json)
    with told():
        settings = read_settings()
        with reachable(settings) as engines:
            sys.exit(run(_reconcile(settings, engines.database_url, engines.redis_url, wanted)))


async def _reconcile(
    settings: Settings, database_url: str, redis_url: str, wanted: reconciliation_command.Wanted
) -> int:
    async with open_runtime(settings, database_url=database_url, redis_url=redis_url) as runtime:
        return await reconciliation_command.run(runtime, wanted)


@cli.group()
def audit() -> None:
    """The audit log: prove that nobody changed it."""


@audit.command("verify")
@click.option("--anchors", type=click.Path(dir_okay=False, path_type=Path), help="A file of earlier anchors to meet.")
def verify_audit(anchors: Path | None) -> None:
    """Walk the whole chain; exit status 0 if it is sound, else the first broken entry is named."""
    with told():
        said, sound = _with_runtime(read_settings(), partial(audit_command.verify, anchors))
    click.echo(said, err=not sound)
    sys.exit(0 if sound else 1)


@audit.command("anchor")
@click.option("--to", type=click.Path(dir_okay=False, path_type=Path), help="Also add it to this file, kept elsewhere.")
def anchor_audit(to: Path | None) -> None:
    """Print the end of the chain, by which a log that is cut off later is found out."""
    with told():
        click.echo(_with_runtime(read_settings(), partial(audit_command.anchor, to)))


@cli.group()
def bench() -> None:
    """Benchmarks: ratios against a floor written by hand, measured in one run."""


@bench.command("cycle")
@click.option("--returns", "size", default=600, show_default=True, help="Returns per round.")
@click.option("--rounds", default=3, show_default=True, help="Rounds; the median ratio counts.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
@click.option("--profile", is_flag=True, help="Print where the hub's time goes.")
def bench_cycle(*, size: int, rounds: int, as_json: bool, profile: bool) -> None:
    """Full returns per second (import, acknowledge, receive, settle) beside the floor."""
    with told():
        sys.exit(
            run(bench_command.run_cycle(read_settings(), returns=size, rounds=rounds, as_json=as_json, profile=profile))
        )


@bench.command("decisions")
@click.option("--rounds", default=3, show_default=True, help="Rounds; of each figure the middle one counts.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
def bench_decisions(*, rounds: int, as_json: bool) -> None:
    """Decisions of a policy per second, and how that falls with the number of its rules."""
    decision_bench.run(rounds=rounds, as_json=as_json)


@bench.command("simulation")
@click.option("--returns", "size", default=10_000, show_default=True, help="Past returns.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
def bench_simulation(*, size: int, as_json: bool) -> None:
    """A changed window simulated over many returns; exit status 0 if it finds exactly those that change."""
    with told():
        sys.exit(run(simulation_bench.run(read_settings(), returns=size, as_json=as_json)))


@bench.command("scan")
@click.option("--few", default=1_000, show_default=True, help="Open returns at first.")
@click.option("--many", default=100_000, show_default=True, help="Open returns then.")
@click.option("--scans", default=1_000, show_default=True, help="Scans measured at each size.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
def bench_scan(*, few: int, many: int, scans: int, as_json: bool) -> None:
    """How much slower a scan at a warehouse is answered among many open returns than among few."""
    with told():
        sys.exit(run(bench_scanning.run_scans(read_settings(), few=few, many=many, scans=scans, as_json=as_json)))


@cli.group()
def keys() -> None:
    """API keys."""


@keys.command("create")
@click.option("--name", default="operator", show_default=True, help="A name to find it by.")
def create_key(name: str) -> None:
    """Make an API key of the role platform and print it; other keys are made with it through the API."""
    with told():
        new = NewKey(name=name, role=Role.PLATFORM)
        click.echo(_with_runtime(read_settings(), partial(_create_key, new)))


async def _create_key(new: NewKey) -> str:
    return (await api_keys.create_key(new, actor="command line")).key


@cli.group()
def user() -> None:
    """People: the first support admin, and links that let somebody in."""


@user.command("create")
@click.argument("email")
@click.option("--name", help="What the hub calls them [default: the first part of the address].")
def create_user(email: str, name: str | None) -> None:
    """Make a support admin and print a link that signs them in once, within a day; safe to repeat."""
    with told():
        settings = read_settings()
        profile = Profile(name=name or email.partition("@")[0] or "admin")
        make = partial(links.make_support_admin, email, profile, address=settings.address, actor="command line")
        click.echo(_with_runtime(settings, make))


@user.command("link")
@click.argument("email")
@click.option("--forget-factors", is_flag=True, help="Also forget their authenticator app, passkeys and password.")
def link_user(email: str, *, forget_factors: bool) -> None:
    """Print a link that signs a user in once, for somebody who is locked out."""
    with told():
        settings = read_settings()
        make = partial(links.sign_in_link, email, address=settings.address, forget=forget_factors, actor="command line")
        click.echo(_with_runtime(settings, make))


def _with_runtime(settings: Settings, work: Callable[[], Coroutine[Any, Any, Made]]) -> Made:
    """Do something in an open and migrated hub, on its own engines or on those that are configured."""
    with reachable(settings) as engines:
        found: Made = run(_inside(settings, engines.database_url, engines.redis_url, work))
    return found


async def _inside(
    settings: Settings, database_url: str, redis_url: str, work: Callable[[], Coroutine[Any, Any, Made]]
) -> Made:
    await _migrate(database_url)
    async with open_runtime(settings, database_url=database_url, redis_url=redis_url):
        return await work()


def main() -> None:
    """Run the command line."""
    cli()
