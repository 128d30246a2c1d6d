"""The sandbox's answers, held against the vendor's own description of them."""

from typing import Any, cast

import httpx
import pytest

from connectors.channelengine.sandbox import create_app
from tests.support.exchanges import complaints, described, objections
from tests.support.merchant import Merchant

pytestmark = pytest.mark.skipif(not described(), reason="the vendor's description is not here (set HUB_REFERENCE)")
RETURN = {
    "MerchantOrderNo": "SO-1",
    "MerchantReturnNo": "M-1",
    "Reason": "OTHER",
    "Lines": [{"MerchantProductNo": "SHOE", "Quantity": 1}],
}
UPDATE = {"ReturnId": 1, "Lines": [{"MerchantProductNo": "SHOE", "AcceptedQuantity": 1, "RejectedQuantity": 0}]}
NUMBER = {"ReturnId": 1, "MerchantReturnNo": "RMA-1"}
WEBHOOK = {"Name": "hub", "Url": "https://hub.example/in", "IsActive": True, "Events": ["RETURNS_CHANGE"]}
CALLS = [
    ("GET", "/v2/settings", "", None, 200),
    ("GET", "/v2/channels", "", None, 200),
    ("GET", "/v2/orders", "", None, 200),
    ("GET", "/v2/returns", "", None, 200),
    ("GET", "/v2/returns/merchant", "", None, 200),
    ("GET", "/v2/returns/merchant/new", "", None, 200),
    ("GET", "/v2/returns/merchant/{merchantOrderNo}", "SO-1", None, 200),
    ("GET", "/v2/notifications", "", None, 200),
    ("GET", "/v2/shipments/merchant", "", None, 200),
    ("POST", "/v2/returns/merchant/acknowledge", "", NUMBER, 200),
    ("POST", "/v2/returns/merchant/acknowledge", "", {**NUMBER, "MerchantReturnNo": "RMA-2"}, 409),
    ("POST", "/v2/returns/merchant/acknowledge", "", {**NUMBER, "ReturnId": 9}, 404),
    ("POST", "/v2/returns/merchant/acknowledge", "", {}, 400),
    ("PUT", "/v2/returns", "", UPDATE, 200),
    ("PUT", "/v2/returns", "", UPDATE, 409),
    ("PUT", "/v2/returns", "", {**UPDATE, "ReturnId": 9}, 404),
    ("PUT", "/v2/returns", "", {}, 400),
    ("POST", "/v2/returns/merchant", "", RETURN, 201),
    ("POST", "/v2/returns/merchant", "", RETURN, 409),
    ("POST", "/v2/returns/merchant", "", {**RETURN, "MerchantOrderNo": "SO-9"}, 404),
    ("POST", "/v2/returns/merchant", "", {}, 400),
    ("GET", "/v2/returns", "", None, 200),
    ("GET", "/v2/returns/merchant/{merchantOrderNo}", "SO-1", None, 200),
    ("POST", "/v2/webhooks", "", WEBHOOK, 201),
    ("POST", "/v2/webhooks", "", WEBHOOK, 409),
    ("POST", "/v2/webhooks", "", {}, 400),
    ("GET", "/v2/webhooks", "", None, 200),
    ("PUT", "/v2/webhooks", "", WEBHOOK, 200),
    ("PUT", "/v2/webhooks", "", {**WEBHOOK, "Url": "no address"}, 400),
    ("PUT", "/v2/webhooks", "", {**WEBHOOK, "Name": "other"}, 404),
    ("DELETE", "/v2/webhooks/{webhookName}", "hub", None, 200),
    ("DELETE", "/v2/webhooks/{webhookName}", "hub", None, 404),
]


async def a_world() -> httpx.AsyncClient:
    app = create_app(tenants={"noordzee": "right"})
    client = httpx.AsyncClient(
        transport=httpx.ASGITransport(app=cast("Any", app)), base_url="http://sandbox", headers={"X-CE-KEY": "right"}
    )
    lines = [{"merchant_product_no": "SHOE", "quantity": 5, "unit_price_incl_vat": "24.95"}]
    sale = {"merchant_order_no": "SO-1", "channel_id": 1, "global_channel_name": "Kaufland", "lines": lines}
    back = {"channel_return_no": "C-1", "merchant_order_no": "SO-1"}
    back_lines = {"lines": [{"merchant_product_no": "SHOE", "quantity": 1}]}
    await client.post("/_sandbox/noordzee/orders", json=sale)
    await client.post("/_sandbox/noordzee/channel-returns", json={**back, **back_lines})
    await client.post("/_sandbox/noordzee/notifications", json={"return_id": 1, "type": "CHANNEL_RETURN_NEW"})
    return client


async def test_every_answer_is_as_the_vendor_describes_it() -> None:
    client = await a_world()
    for method, path, number, body, status in CALLS:
        address = "/noordzee/api" + path.replace("{merchantOrderNo}", number).replace("{webhookName}", number)
        answer = await client.request(method, address, json=body)
        assert (method, path, answer.status_code) == (method, path, status)
        assert complaints(answer.json(), method, path, status) == []
        if method == "GET":
            assert answer.json()["Content"], f"{path} had nothing to show, so nothing was proved"


async def test_the_check_itself_sees_a_wrong_answer() -> None:
    client = await a_world()
    answer = (await client.get("/noordzee/api/v2/returns/merchant")).json()
    answer["Content"][0]["Status"] = "LOST"
    answer["Content"][0]["Invented"] = True
    answer["Content"][0]["Lines"][0]["Quantity"] = None
    found = " ".join(complaints(answer, "GET", "/v2/returns/merchant", 200))
    assert "Content/0/Status: 'LOST'" in found
    assert "'Invented' was unexpected" in found
    assert "Content/0/Lines/0/Quantity: None is not of type 'integer'" in found


async def test_a_whole_world_and_what_befalls_it_are_as_the_vendor_describes_them(shop: Merchant) -> None:
    """Exports that fail, orders and products without a number, and webhooks are all in this one."""
    made = await shop.vendor.world(13, tenants=[{"name": shop.tenant, "key": shop.key}], marketplaces=10, returns=40)
    await shop.vendor.balance(shop.tenant, "Blokker", sufficient=False)
    await shop.call("POST", "/webhooks", {**WEBHOOK, "IsActive": False})
    for found in made["tenants"][0]["returns"]:
        units = {line["merchant_product_no"]: (1, line["quantity"] - 1) for line in found["lines"]}
        await shop.settle(found["return_id"], **units)
    for path in ("/orders", "/returns", "/returns/merchant", "/returns/merchant/new", "/notifications", "/webhooks"):
        assert (await shop.call("GET", path)).json()["Content"]
    await shop.call("GET", f"/returns/merchant/{made['tenants'][0]['returns'][0]['merchant_order_no']}")
    exchanges = await shop.vendor.exchanges(shop.tenant)
    assert {exchange["status"] for exchange in exchanges} >= {200, 201, 400, 409}
    assert [said for exchange in exchanges for said in objections(exchange)] == []
