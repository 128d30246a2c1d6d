"""A partner's system beside the hub: its sandbox on a loopback port, and the people in its warehouse."""

import asyncio
import base64
import hashlib
import hmac
import importlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from typing import Any
from uuid import UUID

import httpx
import uvicorn

from hub import process
from hub.kit import clock, db
from hub.wms import hints
from hub.wms import queries as wms_queries
from hub.wms.reading import Reader
from tenants import queries as tenant_queries
from tenants import service as tenants
from tenants.messages import NewConnection, NewPartner, NewWarehouse, ReceivingOption
from tenants.vendors import Reach
from tests.support.judge import rows
from tests.support.parties import reroute
from tests.support.world import ACTOR, Shop, World

_numbers = count(1)


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Wms:
    """One sandbox with its control interface."""

    def __init__(self, name: str, package: str) -> None:
        self.name = name
        self.package = importlib.import_module(f"{package}.sandbox")
        self.address = ""
        self.control = httpx.AsyncClient()

    @classmethod
    @asynccontextmanager
    async def serving(cls, name: str, *, package: str | None = None) -> AsyncIterator["Wms"]:
        """Serve a connector's sandbox for as long as the block runs."""
        wms = cls(name, package or f"connectors.{name}")
        config = uvicorn.Config(
            wms.package.create_app(), host="127.0.0.1", port=0, log_config=None, timeout_graceful_shutdown=1
        )
        server = _Server(config)
        task = asyncio.create_task(server.serve())
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event to wait for
            await asyncio.sleep(0.01)
        wms.address = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        async with httpx.AsyncClient(base_url=wms.address, timeout=10) as wms.control:
            yield wms
        server.should_exit = True
        await task

    @property
    def settings(self) -> dict[str, Any]:
        """What a partner enters to connect it."""
        return {
            name: value.format(address=self.address) if isinstance(value, str) else value
            for name, value in self.package.SETTINGS.items()
        }

    async def _post(self, path: str, body: Any) -> Any:
        answer = await self.control.post(f"/_sandbox/{path}", json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    async def at(self) -> None:
        """Let the vendor's clock show what the hub's shows."""
        await self._post("clock", {"at": clock.now().isoformat()})

    async def stock(self, *skus: str) -> None:
        """Let the warehouse know products."""
        await self._post("products", list(skus))

    async def sent(self, number: str, lines: list[tuple[str, int, str]]) -> None:
        """Let the warehouse have sent an order: (sku, quantity, order line)."""
        made = [{"sku": sku, "quantity": units, "order_line": line} for sku, units, line in lines]
        await self._post("orders", {"number": number, "lines": made})

    async def receive(
        self, number: str | None, *lines: tuple[str, int, str | None], complete: bool = False, order: str | None = None
    ) -> str:
        """Let goods arrive: (sku, quantity, the vendor's word)."""
        await self.at()
        made = [{"sku": sku, "quantity": units, "word": word} for sku, units, word in lines]
        body = {"return_number": number, "lines": made, "complete": complete, "order_number": order}
        return str((await self._post("receive" if number else "bring", body))["reference"])

    async def faults(self, *faults: str) -> None:
        """Let these faults be played."""
        answer = await self.control.put("/_sandbox/faults", json=list(faults))
        assert answer.is_success, answer.text

    async def ledger(self) -> dict[str, Any]:
        """Return what the vendor really holds."""
        held: dict[str, Any] = (await self.control.get("/_sandbox/ledger")).json()
        return held

    async def outbox(self) -> list[dict[str, Any]]:
        """Return the hooks that the vendor sent."""
        told: list[dict[str, Any]] = (await self.control.get("/_sandbox/outbox")).json()
        return told


class House:
    """A partner whose system receives for a shop."""

    def __init__(self, world: World, wms: Wms, shop: Shop, connection: UUID, partner: UUID) -> None:
        self.world = world
        self.wms = wms
        self.shop = shop
        self.connection = connection
        self.partner = partner
        self.reader = Reader(world.hub.vendors, process.receive_from_wms, "https://hub.example.com")

    @classmethod
    async def opened(cls, world: World, wms: Wms, shop: Shop) -> "House":
        """Set a partner up with its system, to which the shop's goods go from now on."""
        number = next(_numbers)
        partner = await tenants.create_partner(NewPartner(name=f"Partner {number}"), actor=ACTOR)
        login = NewConnection(connector=wms.name, name="WMS", partner_id=partner.id, settings=wms.settings)
        connection = await tenants.create_connection(login, world.hub.vendors, actor=ACTOR)
        place = NewWarehouse(
            name=f"House {number}", receiving_option=ReceivingOption.PARTNER_WMS, partner_id=partner.id,
            connection_id=connection.id,
        )  # fmt: skip
        warehouse = await tenants.create_warehouse(place, actor=ACTOR)
        await reroute(shop, warehouse.id)
        return cls(world, wms, shop, connection.id, partner.id)

    async def read(self, *, whole: bool = True) -> None:
        """Read the system, as the worker does; all of it, or what was hinted at."""
        async with db.transaction(db.PLATFORM):
            await wms_queries.due(clock.now(), 10)
            if whole:
                await wms_queries.hasten(self.connection, clock.now())
        await self.reader.read(str(self.connection))

    async def hook(self, headers: dict[str, str], body: str, connection: UUID | None = None) -> bool:
        """Call the hub's address as the vendor does."""
        return await hints.take(self.world.hub.vendors, str(connection or self.connection), headers, body.encode())

    async def hooks(self, *, repeat: int = 1) -> None:
        """Deliver every hook that the vendor has sent, each so many times."""
        for each in await self.wms.outbox():
            for _ in range(repeat):
                assert await self.hook(each["headers"], each["body"])

    async def receipts(self) -> list[tuple[str, int, str]]:
        """Return what was booked: (sku, quantity, disposition)."""
        found = await rows("select sku, quantity, disposition from receipt_items order by receipt_id, position")
        return [(row["sku"], row["quantity"], row["disposition"]) for row in found]

    async def reach(self) -> Reach:
        """Return what calling the system needs."""
        async with db.transaction(db.PLATFORM):
            return tenants.reach_of(await tenant_queries.connection(self.connection))

    async def truth(self, number: str) -> dict[tuple[str, str], int]:
        """Return what Picqer holds of a return: units by product and word."""
        (found,) = [
            each
            for each in (await self.wms.control.get("/api/v1/returns", headers=self.login)).json()
            if each["reference"] == number
        ]
        totals: dict[tuple[str, str], int] = {}
        for row in found["returned_products"]:
            if row["idwarehouse"]:
                key = (row["product"]["productcode"], row["status"])
                totals[key] = totals.get(key, 0) + row["amount"]
        return totals

    @property
    def login(self) -> dict[str, str]:
        """What a person at Picqer signs in with."""
        key = base64.b64encode(f"{self.wms.settings['api_key']}:x".encode()).decode()
        return {"authorization": f"Basic {key}", "user-agent": "test (test@example.com)"}

    def signed(self, body: str) -> dict[str, str]:
        """Return the headers of a hook that Picqer signed."""
        made = hmac.new(self.wms.settings["hook_secret"].encode(), body.encode(), hashlib.sha256).digest()
        return {"X-Picqer-Signature": base64.b64encode(made).decode()}
