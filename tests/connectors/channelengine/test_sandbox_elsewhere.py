"""What others do at the sandbox: in the vendor's pages, in the shop, and just when the merchant acts."""

from typing import Any

import httpx
import pytest

from tests.support.merchant import Merchant


async def post(shop: Merchant, path: str, body: Any) -> httpx.Response:
    return await shop.vendor.control.post(f"/_sandbox/{shop.tenant}{path}", json=body)


async def unlinked(shop: Merchant) -> dict[str, Any]:
    """Sell two products, the second of which is not linked to one of the merchant's."""
    lines = [{"merchant_product_no": "SHOE"}, {"channel_product_no": "CP-1", "gtin": "8712345678906"}]
    sale = {"channel_order_no": "X", "channel_id": 1, "global_channel_name": "Kaufland", "lines": lines}
    order: dict[str, Any] = (await post(shop, "/orders", sale)).json()
    return order


async def test_a_return_settled_in_the_web_pages_is_paid_with_that_as_its_cause(shop: Merchant) -> None:
    return_id = await shop.sent_back("Kaufland")
    told = await shop.vendor.settle_in_web(shop.tenant, return_id, {"SHOE": (2, 1)})
    assert [(line["accepted"], line["rejected"]) for line in told["lines"]] == [(2, 1), (0, 0)]
    assert [(entry["quantity"], entry["cause"]) for entry in await shop.vendor.ledger(shop.tenant)] == [(2, "web")]
    assert await shop.settle(return_id) == 409


async def test_without_lines_all_of_it_is_accepted(shop: Merchant) -> None:
    await shop.vendor.settle_in_web(shop.tenant, await shop.sent_back("Kaufland"))
    assert await shop.refunded() == 5


@pytest.mark.parametrize(
    "lines",
    [
        [{"merchant_product_no": "COAT", "accepted": 1}],
        [{"merchant_product_no": "SHOE", "accepted": 3, "rejected": 1}],
        [{"order_line_id": 77, "accepted": 1}],
        [{"merchant_product_no": "SHOE", "accepted": -1}],
    ],
)
async def test_a_decision_that_does_not_fit_is_refused(shop: Merchant, lines: list[dict[str, Any]]) -> None:
    return_id = await shop.sent_back("Kaufland")
    assert (await post(shop, f"/returns/{return_id}/settle", {"lines": lines})).status_code == 400
    assert (await shop.vendor.returns(shop.tenant))[0]["status"] == "IN_PROGRESS"


async def test_one_product_on_two_lines_is_decided_by_order_line(shop: Merchant) -> None:
    line = {"merchant_product_no": "SHOE", "quantity": 2}
    sale = {"merchant_order_no": "SO-1", "channel_id": 1, "global_channel_name": "Kaufland", "lines": [line, line]}
    await post(shop, "/orders", sale)
    return_id = (await shop.vendor.send_back(shop.tenant, "SO-1", {"SHOE": 4}))["id"]
    by_product = {"lines": [{"merchant_product_no": "SHOE", "accepted": 1}]}
    assert (await post(shop, f"/returns/{return_id}/settle", by_product)).status_code == 400
    by_line = {"lines": [{"order_line_id": 2, "accepted": 1}]}
    assert (await post(shop, f"/returns/{return_id}/settle", by_line)).status_code == 200
    assert [entry["order_line_id"] for entry in await shop.vendor.ledger(shop.tenant)] == [2]


async def test_an_order_gets_the_merchants_number_later_and_so_do_its_returns(shop: Merchant) -> None:
    order = await unlinked(shop)
    await post(
        shop,
        "/channel-returns",
        {"channel_return_no": "C-1", "channel_order_no": "X", "lines": [{"quantity": 1, "order_line_id": 1}]},
    )
    assert (await shop.call("GET", "/returns/merchant")).json()["Content"][0]["MerchantOrderNo"] is None
    assert (await shop.call("GET", "/orders", isAcknowledged=False)).json()["TotalCount"] == 1
    await shop.vendor.acknowledge_order(shop.tenant, order["id"], "SO-1")
    (found,) = (await shop.call("GET", "/returns/merchant/SO-1")).json()["Content"]
    assert found["MerchantOrderNo"] == "SO-1"
    (told,) = (await shop.call("GET", "/orders", merchantOrderNos="SO-1")).json()["Content"]
    assert told["AcknowledgedDate"] is not None
    assert (await post(shop, f"/orders/{order['id']}/acknowledge", {"merchant_order_no": "SO-1"})).status_code == 200
    assert (await post(shop, f"/orders/{order['id']}/acknowledge", {"merchant_order_no": "SO-2"})).status_code == 409
    assert (await post(shop, "/orders/99/acknowledge", {"merchant_order_no": "SO-2"})).status_code == 404


