"""The sandbox's marketplaces: what the vendor took may be refused there, and money moves only when it is not."""

from typing import Any

import httpx
import pytest

from connectors.channelengine.sandbox.manners import manner_by_itself
from connectors.channelengine.sandbox.tenancy import ChannelReturns, Manner, MerchantReturns
from tests.support.merchant import MANY, Merchant

DAY = 86_400


@pytest.mark.parametrize(
    ("name", "manner"),
    [
        ("Bol.com", Manner(merchant_returns=MerchantReturns.WHEN_RECEIVED, cancel_after_days=21)),
        ("Amazon DE", Manner(channel_returns=ChannelReturns.INFORMATIONAL)),
        ("OTTO", Manner(rejection_needs_reason=True)),
        ("Zalando", Manner(channel_returns=ChannelReturns.NONE)),
        ("vidaXL NL", Manner(balance_needed=True)),
        ("Kaufland", Manner()),
        ("Bolderkar", Manner()),
    ],
)
def test_a_marketplace_is_known_by_the_beginning_of_its_name(name: str, manner: Manner) -> None:
    assert manner_by_itself(name) == manner


async def test_an_update_of_what_was_imported_as_exported_answers_200_and_refunds_nothing(shop: Merchant) -> None:
    assert await shop.settle(await shop.sent_back("Amazon")) == 200
    assert await shop.refunded() == 0
    (stored,) = await shop.vendor.returns(shop.tenant)
    assert stored["status"] == "RECEIVED"
    assert await shop.complaints() == []


async def test_a_marketplace_that_tells_of_no_returns_has_none(shop: Merchant) -> None:
    await shop.vendor.sell(shop.tenant, "SO-1", MANY, global_channel_name="Zalando")
    with pytest.raises(httpx.HTTPStatusError, match="409"):
        await shop.vendor.send_back(shop.tenant, "SO-1", MANY)


async def test_a_marketplace_that_takes_no_merchant_returns_refuses_them(shop: Merchant) -> None:
    await shop.vendor.manner(shop.tenant, "Kaufland", merchant_returns="none")
    assert await shop.create("Kaufland") == 400


@pytest.mark.parametrize("marketplace", ["Blokker", "Conrad", "vidaXL", "fonQ"])
async def test_a_balance_that_is_too_low_fails_the_export_until_it_is_not(shop: Merchant, marketplace: str) -> None:
    await shop.vendor.balance(shop.tenant, marketplace, sufficient=False)
    assert await shop.create(marketplace) == 201
    assert (await shop.refunded(), (await shop.export())["status"]) == (0, "FAILED_RETRY")
    await shop.vendor.forward(2 * 3600)
    assert len(await shop.complaints()) == 3
    await shop.vendor.balance(shop.tenant, marketplace, sufficient=True)
    assert await shop.refunded() == 0
    await shop.vendor.forward(3600)
    assert (await shop.refunded(), (await shop.export())["status"]) == (5, "SUCCEEDED")
    assert {entry["cause"] for entry in await shop.vendor.ledger(shop.tenant)} == {"create"}


async def test_an_export_is_given_up_after_so_many_tries_and_can_be_tried_by_hand(shop: Merchant) -> None:
    await shop.vendor.manner(shop.tenant, "Blokker", most_tries=3, retry_after_seconds=60)
    await shop.vendor.balance(shop.tenant, "Blokker", sufficient=False)
    await shop.settle(await shop.sent_back("Blokker"))
    await shop.vendor.forward(DAY)
    export = await shop.export()
    assert (export["status"], export["attempts"], export["next_at"]) == ("FAILED_NO_RETRY", 3, None)
    assert len(await shop.complaints()) == 3
    await shop.vendor.balance(shop.tenant, "Blokker", sufficient=True)
    await shop.vendor.forward(DAY)
    assert await shop.refunded() == 0
    assert [tried["status"] for tried in await shop.vendor.retry_exports(shop.tenant)] == ["SUCCEEDED"]
    assert await shop.refunded() == 5
    assert await shop.vendor.retry_exports(shop.tenant) == []


