"""The sandbox's time: it can be moved, and what falls due on the way happens in order."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.channelengine.sandbox.change import Change
from connectors.channelengine.sandbox.journal import Journal
from connectors.channelengine.sandbox.records import Note
from tests.support.vendor import Vendor

NOON = datetime(2025, 2, 10, 12, tzinfo=UTC)
DAY = 86_400


@pytest.fixture
async def vendor() -> AsyncIterator[Vendor]:
    async with Vendor().in_memory(clock=lambda: NOON) as made:
        yield made


async def time_of(vendor: Vendor) -> datetime:
    shown = (await vendor.control.get("/_sandbox/clock")).json()["now"]
    return datetime.fromisoformat(shown)


async def sent_back(vendor: Vendor, tenant: str, number: str, marketplace: str = "bol") -> int:
    await vendor.sell(tenant, number, {"SHOE": 1}, global_channel_name=marketplace)
    return int((await vendor.send_back(tenant, number, {"SHOE": 1}))["id"])


async def test_time_goes_forward_to_a_moment_and_back_to_the_real_one(vendor: Vendor) -> None:
    await vendor.forward(90)
    assert await time_of(vendor) == NOON + timedelta(seconds=90)
    await vendor.set_clock(NOON + timedelta(days=1))
    await vendor.forward(1)
    assert await time_of(vendor) == NOON + timedelta(days=1, seconds=1)
    await vendor.calm()
    assert await time_of(vendor) == NOON


async def test_a_stopped_clock_stands_still_whatever_the_real_one_does() -> None:
    ticking = iter(NOON + timedelta(seconds=number) for number in range(100))
    async with Vendor().in_memory(clock=lambda: next(ticking)) as vendor:
        assert await time_of(vendor) != await time_of(vendor)
        await vendor.set_clock(NOON, stopped=True)
        assert await time_of(vendor) == await time_of(vendor) == NOON
        await vendor.forward(5)
        assert await time_of(vendor) == await time_of(vendor) == NOON + timedelta(seconds=5)


@pytest.mark.parametrize("body", [{}, {"now": "2025-02-10T12:00:00"}, {"forward_seconds": -1}, {"speed": 2}])
async def test_a_clock_is_not_moved_by_what_says_nothing(vendor: Vendor, body: dict[str, Any]) -> None:
    assert (await vendor.control.put("/_sandbox/clock", json=body)).status_code == 400


async def test_what_happens_after_a_move_bears_the_time_of_the_vendor(vendor: Vendor) -> None:
    tenant, key = await vendor.tenant()
    await vendor.set_clock(NOON.replace(year=2030))
    await sent_back(vendor, tenant, "SO-1")
    answer = await vendor.control.get(f"/{tenant}/api/v2/returns", headers={"X-CE-KEY": key})
    (found,) = answer.json()["Content"]
    assert found["CreatedAt"].startswith("2030-02-10T12:00:00")


async def test_an_open_return_of_bol_is_cancelled_after_twenty_one_days(vendor: Vendor) -> None:
    tenant, _ = await vendor.tenant()
    for number, marketplace in (("SO-1", "bol"), ("SO-2", "Kaufland")):
        await sent_back(vendor, tenant, number, marketplace)
    await vendor.forward(21 * DAY - 1)
    assert [found["status"] for found in await vendor.returns(tenant)] == ["IN_PROGRESS", "IN_PROGRESS"]
    await vendor.forward(1)
    first, second = await vendor.returns(tenant)
    assert (first["status"], second["status"]) == ("CANCELLED", "IN_PROGRESS")
    assert datetime.fromisoformat(first["updated_at"]) == NOON + timedelta(days=21)


async def test_a_return_that_was_settled_or_whose_manner_changed_is_not_cancelled_any_more(vendor: Vendor) -> None:
    tenant, _ = await vendor.tenant()
    settled = await sent_back(vendor, tenant, "SO-1")
    await vendor.settle_in_web(tenant, settled)
    await sent_back(vendor, tenant, "SO-2")
    await vendor.manner(tenant, "bol", cancel_after_days=60)
    await vendor.forward(59 * DAY)
    assert [found["status"] for found in await vendor.returns(tenant)] == ["RECEIVED", "IN_PROGRESS"]
    await vendor.forward(DAY)
    assert [found["status"] for found in await vendor.returns(tenant)] == ["RECEIVED", "CANCELLED"]


async def test_what_falls_due_in_one_move_happens_in_the_order_of_time_over_all_tenants(tmp_path: Path) -> None:
    async with Vendor().in_memory(clock=lambda: NOON, journal=tmp_path / "journal") as vendor:
        for wait in (100, 70):
            tenant, _ = await vendor.tenant()
            await vendor.manner(tenant, "Kaufland", retry_after_seconds=wait)
            await vendor.fail_exports(tenant, times=4)
            await vendor.settle_in_web(tenant, await sent_back(vendor, tenant, "SO-1", "Kaufland"))
        await vendor.forward(1000)
    history: list[Change] = []
    Journal(tmp_path / "journal").replay(history.append)
    tried = [(change.notes or change.refunds) for change in history if change.notes or change.refunds]
    seconds = [(one.created_at if isinstance(one, Note) else one.at) - NOON for (one,) in tried]
    assert [each.total_seconds() for each in seconds] == [0, 0, 70, 100, 140, 200, 210, 280, 300, 400]


async def test_the_meter_of_calls_follows_the_clock(vendor: Vendor) -> None:
    tenant, key = await vendor.tenant()
    await vendor.control.put("/_sandbox/limits", json={"calls_per_minute": 1})

    async def status() -> int:
        url = f"/{tenant}/api/v2/settings"
        return (await vendor.control.get(url, headers={"X-CE-KEY": key})).status_code

    assert [await status(), await status()] == [200, 429]
    await vendor.forward(60)
    assert await status() == 200
