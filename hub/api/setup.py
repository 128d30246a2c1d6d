"""Set-up: accounts, partners, warehouses, connections, channels, policies."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Controller, delete, get, patch, post, put
from litestar.params import FromPath, FromQuery, JSONBody

from hub.api.access import Calling, Keeping, Who, narrowing, require_own, scope_of
from hub.api.guards import may
from hub.api.pages import DEFAULT, Cursor, Limit, Page, after, page
from hub.backfills import service as backfills
from hub.deadlines import service as deadlines
from hub.inbox import queries as inbox_queries
from hub.inbox import service as inbox
from hub.kit import clock, db
from hub.kit.errors import NotFound
from hub.sdk import Capability, Checked
from hub.sdk.fields import form
from hub.wms import service as wms
from hub.work.service import settle_matter
from tenants import profiles, queries, service
from tenants.messages import (
    AccountView,
    ChannelView,
    ConnectionView,
    MarketplaceProfileView,
    NewAccount,
    NewChannel,
    NewConnection,
    NewPartner,
    NewWarehouse,
    PartnerView,
    PolicyView,
    Principal,
    Rules,
    WarehouseView,
)
from tenants.vendors import Vendors
from tenants.warehouses import service as warehouses


class Accounts(Controller):
    """Merchants."""

    path = "/accounts"
    tags = ("Set-up",)

    @post(guards=[may("accounts.create")])
    async def create(self, data: JSONBody[NewAccount], principal: Who) -> AccountView:
        """Set up a merchant."""
        return await service.create_account(data, actor=principal.actor)

    @get(guards=[may("accounts.read")])
    async def index(self, principal: Who, cursor: Cursor = None, limit: Limit = DEFAULT) -> Page[AccountView]:
        """List the accounts you may see."""
        async with db.transaction(scope_of(principal)):
            return page(await queries.accounts(after(cursor), limit), limit, lambda each: each.id)

    @get("/{account_id:uuid}", guards=[may("accounts.read")])
    async def read(self, account_id: FromPath[UUID], principal: Who) -> AccountView:
        """Show one account."""
        async with db.transaction(scope_of(principal)):
            return await queries.account(account_id)


class Partners(Controller):
    """3PLs."""

    path = "/partners"
    tags = ("Set-up",)

    @post(guards=[may("partners.create")])
    async def create(self, data: JSONBody[NewPartner], principal: Who) -> PartnerView:
        """Set up a 3PL."""
        return await service.create_partner(data, actor=principal.actor)

    @get(guards=[may("partners.read")])
    async def index(self, principal: Who, cursor: Cursor = None, limit: Limit = DEFAULT) -> Page[PartnerView]:
        """List the partners you may see."""
        async with db.transaction(scope_of(principal)):
            return page(await queries.partners(after(cursor), limit), limit, lambda each: each.id)


class Warehouses(Controller):
    """Places that receive goods."""

    path = "/warehouses"
    tags = ("Set-up",)

    @post(guards=[may("warehouses.create")])
    async def create(self, data: JSONBody[NewWarehouse], principal: Who) -> WarehouseView:
        """Set up a warehouse with its receiving option."""
        return await service.create_warehouse(data, actor=principal.actor)

    @get(guards=[may("warehouses.read")])
    async def index(self, principal: Who, cursor: Cursor = None, limit: Limit = DEFAULT) -> Page[WarehouseView]:
        """List the warehouses you may see."""
        async with db.transaction(scope_of(principal)):
            return page(await queries.warehouses(after(cursor), limit), limit, lambda each: each.id)

    @get("/{warehouse_id:uuid}", guards=[may("warehouses.read")])
    async def read(self, warehouse_id: FromPath[UUID], principal: Who) -> WarehouseView:
        """Show one warehouse: who runs it, and how it receives."""
        async with db.transaction(scope_of(principal)):
            return await queries.warehouse(warehouse_id)

    @get("/{warehouse_id:uuid}/accounts", guards=[may("warehouses.read")])
    async def accounts(self, warehouse_id: FromPath[UUID], principal: Who) -> list[AccountView]:
        """List the accounts that a warehouse receives for, as far as you may see them."""
        async with db.transaction(scope_of(principal)):
            return await warehouses.assigned(warehouse_id)

    @put("/{warehouse_id:uuid}/accounts/{account_id:uuid}", guards=[may("warehouses.assign")])
    async def assign(
        self, warehouse_id: FromPath[UUID], account_id: FromPath[UUID], principal: Who
    ) -> list[AccountView]:
        """Let a warehouse receive for an account; its people see the account's returns that go there."""
        return await warehouses.assign(warehouse_id, account_id, actor=principal.actor)

    @delete("/{warehouse_id:uuid}/accounts/{account_id:uuid}", status_code=200, guards=[may("warehouses.assign")])
    async def release(
        self, warehouse_id: FromPath[UUID], account_id: FromPath[UUID], principal: Who
    ) -> list[AccountView]:
        """Let a warehouse receive for an account no longer, once no policy sends goods there and none are awaited."""
        return await warehouses.release(warehouse_id, account_id, actor=principal.actor)


