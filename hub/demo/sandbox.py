"""The vendor's side: shops sell, customers send back, and the ledger is read in the end."""

from typing import Any

import httpx

from hub.demo.plan import MARKETPLACES, NAMES, PRICES, Case, Merchant
from hub.sdk.messages import Kind

KEY_LENGTH = 40


def key_of(tenant: str) -> str:
    """Return a sandbox tenant's API key; it opens nothing but the sandbox."""
    return (tenant * KEY_LENGTH)[:KEY_LENGTH]


class Sandbox:
    """Speaks to the sandbox's control interface."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def sell(self, merchant: Merchant) -> dict[str, dict[str, str]]:
        """Place and ship every order; safe to repeat. Returns the order line of each product, by order."""
        sold = await self._post(f"/_sandbox/{merchant.tenant}/orders", [_order(case) for case in merchant.cases])
        return {
            order["merchant_order_no"]: {line["merchant_product_no"]: str(line["id"]) for line in order["lines"]}
            for order in sold
        }

    async def send_back(self, merchant: Merchant) -> None:
        """Let customers start their returns at the marketplaces; safe to repeat."""
        started = [_channel_return(case) for case in merchant.cases if case.kind is Kind.CHANNEL]
        await self._post(f"/_sandbox/{merchant.tenant}/channel-returns", started)

    async def fail(self, faults: tuple[str, ...]) -> None:
        """Switch these faults on, in place of all others."""
        answer = await self._http.put("/_sandbox/faults", json=list(faults))
        answer.raise_for_status()

    async def ledger(self, merchant: Merchant) -> list[dict[str, Any]]:
        """Read every refund that the vendor made."""
        answer = await self._http.get(f"/_sandbox/{merchant.tenant}/ledger")
        entries: list[dict[str, Any]] = answer.raise_for_status().json()["entries"]
        return entries

    async def _post(self, path: str, body: list[dict[str, Any]]) -> Any:
        answer = await self._http.post(path, json=body)
        return answer.raise_for_status().json()


def _order(case: Case) -> dict[str, Any]:
    name, family, number = MARKETPLACES[case.marketplace]
    lines = [
        {
            "merchant_product_no": sku,
            "quantity": quantity,
            "unit_price_incl_vat": PRICES[sku],
            "description": NAMES[sku],
            "channel_product_no": f"C-{sku}",
        }
        for sku, quantity in case.story.declared.items()
    ]
    return {
        "merchant_order_no": case.order,
        "channel_order_no": f"CH-{case.order}",
        "channel_id": case.marketplace,
        "channel_name": name,
        "global_channel_id": number,
        "global_channel_name": family,
        "lines": lines,
    }


def _channel_return(case: Case) -> dict[str, Any]:
    lines = [{"merchant_product_no": sku, "quantity": quantity} for sku, quantity in case.story.declared.items()]
    return {
        "channel_return_no": case.channel_return,
        "merchant_order_no": case.order,
        "reason": "WRONG_SIZE",
        "customer_comment": "Does not fit",
        "lines": lines,
    }
