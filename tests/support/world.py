"""A hub with a vendor beside it, and the verbs of their users; nothing here is faster than the real thing.

The worker's jobs are run in the test's own task, one after the other, so that a test decides when what happens.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any, Protocol
from uuid import UUID

import msgspec

from hub import process, timeouts
from hub.deadlines import service as deadlines
from hub.inbox import queries as inbox_queries
from hub.inbox import service as inbox
from hub.initiation.messages import NewLine, NewReturn
from hub.kit import clock, db
from hub.operations import queries as operations
from hub.operations.messages import OperationView
from hub.operations.runner import Runner
from hub.receipt.desk import Desk
from hub.returns import queries as returns
from hub.returns.messages import StoredReturn
from hub.runtime import Runtime
from hub.sdk.messages import Order, Phase
from hub.sdk.outcomes import Done
from hub.sdk.receiving import Condition, Grade, Level, ReceiptRequest, ReceiptResult, ReceivedItem
from hub.why import service as whys
from hub.why.messages import Explanation
from hub.work import queries as work
from hub.work.messages import WorkItemView
from tenants import profiles
from tenants import queries as tenant_queries
from tenants import service as tenants
from tenants.keys.messages import KeyShown, NewKey
from tenants.keys.service import create_key
from tenants.messages import (
    NewAccount,
    NewChannel,
    NewConnection,
    NewWarehouse,
    Policies,
    ReceivingOption,
    Role,
    Route,
    Rules,
)
from tests.support.vendor import Vendor

_numbers = count(1)
ACTOR = "test"


class Watch(Protocol):
    """The stopped clock."""

    def forward(self, **span: float) -> None: ...


class Shop(msgspec.Struct, frozen=True, kw_only=True):
    """One merchant that is set up in the hub and at the vendor."""

    account: UUID
    tenant: str
    key: str
    connection: UUID
    channel: UUID
    warehouse: UUID


class World:
    """A hub, a vendor, a clock."""

    def __init__(self, hub: Runtime, vendor: Vendor, watch: Watch) -> None:
        self.hub = hub
        self.vendor = vendor
        self.watch = watch
        self.runner = Runner(hub.vendors, process.conclude)
        self.poller = inbox.Poller(hub.vendors, process.import_channel_return, process.take_refusal)

    @classmethod
    @asynccontextmanager
    async def opened(cls, hub: Runtime, vendor: Vendor, watch: Watch) -> AsyncIterator["World"]:
        """A world for one test."""
        yield cls(hub, vendor, watch)

    async def shop(self, name: str = "shop", **rules: Any) -> Shop:
        """Set a merchant up, with a return hub as receiving option; `rules` change both policies."""
        tenant, key = await self.vendor.tenant(name)
        # The vendor knows a marketplace once something was sold there.
        await self.vendor.sell(tenant, "FIRST", {"FIRST-SKU": 1})
        await self.vendor.sell(
            tenant, "FIRST-BOL", {"FIRST-SKU": 1}, channel_id=12, channel_name="bol NL", global_channel_name="bol"
        )
        return await self.merchant(tenant, key, ("11", "12"), **rules)

    async def merchant(self, tenant: str, key: str, marketplaces: tuple[str, ...], **rules: Any) -> Shop:
        """Set a merchant up that the vendor has as a tenant, with a channel over these marketplaces."""
        account = await tenants.create_account(NewAccount(name=tenant), actor=ACTOR)
        new = NewConnection(
            connector="channelengine", name="ChannelEngine", account_id=account.id,
            settings={"address": f"{self.vendor.address}/{tenant}/api", "api_key": key},
        )  # fmt: skip
        connection = await tenants.create_connection(new, self.hub.vendors, actor=ACTOR)
        warehouse = await tenants.create_warehouse(
            NewWarehouse(name=f"Return hub {next(_numbers)}", receiving_option=ReceivingOption.RETURN_HUB), actor=ACTOR
        )
        chosen = Rules(receiving=(Route(warehouse_id=warehouse.id),), **rules)
        channel = await tenants.create_channel(
            NewChannel(
                account_id=account.id, name="Marketplaces", connection_id=connection.id, marketplaces=marketplaces,
                policies=Policies(channel=chosen, merchant=chosen),
            ),
            self.hub.vendors, actor=ACTOR,
        )  # fmt: skip
        async with db.transaction(db.account(account.id)):
            await inbox_queries.ensure_poll(account.id, connection.id, clock.now())
        return Shop(
            account=account.id,
            tenant=tenant,
            key=key,
            connection=connection.id,
            channel=channel.id,
            warehouse=warehouse.id,
        )

    async def api_key(self, role: Role = Role.PLATFORM, **more: Any) -> str:
        """Make an API key of a role, with its owner."""
        return (await self.made_key(role, **more)).key

    async def made_key(self, role: Role, **more: Any) -> KeyShown:
        """Make an API key of a role, and tell its id too."""
        return await create_key(NewKey(name=f"key {next(_numbers)}", role=role, **more), actor=ACTOR)

    async def poll(self, shop: Shop) -> None:
        """Import what is new at the channel, as the worker does."""
        async with db.transaction(db.PLATFORM):
            await inbox_queries.hasten(shop.connection, clock.now())
        await self.poller.poll(str(shop.connection))

    async def channel_return(self, shop: Shop, order: str, lines: dict[str, int], **more: Any) -> StoredReturn:
        """Sell, let the customer start a return at the marketplace, import it."""
        await self.vendor.sell(
            shop.tenant,
            order,
            lines,
            **{k: v for k, v in more.items() if k.startswith(("channel_id", "channel_name", "global"))},
        )
        await self.vendor.send_back(shop.tenant, order, lines)
        await self.poll(shop)
        return await self.of_order(shop, order)

    async def merchant_return(self, shop: Shop, order: str, lines: dict[str, int], **more: Any) -> StoredReturn:
        """Sell, and create a return in the hub against the order as the vendor tells it."""
        await self.vendor.sell(shop.tenant, order, lines, **more)
        return await self.create(shop, order, lines)

    async def create(self, shop: Shop, order: str, lines: dict[str, int], *, key: str | None = None) -> StoredReturn:
        """Create a merchant return of an order that exists at the vendor."""
        new = NewReturn(
            channel_id=shop.channel, order_number=order,
            lines=tuple(NewLine(sku=sku, quantity=quantity) for sku, quantity in lines.items()),
        )  # fmt: skip
        return await process.create_merchant_return(
            shop.account, new, await self.order(shop, order), key=key or f"test:{next(_numbers)}", actor=ACTOR
        )

    async def order(self, shop: Shop, number: str) -> Order:
        """Look an order up at the vendor."""
        async with db.transaction(db.PLATFORM):
            connection = await tenant_queries.connection(shop.connection)
        called = await self.hub.vendors.call(tenants.reach_of(connection), "find_order", number, key="order")
        assert isinstance(called.outcome, Done)
        found: Order = called.outcome.result
        return found

    def desk(self, shop: Shop) -> Desk:
        """The receiving desk of the shop's warehouse."""
        return Desk(
            warehouse_id=shop.warehouse, warehouse="here", operator="operator", receive=process.receive,
            reopen=process.reopen,
        )  # fmt: skip

    async def receive(
        self,
        shop: Shop,
        number: str,
        items: list[tuple[str, int, str]],
        *,
        finalise: bool = True,
        key: str | None = None,
    ) -> ReceiptResult:
        """Book goods as (sku, quantity, grade); grade D counts as damaged."""
        request = ReceiptRequest(
            key=key or f"receipt:{next(_numbers)}", return_number=number, finalise=finalise,
            items=tuple(_item(*each) for each in items),
        )  # fmt: skip
        return await self.desk(shop).receive(request)

    async def close(self, shop: Shop, number: str) -> ReceiptResult:
        """Book a parcel that nobody opens, and say that it is all that comes."""
        request = ReceiptRequest(
            key=f"receipt:{next(_numbers)}", return_number=number, level=Level.PARCEL, finalise=True
        )  # fmt: skip
        return await self.desk(shop).receive(request)

    async def work(self, *, most: int = 200) -> int:
        """Run operations that are due, one after the other, until none is; returns how many ran."""
        ran = 0
        while ran < most:
            async with db.transaction(db.PLATFORM):
                due = await operations.due([phase.value for phase in Phase], clock.now(), 50)
            if not due:
                return ran
            for each in due:
                await self.runner.job(each.phase)(str(each.id), str(each.connection_id))
                ran += 1
        return ran

    async def seconds_to_next(self) -> float | None:
        """Return how long it is until an operation falls due at a vendor that may be called, nothing if none waits."""
        async with db.transaction(db.PLATFORM):
            (row,) = await db.fetch(
                f"""select extract(epoch from min(greatest(next_at, {operations.LIMITED_UNTIL})) - $1)::float8 as pause
                from operations join connections on connections.id = operations.connection_id
                where connections.state = 'active' and operations.state in ('ready', 'pending', 'unknown')""",
                clock.now(),
            )
        return None if row["pause"] is None else max(row["pause"], 0.0)

    async def work_until_quiet(self, *, hours: float = 2.0) -> None:
        """Let time pass in steps of ten seconds and run what falls due, until nothing is waiting."""
        for _ in range(int(hours * 360)):
            await self.work()
            async with db.transaction(db.PLATFORM):
                counts = await operations.counts()
            if not {state for state in counts if state != "dead"}:
                return
            self.watch.forward(seconds=10)

    async def beat(self) -> None:
        """Let the worker look at the deadlines, as it does again and again."""
        await deadlines.recompute_changed()
        await timeouts.sweep()
        await deadlines.warn()

    async def profile(self, shop: Shop, marketplace: str = "11", **changes: Any) -> None:
        """Let the account say how a marketplace treats returns."""
        async with db.transaction(db.account(shop.account)):
            channel = await tenant_queries.channel(shop.channel)
        await profiles.change(channel, marketplace, changes, actor=ACTOR)
        await deadlines.recompute(shop.account, shop.connection, marketplace)

    async def why(self, stored: StoredReturn) -> Explanation:
        """Ask why a return is not settled."""
        async with db.transaction(db.account(stored.account_id)):
            return (await whys.why([await self.reload(stored)]))[stored.id]

    async def of_order(self, shop: Shop, order: str) -> StoredReturn:
        """Return the one return of an order."""
        async with db.transaction(db.account(shop.account)):
            (found,) = await returns.page(
                account_id=shop.account, state=None, kind=None, order_number=order, after=None, limit=5
            )
        return found

    async def again(self, stored: StoredReturn) -> StoredReturn:
        """Return a return as it is stored now."""
        async with db.transaction(db.account(stored.account_id)):
            return await self.reload(stored)

    async def reload(self, stored: StoredReturn) -> StoredReturn:
        """Return a return as this transaction sees it."""
        found = await returns.load(stored.account_id, stored.id)
        assert found is not None
        return found

    async def operations(self, shop: Shop) -> list[OperationView]:
        """Return every operation of an account."""
        async with db.transaction(db.account(shop.account)):
            return await operations.operations(
                account_id=shop.account, state=None, return_id=None, after=None, limit=200
            )

    async def work_items(self, shop: Shop) -> list[WorkItemView]:
        """Return the open work items of an account."""
        async with db.transaction(db.account(shop.account)):
            return await work.items(shop.account, None, 200)


def _item(sku: str, quantity: int, grade: str) -> ReceivedItem:
    condition = Condition.DAMAGED if grade == "D" else Condition.AS_NEW
    return ReceivedItem(sku=sku, quantity=quantity, grade=Grade(grade), condition=condition)
