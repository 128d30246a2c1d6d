"""What the sandbox remembers over a kill: everything but faults, limits and logs; and journals from before."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.support.merchant import Merchant
from tests.support.vendor import Vendor

NOON = datetime(2025, 2, 10, 12, tzinfo=UTC)
OLD_LINE = '{"id":1,"merchant_product_no":"SHOE","channel_product_no":"SHOE","quantity":3,"shipped":3,'
OLD_RETURN = (
    '{"id":1,"order_id":1,"creator":"channel","status":"RECEIVED","lines":[{"order_line_id":1,'
    '"merchant_product_no":"SHOE","quantity":1,"accepted":1,"rejected":0}],"created_at":"2025-02-10T12:00:00Z",'
    '"updated_at":"2025-02-10T12:00:00Z","merchant_return_no":null,"channel_return_no":"C-1","acknowledged_at":null,'
    '"reason":"OTHER","customer_comment":null,"merchant_comment":null,"refund_incl_vat":"0","refund_excl_vat":"0",'
    '"return_date":"2025-02-10T12:00:00Z","extra_data":{}}'
)
OLD_REFUND = (
    '{"tenant":"noordzee","return_id":1,"merchant_return_no":null,"channel_return_no":"C-1","order_no":"SO-1",'
    '"sku":"SHOE","order_line_id":1,"quantity":1,"unit_price":"24.95","amount":"24.95","currency_code":"EUR",'
    '"cause":"update","at":"2025-02-10T12:00:00Z"}'
)
# As the sandbox wrote it before there were exports, webhooks and a clock.
OLD_JOURNAL = "\n".join(
    [
        '{"tenant":"noordzee","key":"secret"}',
        (
            '{"tenant":"noordzee","orders":[{"id":1,"merchant_order_no":"SO-1","channel_order_no":"CH-SO-1",'
            '"commercial_order_no":"CH-SO-1","channel_id":1,"channel_name":"Kaufland 1","global_channel_id":6536,'
            '"global_channel_name":"Kaufland","status":"SHIPPED","currency_code":"EUR","customer":{"first_name":"Sam",'
            '"last_name":"Example","street_name":"Kade","house_nr":"1","zip_code":"1011AA","city":"Amsterdam",'
            '"country_iso":"NL","email":"sam@example.com","phone":null},"order_date":"2025-02-10T12:00:00Z",'
            f'"created_at":"2025-02-10T12:00:00Z","lines":[{OLD_LINE}"unit_price_incl_vat":"24.95","vat_rate":"21",'
            '"gtin":null,"description":"SHOE","fulfilled_by_marketplace":false}],"return_track_trace_no":null}]}'
        ),
        f'{{"tenant":"noordzee","returns":[{OLD_RETURN}],"refunds":[{OLD_REFUND}]}}',
        (
            '{"tenant":"noordzee","notes":[{"id":1,"return_id":1,"type":"CHANNEL_RETURN_NEW","subject":"","message":"",'
            '"created_at":"2025-02-10T12:00:00Z"}]}'
        ),
        "",
    ]
)


@asynccontextmanager
async def started(path: Path) -> AsyncIterator[Vendor]:
    async with Vendor().in_memory(journal=path, clock=lambda: NOON) as vendor:
        yield vendor


async def everything(shop: Merchant) -> list[Any]:
    """Return all that the control API and the vendor's API tell of a tenant, but for logs."""
    control, tenant = shop.vendor.control, shop.tenant
    paths = ("ledger", "returns", "exports", "manners", "switches", "violations", "judgement")
    shown = [(await control.get(f"/_sandbox/{tenant}/{path}")).json() for path in paths]
    told = [(await shop.call("GET", path)).json()["Content"] for path in ("/orders", "/notifications", "/webhooks")]
    return [*shown, *told, (await control.get("/_sandbox/clock")).json()]


