"""Bring returns into being; every function runs in the caller's transaction of the account's scope."""

from uuid import UUID

import msgspec

from hub.initiation import counting, deciding, engine, linking, queries
from hub.initiation.following import follow
from hub.initiation.linking import Part, Reading
from hub.initiation.messages import Imported, Link, Looked, NewReturn
from hub.kit import clock
from hub.kit.errors import Invalid, NotFound
from hub.returns import queries as stored_returns
from hub.returns import service as returns
from hub.returns.case import Event, Informational, Settling, Step
from hub.returns.messages import Birth, BornLine, StoredReturn
from hub.sdk.messages import ChannelReturn, Kind, Order
from hub.sdk.profiles import MerchantReturns, Profile
from hub.work.messages import Matter, Owner
from hub.work.service import renew_matter, settle_matter
from tenants import profiles
from tenants import queries as tenants
from tenants.queries import RoutingPolicy

CHANNEL = "channel"
# Of what is only shown, nobody is asked: it is taken up once a channel covers its marketplace.
NOT_COVERED = "it needs nothing from the hub, and no channel covers its marketplace"


async def import_channel_return(
    account_id: UUID, connection_id: UUID, seen: ChannelReturn, looked: Looked | None = None
) -> Imported:
    """Take what the channel shows of a return: a new one is born, a known one follows what happened to it.

    Without `looked` the answer may be that its order is needed first; then nothing was changed.
    """
    links = await queries.links(account_id, connection_id, seen.external_id)
    known = await stored_returns.load_by_external(account_id, connection_id, seen.external_id)
    if known is not None:
        return await follow(known, seen, links, looked)
    if seen.merchant_return_number and await stored_returns.find(account_id, seen.merchant_return_number):
        return Imported("unchanged", why="the hub's own return came back as an echo")
    if seen.created_by is Kind.MERCHANT:
        return Imported("unchanged", why="another system declared it")
    policy = await tenants.policy_for_marketplace(account_id, Kind.CHANNEL, connection_id, seen.marketplace or "")
    if policy is None:
        return await _uncovered(account_id, connection_id, seen)
    standing = await profiles.of_marketplace(account_id, connection_id, seen.marketplace)
    why = engine.informational(seen, standing.profile)
    if why is not None:
        return await _show(account_id, policy, seen, why)
    return await _expect(account_id, policy, seen, links, looked, standing.profile)


async def record_created_elsewhere(account_id: UUID, connection_id: UUID, seen: ChannelReturn) -> Imported:
    """Show a return that another system declared to the channel, so that what came back of its order is counted."""
    known = await stored_returns.load_by_external(account_id, connection_id, seen.external_id)
    if known is not None:
        return Imported("unchanged", known)
    policy = await tenants.policy_for_marketplace(account_id, Kind.MERCHANT, connection_id, seen.marketplace or "")
    if policy is None:
        return Imported("unchanged", why=NOT_COVERED)
    return await _show(account_id, policy, seen, Informational.CREATED_ELSEWHERE)


async def _uncovered(account_id: UUID, connection_id: UUID, seen: ChannelReturn) -> Imported:
    if seen.canceled or not seen.open or engine.marketplace_fulfilled(seen):
        return Imported("unchanged", why=NOT_COVERED)
    return await _park(account_id, connection_id, seen, f"no channel covers the marketplace {seen.marketplace!r}")


async def _show(account_id: UUID, policy: RoutingPolicy, seen: ChannelReturn, why: Informational) -> Imported:
    """Bring a return into the world that is only shown; what came back of it counts, unless it was called off."""
    shown = engine.shown_lines(seen)
    if not shown:
        return Imported("unchanged", why="no line of it says what comes back")
    lines = tuple(engine.shown_line(line) for line in shown)
    units = [0 if seen.canceled else engine.came_back(line) for line in shown]
    back = tuple(msgspec.structs.replace(line, quantity=count) for line, count in zip(lines, units, strict=True))
    order = seen.order_number or seen.channel_order_number
    counted = await counting.count(
        account_id, policy.connection_id, order, tuple(each for each in back if each.quantity)
    )
    kept = iter(counted.lines)
    born = tuple(
        msgspec.structs.replace(line, counted=next(kept).counted if count else 0)
        for line, count in zip(lines, units, strict=True)
    )
    return Imported("born", await returns.bear(_birth(account_id, policy, seen, born, why), actor=CHANNEL))


