"""`hub reconcile`: what it prints, and its exit status."""

from datetime import timedelta

import msgspec
import pytest

from hub.kit import clock, db
from hub.kit.errors import NotFound
from hub.reconciliation import command
from hub.reconciliation.command import Report, Wanted
from tenants import queries as tenants
from tests.support.disorder import Disorder, lost_settlement, not_imported
from tests.support.world import World


@pytest.fixture
async def disorder(world: World) -> Disorder:
    await world.vendor.set_clock(clock.now())
    made = Disorder(world, await world.shop())
    await lost_settlement(made)
    await (await not_imported(made))()
    await later(world)
    return made


async def later(world: World) -> None:
    world.watch.forward(minutes=10)
    await world.vendor.set_clock(clock.now())


async def test_it_names_each_difference_with_its_repair_and_ends_with_one(
    world: World, disorder: Disorder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await command.run(world.hub, Wanted()) == 1
    told = capsys.readouterr()
    assert "the channel still waits for a decision." in told.err
    assert told.err.count("repair: ") == 2
    assert told.out.endswith("2 differ.\n")


async def test_it_repairs_and_ends_with_zero_and_then_nothing_differs(
    world: World, disorder: Disorder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await command.run(world.hub, Wanted(repair=True, as_json=True)) == 0
    report = msgspec.json.decode(capsys.readouterr().out, type=Report)
    assert report.ok
    assert [each.repaired_by for each in report.differences] == ["command line"] * 2
    await world.work_until_quiet()
    await later(world)
    assert await command.run(world.hub, Wanted(as_json=True)) == 0
    report = msgspec.json.decode(capsys.readouterr().out, type=Report)
    assert (report.differences, report.reconciliations[0].found) == ([], 0)


async def test_one_account_may_be_named_by_its_name_or_id(
    world: World, disorder: Disorder, capsys: pytest.CaptureFixture[str]
) -> None:
    other = await world.shop("other")
    for name in (other.tenant, str(other.account)):
        assert await command.run(world.hub, Wanted(account=name)) == 0
    assert await command.run(world.hub, Wanted(account=disorder.shop.tenant)) == 1
    with pytest.raises(NotFound, match="no account 'nobody'"):
        await command.run(world.hub, Wanted(account="nobody"))


async def test_what_is_older_than_the_day_it_is_asked_from_is_left_out(world: World, disorder: Disorder) -> None:
    assert await command.run(world.hub, Wanted(since=clock.now() - timedelta(minutes=1))) == 0


async def test_a_paused_connection_is_said_not_to_be_compared(
    world: World, disorder: Disorder, capsys: pytest.CaptureFixture[str]
) -> None:
    async with db.transaction(db.PLATFORM):
        held = await tenants.connection(disorder.shop.connection)
        await tenants.pause(held.id, "the key was revoked", held.sealed)
    assert await command.run(world.hub, Wanted()) == 1
    assert "the connection is paused: the key was revoked" in capsys.readouterr().err
