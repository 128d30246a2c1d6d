"""A marketplace in memory with a connector of its own, whose every answer a test chooses, and a hub beside it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import UUID

import msgspec

from hub import process
from hub.backfills import queries as backfill_queries
from hub.backfills.service import Backfiller
from hub.inbox import queries as inbox_queries
from hub.inbox.service import Poller, try_again
from hub.initiation.messages import Imported
from hub.kit import clock, db
from hub.kit.egress import Allow, Egress
from hub.knocks.keeper import Keeper
from hub.operations import queries as operations
from hub.operations.runner import Runner
from hub.receipt.desk import Desk
from hub.returns import queries as returns
from hub.returns.messages import StoredReturn
from hub.runtime import Runtime
from hub.sdk import (
    FOR_WAREHOUSES,
    Absent,
    Acknowledgement,
    Capability,
    ChannelReturn,
    ChannelReturnLine,
    Checked,
    Connector,
    Context,
    Done,
    Effect,
    Knock,
    Manifest,
    Marketplace,
    Order,
    Outcome,
    Page,
    Profile,
    Reason,
    Refusal,
    Refusals,
    ReturnKey,
    Secret,
    Settlement,
    Subscribed,
    Subscription,
    VendorReference,
)
from hub.sdk.messages import Phase
from hub.sdk.receiving import Condition, Grade, ReceiptRequest, ReceivedItem
from hub.work import queries as work
from hub.work.messages import WorkItemView
from tenants import profiles
from tenants import service as tenants
from tenants.keys.messages import NewKey
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
from tenants.vendors import Vendors
from tests.support.judge import stored
from tests.support.world import Shop, Watch

ACTOR = "test"
PUBLIC = "https://hub.example.com"
_numbers = count(1)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a shop enters."""

    api_key: Secret


PLACES = ("bol", "amazon", "otto")


class Market(Connector):
    """The marketplace and its connector in one: what it holds is what it answers."""

    manifest = Manifest(
        name="market",
        title="Market",
        version="1",
        capabilities=frozenset(Capability) - FOR_WAREHOUSES - {Capability.LOOKUP, Capability.UNSUBSCRIBE},
        settings=Settings,
        repeatable=frozenset({Effect.ACKNOWLEDGE, Effect.SETTLE}),
    )

    def __init__(self) -> None:
        self.returns: dict[str, ChannelReturn] = {}
        self.hidden: set[str] = set()
        self.orders: dict[str, Order] = {}
        self.refused: list[Refusal] = []
        self.watched: list[tuple[str, ...]] = []
        self.addresses: list[str] = []
        self.answers: dict[str, list[Outcome | Exception]] = {}
        self.asked: list[str] = []
        self.page_size = 100
        self.profiles: dict[str, Profile] = {each: Profile() for each in PLACES}

    def _asked(self, what: str) -> Outcome | None:
        self.asked.append(what)
        scripted = self.answers.get(what.split(":", maxsplit=1)[0])
        if not scripted:
            return None
        answer = scripted.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def check(self, context: Context) -> Outcome:
        places = tuple(Marketplace(reference=each, name=each, family=each) for each in PLACES)
        return self._asked("check") or Done(Checked(name="market", marketplaces=places))

    def _page(self, found: list[ChannelReturn], cursor: str | None, began: datetime | None) -> Page:
        start = int(cursor or 0)
        more = len(found) > start + self.page_size
        return Page(
            items=tuple(found[start : start + self.page_size]), cursor=str(start + self.page_size if more else 0),
            more=more, total=len(found), all_open_since=None if more else began,
        )  # fmt: skip

    async def poll(self, context: Context, cursor: str | None) -> Outcome:
        found = [each for key, each in self.returns.items() if each.open and key not in self.hidden]
        return self._asked("poll") or Done(self._page(found, cursor, context.now))

    async def history(self, context: Context, since: datetime, cursor: str | None) -> Outcome:
        found = [each for each in self.returns.values() if each.created_at >= since]
        return self._asked(f"history:{cursor}") or Done(self._page(found, cursor, None))

    async def fetch(self, context: Context, wanted: ReturnKey) -> Outcome:
        found = self.returns.get(wanted.external_id or "")
        return self._asked(f"fetch:{wanted.external_id}") or (Done(found) if found else Absent())

    async def find_order(self, context: Context, number: str) -> Outcome:
        found = self.orders.get(number)
        return self._asked(f"find_order:{number}") or (Done(found) if found else Absent())

    async def refusals(self, context: Context, cursor: str | None, watched: tuple[ReturnKey, ...]) -> Outcome:
        self.watched.append(tuple(each.return_number for each in watched))
        return self._asked("refusals") or Done(Refusals(items=tuple(self.refused), cursor="read"))

    async def subscribe(self, context: Context, wanted: Subscription) -> Outcome:
        answer = self._asked("subscribe")
        if answer is None:
            self.addresses.append(wanted.url)
        return answer or Done(Subscribed())

    async def acknowledge(self, context: Context, message: Acknowledgement) -> Outcome:
        return self._asked("acknowledge") or Done(VendorReference(message.external_id))

    async def settle(self, context: Context, message: Settlement) -> Outcome:
        return self._asked("settle") or Done(VendorReference(message.external_id))

    def hear(self, knock: Mapping[str, str]) -> Knock:
        return {"notifications": Knock.REFUSALS, "orders": Knock.OTHER}.get(knock.get("type", ""), Knock.RETURNS)

    def profile(self, family: str) -> Profile | None:
        return self.profiles.get(family)

    def asked_of(self, method: str) -> list[str]:
        """Return what one method was asked."""
        return [each for each in self.asked if each.split(":")[0] == method]

    # what customers and the marketplace do

    def send_back(self, *lines: ChannelReturnLine, **more: Any) -> ChannelReturn:
        """Let a customer start a return."""
        number = next(_numbers)
        told: dict[str, Any] = {
            "external_id": str(number), "channel_return_number": f"CR-{number}", "order_number": f"SO-{number}",
            "channel_order_number": f"CH-{number}", "marketplace": "bol", "raw_status": "IN_PROGRESS", "open": True,
            "canceled": False, "marketplace_fulfilled": False, "reason": Reason.OTHER, "customer_comment": None,
            "created_at": clock.now(), "lines": lines or (line("SHOE", 1),), "updated_at": clock.now(), **more,
        }  # fmt: skip
        self.returns[told["external_id"]] = found = ChannelReturn(**told)
        return found

    def change(self, which: ChannelReturn, **changes: Any) -> ChannelReturn:
        """Change a return, as the marketplace or somebody at its pages may."""
        held = self.returns[which.external_id]
        self.returns[which.external_id] = msgspec.structs.replace(held, **{"updated_at": clock.now(), **changes})
        return self.returns[which.external_id]

    def cancel(self, which: ChannelReturn) -> ChannelReturn:
        """Call a return off."""
        return self.change(which, raw_status="CANCELLED", open=False, canceled=True)

    def close(self, which: ChannelReturn) -> ChannelReturn:
        """Decide a return elsewhere."""
        return self.change(which, raw_status="RECEIVED", open=False)


