"""`hub reconcile`: compare the hub with its channels now, say what differs, and repair it if asked to."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import datetime
from uuid import UUID

import click
import msgspec

from hub.kit import db
from hub.kit.errors import HubError, NotFound
from hub.reconciliation import queries, repairs, service
from hub.reconciliation.jobs import Reconciler
from hub.reconciliation.messages import DifferenceView, Listed, ReconciliationView
from hub.runtime import Runtime
from tenants import queries as tenants
from tenants.messages import AccountView, ConnectionView

BY = "command line"
PAGE = 200
# How often a person is told how far it is, and how often a run that waits is looked at again.
TELL_SECONDS, LOOK_SECONDS = 1.0, 0.5


class Report(msgspec.Struct, kw_only=True):
    """What a command found: every run, and what differs where nothing repaired it."""

    ok: bool = True
    reconciliations: list[ReconciliationView] = []
    differences: list[DifferenceView] = []


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What to compare, by its name or id, since when, and what to do about it."""

    account: str | None = None
    since: datetime | None = None
    repair: bool = False
    as_json: bool = False


async def run(runtime: Runtime, wanted: Wanted) -> int:
    """Compare one account's connections, or everybody's; exit status 0 if nothing is left that differs."""
    report = Report()
    names = {each.id: each.name async for each in _accounts(wanted.account)}
    if not names:
        who = f"There is no account {wanted.account!r}." if wanted.account else "There is no account yet."
        raise NotFound("account_not_found", who)
    async for connection in _connections(runtime, names):
        name = f"{names[connection.account_id or UUID(int=0)]}, {connection.name}"
        await _one(runtime, connection, name, wanted, report)
    if wanted.as_json:
        click.echo(msgspec.json.encode(report).decode())
    else:
        compared = sum(each.compared for each in report.reconciliations)
        click.echo(f"{compared} compared, {len(report.differences)} differ.")
    return 0 if report.ok else 1


async def _accounts(wanted: str | None) -> AsyncIterator[AccountView]:
    after: UUID | None = None
    while True:
        async with db.transaction(db.PLATFORM):
            found = await tenants.accounts(after, PAGE)
        for each in found:
            if wanted is None or wanted in {each.name, str(each.id)}:
                yield each
        if len(found) < PAGE:
            return
        after = found[-1].id


async def _connections(runtime: Runtime, names: dict[UUID, str]) -> AsyncIterator[ConnectionView]:
    able, after = service.able(runtime.vendors.connectors), None
    while True:
        async with db.transaction(db.PLATFORM):
            found = await tenants.connections(after, PAGE)
        for each in found:
            if each.account_id in names and each.connector in able:
                yield each
        if len(found) < PAGE:
            return
        after = found[-1].id


async def _one(runtime: Runtime, connection: ConnectionView, name: str, wanted: Wanted, report: Report) -> None:
    if connection.state != "active":
        _say(f"{name}: not compared, the connection is paused: {connection.paused_why}")
        report.ok = False
        return
    async with db.transaction(db.PLATFORM):
        held = await tenants.connection(connection.id)
    begun = await service.start(held, runtime.vendors, since=wanted.since, by=BY)
    ended = await _drive(Reconciler(runtime.vendors), begun, name)
    report.reconciliations.append(ended)
    if ended.state != "done":
        _say(f"{name}: it failed: {ended.why}")
        report.ok = False
    for each in await _open(ended):
        await _tell(runtime, each, name, report, repair=wanted.repair)


async def _drive(reconciler: Reconciler, begun: ReconciliationView, name: str) -> ReconciliationView:
    """Take the steps of a run until it has ended, beside whatever worker takes them too."""
    told, said = time.monotonic(), ""
    while True:
        moved = await reconciler.step(begun.id)
        async with db.transaction(db.account(begun.account_id)):
            now = await queries.reconciliation(begun.account_id, begun.id)
        if now is None or now.state != "running":
            return now or begun
        if time.monotonic() - told > TELL_SECONDS:
            told = time.monotonic()
            waits = f", {now.why} until {now.next_at:%H:%M:%S}" if now.why and now.next_at else ""
            said = _say_once(f"{name}: {now.compared} compared{waits}", said)
        if not moved:
            await asyncio.sleep(LOOK_SECONDS)


def _say_once(line: str, said: str) -> str:
    if line != said:
        _say(line)
    return line


async def _open(ended: ReconciliationView) -> list[DifferenceView]:
    found: list[DifferenceView] = []
    while True:
        async with db.transaction(db.account(ended.account_id)):
            more = await queries.differences(
                account_id=ended.account_id, connection_id=ended.connection_id, kind=None, listed=Listed.OPEN,
                after=found[-1].id if found else None, limit=PAGE,
            )  # fmt: skip
        found += more
        if len(more) < PAGE:
            return found


async def _tell(runtime: Runtime, each: DifferenceView, name: str, report: Report, *, repair: bool) -> None:
    _say(f"{name}: {each.kind}: {each.cause}")
    if not repair:
        _say(f"    repair: {each.repair_does}")
        report.differences.append(each)
        report.ok = False
        return
    try:
        done = await repairs.repair(runtime.vendors, each, actor=BY)
    except HubError as wrong:
        _say(f"    not repaired: {wrong}")
        report.differences.append(each)
        report.ok = False
        return
    _say(f"    {done.outcome}")
    report.differences.append(done)


def _say(text: str) -> None:
    click.echo(text, err=True)
