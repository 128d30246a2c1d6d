"""ChannelEngine's sandbox as tests use it: tenants, sales, returns, faults and the ledger."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from typing import Any

import httpx
import uvicorn

from connectors.channelengine.sandbox import create_app

_numbers = count(1)


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Vendor:
    """One sandbox server; `control` speaks to its control interface."""

    address = ""

    def __init__(self) -> None:
        self.control = httpx.AsyncClient()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Listen on a free loopback port for as long as the block runs."""
        config = uvicorn.Config(
            create_app(), host="127.0.0.1", port=0, log_config=None, lifespan="on", timeout_graceful_shutdown=1
        )
        server = _Server(config)
        task = asyncio.create_task(server.serve())
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event to wait for
            await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        self.address = f"http://127.0.0.1:{port}"
        async with httpx.AsyncClient(base_url=self.address, timeout=10) as self.control:
            yield
        server.should_exit = True
        await task

    async def tenant(self, name: str = "shop") -> tuple[str, str]:
        """Add a tenant with a name of its own; returns name and key."""
        tenant = f"{name}{next(_numbers)}"
        key = f"{tenant:x<40}"
        await self._post("/_sandbox/tenants", {"name": tenant, "key": key})
        return tenant, key

    async def sell(self, tenant: str, number: str, lines: dict[str, int], **more: Any) -> Any:
        """Sell and ship an order on marketplace 11 ("Kaufland DE") unless told otherwise."""
        body = {
            "merchant_order_no": number,
            "channel_id": 11,
            "channel_name": "Kaufland DE",
            "global_channel_name": "Kaufland",
            "lines": [
                {
                    "merchant_product_no": sku,
                    "quantity": quantity,
                    "unit_price_incl_vat": "10.00",
                    "channel_product_no": sku,
                }
                for sku, quantity in lines.items()
            ],
            **more,
        }
        return await self._post(f"/_sandbox/{tenant}/orders", body)

    async def send_back(self, tenant: str, order: str, lines: dict[str, int], **more: Any) -> Any:
        """Let a customer start a return at the marketplace."""
        body = {
            "channel_return_no": f"CR-{order}",
            "merchant_order_no": order,
            "lines": [{"merchant_product_no": sku, "quantity": quantity} for sku, quantity in lines.items()],
            **more,
        }
        return await self._post(f"/_sandbox/{tenant}/channel-returns", body)

    async def cancel(self, tenant: str, return_id: int) -> None:
        """Let the marketplace cancel an open return."""
        await self._post(f"/_sandbox/{tenant}/returns/{return_id}/cancel", None)

    async def fail(self, *faults: str) -> None:
        """Switch faults on in place of all others, e.g. `settle=500-after/3`."""
        (await self.control.put("/_sandbox/faults", json=list(faults))).raise_for_status()

    async def ledger(self, tenant: str) -> list[dict[str, Any]]:
        """Return every refund that was made."""
        entries: list[dict[str, Any]] = (await self.control.get(f"/_sandbox/{tenant}/ledger")).json()["entries"]
        return entries

    async def refunded(self, tenant: str) -> dict[str, int]:
        """Return the refunded units by product."""
        units: dict[str, int] = {}
        for entry in await self.ledger(tenant):
            units[entry["sku"]] = units.get(entry["sku"], 0) + entry["quantity"]
        return units

    async def calls(self, tenant: str, effect: str) -> list[dict[str, Any]]:
        """Return the calls of one effect, oldest first."""
        answer = await self.control.get(f"/_sandbox/{tenant}/calls", params={"effect": effect})
        calls: list[dict[str, Any]] = answer.json()["calls"]
        return calls

    async def returns(self, tenant: str) -> list[dict[str, Any]]:
        """Return every return as the vendor holds it."""
        found: list[dict[str, Any]] = (await self.control.get(f"/_sandbox/{tenant}/returns")).json()["returns"]
        return found

    async def _post(self, path: str, body: Any) -> Any:
        answer = await self.control.post(path, json=body)
        answer.raise_for_status()
        return answer.json()