async def _expect(
    account_id: UUID,
    policy: RoutingPolicy,
    seen: ChannelReturn,
    links: dict[int, Link],
    looked: Looked | None,
    profile: Profile,
) -> Imported:
    if looked is None and linking.needs_order(seen, links):
        return Imported("order_needed")
    reading = linking.read(seen, links, looked)
    if reading.unlinked:
        return await _ask_what_it_is(account_id, policy.connection_id, seen, reading, looked)
    if not reading.parts:
        return await _park(account_id, policy.connection_id, seen, "no line of it says what comes back")
    stored = await _bear(account_id, policy, seen, reading.parts, profile, looked)
    linked = [links[part.position] for part in reading.parts if part.position in links]
    if linked:
        told = Event("return.linked", {"lines": [_linked(each) for each in linked]})
        await returns.apply(stored, Step(stored.case, (told,)), actor=CHANNEL)
    return Imported("born", stored)


def _linked(link: Link) -> dict[str, object]:
    return {"position": link.position, "sku": link.sku, "order_line": link.order_line, "by": link.linked_by}


async def _bear(
    account_id: UUID,
    policy: RoutingPolicy,
    seen: ChannelReturn,
    parts: tuple[Part, ...],
    profile: Profile,
    looked: Looked | None,
) -> StoredReturn:
    order = seen.order_number or seen.channel_order_number
    counted = await counting.count_parts(account_id, policy.connection_id, order, parts)
    birth = _birth(account_id, policy, seen, counted.lines, None, looked)
    settlement = Settling.HELD if counted.excess else Settling.NONE
    stored = await returns.bear(birth, actor=CHANNEL, settlement=settlement, profile=profile)
    if counted.excess:
        await counting.ask_about_excess(stored, counted.excess)
    return stored


def _birth(
    account_id: UUID,
    policy: RoutingPolicy,
    seen: ChannelReturn,
    lines: tuple[BornLine, ...],
    informational: Informational | None,
    looked: Looked | None = None,
) -> Birth:
    decided = deciding.of_channel_return(policy, seen, lines, looked.order if looked else None)
    return Birth(
        account_id=account_id,
        key=f"channel:{policy.connection_id}:{seen.external_id}",
        kind=Kind.MERCHANT if informational is Informational.CREATED_ELSEWHERE else Kind.CHANNEL,
        channel_id=policy.channel_id,
        connection_id=policy.connection_id,
        policy_version_id=policy.version_id,
        warehouse_id=deciding.warehouse_of(decided),
        order_number=seen.order_number,
        channel_order_number=seen.channel_order_number,
        external_id=seen.external_id,
        channel_return_number=seen.channel_return_number,
        marketplace=seen.marketplace,
        reason=seen.reason,
        comment=seen.customer_comment,
        lines=lines,
        informational=informational,
        started_at=seen.created_at,
        channel_status=seen.raw_status,
        seen_open_at=clock.now() if seen.open and not seen.canceled else None,
        decided=None if informational else decided,
    )


async def _park(account_id: UUID, connection_id: UUID, seen: ChannelReturn, why: str) -> Imported:
    matter = Matter(
        key=f"parked:{connection_id}:{seen.external_id}",
        kind="return_parked",
        owner=Owner.SUPPORT,
        summary=f"Channel return {seen.channel_return_number or seen.external_id} waits: {why}.",
        detail={"external_id": seen.external_id, "marketplace": seen.marketplace},
    )
    await _wait_for(account_id, matter, instead_of=f"unlinked:{connection_id}:{seen.external_id}")
    return Imported("parked", why=why)


async def _wait_for(account_id: UUID, matter: Matter, *, instead_of: str) -> None:
    """Ask for what a parked return waits for by now."""
    await settle_matter(account_id, instead_of, by=CHANNEL, resolution="it waits for something else")
    await renew_matter(account_id, matter)


