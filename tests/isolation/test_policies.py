"""Every row-level policy holds something: without any one of them the check of who sees what fails."""

from typing import Any

import msgspec
import pytest

from hub.kit import db
from tests.support import seeing
from tests.support.judge import one, rows
from tests.support.parties import full_road, leave, partner_of
from tests.support.seeing import Picture
from tests.support.world import World

STRANGER = "a connection without a scope"


class Undone(Exception):  # noqa: N818 - it says the fact
    """Rolls back what a test did to the database."""


class Town:
    """Two merchants, two partners that receive for one and for both, and everything that is written about them."""

    def __init__(self, scopes: dict[str, db.Scope], everything: Picture) -> None:
        self.scopes = scopes
        self.everything = everything

    async def leaks_after(self, *changes: str) -> list[str]:
        """Change the database, look for leaks, and undo the change."""
        found: list[str] = []
        try:
            async with db.transaction(db.PLATFORM) as held:
                for change in changes:
                    await held.connection.execute(change)
                found = await seeing.leaks(held.connection, self.scopes, self.everything)
                raise Undone  # noqa: TRY301 - leaving by an exception is what undoes it
        except Undone:
            return found


@pytest.fixture
async def town(world: World) -> Town:
    ours, theirs = await full_road(world, "ours"), await full_road(world, "theirs")
    first = await partner_of(world, "first", ours, theirs)
    second = await partner_of(world, "second", theirs)
    scopes = {
        "our account": db.account(ours.account),
        "their account": db.account(theirs.account),
        "the first partner": db.partner(first.id),
        "the second partner": db.partner(second.id),
        "our return hub": db.warehouse(ours.warehouse),
        "the first partner's warehouse": db.warehouse(first.warehouse),
        "the platform": db.PLATFORM,
        STRANGER: db.Scope(),
    }
    there = msgspec.structs.replace(ours, warehouse=first.warehouse)
    routed = await one("select id from returns where number = $1", first.numbers[ours.tenant])
    async with db.transaction(db.PLATFORM) as held:
        await leave("photos", there, routed)
        everything = await seeing.picture(held.connection, await seeing.tables(held.connection))
    assert all(everything.values()), [table for table, held in everything.items() if not held]
    return Town(scopes, everything)


async def policies() -> list[dict[str, Any]]:
    found = await rows("select tablename, policyname from pg_policies where schemaname = current_schema()")
    assert len(found) > 40
    return found


async def test_each_party_sees_exactly_what_is_its_own(town: Town) -> None:
    assert await town.leaks_after() == []


async def test_each_policy_that_is_dropped_is_missed(town: Town) -> None:
    for each in await policies():
        dropped = f"drop policy {each['policyname']} on {each['tablename']}"
        assert await town.leaks_after(dropped) != [], dropped
    assert await town.leaks_after() == []


async def test_each_policy_that_lets_everybody_in_is_noticed(town: Town) -> None:
    for each in await policies():
        opened = f"alter policy {each['policyname']} on {each['tablename']} using (true)"
        assert await town.leaks_after(opened) != [], opened


async def test_each_table_whose_owner_is_not_held_to_its_policies_is_noticed(town: Town) -> None:
    for table in town.everything:
        opened = f"alter table {table} no force row level security"
        assert await town.leaks_after(opened) != [], opened