class ConnectorView(msgspec.Struct, frozen=True):
    """A connector that this hub has loaded, with the form of its settings."""

    name: str
    title: str
    version: str
    capabilities: list[str]
    settings: dict[str, Any]


class Connectors(Controller):
    """What can be connected."""

    path = "/connectors"
    tags = ("Set-up",)

    @get(guards=[may("connectors.read")], sync_to_thread=False)
    def index(self, vendors: Calling) -> list[ConnectorView]:
        """List the loaded connectors."""
        manifests = [connector.manifest for connector in vendors.connectors.values()]
        return [
            ConnectorView(each.name, each.title, each.version, sorted(each.capabilities), form(each.settings))
            for each in manifests
        ]


class Connections(Controller):
    """Logins at connectors."""

    path = "/connections"
    tags = ("Set-up",)

    @post(guards=[may("connections.create")])
    async def create(
        self, data: JSONBody[NewConnection], principal: Who, vendors: Calling, keeper: Keeping
    ) -> ConnectionView:
        """Store a login after trying it at the vendor."""
        require_own(principal, data.account_id, data.partner_id)
        view = await service.create_connection(data, vendors, actor=principal.actor)
        if await _poll_from_now(view, vendors):
            await keeper.keep(str(view.id))
        return await self._shown(view.id, principal)

    @get(guards=[may("connections.read")])
    async def index(self, principal: Who, cursor: Cursor = None, limit: Limit = DEFAULT) -> Page[ConnectionView]:
        """List the connections you may see."""
        async with db.transaction(scope_of(principal)):
            return page(await queries.connections(after(cursor), limit), limit, lambda each: each.id)

    @patch("/{connection_id:uuid}", guards=[may("connections.change")])
    async def change(
        self,
        connection_id: FromPath[UUID],
        data: JSONBody[dict[str, Any]],
        principal: Who,
        vendors: Calling,
        keeper: Keeping,
    ) -> ConnectionView:
        """Replace settings, secrets included, after trying them; a paused connection runs again."""
        held = await self._held(connection_id, principal)
        await service.change_settings(connection_id, data, vendors, actor=principal.actor)
        if held.account_id is not None:
            async with db.transaction(db.account(held.account_id)):
                await settle_matter(
                    held.account_id, f"paused:{connection_id}", by=principal.actor, resolution="repaired"
                )
            await keeper.check_soon(connection_id)
        elif held.partner_id is not None:
            await wms.resume(connection_id, by=principal.actor)
        return await self._shown(connection_id, principal)

    @post("/{connection_id:uuid}/knock/rotate", status_code=200, guards=[may("connections.rotate")])
    async def rotate(self, connection_id: FromPath[UUID], principal: Who, keeper: Keeping) -> ConnectionView:
        """Give the vendor another address to knock at; the one before is dead at once."""
        await keeper.rotate(await self._held(connection_id, principal), actor=principal.actor)
        return await self._shown(connection_id, principal)

    @post("/{connection_id:uuid}/check", status_code=200, guards=[may("connections.check")])
    async def check(self, connection_id: FromPath[UUID], principal: Who, vendors: Calling) -> Checked:
        """Try a connection now; the answer lists its marketplaces."""
        await self._held(connection_id, principal)
        return await service.check_connection(connection_id, vendors)

    @post("/{connection_id:uuid}/poll", status_code=202, guards=[may("connections.poll")])
    async def poll(self, connection_id: FromPath[UUID], principal: Who, vendors: Calling) -> None:
        """Ask the channel for news as soon as possible, and try again what could not be imported before."""
        held = await self._held(connection_id, principal)
        if held.account_id is None or not await _poll_from_now(held, vendors):
            raise NotFound("not_polled", "This connection is not one that is polled.")
        await inbox.try_again(held.account_id, connection_id, by=principal.actor)

    async def _shown(self, connection_id: UUID, principal: Principal) -> ConnectionView:
        return queries.view_connection(await self._held(connection_id, principal))

    async def _held(self, connection_id: UUID, principal: Principal) -> queries.StoredConnection:
        async with db.transaction(scope_of(principal)):
            return await queries.connection(connection_id)