async def test_a_rejection_without_money_needs_no_balance(shop: Merchant) -> None:
    await shop.vendor.balance(shop.tenant, "Blokker", sufficient=False)
    await shop.settle(await shop.sent_back("Blokker"), SHOE=(0, 3), HAT=(0, 2))
    assert (await shop.export())["status"] == "SUCCEEDED"


@pytest.mark.parametrize(
    ("manner", "decision", "status"),
    [
        ({"all_or_nothing": True}, {"SHOE": (3, 0), "HAT": (1, 1)}, "FAILED_NO_RETRY"),
        ({"all_or_nothing": True}, {"SHOE": (3, 0)}, "FAILED_NO_RETRY"),
        ({"all_or_nothing": True}, {"SHOE": (3, 0), "HAT": (2, 0)}, "SUCCEEDED"),
        ({"all_or_nothing": True}, {"SHOE": (0, 3), "HAT": (0, 2)}, "SUCCEEDED"),
        ({"rejection_needs_reason": True}, {"SHOE": (3, 0), "HAT": (1, 1)}, "FAILED_NO_RETRY"),
        ({"rejection_needs_reason": True}, {"SHOE": (3, 0), "HAT": (1, 0)}, "SUCCEEDED"),
    ],
)
async def test_what_the_api_took_fails_at_a_marketplace_of_these_manners(
    shop: Merchant, manner: dict[str, bool], decision: dict[str, tuple[int, int]], status: str
) -> None:
    return_id = await shop.sent_back("Hoekhandel")
    await shop.vendor.manner(shop.tenant, "Hoekhandel", **manner)
    assert await shop.settle(return_id, **decision) == 200
    assert (await shop.export())["status"] == status
    assert bool(await shop.complaints()) is (status != "SUCCEEDED")
    accepted = sum(good for good, _ in decision.values())
    assert await shop.refunded() == (accepted if status == "SUCCEEDED" else 0)


async def test_a_rejection_at_otto_fails_through_the_api_and_not_in_the_web_pages(shop: Merchant) -> None:
    await shop.settle(await shop.sent_back("OTTO"), SHOE=(2, 1), HAT=(2, 0))
    in_web = await shop.sent_back("OTTO", "SO-2")
    await shop.vendor.settle_in_web(shop.tenant, in_web, {"SHOE": (2, 1), "HAT": (2, 0)})
    assert [export["status"] for export in await shop.vendor.exports(shop.tenant)] == ["FAILED_NO_RETRY", "SUCCEEDED"]
    assert {entry["cause"] for entry in await shop.vendor.ledger(shop.tenant)} == {"web"}


async def test_an_export_that_takes_time_is_paid_when_the_time_is_over(shop: Merchant) -> None:
    await shop.vendor.manner(shop.tenant, "Kaufland", export_after_seconds=600)
    await shop.settle(await shop.sent_back("Kaufland"))
    await shop.vendor.forward(599)
    assert (await shop.refunded(), (await shop.export())["status"]) == (0, "AWAITING_EXPORT")
    await shop.vendor.forward(1)
    assert await shop.refunded() == 5


async def test_planned_failures_are_of_one_return_of_one_marketplace_or_of_any(shop: Merchant) -> None:
    first, second, third = [await shop.sent_back(name, name) for name in ("Kaufland", "bol", "OTTO")]
    await shop.vendor.fail_exports(shop.tenant, return_id=third, text="Not today")
    await shop.vendor.fail_exports(shop.tenant, marketplace="BOL", text="No such refund", final=True)
    for return_id in (first, second, third):
        await shop.settle(return_id)
    assert await shop.complaints() == ["No such refund", "Not today"]
    statuses = [export["status"] for export in await shop.vendor.exports(shop.tenant)]
    assert statuses == ["SUCCEEDED", "FAILED_NO_RETRY", "FAILED_RETRY"]
    await shop.vendor.fail_exports(shop.tenant, text="Again")
    await shop.vendor.retry_exports(shop.tenant, return_id=third)
    assert (await shop.complaints())[2:] == ["Again"]
    await shop.vendor.retry_exports(shop.tenant, marketplace="otto")
    assert [export["status"] for export in await shop.vendor.exports(shop.tenant)][2] == "SUCCEEDED"


