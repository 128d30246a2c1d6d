"""Bring both sides of returns together, in the caller's transaction."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from hub.inbox import queries as inbox
from hub.reconciliation import engine, queries
from hub.reconciliation.messages import DifferenceView, Known, Pair
from hub.reconciliation.queries import Subject
from hub.returns import queries as returns
from hub.returns.messages import StoredReturn
from hub.sdk.messages import ChannelReturn, Kind, ReturnKey
from hub.sdk.profiles import MerchantReturns
from tenants import profiles


async def pairs(account_id: UUID, connection_id: UUID, found: Sequence[ChannelReturn]) -> list[Pair]:
    """Return the hub's side of what a channel shows."""
    ids = [each.external_id for each in found]
    stored = await returns.of_channel(
        account_id, connection_id, ids=ids,
        numbers=[each.merchant_return_number for each in found if each.merchant_return_number],
        orders=[each.order_number for each in found if each.order_number],
    )  # fmt: skip
    held = await known(account_id, connection_id, stored)
    waiting = await queries.waiting(account_id, connection_id, ids)
    covered = {each.reference for each in await inbox.marketplaces(account_id, connection_id)}
    return [
        engine.match(each, held, waiting=each.external_id in waiting, covered=each.marketplace in covered)
        for each in found
    ]


async def known(account_id: UUID, connection_id: UUID, stored: Sequence[StoredReturn]) -> list[Known]:
    """Return what else must be known of the hub's returns to compare them."""
    alive = await queries.alive(account_id, connection_id, [each.id for each in stored])
    places = {each.marketplace for each in stored if each.kind is Kind.MERCHANT}
    on_receipt = {place for place in places if await _is_paid_on_receipt(account_id, connection_id, place)}
    return [
        Known(
            stored=each,
            on_its_way=each.id in alive,
            paid_on_receipt=each.kind is Kind.MERCHANT and each.marketplace in on_receipt,
        )
        for each in stored
    ]


async def _is_paid_on_receipt(account_id: UUID, connection_id: UUID, marketplace: str | None) -> bool:
    standing = await profiles.of_marketplace(account_id, connection_id, marketplace)
    return standing.profile.merchant_returns is MerchantReturns.CREATE_THEN_RECEIVE


def key_of(ours: StoredReturn) -> ReturnKey:
    """Return what finds a return of the hub's at the channel."""
    return ReturnKey(
        return_number=ours.number,
        external_id=ours.external_id,
        order_number=ours.order_number,
        channel_order_number=ours.channel_order_number,
        channel_return_number=ours.channel_return_number,
    )


def key_at_channel(difference: DifferenceView) -> ReturnKey:
    """Return what finds a return at the channel that the hub does not have."""
    there = difference.theirs or {}
    return ReturnKey(
        return_number=there.get("merchant_return_number") or "",
        external_id=difference.external_id,
        order_number=there.get("order_number"),
        channel_order_number=there.get("channel_order_number"),
        channel_return_number=there.get("channel_return_number"),
    )


def subject_of(difference: DifferenceView) -> Subject:
    """Return what a difference is about."""
    return Subject(
        account_id=difference.account_id,
        connection_id=difference.connection_id,
        return_id=difference.return_id,
        external_id=difference.external_id,
        ours=None,
        theirs=None,
    )


def subject(account_id: UUID, connection_id: UUID, pair: Pair) -> Subject:
    """Return what a comparison was about, as both sides show it."""
    ours, theirs = pair.ours.stored if pair.ours else None, pair.theirs
    return Subject(
        account_id=account_id,
        connection_id=connection_id,
        return_id=ours.id if ours else None,
        external_id=theirs.external_id if theirs else ours.external_id if ours else None,
        ours=_our_side(ours) if ours else None,
        theirs=_their_side(theirs) if theirs else None,
    )


def _our_side(ours: StoredReturn) -> dict[str, Any]:
    lines = [
        {"sku": line.sku, "declared": line.declared, "accepted": line.accepted, "rejected": line.rejected}
        for line in ours.lines
    ]
    return {
        "number": ours.number, "kind": ours.kind, "status": ours.status, "settlement": ours.settlement,
        "sync": ours.sync, "order_number": ours.order_number, "lines": lines,
    }  # fmt: skip


def _their_side(theirs: ChannelReturn) -> dict[str, Any]:
    lines = [
        {"sku": line.sku, "declared": line.quantity, "accepted": line.accepted, "rejected": line.rejected}
        for line in theirs.lines
    ]
    return {
        "external_id": theirs.external_id, "channel_return_number": theirs.channel_return_number,
        "merchant_return_number": theirs.merchant_return_number, "created_by": theirs.created_by,
        "status": theirs.raw_status, "order_number": theirs.order_number,
        "channel_order_number": theirs.channel_order_number, "lines": lines,
    }  # fmt: skip