async def _ask_what_it_is(
    account_id: UUID, connection_id: UUID, seen: ChannelReturn, reading: Reading, looked: Looked | None
) -> Imported:
    found = linking.candidates(reading.unlinked, looked.order if looked else None)
    lines = [
        {"position": each.position, "why": each.why, **msgspec.to_builtins(each.line)} for each in reading.unlinked
    ]
    why = f"of line {reading.unlinked[0].position} nobody knows what it is: {reading.unlinked[0].why}"
    matter = Matter(
        key=f"unlinked:{connection_id}:{seen.external_id}",
        kind="line_unlinked",
        owner=Owner.ACCOUNT,
        summary=f"Channel return {seen.channel_return_number or seen.external_id} waits: {why}.",
        detail={
            "external_id": seen.external_id,
            "order_number": seen.order_number or seen.channel_order_number,
            "lines": lines,
            "candidates": msgspec.to_builtins(found),
        },
    )
    await _wait_for(account_id, matter, instead_of=f"parked:{connection_id}:{seen.external_id}")
    return Imported("parked", why=why)


async def create_merchant_return(
    account_id: UUID, new: NewReturn, order: Order, *, key: str, actor: str
) -> StoredReturn:
    """Create a return against an order; the same key gives the same return. Raises `Invalid` or `NotFound`."""
    again = await stored_returns.load_by_key(account_id, key)
    if again is not None:
        return _repeated(again, new)
    policy = await tenants.policy_for_channel(account_id, Kind.MERCHANT, new.channel_id)
    if policy is None:
        raise NotFound("channel_not_found", "There is no such channel.")
    await _require_covered(account_id, policy.connection_id, new.channel_id, order)
    await _require_supported(account_id, policy.connection_id, order)
    wanted = engine.match_lines(order, new.lines)
    counted = await counting.count(account_id, policy.connection_id, order.number, wanted)
    if counted.excess:
        full = (line.sku for line in wanted if stored_returns.order_line_key(line) in counted.excess)
        named = ", ".join(sorted(full))
        raise Invalid("more_than_shipped", f"{named}: with earlier returns, more would come back than was shipped.")
    decided = await deciding.of_merchant_return(account_id, policy, new, wanted, order)
    birth = Birth(
        account_id=account_id,
        key=key,
        kind=Kind.MERCHANT,
        channel_id=policy.channel_id,
        connection_id=policy.connection_id,
        policy_version_id=policy.version_id,
        warehouse_id=deciding.warehouse_of(decided),
        order_number=order.number,
        marketplace=order.marketplace,
        reason=decided.decision.reason,
        comment=new.comment,
        lines=counted.lines,
        decided=decided,
    )
    return await returns.bear(birth, actor=actor)


def _repeated(again: StoredReturn, new: NewReturn) -> StoredReturn:
    """Return what the key made before; a key outlives the stored answers, so its request is compared here too."""
    wanted = sorted((line.sku, line.quantity) for line in new.lines)
    made = sorted((line.sku, line.declared) for line in again.lines)
    if again.channel_id != new.channel_id or wanted != made or new.order_number not in _numbers(again):
        raise Invalid("idempotency_key_reused", "This Idempotency-Key was used for another return; take a new one.")
    return again


def _numbers(stored: StoredReturn) -> set[str | None]:
    return {stored.order_number, stored.channel_order_number}


async def _require_covered(account_id: UUID, connection_id: UUID, channel_id: UUID, order: Order) -> None:
    covering = await tenants.policy_for_marketplace(account_id, Kind.MERCHANT, connection_id, order.marketplace or "")
    if covering is None or covering.channel_id != channel_id:
        message = f"Order {order.number} was sold on a marketplace that this channel does not cover."
        raise Invalid("marketplace_not_covered", message)


async def _require_supported(account_id: UUID, connection_id: UUID, order: Order) -> None:
    standing = await profiles.of_marketplace(account_id, connection_id, order.marketplace)
    if standing.profile.merchant_returns is MerchantReturns.UNSUPPORTED:
        message = f"{standing.name} pays no returns that are created here; order {order.number} is returned there."
        raise Invalid("merchant_returns_unsupported", message, order_number=order.number)
