"""The vendor for a benchmark: a sandbox process with orders and channel returns, and its ledger."""

import asyncio
import contextlib
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

SKU = "SKU-1"
UNITS = 2
KEY = "k" * 40
# The sandbox takes lists; these keep a request's body small.
BATCH = 500


@asynccontextmanager
async def sandbox(*tenants: str) -> AsyncIterator[httpx.AsyncClient]:
    """Run a sandbox of its own process on a free port; the client's base address is the sandbox's."""
    port = _free_port()
    words = [word for tenant in tenants for word in ("--tenant", f"{tenant}={KEY}")]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "connectors.channelengine.sandbox", "--port", str(port), *words
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as http:
            await _until_up(http)
            yield http
    finally:
        process.terminate()
        await process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _until_up(http: httpx.AsyncClient) -> None:
    for _ in range(200):
        with contextlib.suppress(httpx.TransportError):
            if (await http.get("/_sandbox/health")).is_success:
                return
        await asyncio.sleep(0.05)
    raise TimeoutError("the sandbox did not come up")


async def fill(http: httpx.AsyncClient, tenant: str, returns: int) -> None:
    """Sell `returns` orders and let a customer send each back."""
    for first in range(0, returns, BATCH):
        numbers = range(first, min(first + BATCH, returns))
        orders = [_order(number) for number in numbers]
        (await http.post(f"/_sandbox/{tenant}/orders", json=orders)).raise_for_status()
        back = [_back(number) for number in numbers]
        (await http.post(f"/_sandbox/{tenant}/channel-returns", json=back)).raise_for_status()


def _order(number: int) -> dict[str, object]:
    line = {"merchant_product_no": SKU, "quantity": UNITS, "unit_price_incl_vat": "10.00", "channel_product_no": SKU}
    return {
        "merchant_order_no": f"SO-{number}",
        "channel_id": 1,
        "channel_name": "Kaufland DE",
        "global_channel_name": "Kaufland",
        "lines": [line],
    }


def _back(number: int) -> dict[str, object]:
    lines = [{"merchant_product_no": SKU, "quantity": UNITS}]
    return {"channel_return_no": f"CR-{number}", "merchant_order_no": f"SO-{number}", "lines": lines}


async def refunded(http: httpx.AsyncClient, tenant: str) -> int:
    """Return the units that the vendor refunded."""
    ledger = (await http.get(f"/_sandbox/{tenant}/ledger")).json()
    return int(ledger["total_units"])
