"""Bring returns into being; every function runs in the caller's transaction of the account's scope."""

from collections import Counter
from uuid import UUID

import msgspec

from hub.initiation import engine
from hub.initiation.messages import Imported, NewReturn
from hub.kit.errors import Invalid, NotFound
from hub.returns import queries, states
from hub.returns import service as returns
from hub.returns.case import Ending, Settling
from hub.returns.messages import Birth, BornLine, StoredReturn
from hub.sdk.messages import ChannelReturn, Kind, Order
from hub.work.messages import Matter, Owner
from hub.work.service import raise_matter
from tenants import queries as tenants

CHANNEL = "channel"


async def import_channel_return(account_id: UUID, connection_id: UUID, seen: ChannelReturn) -> Imported:
    """Take what the channel shows of a return: a new one is born, a known one follows what happened to it."""
    known = await queries.load_by_external(account_id, connection_id, seen.external_id)
    if known is not None:
        return await _follow(known, seen)
    if seen.merchant_return_number and await queries.find(account_id, seen.merchant_return_number):
        return Imported("unchanged", why="the hub's own return came back as an echo")
    if seen.canceled or not seen.open:
        return Imported("unchanged", why="it was over before the hub saw it")
    if seen.marketplace_fulfilled:
        return Imported("unchanged", why="the marketplace receives and refunds it")
    return await _bear(account_id, connection_id, seen)


async def _bear(account_id: UUID, connection_id: UUID, seen: ChannelReturn) -> Imported:
    policy = await tenants.policy_for_marketplace(account_id, Kind.CHANNEL, connection_id, seen.marketplace or "")
    if policy is None:
        return await _park(account_id, connection_id, seen, f"no channel covers the marketplace {seen.marketplace!r}")
    lines = engine.lines_of(seen)
    if not lines:
        return await _park(account_id, connection_id, seen, "no line of it says what comes back")
    lines, excess = await _reserve(account_id, connection_id, seen.order_number or seen.channel_order_number, lines)
    birth = Birth(
        account_id=account_id,
        key=f"channel:{connection_id}:{seen.external_id}",
        kind=Kind.CHANNEL,
        channel_id=policy.channel_id,
        connection_id=connection_id,
        policy_version_id=policy.version_id,
        warehouse_id=engine.route(policy.rules, None),
        order_number=seen.order_number,
        channel_order_number=seen.channel_order_number,
        external_id=seen.external_id,
        channel_return_number=seen.channel_return_number,
        marketplace=seen.marketplace,
        reason=seen.reason,
        comment=seen.customer_comment,
        lines=lines,
    )
    stored = await returns.bear(birth, actor=CHANNEL, settlement=Settling.HELD if excess else Settling.NONE)
    if excess:
        await _ask_about_excess(stored, excess)
    return Imported("born", stored)


async def _reserve(
    account_id: UUID, connection_id: UUID, order: str | None, lines: tuple[BornLine, ...]
) -> tuple[tuple[BornLine, ...], set[str]]:
    """Count what comes back against what was shipped, where both are known.

    Returns the lines with what they count, and the order lines that have no room.
    """
    known = _merged([line for line in lines if line.shipped is not None])
    if order is None or not known:
        return lines, set()
    kept = await queries.reserve(account_id, connection_id, order, known)
    return tuple(_counted(line, kept) for line in lines), {queries.order_line_key(line) for line in known} - kept


def _counted(line: BornLine, kept: set[str]) -> BornLine:
    if line.shipped is None or queries.order_line_key(line) not in kept:
        return line
    return msgspec.structs.replace(line, counted=line.quantity)


def _merged(lines: list[BornLine]) -> list[BornLine]:
    totals: Counter[str] = Counter()
    for line in lines:
        totals[queries.order_line_key(line)] += line.quantity
    first = {queries.order_line_key(line): line for line in reversed(lines)}
    return [
        BornLine(sku=line.sku, quantity=totals[key], order_line=line.order_line, shipped=line.shipped)
        for key, line in first.items()
    ]


async def _ask_about_excess(stored: StoredReturn, excess: set[str]) -> None:
    matter = Matter(
        key=f"excess:{stored.id}",
        kind="more_returned_than_shipped",
        owner=Owner.ACCOUNT,
        return_id=stored.id,
        summary=f"{stored.number}: more would come back than was shipped; it will not be settled by itself.",
        detail={"order_lines": sorted(excess), "order_number": stored.order_number},
    )
    await raise_matter(stored.account_id, matter)


async def _park(account_id: UUID, connection_id: UUID, seen: ChannelReturn, why: str) -> Imported:
    matter = Matter(
        key=f"parked:{connection_id}:{seen.external_id}",
        kind="return_parked",
        owner=Owner.SUPPORT,
        summary=f"Channel return {seen.channel_return_number or seen.external_id} waits: {why}.",
        detail={"external_id": seen.external_id, "marketplace": seen.marketplace},
    )
    await raise_matter(account_id, matter)
    return Imported("parked", why=why)


async def _follow(known: StoredReturn, seen: ChannelReturn) -> Imported:
    if seen.canceled and not known.case.over and known.settlement is not Settling.SENDING:
        return await _follow_cancellation(known)
    if not seen.open and not seen.canceled:
        step = states.settled_elsewhere(known.case)
        await returns.apply(known, step, actor=CHANNEL)
        return Imported("changed" if step.events else "unchanged", known)
    return Imported("unchanged", known)


async def _follow_cancellation(known: StoredReturn) -> Imported:
    await returns.apply(known, states.cancel(known.case, Ending.CHANNEL_CANCELED), actor=CHANNEL)
    if known.case.arrived:
        matter = Matter(
            key=f"canceled_after_receipt:{known.id}",
            kind="canceled_after_receipt",
            owner=Owner.ACCOUNT,
            return_id=known.id,
            summary=f"{known.number}: the channel canceled it although goods have arrived.",
        )
        await raise_matter(known.account_id, matter)
    await returns.release_missing(known, known.case)
    return Imported("changed", known)


async def create_merchant_return(
    account_id: UUID, new: NewReturn, order: Order, *, key: str, actor: str
) -> StoredReturn:
    """Create a return against an order; the same key gives the same return. Raises `Invalid` or `NotFound`."""
    again = await queries.load_by_key(account_id, key)
    if again is not None:
        return _repeated(again, new)
    policy = await tenants.policy_for_channel(account_id, Kind.MERCHANT, new.channel_id)
    if policy is None:
        raise NotFound("channel_not_found", "There is no such channel.")
    await _require_covered(account_id, policy.connection_id, new.channel_id, order)
    wanted = engine.match_lines(order, new.lines)
    lines, excess = await _reserve(account_id, policy.connection_id, order.number, wanted)
    if excess:
        named = ", ".join(sorted(line.sku for line in lines if queries.order_line_key(line) in excess))
        raise Invalid("more_than_shipped", f"{named}: with earlier returns, more would come back than was shipped.")
    birth = Birth(
        account_id=account_id,
        key=key,
        kind=Kind.MERCHANT,
        channel_id=policy.channel_id,
        connection_id=policy.connection_id,
        policy_version_id=policy.version_id,
        warehouse_id=engine.route(policy.rules, new.country or order.country),
        order_number=order.number,
        marketplace=order.marketplace,
        reason=new.reason,
        comment=new.comment,
        lines=lines,
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
