"""Worker processes that are killed without a word: another one finishes what they began, once.

It takes as long as a lease, so it is a drill: `pytest -m drill` runs it alone, `-m "not drill"` leaves it out.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from hub.kit.embedded import Engines
from hub.runtime import Runtime
from hub.sdk.messages import Kind
from tests.support.judge import broken_rules, differences, one, rows
from tests.support.storm import until
from tests.support.vendor import Vendor
from tests.support.world import World

# A call that may take a second makes a lease that runs out in eleven.
PLUGINS = '[plugins.channelengine]\nmodule = "connectors.channelengine"\ntimeout_seconds = 1\n'
RETURNS = 30


class Wall:
    """The real clock, which nobody moves."""

    def forward(self, **span: float) -> None:
        raise AssertionError(span)


@pytest.fixture
async def live(hub: Runtime, vendor: Vendor) -> AsyncIterator[World]:
    """A world in which time passes by itself."""
    async with World.opened(hub, vendor, Wall()) as opened:
        yield opened


@pytest.fixture
def environment(hub: Runtime, own_engines: Engines, tmp_path: Path) -> dict[str, str]:
    """What a worker process of this hub is started with."""
    plugins = tmp_path / "plugins.toml"
    plugins.write_text(PLUGINS, encoding="utf-8")
    ours = {name: value for name, value in os.environ.items() if not name.startswith("HUB_")}
    return {
        **ours, "HUB_DATABASE_URL": own_engines.database_url, "HUB_REDIS_URL": own_engines.redis_url,
        "HUB_DATA": str(hub.settings.data), "HUB_EGRESS_ALLOW": "127.0.0.1", "HUB_PLUGINS": str(plugins),
        "HUB_SWEEP_SECONDS": "0.2", "HUB_LOG_LEVEL": "error",
    }  # fmt: skip


@asynccontextmanager
async def worker(environment: dict[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    """A worker process; whatever happens, it is gone in the end."""
    words = [sys.executable, "-m", "hub", "worker"]
    process = await asyncio.create_subprocess_exec(*words, env=environment, cwd=Path(__file__).parents[2])
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.mark.drill
async def test_a_worker_killed_in_the_middle_of_thirty_settlements_leaves_thirty_refunds(
    live: World, environment: dict[str, str]
) -> None:
    shop = await live.shop()
    for number in range(RETURNS):
        make = live.channel_return if number % 2 else live.merchant_return
        stored = await make(shop, f"SO-{number}", {"SHOE": 1})
        await live.receive(shop, stored.number, [("SHOE", 1, "A")])
    # The vendor acts at once and answers too late: whoever is killed now does not know what it did.
    await live.vendor.fail("settle=timeout-after:3", "create=timeout-after:3")
    async with worker(environment) as first:
        await until(lambda: paid(live, shop.tenant, 6), seconds=20)
        first.send_signal(signal.SIGKILL)
        await first.wait()
    left = await one("select count(*) from operations where effect = 'settle' and state = 'claimed'")
    assert left > 0
    await live.vendor.fail()
    async with worker(environment) as second:
        await live.hub.bell.forget_everything()
        # It ends in seconds; a look-up that a busy machine made too slow is repeated a minute later.
        await until(lambda: one("select count(*) = $1 from returns where settlement = 'settled'", RETURNS), seconds=100)
        await live.hub.bell.forget_everything()
        second.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(second.wait(), 10) == 0
    assert await live.vendor.refunded(shop.tenant) == {"SHOE": RETURNS}
    assert await differences(live, shop) == []
    assert await broken_rules() == {}
    looked = await rows("select distinct operation_id from attempts where call = 'lookup' and outcome = 'Done'")
    assert len(looked) >= left
    assert {each["kind"] for each in await rows("select distinct kind from returns")} == set(Kind)


async def paid(world: World, tenant: str, least: int) -> bool:
    return len(await world.vendor.ledger(tenant)) >= least