async def a_long_day(vendor: Vendor) -> Merchant:
    """Do everything that leaves a trace."""
    shop = Merchant(vendor, *await vendor.tenant())
    await vendor.switch(shop.tenant, echo=True, items_per_page=5)
    await vendor.manner(shop.tenant, "Hoekhandel", all_or_nothing=True)
    await vendor.manner(shop.tenant, "Blokker", retry_after_seconds=600)
    await vendor.balance(shop.tenant, "Blokker", sufficient=False)
    webhook = {"Name": "hub", "Url": "https://hub.example/in", "Events": ["RETURNS_CHANGE"]}
    await shop.call("POST", "/webhooks", webhook)
    await vendor.fail_exports(shop.tenant, times=3, marketplace="OTTO")
    for number, marketplace in enumerate(("Blokker", "OTTO", "Amazon", "Kaufland", "Hoekhandel", "bol")):
        return_id = await shop.sent_back(marketplace, f"SO-{number}")
        await shop.settle(return_id, SHOE=(2, 1))
    await shop.settle(4)
    await vendor.settle_in_web(shop.tenant, await shop.sent_back("Kaufland", "SO-9"))
    await vendor.count_again(shop.tenant, await shop.sent_back("bol", "SO-10"), {"SHOE": 1})
    placed = await vendor.sell(shop.tenant, "", {"SHOE": 1}, merchant_order_no=None, channel_order_no="X")
    await vendor.acknowledge_order(shop.tenant, placed["id"], "SO-11")
    await vendor.forward(900)
    return shop


async def test_everything_survives_a_kill_and_goes_on_where_it_was(tmp_path: Path) -> None:
    async with started(tmp_path / "journal") as vendor:
        shop = await a_long_day(vendor)
        before = await everything(shop)
        assert before[5]["by_code"] == {"informational_updated": 1, "settled_twice": 1}
        async with started(tmp_path / "journal") as again:
            shop.vendor = again
            assert await everything(shop) == before
            await again.balance(shop.tenant, "Blokker", sufficient=True)
            await again.forward(86_400)
            by_return = {export["return_id"]: export for export in await again.exports(shop.tenant)}
            assert (by_return[1]["status"], by_return[1]["attempts"]) == ("SUCCEEDED", 3)
            assert (by_return[2]["status"], by_return[2]["attempts"]) == ("FAILED_NO_RETRY", 4)
            assert await shop.settle(4) == 409
            assert (await again.violations(shop.tenant))[-1]["code"] == "settled_twice"


async def test_a_world_survives_with_what_is_still_to_come(tmp_path: Path) -> None:
    async with started(tmp_path / "journal") as vendor:
        (made,) = (await vendor.world(5, returns=40))["tenants"]
        stopped = await vendor.returns(made["name"])
    async with started(tmp_path / "journal") as vendor:
        assert await vendor.returns(made["name"]) == stopped
        await vendor.set_clock(datetime.fromisoformat(made["true_at"]))
        lines = [line for found in await vendor.returns(made["name"]) for line in found["lines"]]
        assert all(line["merchant_product_no"] for line in lines)
        shop = Merchant(vendor, made["name"], made["key"])
        unlucky = next(found for found in made["returns"] if found["twists"] == ["cancelled_when_settled"])
        units = {line["merchant_product_no"]: (line["quantity"], 0) for line in unlucky["lines"]}
        assert await shop.settle(unlucky["return_id"], **units) == 409
        (end,) = [found for found in await vendor.returns(shop.tenant) if found["id"] == unlucky["return_id"]]
        assert end["status"] == "CANCELLED"


async def test_a_journal_from_before_there_were_exports_is_read_and_refunds_nothing_again(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    path.write_text(OLD_JOURNAL)
    async with started(path) as vendor:
        await vendor.forward(timedelta(days=400).total_seconds())
        assert await vendor.retry_exports("noordzee") == []
        assert await vendor.refunded("noordzee") == {"SHOE": 1}
        told = await vendor.judgement("noordzee")
        assert (told["ok"], told["returns"][0]["lines"][0]["due"]) == (True, 1)
        shop = Merchant(vendor, "noordzee", "secret")
        assert await shop.settle(1, SHOE=(1, 0)) == 409
        (order,) = (await shop.call("GET", "/orders")).json()["Content"]
        assert order["AcknowledgedDate"] == order["UpdatedAt"] == "2025-02-10T12:00:00.0000000Z"


def real(moment: datetime) -> Callable[[], datetime]:
    return lambda: moment


async def test_a_clock_that_was_moved_is_as_far_ahead_after_a_restart(tmp_path: Path) -> None:
    async with Vendor().in_memory(journal=tmp_path / "journal", clock=real(NOON)) as vendor:
        await vendor.forward(3600)
    async with Vendor().in_memory(journal=tmp_path / "journal", clock=real(NOON + timedelta(hours=5))) as vendor:
        shown = (await vendor.control.get("/_sandbox/clock")).json()["now"]
        assert datetime.fromisoformat(shown) == NOON + timedelta(hours=6)
