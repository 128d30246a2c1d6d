"""ChannelEngine's sandbox as tests use it: what others do at the vendor, what goes wrong, and what really happened."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from itertools import count
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote, urlsplit

import httpx
import uvicorn

from connectors.channelengine.sandbox import create_app
from tests.support.loopback import Server, answering, serving, until

_numbers = count(1)


class Heard(NamedTuple):
    """One call of a webhook as its target got it."""

    method: str
    path: str
    query: dict[str, str]


class Target:
    """A merchant's address for webhooks; `url` may get a query of its own."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.url = f"{server.url}/callback"

    @property
    def heard(self) -> list[Heard]:
        """Return every call so far, oldest first."""
        lines = (request.split(b"\r\n", 1)[0].decode().split() for request in self._server.requests)
        return [Heard(method, urlsplit(to).path, dict(parse_qsl(urlsplit(to).query))) for method, to, _ in lines]

    async def until(self, calls: int) -> None:
        """Wait for so many calls in all."""
        await until(lambda: len(self._server.requests) >= calls)


@asynccontextmanager
async def webhook_target(status: str = "200 OK") -> AsyncIterator[Target]:
    """Listen for webhooks on a free loopback port for as long as the block runs, and answer each with this status."""
    answer = f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
    async with serving(answering(answer, close="after each")) as server:
        yield Target(server)


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
    async def serving(self, **options: Any) -> AsyncIterator[None]:
        """Listen on a free loopback port for as long as the block runs; the options are those of `create_app`."""
        config = uvicorn.Config(
            create_app(**options), host="127.0.0.1", port=0, log_config=None, lifespan="on", timeout_graceful_shutdown=1
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

    @asynccontextmanager
    async def in_memory(self, **options: Any) -> AsyncIterator["Vendor"]:
        """Answer without a socket for as long as the block runs; the options are those of `create_app`."""
        # Litestar and httpx describe the same ASGI with different types.
        application: Any = create_app(**options)
        self.address = "http://sandbox"
        transport = httpx.ASGITransport(application)
        client = httpx.AsyncClient(transport=transport, base_url=self.address)
        async with client as self.control:
            yield self
        await application.gate.vendor.close()

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

    async def calm(self) -> None:
        """Take every fault, limit and move of the clock back."""
        await self.fail()
        await self._put("/_sandbox/limits", {"calls_per_minute": 1_000_000})
        (await self.control.delete("/_sandbox/clock")).raise_for_status()

    async def revoke_key(self, tenant: str, new: str) -> None:
        """Give a tenant another key, which ends the one it had."""
        await self._put(f"/_sandbox/{tenant}/key", {"key": new})

    async def switch(self, tenant: str, **switches: Any) -> None:
        """Play another version of the vendor, e.g. `echo=True` or `items_per_page=3`."""
        await self._put(f"/_sandbox/{tenant}/switches", switches)

    async def acknowledge_order(self, tenant: str, order_id: int, number: str) -> None:
        """Let the merchant take an order over only now."""
        await self._post(f"/_sandbox/{tenant}/orders/{order_id}/acknowledge", {"merchant_order_no": number})

    async def link_product(self, tenant: str, sku: str, **which: Any) -> Any:
        """Give a product its number only now, named by `order_line_id` or `channel_product_no`."""
        return await self._post(f"/_sandbox/{tenant}/products/link", {"merchant_product_no": sku, **which})

    async def settle_in_web(
        self, tenant: str, return_id: int, lines: Mapping[Any, tuple[int, int]] | None = None
    ) -> Any:
        """Let somebody accept and reject in the vendor's own pages, by product or order line, or all of it."""
        body = None if lines is None else {"lines": [_decided(which, *units) for which, units in lines.items()]}
        return await self._post(f"/_sandbox/{tenant}/returns/{return_id}/settle", body)

    async def count_again(self, tenant: str, return_id: int, lines: dict[str, int]) -> None:
        """Change the quantities of an open return, by product."""
        named = [{"merchant_product_no": sku, "quantity": quantity} for sku, quantity in lines.items()]
        await self._post(f"/_sandbox/{tenant}/returns/{return_id}/quantities", {"lines": named})

    async def manner(self, tenant: str, marketplace: str, **manner: Any) -> Any:
        """Change how a marketplace treats a tenant's returns, e.g. `all_or_nothing=True`."""
        return await self._put(f"/_sandbox/{tenant}/manners/{quote(marketplace)}", manner)

    async def balance(self, tenant: str, marketplace: str, *, sufficient: bool) -> None:
        """Say whether the shop can pay refunds at a marketplace."""
        await self._put(f"/_sandbox/{tenant}/balances/{quote(marketplace)}", {"sufficient": sufficient})

    async def fail_exports(self, tenant: str, times: int = 1, **which: Any) -> None:
        """Let the next exports fail: any, or those of `return_id` or `marketplace`; with `text`, and `final` or not."""
        await self._post(f"/_sandbox/{tenant}/exports/fail", {"times": times, **which})

    async def retry_exports(self, tenant: str, **which: Any) -> Any:
        """Try now what waits or failed: all, or that of `return_id` or `marketplace`."""
        return await self._post(f"/_sandbox/{tenant}/exports/retry", which)

    async def exports(self, tenant: str) -> list[dict[str, Any]]:
        """Return how far each decision got on its way to its marketplace."""
        return await self._got(f"/_sandbox/{tenant}/exports")  # type: ignore[no-any-return]  # it is a list

    async def forward(self, seconds: float) -> None:
        """Let the vendor's time go on; what falls due on the way happens."""
        await self._put("/_sandbox/clock", {"forward_seconds": seconds})

    async def set_clock(self, now: datetime, *, stopped: bool = False) -> None:
        """Set the vendor's clock, to go on from there or to stand still."""
        await self._put("/_sandbox/clock", {"now": now.isoformat(), "stopped": stopped})

    async def webhooks(self, tenant: str) -> list[dict[str, Any]]:
        """Return the webhooks that the vendor keeps."""
        return (await self._got(f"/_sandbox/{tenant}/webhooks"))["webhooks"]  # type: ignore[no-any-return]  # a list

    async def deliveries(self, tenant: str) -> list[dict[str, Any]]:
        """Return the calls of webhooks, once none is under way."""
        await self._post(f"/_sandbox/{tenant}/webhooks/settle", None)
        return (await self._got(f"/_sandbox/{tenant}/webhooks"))["deliveries"]  # type: ignore[no-any-return]  # a list

    async def switch_webhook(self, tenant: str, name: str, *, active: bool) -> None:
        """Switch a webhook on or off behind the merchant's back."""
        await self._put(f"/_sandbox/{tenant}/webhooks/{quote(name)}", {"is_active": active})

    async def drop_webhook(self, tenant: str, name: str) -> None:
        """Take a webhook away behind the merchant's back."""
        (await self.control.delete(f"/_sandbox/{tenant}/webhooks/{quote(name)}")).raise_for_status()

    async def violations(self, tenant: str) -> list[dict[str, Any]]:
        """Return every call that a correct client would not have made."""
        return (await self._got(f"/_sandbox/{tenant}/violations"))["violations"]  # type: ignore[no-any-return]  # a list

    async def judgement(self, tenant: str) -> Any:
        """Return what the ledger says against what was accepted."""
        return await self._got(f"/_sandbox/{tenant}/judgement")

    async def exchanges(self, tenant: str) -> list[dict[str, Any]]:
        """Return the latest requests with their answers, word by word."""
        return await self._got(f"/_sandbox/{tenant}/exchanges")  # type: ignore[no-any-return]  # it is a list

    async def world(self, seed: int, **size: Any) -> Any:
        """Make a world: `tenants` and `marketplaces` by number or name, `returns` and `merchant_orders` for each."""
        return await self._post("/_sandbox/world", {"seed": seed, **size})

    async def _got(self, path: str) -> Any:
        return (await self.control.get(path)).raise_for_status().json()

    async def _put(self, path: str, body: Any) -> Any:
        return (await self.control.put(path, json=body)).raise_for_status().json()

    async def _post(self, path: str, body: Any) -> Any:
        answer = await self.control.post(path, json=body)
        answer.raise_for_status()
        return answer.json()


def _decided(which: str | int, accepted: int, rejected: int) -> dict[str, Any]:
    name = "order_line_id" if isinstance(which, int) else "merchant_product_no"
    return {name: which, "accepted": accepted, "rejected": rejected}
