"""The sandbox's webhooks: as the vendor documents them, called once each, and sometimes not as they should be."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support.merchant import MANY, Merchant
from tests.support.vendor import Target, Vendor, webhook_target

NOON = datetime(2025, 2, 10, 12, tzinfo=UTC)
NAME = "returns hub"


@pytest.fixture(autouse=True)
async def at_noon(shop: Merchant) -> None:
    await shop.vendor.set_clock(NOON, stopped=True)


@pytest.fixture
async def target() -> AsyncIterator[Target]:
    async with webhook_target() as listening:
        yield listening


def a_webhook(url: str = "https://hub.example/in", **changes: Any) -> dict[str, Any]:
    webhook = {"Name": NAME, "Url": url, "IsActive": True, "RequestType": "GET", "Events": ["RETURNS_CHANGE"]}
    return {name: value for name, value in (webhook | changes).items() if value is not None}


async def registered(shop: Merchant, url: str, **changes: Any) -> None:
    assert (await shop.call("POST", "/webhooks", a_webhook(url, **changes))).status_code == 201


async def test_a_webhook_is_added_listed_changed_and_removed(shop: Merchant) -> None:
    assert (await shop.call("POST", "/webhooks", a_webhook())).status_code == 201
    assert (await shop.call("POST", "/webhooks", a_webhook())).status_code == 409
    assert (await shop.call("PUT", "/webhooks", a_webhook("https://hub.example/2", IsActive=False))).status_code == 200
    assert (await shop.call("PUT", "/webhooks", a_webhook(Name="another"))).status_code == 404
    (shown,) = (await shop.call("GET", "/webhooks")).json()["Content"]
    assert shown == a_webhook("https://hub.example/2", IsActive=False)
    for status in (200, 404):
        assert (await shop.call("DELETE", "/webhooks/returns%20hub")).status_code == status
    assert (await shop.call("POST", "/webhooks", a_webhook())).status_code == 201


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"Name": ""}, "Name"),
        ({"Name": "x" * 129}, "Name"),
        ({"Name": None}, "Name"),
        ({"Url": None}, "Url"),
        ({"Url": "hub.example/in"}, "Url"),
        ({"Url": "https://hub.example/" + "x" * 1028}, "Url"),
        ({"Events": []}, "Events"),
        ({"Events": ["RETURNS_CREATE"]}, "Events[0]"),
        ({"RequestType": "PUT"}, "RequestType"),
    ],
)
async def test_a_webhook_that_is_wrong_is_refused(shop: Merchant, change: dict[str, Any], field: str) -> None:
    answer = await shop.call("POST", "/webhooks", a_webhook(**change))
    assert (answer.status_code, list(answer.json()["ValidationErrors"])) == (400, [field])


async def test_a_webhook_that_does_not_say_so_is_not_active_and_called_by_get(shop: Merchant, target: Target) -> None:
    await registered(shop, target.url, IsActive=None, RequestType=None)
    await shop.sent_back("Kaufland")
    assert await shop.vendor.deliveries(shop.tenant) == []
    (shown,) = (await shop.call("GET", "/webhooks")).json()["Content"]
    assert (shown["IsActive"], shown["RequestType"]) == (False, "GET")


async def test_a_webhook_is_called_with_what_the_vendor_adds_to_its_own_query(shop: Merchant, target: Target) -> None:
    await registered(shop, f"{target.url}?token=s%20e&x=1", RequestType="POST")
    await shop.sent_back("Kaufland")
    (delivery,) = await shop.vendor.deliveries(shop.tenant)
    assert (delivery["outcome"], delivery["webhook"], delivery["method"]) == ("200", NAME, "POST")
    (heard,) = target.heard
    since = str(int(NOON.timestamp()))
    query = {"token": "s e", "x": "1", "type": "returns", "tenant": shop.tenant, "updatedSince": since}
    assert (heard.method, heard.path, heard.query) == ("POST", "/callback", query)


async def test_every_change_of_a_return_that_can_be_seen_calls_once(shop: Merchant, target: Target) -> None:
    await registered(shop, target.url)
    await shop.vendor.manner(shop.tenant, "Blokker", retry_after_seconds=60)
    await shop.vendor.balance(shop.tenant, "Blokker", sufficient=False)
    first = await shop.sent_back("Blokker", "SO-1")
    second = await shop.sent_back("Kaufland", "SO-2")
    await shop.call("POST", "/returns/merchant/acknowledge", {"ReturnId": first, "MerchantReturnNo": "M-1"})
    await shop.call("POST", "/returns/merchant/acknowledge", {"ReturnId": first, "MerchantReturnNo": "M-1"})
    await shop.settle(first)
    await shop.settle(first)
    await shop.vendor.count_again(shop.tenant, second, {"SHOE": 1})
    await shop.vendor.cancel(shop.tenant, second)
    await shop.vendor.forward(3600)
    assert len(await shop.vendor.deliveries(shop.tenant)) == len(target.heard) == 6
    assert await shop.create("Kaufland", "M-9") == 400
    assert len(await shop.vendor.deliveries(shop.tenant)) == 6


async def test_merchant_returns_call_too(shop: Merchant, target: Target) -> None:
    await registered(shop, target.url)
    await shop.create("Kaufland")
    assert len(await shop.vendor.deliveries(shop.tenant)) == 1


async def test_each_webhook_is_called_for_its_own_events(shop: Merchant, target: Target) -> None:
    await registered(shop, f"{target.url}?n=1", Name="1", Events=["NOTIFICATIONS_CREATE"])
    await registered(shop, f"{target.url}?n=2", Name="2", Events=["ORDERS_CREATE", "RETURNS_CHANGE"])
    await registered(shop, f"{target.url}?n=3", Name="3", Events=["ORDERS_CHANGE"])
    await shop.vendor.fail_exports(shop.tenant)
    await shop.settle(await shop.sent_back("Kaufland"))
    placed = await shop.vendor.sell(shop.tenant, "", {"SHOE": 1}, merchant_order_no=None, channel_order_no="X")
    await shop.vendor.acknowledge_order(shop.tenant, placed["id"], "SO-2")
    await shop.vendor.deliveries(shop.tenant)
    heard = sorted((call.query["n"], call.query["type"]) for call in target.heard)
    orders, returns = [("2", "orders")] * 2, [("2", "returns")] * 2
    assert heard == [("1", "notifications"), *orders, *returns, ("3", "orders")]


@pytest.mark.parametrize("status", ["500 Oh no", "302 Found"])
async def test_a_call_that_fails_is_not_repeated_and_becomes_a_notification(shop: Merchant, status: str) -> None:
    async with webhook_target(status) as target:
        await registered(shop, target.url, Events=["RETURNS_CHANGE", "NOTIFICATIONS_CREATE"])
        await shop.sent_back("Kaufland")
        (delivery,) = await shop.vendor.deliveries(shop.tenant)
        assert (delivery["outcome"], len(target.heard)) == (status[:3], 1)
    (note,) = (await shop.call("GET", "/notifications")).json()["Content"]
    assert note["Type"] == "CHANNELENGINE_WEBHOOK_RQUEST_FAILED"
    assert NAME in note["Subject"]


async def test_a_target_that_is_not_there_is_a_failure_too(shop: Merchant) -> None:
    async with webhook_target() as gone:
        pass
    await registered(shop, gone.url)
    await shop.sent_back("Kaufland")
    (delivery,) = await shop.vendor.deliveries(shop.tenant)
    assert delivery["outcome"] == "failed: ConnectError"
    assert (await shop.call("GET", "/notifications")).json()["TotalCount"] == 1


async def test_faults_lose_double_and_delay_calls(shop: Merchant, target: Target) -> None:
    await registered(shop, target.url)
    await shop.vendor.fail("webhook=double/3", "webhook=late:1/4", "webhook=lose/5")
    for number in range(5):
        await shop.sent_back("Kaufland", f"SO-{number}")
    deliveries = await shop.vendor.deliveries(shop.tenant)
    told = [(delivery["fault"], delivery["outcome"]) for delivery in deliveries]
    double = ("webhook=double/3", "200")
    assert told == [
        (None, "200"),
        (None, "200"),
        double,
        double,
        ("webhook=late:1/4", "200"),
        ("webhook=lose/5", "lost"),
    ]
    assert len(target.heard) == 5
    assert (await shop.call("GET", "/notifications")).json()["TotalCount"] == 0


async def test_somebody_switches_a_webhook_off_or_takes_it_away(shop: Merchant, target: Target) -> None:
    await registered(shop, target.url)
    await shop.vendor.switch_webhook(shop.tenant, NAME, active=False)
    await shop.sent_back("Kaufland", "SO-1")
    await shop.vendor.switch_webhook(shop.tenant, NAME, active=True)
    await shop.sent_back("Kaufland", "SO-2")
    assert len(await shop.vendor.deliveries(shop.tenant)) == 1
    await shop.vendor.drop_webhook(shop.tenant, NAME)
    assert await shop.vendor.webhooks(shop.tenant) == []
    await shop.sent_back("Kaufland", "SO-3")
    assert len(await shop.vendor.deliveries(shop.tenant)) == 1


async def test_what_falls_due_by_itself_calls_webhooks_while_nobody_asks() -> None:
    """The real clock goes on here, and one heartbeat of the server is all it takes."""
    vendor = Vendor()
    async with webhook_target() as target, vendor.serving():
        shop = Merchant(vendor, *await vendor.tenant())
        await vendor.manner(shop.tenant, "bol", cancel_after_days=1)
        await registered(shop, target.url)
        await shop.vendor.sell(shop.tenant, "SO-1", MANY, global_channel_name="bol")
        await shop.vendor.send_back(shop.tenant, "SO-1", MANY)
        await vendor.deliveries(shop.tenant)
        await vendor.forward(86_400 - 0.2)
        await target.until(2)
    assert target.heard[-1].query["type"] == "returns"