@pytest.mark.parametrize("named", [{"order_line_id": 2}, {"channel_product_no": "CP-1"}])
async def test_a_product_is_linked_later_on_order_lines_and_return_lines(shop: Merchant, named: dict[str, Any]) -> None:
    await unlinked(shop)
    lines = [{"order_line_id": line, "quantity": 1} for line in (1, 2)]
    back = {"channel_return_no": "C-1", "channel_order_no": "X", "lines": lines}
    assert (await post(shop, "/channel-returns", back)).status_code == 201

    async def numbers() -> list[tuple[str | None, str | None]]:
        (found,) = (await shop.call("GET", "/returns/merchant")).json()["Content"]
        return [(line["MerchantProductNo"], line["OrderLine"]["MerchantProductNo"]) for line in found["Lines"]]

    assert await numbers() == [("SHOE", "SHOE"), (None, None)]
    assert await shop.vendor.link_product(shop.tenant, "HAT", **named) == {"orders": [1], "returns": [1]}
    assert await numbers() == [("SHOE", "SHOE"), ("HAT", "HAT")]
    assert await shop.settle(1, SHOE=(1, 0), HAT=(1, 0)) == 200
    assert (await post(shop, "/products/link", {"merchant_product_no": "HAT", **named})).status_code == 404


async def test_the_quantities_of_an_open_return_change_within_what_was_shipped(shop: Merchant) -> None:
    return_id = await shop.sent_back("Kaufland")
    await shop.vendor.count_again(shop.tenant, return_id, {"SHOE": 1})
    (found,) = await shop.vendor.returns(shop.tenant)
    assert [line["quantity"] for line in found["lines"]] == [1, 2]
    for path, status in ((return_id, 400), (99, 404)):
        many = {"lines": [{"merchant_product_no": "SHOE", "quantity": 4}]}
        assert (await post(shop, f"/returns/{path}/quantities", many)).status_code == status
    assert await shop.settle(return_id, SHOE=(2, 0)) == 400
    assert await shop.settle(return_id, SHOE=(1, 0)) == 200
    assert (await post(shop, f"/returns/{return_id}/quantities", many)).status_code == 409


async def test_a_revoked_key_ends_in_the_middle(shop: Merchant) -> None:
    assert (await shop.call("GET", "/settings")).status_code == 200
    await shop.vendor.revoke_key(shop.tenant, "another")
    assert (await shop.call("GET", "/settings")).status_code == 401
    shop.key = "another"
    assert (await shop.call("GET", "/settings")).status_code == 200


async def test_merchant_returns_are_among_all_returns_and_by_a_switch_among_the_channels_too(shop: Merchant) -> None:
    await shop.create("Kaufland")

    async def listed(path: str) -> int:
        return int((await shop.call("GET", path)).json()["TotalCount"])

    assert [await listed(path) for path in ("/returns", "/returns/merchant")] == [1, 0]
    await shop.vendor.switch(shop.tenant, echo=True)
    assert [await listed(path) for path in ("/returns", "/returns/merchant", "/returns/merchant/new")] == [1, 1, 0]


async def test_by_a_switch_lists_show_and_filter_what_newer_versions_do(shop: Merchant) -> None:
    return_id = await shop.sent_back("Kaufland", "SO-1")
    await shop.sent_back("Kaufland", "SO-2")
    await shop.vendor.forward(3600)
    await shop.settle(return_id)

    async def listed(**query: str) -> list[dict[str, Any]]:
        content: list[dict[str, Any]] = (await shop.call("GET", "/returns", **query)).json()["Content"]
        return content

    updated = {"fromUpdateDate": (await listed())[0]["UpdatedAt"]}
    assert [found["Id"] for found in await listed(**updated)] == [1, 2]
    assert "AcceptedQuantity" not in (await listed())[0]["Lines"][0]
    await shop.vendor.switch(shop.tenant, update_dates=True)
    (found,) = await listed(**updated)
    assert (found["Id"], found["Lines"][0]["AcceptedQuantity"], found["ChannelName"]) == (return_id, 3, "Kaufland DE")
    assert [found["Id"] for found in await listed(toUpdateDate=updated["fromUpdateDate"])] == [2]


async def test_switches_are_turned_one_by_one_and_wrong_ones_refused(shop: Merchant) -> None:
    path = f"/_sandbox/{shop.tenant}/switches"
    await shop.vendor.switch(shop.tenant, echo=True)
    await shop.vendor.switch(shop.tenant, items_per_page=2)
    shown = (await shop.vendor.control.get(path)).json()
    assert shown == {"echo": True, "newest_first": False, "update_dates": False, "items_per_page": 2}
    for body in ({"items_per_page": 0}, {"mispelt": True}, {"echo": "yes"}):
        assert (await shop.vendor.control.put(path, json=body)).status_code == 400


async def test_a_list_shows_the_newest_first_by_a_switch_and_pages_are_as_long_as_it_says(shop: Merchant) -> None:
    for number in range(5):
        await shop.sent_back("Kaufland", f"SO-{number}")
    await shop.vendor.switch(shop.tenant, newest_first=True, items_per_page=2)
    pages = [(await shop.call("GET", "/returns/merchant", page=page)).json() for page in (1, 2, 3, 4)]
    assert [[found["Id"] for found in page["Content"]] for page in pages] == [[5, 4], [3, 2], [1], []]
    assert {(page["TotalCount"], page["ItemsPerPage"]) for page in pages} == {(5, 2)}
