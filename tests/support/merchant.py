"""A merchant who calls ChannelEngine's API by hand, for tests of the sandbox itself."""

from typing import Any

import httpx

from tests.support.vendor import Vendor

MANY = {"SHOE": 3, "HAT": 2}


class Merchant:
    """One tenant of the sandbox; statuses are returned, never raised."""

    def __init__(self, vendor: Vendor, tenant: str, key: str) -> None:
        self.vendor = vendor
        self.tenant = tenant
        self.key = key

    async def call(self, method: str, path: str, body: Any = None, **query: Any) -> httpx.Response:
        """Call the vendor's API."""
        url, headers = f"/{self.tenant}/api/v2{path}", {"X-CE-KEY": self.key}
        return await self.vendor.control.request(method, url, json=body, params=query, headers=headers)

    async def sent_back(self, marketplace: str, number: str = "SO-1", **more: Any) -> int:
        """Sell at a marketplace and let a customer send all of it back."""
        await self.vendor.sell(self.tenant, number, MANY, global_channel_name=marketplace)
        return int((await self.vendor.send_back(self.tenant, number, MANY, **more))["id"])

    async def settle(self, return_id: int, **units: tuple[int, int]) -> int:
        """Update a return, by product accepted and rejected; returns the status."""
        units = units or {sku: (quantity, 0) for sku, quantity in MANY.items()}
        lines = [
            {"MerchantProductNo": sku, "AcceptedQuantity": good, "RejectedQuantity": bad}
            for sku, (good, bad) in units.items()
        ]
        return (await self.call("PUT", "/returns", {"ReturnId": return_id, "Lines": lines})).status_code

    async def create(self, marketplace: str, number: str = "M-1") -> int:
        """Sell at a marketplace and create a merchant return of all of it; returns the status."""
        await self.vendor.sell(self.tenant, "SO-1", MANY, global_channel_name=marketplace)
        lines = [{"MerchantProductNo": sku, "Quantity": quantity} for sku, quantity in MANY.items()]
        body = {"MerchantOrderNo": "SO-1", "MerchantReturnNo": number, "Reason": "OTHER", "Lines": lines}
        return (await self.call("POST", "/returns/merchant", body)).status_code

    async def refunded(self) -> int:
        """Return the units that were refunded."""
        return sum((await self.vendor.refunded(self.tenant)).values())

    async def complaints(self, **query: Any) -> list[str]:
        """Return what the vendor says about failed exports."""
        answer = await self.call("GET", "/notifications", types="CHANNEL_RETURN_EXPORT_FAILED", **query)
        return [note["Message"] for note in answer.json()["Content"]]

    async def export(self) -> dict[str, Any]:
        """Return the only export."""
        (export,) = await self.vendor.exports(self.tenant)
        return export
