"""The calls to ChannelEngine, one method per effect."""

from collections.abc import Iterator
from urllib.parse import quote

import msgspec

from connectors.channelengine import finding, mapping, standing
from connectors.channelengine.client import (
    CONFLICT,
    WRONG_ADDRESS,
    NotUnderstood,
    read,
    read_all,
    write,
)
from connectors.channelengine.finding import CHANNEL_RETURNS
from connectors.channelengine.settings import VENDOR, Settings
from connectors.channelengine.sweep import Sweep
from connectors.channelengine.wire import (
    IN_PROGRESS,
    Collection,
    GlobalChannel,
    Shipment,
    Single,
    Tenant,
    VendorOrder,
    VendorReturn,
)
from hub.sdk import (
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
    Kind,
    Manifest,
    Marketplace,
    Outcome,
    OutcomeUnknown,
    Page,
    Refused,
    Retry,
    Settlement,
    VendorReference,
)

RETURNS = "/v2/returns"
LONGEST_NUMBER = 500
LOOKED_UP = frozenset({Effect.ACKNOWLEDGE, Effect.SETTLE})


class ChannelEngine(Connector):
    """Reads the returns of marketplaces, acknowledges them, and settles returns of both kinds.

    No effect is repeatable: ChannelEngine knows no idempotency keys and declares 409 for a repeated acknowledgement,
    update and creation alike, and such a 409 does not say whose the first one was. All are looked up instead.
    """

    manifest = Manifest(
        name="channelengine",
        title="ChannelEngine",
        version="1.0.0",
        capabilities=frozenset(
            {
                Capability.CHECK,
                Capability.POLL,
                Capability.FIND_ORDER,
                Capability.ACKNOWLEDGE,
                Capability.SETTLE,
                Capability.LOOKUP,
            }
        ),
        settings=Settings,
        hosts=(f"*{VENDOR}",),
        identity=frozenset({"address"}),
        repeatable=frozenset(),
    )

    async def check(self, context: Context) -> Outcome:
        """Read the account's name, currency and marketplaces; whatever is refused here, its owner must repair."""
        try:
            tenant = await read(context, "/v2/settings", [], Single[Tenant])
            channels = await read(context, "/v2/channels", [], Collection[GlobalChannel])
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
        """Read one page of the returns that marketplaces made; the hub's own merchant returns are not among them.

        `GET /v2/returns` would need a filter to leave those out, and meant something else before 2.9.12.
        """
        sweep = _sweep(context, cursor)
        page = await read(context, CHANNEL_RETURNS, sweep.params, Collection[msgspec.Raw])
        items, rejected = mapping.channel_returns(page)
        strange = sorted({item.raw_status for item in items if item.open} - {IN_PROGRESS})
        if strange:
            context.log.warning("channelengine_status_unknown", statuses=strange)
        following, more = sweep.after(page)
        return Done(Page(items=tuple(items), cursor=following.cursor, more=more, rejected=tuple(rejected)))

    async def find_order(self, context: Context, number: str) -> Outcome:
        """Look for the number as the shop, the marketplace and the invoice write it, in this order.

        `Refused` if several orders carry it, for two channels may use the same number.
        """
        wanted = number.strip()
        if not wanted or len(quote(wanted, safe="")) > LONGEST_NUMBER:
            return Absent()
        for field in ("merchantOrderNos", "channelOrderNos", "commercialOrderNos"):
            page = await read(context, "/v2/orders", [(field, wanted), ("page", "1")], Collection[VendorOrder])
            found = mapping.matching_orders(page.content or [], field, wanted)
            if len(found) > 1:
                return Refused("ambiguous_order", "Several orders carry this number. Use the shop's own order number.")
            if found:
                return await _order(context, found[0])
        return Absent()

    async def acknowledge(self, context: Context, message: Acknowledgement) -> Outcome:
        """Give the return the hub's number, which also marks it as registered."""
        return_id = _return_id(message.external_id)
        body = mapping.acknowledge_body(return_id, message.return_number)
        told = await write(context, "POST", f"{CHANNEL_RETURNS}/acknowledge", body)
        return told.failure or Done(VendorReference(message.external_id))

    async def settle(self, context: Context, message: Settlement) -> Outcome:
        """Update a channel return, or create a merchant return; ChannelEngine has the customer paid in both cases."""
        if message.kind is Kind.MERCHANT:
            return await _create(context, message)
        decided = mapping.decided(message.lines)
        if not decided:
            return Refused("nothing_to_settle", "No line of this return has a quantity to decide on.")
        return await _update(context, _return_id(message.external_id), decided)

    async def lookup(self, context: Context, effect: Effect, message: Acknowledgement | Settlement) -> Outcome:
        """Read what ChannelEngine holds and compare it with the effect; changes nothing."""
        if effect not in LOOKED_UP:
            raise NotImplementedError(effect)
        try:
            return await _look(context, message)
        except Interrupted as fault:
            if isinstance(fault.outcome, Refused):
                # What was refused is the read, which says nothing of the effect.
                return OutcomeUnknown(f"It cannot be looked up: {fault.outcome.message}")
            raise