def line(sku: str | None, quantity: int = 1, **more: Any) -> ChannelReturnLine:
    """One line, tied to an order line of its product unless told otherwise."""
    tied = {"order_line": f"L-{sku}-{next(_numbers)}", "shipped": 10} if sku else {}
    return ChannelReturnLine(sku=sku, quantity=quantity, **{**tied, **more})


class Stall:
    """A hub with one merchant at the market."""

    def __init__(self, hub: Runtime, market: Market, watch: Watch, public_url: str | None = PUBLIC) -> None:
        self.market = market
        self.watch = watch
        self.vendors = Vendors({"market": market}, keyring=hub.keyring, egress=Egress(allow=Allow.parse("")), limits={})
        settings = msgspec.structs.replace(hub.settings, public_url=public_url)
        self.hub = msgspec.structs.replace(hub, vendors=self.vendors, settings=settings)
        self.refusals: list[Refusal] = []
        self.poller = Poller(self.vendors, process.import_channel_return, self._take_refusal)
        self.backfiller = Backfiller(self.vendors, self.poller.handler)
        self.keeper = Keeper(self.vendors, public_url)
        self.runner = Runner(self.vendors, process.conclude)
        self.shop: Shop

    async def _take_refusal(self, account_id: UUID, connection_id: UUID, refusal: Refusal) -> Imported:
        self.refusals.append(refusal)
        return Imported("changed")

    @classmethod
    @asynccontextmanager
    async def opened(cls, hub: Runtime, watch: Watch, public_url: str | None = PUBLIC) -> AsyncIterator["Stall"]:
        """A stall for one test."""
        stall = cls(hub, Market(), watch, public_url)
        profiles.know(stall.vendors.connectors)
        try:
            await stall._set_up()
            yield stall
        finally:
            await stall.vendors.close()
            profiles.know(hub.vendors.connectors)

    async def _set_up(self, marketplaces: tuple[str, ...] = ("bol",)) -> None:
        account = await tenants.create_account(NewAccount(name=f"stall {next(_numbers)}"), actor=ACTOR)
        new = NewConnection(connector="market", name="Market", account_id=account.id, settings={"api_key": "key"})
        connection = await tenants.create_connection(new, self.vendors, actor=ACTOR)
        place = NewWarehouse(name=f"Stall {next(_numbers)}", receiving_option=ReceivingOption.RETURN_HUB)
        warehouse = await tenants.create_warehouse(place, actor=ACTOR)
        self.shop = Shop(
            account=account.id, tenant="market", key="key", connection=connection.id, channel=connection.id,
            warehouse=warehouse.id,
        )  # fmt: skip
        self.shop = msgspec.structs.replace(self.shop, channel=await self.cover(*marketplaces))
        async with db.transaction(db.account(account.id)):
            await inbox_queries.ensure_poll(account.id, connection.id, clock.now())

    async def cover(self, *marketplaces: str) -> UUID:
        """Set a channel up for marketplaces."""
        rules = Rules(receiving=(Route(warehouse_id=self.shop.warehouse),))
        new = NewChannel(
            account_id=self.shop.account, name=f"Channel {next(_numbers)}", connection_id=self.shop.connection,
            marketplaces=marketplaces, policies=Policies(channel=rules, merchant=rules),
        )  # fmt: skip
        return (await tenants.create_channel(new, self.vendors, actor=ACTOR)).id

    async def poll(self) -> None:
        """Poll now, as the worker does."""
        async with db.transaction(db.PLATFORM):
            await inbox_queries.hasten(self.shop.connection, clock.now())
        await self.poller.poll(str(self.shop.connection))

    async def take(self, told: ChannelReturn) -> str:
        """Import one return as it is now, as if some page had shown it; returns the outcome."""

        async def work() -> str:
            return (await process.import_channel_return(self.shop.account, self.shop.connection, told)).outcome

        return await db.attempt(db.account(self.shop.account), work)

    async def see(self, told: ChannelReturn) -> None:
        """Have a poll show one return as it is now, whatever its page leaves out."""
        page = Page(items=(told,), cursor="0", more=False)
        self.market.answers["poll"] = [Done(page)]
        await self.poll()

    async def api_key(self, role: Role = Role.PLATFORM) -> str:
        """Make an API key of the platform, or of this stall's merchant."""
        owner: dict[str, Any] = {"account_id": self.shop.account} if role is Role.ACCOUNT else {}
        return (await create_key(NewKey(name=f"key {next(_numbers)}", role=role, **owner), actor=ACTOR)).key

    async def try_again(self) -> None:
        """Let what is parked be tried again, as the set-up of a channel does."""
        await try_again(self.shop.account, self.shop.connection, by=ACTOR)

    async def found(self) -> list[StoredReturn]:
        """Return every return of the merchant."""
        return await stored(self.shop)

    async def of(self, told: ChannelReturn) -> StoredReturn:
        """Return the hub's return of one at the channel."""
        account, connection = self.shop.account, self.shop.connection
        async with db.transaction(db.account(account)):
            found = await returns.load_by_external(account, connection, told.external_id)
        assert found is not None, "it was not imported"
        return found

    async def work_items(self) -> list[WorkItemView]:
        """Return the open work items."""
        async with db.transaction(db.account(self.shop.account)):
            return await work.items(self.shop.account, None, 200)

    async def receive(self, number: str, *items: tuple[str, int, str], finalise: bool = True) -> None:
        """Book goods as (sku, quantity, grade)."""
        desk = Desk(warehouse_id=self.shop.warehouse, warehouse="here", operator="operator", receive=process.receive)
        got = tuple(
            ReceivedItem(sku=sku, quantity=quantity, grade=Grade(grade), condition=Condition.AS_NEW)
            for sku, quantity, grade in items
        )
        request = ReceiptRequest(key=f"r{next(_numbers)}", return_number=number, finalise=finalise, items=got)
        await desk.receive(request)

    async def work(self) -> None:
        """Run every operation that is due."""
        async with db.transaction(db.PLATFORM):
            due = await operations.due([phase.value for phase in Phase], clock.now(), 500)
        for each in due:
            await self.runner.job(each.phase)(str(each.id), str(each.connection_id))

    async def run_backfills(self) -> int:
        """Run every back-fill job that is due, until none is; returns how many ran."""
        ran = 0
        while True:
            async with db.transaction(db.PLATFORM):
                due = await backfill_queries.due(clock.now(), 10)
            if not due:
                return ran
            for backfill_id, _ in due:
                await self.backfiller.run(str(backfill_id))
                ran += 1


LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