async def _poll_from_now(connection: ConnectionView | queries.StoredConnection, vendors: Vendors) -> bool:
    """Have an account's connection polled if its connector can; safe to repeat, which also mends a crash in between."""
    capabilities = vendors.connector(connection.connector).manifest.capabilities
    if connection.account_id is None or Capability.POLL not in capabilities:
        return False
    async with db.transaction(db.account(connection.account_id)):
        await inbox_queries.ensure_poll(connection.account_id, connection.id, clock.now())
    return True


async def _require_readable(new: NewChannel, vendors: Vendors, since: datetime) -> None:
    """Raise what a back-fill would fail with before a channel is made for nothing."""
    async with db.transaction(db.account(new.account_id)):
        held = await queries.connection(new.connection_id)
    await backfills.require_idle(backfills.require_history(held, vendors, since), held.id)


class Channels(Controller):
    """Channels with their policies."""

    path = "/channels"
    tags = ("Set-up",)

    @post(guards=[may("channels.create")])
    async def create(self, data: JSONBody[NewChannel], principal: Who, vendors: Calling) -> ChannelView:
        """Set up a channel, its marketplaces and both its policies in one call, and have its history read if wanted."""
        if data.history_since is not None:
            await _require_readable(data, vendors, data.history_since)
        view = await service.create_channel(data, vendors, actor=principal.actor)
        async with db.transaction(db.account(view.account_id)):
            held = await queries.connection(view.connection_id)
        await _poll_from_now(held, vendors)
        await inbox.try_again(view.account_id, view.connection_id, by=principal.actor)
        if data.history_since is not None:
            await backfills.start(held, data.history_since, vendors, actor=principal.actor)
        return view

    @get(guards=[may("channels.read")])
    async def index(self, principal: Who, account_id: FromQuery[UUID | None] = None) -> list[ChannelView]:
        """List an account's channels."""
        wanted = narrowing(principal, account_id)
        if wanted is None:
            raise NotFound("account_not_found", "Say which account: add ?account_id=….")
        async with db.transaction(db.account(wanted)):
            return await queries.channels(wanted)

    @get("/{channel_id:uuid}", guards=[may("channels.read")])
    async def read(self, channel_id: FromPath[UUID], principal: Who) -> ChannelView:
        """Show one channel."""
        async with db.transaction(scope_of(principal)):
            return await queries.channel(channel_id)

    @get("/{channel_id:uuid}/marketplaces", guards=[may("channels.read")])
    async def marketplaces(self, channel_id: FromPath[UUID], principal: Who) -> list[MarketplaceProfileView]:
        """Show each marketplace of a channel with its profile: how it treats returns, and who said so."""
        async with db.transaction(scope_of(principal)):
            return await profiles.of_channel(await queries.channel(channel_id))

    @patch("/{channel_id:uuid}/marketplaces/{marketplace:str}", guards=[may("profiles.change")])
    async def change_profile(
        self,
        channel_id: FromPath[UUID],
        marketplace: FromPath[str],
        data: JSONBody[dict[str, Any]],
        principal: Who,
    ) -> MarketplaceProfileView:
        """Change fields of a marketplace's profile; null gives a field back to the connector."""
        async with db.transaction(scope_of(principal)):
            channel = await queries.channel(channel_id)
        view = await profiles.change(channel, marketplace, data, actor=principal.actor)
        await deadlines.recompute(channel.account_id, channel.connection_id, marketplace)
        return view

    @put("/{channel_id:uuid}/policies/{policy_id:uuid}", guards=[may("policies.publish")])
    async def publish(
        self,
        channel_id: FromPath[UUID],
        policy_id: FromPath[UUID],
        data: JSONBody[Rules],
        principal: Who,
    ) -> PolicyView:
        """Publish a policy's next version; returns born before keep theirs."""
        async with db.transaction(db.PLATFORM):
            channel = await queries.channel(channel_id)
        if policy_id not in {policy.id for policy in channel.policies}:
            raise NotFound("policy_not_found", "This channel has no such policy.")
        return await service.publish_policy(channel.account_id, policy_id, data, actor=principal.actor)


CONTROLLERS = (Accounts, Partners, Warehouses, Connectors, Connections, Channels)