async def _look(context: Context, message: Acknowledgement | Settlement) -> Outcome:
    if isinstance(message, Acknowledgement):
        return standing.acknowledged(await finding.search(context, _return_id(message.external_id), ""), message)
    if message.kind is Kind.CHANNEL:
        found = await finding.locate(context, _return_id(message.external_id), message.order_number)
        return standing.settled_channel_return(found, message)
    if not mapping.accepted(message.lines):
        return Done(VendorReference())
    stands = standing.created_merchant_return(await finding.returns_of(context, message.order_number), message)
    # A created return that still waits for its update is half done. `settle` reads before it creates and goes on
    # with the update, so calling it again is safe, and `Absent` is how the hub is told to.
    return stands if isinstance(stands, Outcome) else Absent()


async def _create(context: Context, message: Settlement) -> Outcome:
    """Create a merchant return unless it exists, read it back, and finish it where it still waits.

    That a second creation answers 409 is only seen in others' code, so the order's returns are read first:
    a repeat after a crash must not pay twice.
    """
    accepted = mapping.accepted(message.lines)
    if not accepted:
        # Nothing is to be paid, and a merchant return exists at ChannelEngine only for the money.
        return Done(VendorReference())
    stands = standing.created_merchant_return(await finding.returns_of(context, message.order_number), message)
    if stands is None:
        told = await write(context, "POST", CHANNEL_RETURNS, mapping.create_body(message))
        if told.failure and told.status != CONFLICT:
            return told.failure
        stands = await _read_back(context, message)
    if stands is None:
        return OutcomeUnknown("ChannelEngine took the return, but does not list it among the returns of its order")
    return stands if isinstance(stands, Outcome) else await _finish(context, stands, accepted)


async def _read_back(context: Context, message: Settlement) -> Outcome | VendorReturn | None:
    try:
        return standing.created_merchant_return(await finding.returns_of(context, message.order_number), message)
    except Interrupted as fault:
        # The return was created, so no fault of the read may claim that nothing happened.
        return OutcomeUnknown(f"The return was created, but could not be read back ({fault})")


async def _finish(context: Context, told: VendorReturn, accepted: mapping.Quantities) -> Outcome:
    """Mark a created return as received: bol pays only then, whoever created the return."""
    try:
        return await _update(context, told.id, accepted)
    except Interrupted as fault:
        if isinstance(fault.outcome, Retry):
            return OutcomeUnknown(f"The return was created, but not yet marked as received: {fault.outcome.why}")
        raise


async def _update(context: Context, return_id: int, quantities: mapping.Quantities) -> Outcome:
    told = await write(context, "PUT", RETURNS, mapping.update_body(return_id, quantities))
    return told.failure or Done(VendorReference(str(return_id)))


async def _order(context: Context, told: VendorOrder) -> Outcome:
    if not told.merchant_order_no:
        return Refused("order_not_acknowledged", "The shop has not yet taken this order over from ChannelEngine.")
    shipments = await read_all(
        context, "/v2/shipments/merchant", [("merchantOrderNos", told.merchant_order_no)], Shipment
    )
    return Done(mapping.order(told, shipments))


def _marketplaces(families: list[GlobalChannel]) -> Iterator[Marketplace]:
    for family in families:
        for channel in family.channels or ():
            if channel.channel_id:
                yield Marketplace(
                    reference=str(channel.channel_id),
                    name=channel.channel_name or str(channel.channel_id),
                    family=family.global_channel_name or "",
                )


def _sweep(context: Context, cursor: str | None) -> Sweep:
    try:
        return Sweep.begin(cursor, context.now)
    except ValueError:
        # A cursor of a later version, after a step back: all that is open is read again, and the rest within a day.
        context.log.warning("channelengine_cursor_unreadable")
        return Sweep.begin(None, context.now)


def _return_id(external_id: str | None) -> int:
    if external_id and external_id.isascii() and external_id.isdigit():
        return int(external_id)
    raise Interrupted(Refused("unknown_return", "This return carries no ChannelEngine id."))
