"""Whatever happens in whatever order: every rule holds in the database, and the ledger agrees in every line."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from hub.audit import service as audit
from hub.kit import db
from hub.why import service as whys
from tests.support.judge import broken_rules, differences, one, stored, wrong_statuses
from tests.support.storm import leaked
from tests.support.traffic import SOLD, Traffic
from tests.support.world import Shop, World

NAMES = [
    "create", "send back", "poll", "receive", "finalise", "cancel", "cancel at channel", "settle", "replay", "break",
    "mend", "work", "crash", "wait", "flush", "at once", "decide", "elsewhere", "close", "beat", "poor",
]  # fmt: skip
SMALL = st.integers(0, 19)
OFTEN = [*NAMES, *["receive", "finalise", "work", "crash", "at once", "decide", "beat", "wait"] * 2]
COMMANDS = st.lists(st.tuples(st.sampled_from(OFTEN), SMALL, SMALL, SMALL), min_size=15, max_size=40)


@settings(max_examples=20)
@given(commands=COMMANDS)
async def test_whatever_happens_every_rule_holds_and_the_ledger_agrees(
    world: World, commands: list[tuple[str, int, int, int]]
) -> None:
    async with db.transaction(db.PLATFORM):
        await db.execute("truncate accounts, partners, audit, idempotency_keys, api_keys cascade")
    traffic = await Traffic.begin(world)
    for command in commands:
        await traffic.run(*command)
    await traffic.end()
    assert await broken_rules() == {}
    assert await one("select count(*) from returns where settlement = 'sending'") == 0
    assert leaked() == 0
    for shop in traffic.shops:
        assert await unexplained(shop) == []
        assert await wrong_statuses(shop) == []
        assert await differences(world, shop) == []
        refunded = await world.vendor.refunded(shop.tenant)
        assert all(units <= 3 * SOLD[sku] for sku, units in refunded.items())
    async with db.transaction(db.PLATFORM):
        assert await audit.broken_links() == []


async def unexplained(shop: Shop) -> list[str]:
    """Name the returns of which somebody is said to act next although they are over, and the other way round."""
    page = await stored(shop)
    async with db.transaction(db.account(shop.account)):
        told = await whys.why(page)
    return [each.number for each in page if (told[each.id].actor is None) != each.case.over]


def test_every_command_is_played() -> None:
    nobody: Any = None
    assert set(Traffic(nobody, []).commands) == set(NAMES)