async def test_a_failed_export_is_found_by_the_numbers_of_its_return_and_order(shop: Merchant) -> None:
    await shop.vendor.fail_exports(shop.tenant, times=2, text="Refused")
    for number in ("SO-1", "SO-2"):
        return_id = await shop.sent_back("Kaufland", number)
        body = {"ReturnId": return_id, "MerchantReturnNo": f"RMA-{number}"}
        await shop.call("POST", "/returns/merchant/acknowledge", body)
        await shop.settle(return_id)
    assert await shop.complaints(merchantReturnNos="RMA-SO-1") == ["Refused"]
    assert await shop.complaints(channelReturnNos="CR-SO-2") == ["Refused"]
    assert await shop.complaints(merchantReturnNos=["RMA-SO-1", "RMA-SO-2"]) == ["Refused", "Refused"]
    assert await shop.complaints(merchantReturnNos="RMA-SO-3") == []
    assert await shop.complaints(merchantOrderNos="SO-1", channelReturnNos="CR-SO-1") == ["Refused"]
    assert await shop.complaints(channelOrderNos="CH-SO-1", merchantReturnNos="RMA-SO-2") == []


async def test_manners_are_one_tenants_own_and_can_be_forgotten(shop: Merchant) -> None:
    other, _ = await shop.vendor.tenant()
    for tenant in (shop.tenant, other):
        await shop.vendor.sell(tenant, "SO-1", MANY, global_channel_name="Leroy Merlin")
    told = await shop.vendor.manner(shop.tenant, "Leroy Merlin", all_or_nothing=True)
    assert (told["all_or_nothing"], told["most_tries"]) == (True, 10)
    shown = {}
    for tenant in (shop.tenant, other):
        shown[tenant] = (await shop.vendor.control.get(f"/_sandbox/{tenant}/manners")).json()["leroy merlin"]
    assert (shown[shop.tenant]["all_or_nothing"], shown[other]["all_or_nothing"]) == (True, False)
    answer = await shop.vendor.control.delete(f"/_sandbox/{shop.tenant}/manners/Leroy%20Merlin")
    assert answer.json()["all_or_nothing"] is False


@pytest.mark.parametrize("body", [{"mispelt": 1}, {"most_tries": 0}, {"channel_returns": "maybe"}, {"balance": True}])
async def test_a_manner_that_is_wrong_is_refused(shop: Merchant, body: dict[str, Any]) -> None:
    answer = await shop.vendor.control.put(f"/_sandbox/{shop.tenant}/manners/bol", json=body)
    assert answer.status_code == 400


async def test_of_a_mixed_return_only_the_merchants_units_can_be_accepted_and_are_paid(shop: Merchant) -> None:
    mixed = [
        {"merchant_product_no": "SHOE", "quantity": 2, "fulfilled_by_marketplace": True},
        {"merchant_product_no": "SHOE", "quantity": 1, "unit_price_incl_vat": "8"},
        {"merchant_product_no": "HAT", "quantity": 1, "fulfilled_by_marketplace": True},
    ]
    sale = {"merchant_order_no": "SO-1", "channel_id": 1, "global_channel_name": "bol", "lines": mixed}
    await shop.vendor.control.post(f"/_sandbox/{shop.tenant}/orders", json=sale)
    return_id = (await shop.vendor.send_back(shop.tenant, "SO-1", {"SHOE": 3, "HAT": 1}))["id"]
    assert await shop.settle(return_id, SHOE=(2, 0)) == 400
    assert await shop.settle(return_id, HAT=(1, 0)) == 400
    assert await shop.settle(return_id, SHOE=(1, 2), HAT=(0, 1)) == 200
    (entry,) = await shop.vendor.ledger(shop.tenant)
    assert (entry["order_line_id"], entry["quantity"], entry["amount"]) == (2, 1, "8")
