"""The calls to ChannelEngine, one method per effect."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from urllib.parse import quote

from connectors.channelengine import orders, profiles, refusals, webhooks
from connectors.channelengine.answers import Collection, Single
from connectors.channelengine.client import WRONG_ADDRESS, NotUnderstood, pages, read
from connectors.channelengine.returns_api import returns_api
from connectors.channelengine.settings import VENDOR, Settings
from connectors.channelengine.values import text
from connectors.channelengine.wire import GlobalChannel, Shipment, Tenant, VendorOrder
from hub.sdk import (
    FOR_WAREHOUSES,
    Absent,
    Acknowledgement,
    ActionRequired,
    Capability,
    Checked,
    Connector,
    Context,
    Done,
    Effect,
    Interrupted,
    Knock,
    Manifest,
    Marketplace,
    Outcome,
    OutcomeUnknown,
    Profile,
    Refused,
    ReturnKey,
    Settlement,
    Subscription,
)

LONGEST_NUMBER = 500
LOOKED_UP = frozenset({Effect.ACKNOWLEDGE, Effect.SETTLE})
CAPABILITIES = frozenset(Capability) - FOR_WAREHOUSES


class ChannelEngine(Connector):
    """Reads the returns of marketplaces, acknowledges them, and settles returns of both kinds.

    No effect is repeatable: ChannelEngine knows no idempotency keys and declares 409 for a repeated acknowledgement,
    update and creation alike, and such a 409 does not say whose the first one was. All are looked up instead.
    """

    manifest = Manifest(
        name="channelengine",
        title="ChannelEngine",
        version="1.1.0",
        capabilities=CAPABILITIES,
        settings=Settings,
        hosts=(f"*{VENDOR}",),
        identity=frozenset({"address", "returns_api"}),
        repeatable=frozenset(),
    )

    async def check(self, context: Context) -> Outcome:
        """Read the account's name, currency and marketplaces; whatever is refused here, its owner must repair."""
        try:
            tenant = await read(context, "/v2/settings", [], Single[Tenant])
            channels = await read(context, "/v2/channels", [], Collection[GlobalChannel])
            await returns_api(context).check(context)
        except NotUnderstood:
            return WRONG_ADDRESS
        except Interrupted as fault:
            return ActionRequired(fault.outcome.message) if isinstance(fault.outcome, Refused) else fault.outcome
        about = tenant.content or Tenant()
        return Done(
            Checked(
                name=about.name or about.company_name or context.settings.base,
                currency=about.currency_code or None,
                marketplaces=tuple(_marketplaces(channels.content or [])),
            )
        )

    async def poll(self, context: Context, cursor: str | None) -> Outcome:
        """Read one page of the open returns that marketplaces made; what the hub itself created is not among them."""
        api = returns_api(context)
        page = await api.poll(context, cursor)
        strange = sorted({item.raw_status for item in page.items if item.open} - api.open_words)
        if strange:
            context.log.warning("channelengine_status_unknown", statuses=strange)
        return Done(page)

    async def fetch(self, context: Context, wanted: ReturnKey) -> Outcome:
        """Read one return by ChannelEngine's id, or by the hub's number."""
        return await returns_api(context).fetch(context, wanted)

    async def history(self, context: Context, since: datetime, cursor: str | None) -> Outcome:
        """Read one page of all returns created since a moment, the hub's own merchant returns among them."""
        return Done(await returns_api(context).history(context, since, cursor))

    async def refusals(self, context: Context, cursor: str | None, watched: tuple[ReturnKey, ...]) -> Outcome:
        """Read from the notifications which of these returns a marketplace refused after ChannelEngine took them."""
        return await refusals.refusals(context, cursor, watched)

    async def subscribe(self, context: Context, wanted: Subscription) -> Outcome:
        """Have a webhook of this name knock at this address, and say what had to be put right."""
        return await webhooks.subscribe(context, wanted)

    async def unsubscribe(self, context: Context, wanted: Subscription) -> Outcome:
        """Remove the webhook of this name."""
        return await webhooks.unsubscribe(context, wanted)

    def hear(self, knock: Mapping[str, str]) -> Knock:
        """Say what a knock is about, by its `type`."""
        return webhooks.hear(knock)

    def profile(self, family: str) -> Profile | None:
        """Return how a marketplace treats returns, by its global name however it is written."""
        return profiles.profile(family)

    async def find_order(self, context: Context, number: str) -> Outcome:
        """Look for the number as the shop, the marketplace and the invoice write it, in this order.

        `Refused` if several orders carry it, for two channels may use the same number.
        """
        wanted = number.strip()
        if not wanted or len(quote(wanted, safe="")) > LONGEST_NUMBER:
            return Absent()
        for field in ("merchantOrderNos", "channelOrderNos", "commercialOrderNos"):
            page = await read(context, "/v2/orders", [(field, wanted), ("page", "1")], Collection[VendorOrder])
            found = orders.matching_orders(page.content or [], field, wanted)
            if len(found) > 1:
                return Refused("ambiguous_order", "Several orders carry this number. Use the shop's own order number.")
            if found:
                return await _order(context, found[0])
        return Absent()

    async def acknowledge(self, context: Context, message: Acknowledgement) -> Outcome:
        """Give the return the hub's number, which also marks it as registered."""
        return await returns_api(context).acknowledge(context, message)

    async def settle(self, context: Context, message: Settlement) -> Outcome:
        """Decide a channel return, or create a merchant return; ChannelEngine has the customer paid in both cases."""
        return await returns_api(context).settle(context, message)

    async def lookup(self, context: Context, effect: Effect, message: Acknowledgement | Settlement) -> Outcome:
        """Read what ChannelEngine holds and compare it with the effect; changes nothing."""
        if effect not in LOOKED_UP:
            raise NotImplementedError(effect)
        try:
            return await returns_api(context).look(context, message)
        except Interrupted as fault:
            if isinstance(fault.outcome, Refused):
                # What was refused is the read, which says nothing of the effect.
                return OutcomeUnknown(f"It cannot be looked up: {fault.outcome.message}")
            raise


async def _order(context: Context, told: VendorOrder) -> Outcome:
    number = text(told.merchant_order_no)
    if not number:
        return Refused("order_not_acknowledged", "The shop has not yet taken this order over from ChannelEngine.")
    asked = pages(context, "/v2/shipments/merchant", [("merchantOrderNos", number)], Shipment)
    shipments = [parcel async for page in asked for parcel in page.content or ()]
    return Done(orders.order(told, shipments))


def _marketplaces(families: list[GlobalChannel]) -> Iterator[Marketplace]:
    for family in families:
        for channel in family.channels or ():
            if channel.channel_id:
                yield Marketplace(
                    reference=str(channel.channel_id),
                    name=channel.channel_name or str(channel.channel_id),
                    family=family.global_channel_name or "",
                )
