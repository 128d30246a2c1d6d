"""Accounts at many marketplaces, everything going wrong that can, to the end: the vendor's books agree with the hub."""

import os
from collections.abc import AsyncIterator

import pytest

from hub.kit import clock
from hub.runtime import Runtime
from tests.conftest import Clock
from tests.support.great_world import GreatWorld
from tests.support.judge import broken_rules
from tests.support.vendor import Vendor
from tests.support.world import World

# Accounts, marketplaces, returns and merchant orders for each account; a drill takes a bigger world than the suite.
SIZE = tuple(int(each) for each in os.environ.get("HUB_TEST_WORLD", "2x6x40x8").split("x"))


@pytest.fixture
async def great_world(hub: Runtime, stopped: Clock) -> AsyncIterator[GreatWorld]:
    """A hub and a vendor that go by one clock."""
    vendor = Vendor()
    async with vendor.serving(clock=clock.now), World.opened(hub, vendor, stopped) as world:
        yield GreatWorld(world, seed=7)


async def test_whatever_goes_wrong_every_return_ends_as_it_must_and_is_paid_once(great_world: GreatWorld) -> None:
    tenants, marketplaces, returns, orders = SIZE
    await great_world.begin(tenants=tenants, marketplaces=marketplaces, returns=returns, merchant_orders=orders)
    rounds = await great_world.live(rounds=400)
    wrong = await great_world.wrong()
    assert wrong == [], "\n".join(wrong)
    assert rounds < 400
    assert await broken_rules() == {}
