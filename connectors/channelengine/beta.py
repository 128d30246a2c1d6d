"""The closed beta "returns and refunds v2.1", for accounts that ChannelEngine has switched it on for.

Written from its description alone: no account with the beta was at hand. Money moves with each line that is handled as
refunded, so what is left to do is read before anything is done, and what cannot be known to be undone is looked up.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TypeVar

import msgspec

from connectors.channelengine import beta_wire, quantities
from connectors.channelengine.answers import Collection, Single, Unreadable
from connectors.channelengine.beta_wire import BetaReturn, channel_return, channel_returns
from connectors.channelengine.client import CONFLICT, NotUnderstood, Params, pages, read, read_if_any, write
from connectors.channelengine.finding import known_id
from connectors.channelengine.handling import Step, left_to_do
from connectors.channelengine.history import Place, next_page
from connectors.channelengine.standing import barred
from connectors.channelengine.sweep import Walk
from connectors.channelengine.values import identity, text
from hub.sdk import (
    Absent,
    Acknowledgement,
    ActionRequired,
    Context,
    Done,
    Interrupted,
    Kind,
    Outcome,
    OutcomeUnknown,
    Page,
    Refused,
    ReturnKey,
    Settlement,
    VendorReference,
)
from hub.sdk.http import NO_RIGHT

T = TypeVar("T")

RETURNS = "/v2.1/returns/merchant"
RETURN = "/v2.1/returns/merchant/{identifier}"
HANDLE = "/v2.1/returns/merchant/handle"
ACKNOWLEDGE = "/v2.1/returns/merchant/acknowledge"
# What the marketplace sent itself goes back to it, and of a mixed return it is not told which units those are.
OURS = ("fulfillmentType", "ONLY_MERCHANT")
NO_BETA = ActionRequired(
    "This account has no access to the v2.1 beta of returns. Have ChannelEngine switch it on, or connect it with v2."
)


@asynccontextmanager
async def _for_participants() -> AsyncIterator[None]:
    """Say of a refused right what it means here: every address of the beta answers 403 to everybody else."""
    try:
        yield
    except Interrupted as fault:
        if fault.outcome == NO_RIGHT:
            raise Interrupted(NO_BETA) from fault
        raise


class Beta:
    """The returns of an account that takes part in the beta."""

    open_words = frozenset(beta_wire.OPEN)

    async def check(self, context: Context) -> None:
        """Prove that the account takes part."""
        await _ask(context, [("page", "1")])

    async def poll(self, context: Context, cursor: str | None) -> Page:
        """Read one page of the open returns that marketplaces made."""
        walk = Walk.begin(cursor, context.now)
        statuses = [("statuses", each) for each in beta_wire.OPEN]
        dates = [(f"createdDateRange.{name}", value) for name, value in walk.dates]
        page = await _ask(context, [*statuses, ("creatorType", "CHANNEL"), OURS, *dates, *walk.paging.params])
        return walk.page(page, *channel_returns(page))

    async def history(self, context: Context, since: datetime, cursor: str | None) -> Page:
        """Read one page of all returns since a moment, but for those that go back to the marketplace."""

        async def ask(since: str, paging: Params) -> Collection[msgspec.Raw]:
            return await _ask(context, [("creatorType", "BOTH"), OURS, ("createdDateRange.fromDate", since), *paging])

        return await next_page(Place.found(cursor, since), ask, channel_returns)

    async def fetch(self, context: Context, wanted: ReturnKey) -> Outcome:
        """Read one return by ChannelEngine's id, or by the hub's number."""
        return_id = identity(wanted.external_id)
        told = await _numbered(context, wanted.return_number) if return_id is None else await _one(context, return_id)
        if told is None:
            return Absent()
        found = _understood(lambda: channel_return(told))
        known = msgspec.structs.replace(found, order_number=found.order_number or wanted.order_number)
        return Done(known)

    async def acknowledge(self, context: Context, message: Acknowledgement) -> Outcome:
        """Give the return the hub's number."""
        body = beta_wire.acknowledge(known_id(message.external_id), message.return_number)
        async with _for_participants():
            told = await write(context, "POST", ACKNOWLEDGE, body)
        return told.failure or Done(VendorReference(message.external_id))

    async def settle(self, context: Context, message: Settlement) -> Outcome:
        """Handle each line of a channel return, or create a merchant return and have each of its lines refunded."""
        refused = barred(message)
        if refused:
            return refused
        if message.kind is Kind.MERCHANT and not quantities.accepted(message.lines):
            return Done(VendorReference())
        told = await _standing(context, message)
        if told is None and message.kind is Kind.CHANNEL:
            return Refused("not_found", f"ChannelEngine knows no return {message.external_id}.")
        if told is None:
            return await _create(context, message)
        return await _handle(context, told, message)

    async def look(self, context: Context, message: Acknowledgement | Settlement) -> Outcome:
        """Read what stands there; a decision that is half told is `Absent`, for `settle` goes on with the rest."""
        if isinstance(message, Acknowledgement):
            return _acknowledged(await _one(context, known_id(message.external_id)), message)
        if message.kind is Kind.MERCHANT and not quantities.accepted(message.lines):
            return Done(VendorReference())
        told = await _standing(context, message)
        if told is None:
            lost = OutcomeUnknown(f"ChannelEngine knows no return {message.external_id}")
            return Absent() if message.kind is Kind.MERCHANT else lost
        left = left_to_do(told, message)
        if isinstance(left, Outcome):
            return left
        return Absent() if left else Done(VendorReference(str(told.id)))


async def _create(context: Context, message: Settlement) -> Outcome:
    async with _for_participants():
        told = await write(context, "POST", RETURNS, beta_wire.create(message))
    if told.failure and told.status != CONFLICT:
        return told.failure
    made = await _in_doubt(_standing(context, message))
    if isinstance(made, Outcome):
        return made
    if made is None:
        return OutcomeUnknown("ChannelEngine took the return, but does not list it")
    return await _handle(context, made, message)


async def _handle(context: Context, told: BetaReturn, message: Settlement) -> Outcome:
    left = left_to_do(told, message)
    if isinstance(left, Outcome):
        return left
    for step in left:
        failure = await _take(context, told.id, step)
        if failure:
            return failure
    if not left:
        return Done(VendorReference(str(told.id)))
    after = await _in_doubt(_one(context, told.id))
    if isinstance(after, Outcome):
        return after
    rest = left_to_do(after, message) if after else ()
    if isinstance(rest, Outcome):
        return rest
    shown = after is not None and not rest
    return Done(VendorReference(str(told.id))) if shown else OutcomeUnknown("What was handled is not shown yet")


async def _take(context: Context, return_id: int, step: Step) -> Outcome | None:
    body = beta_wire.handle(return_id, step.line_id, step.quantity, step.action)
    async with _for_participants():
        return (await write(context, "POST", HANDLE, body)).failure


async def _in_doubt(awaiting: Awaitable[T]) -> T | OutcomeUnknown:
    """Read back; no fault of the read may claim that nothing happened."""
    try:
        return await awaiting
    except Interrupted as fault:
        return OutcomeUnknown(f"It was sent, but could not be read back ({fault})")


async def _standing(context: Context, message: Settlement) -> BetaReturn | None:
    if message.kind is Kind.CHANNEL:
        return await _one(context, known_id(message.external_id))
    return await _numbered(context, message.return_number)


async def _one(context: Context, return_id: int) -> BetaReturn | None:
    async with _for_participants():
        found = await read_if_any(
            context, RETURN, [("type", "RETURN_ID")], Single[BetaReturn], identifier=str(return_id)
        )  # fmt: skip
    return found.content if found else None


async def _numbered(context: Context, return_number: str) -> BetaReturn | None:
    """Find the return with the hub's number among those that the list shows for it."""
    chosen = [("identifiers.identifierType", "MERCHANT_RETURN_NO"), ("identifiers.models", return_number)]
    found: list[BetaReturn] = []
    async with _for_participants():
        async for page in pages(context, RETURNS, [*chosen, ("creatorType", "BOTH")], BetaReturn):
            found += [told for told in page.content or () if text(told.merchant_return_no) == return_number]
    if len(found) > 1:
        raise Interrupted(
            Refused("created_twice", f"ChannelEngine holds {len(found)} returns numbered {return_number}.")
        )
    return found[0] if found else None


async def _ask(context: Context, asked: Params) -> Collection[msgspec.Raw]:
    async with _for_participants():
        return await read(context, RETURNS, asked, Collection[msgspec.Raw])


def _understood(mapping: Callable[[], T]) -> T:
    try:
        return mapping()
    except Unreadable as fault:
        raise NotUnderstood(str(fault)) from fault


def _acknowledged(told: BetaReturn | None, message: Acknowledgement) -> Outcome:
    if told is None:
        return OutcomeUnknown(f"ChannelEngine knows no return {message.external_id}")
    theirs = text(told.merchant_return_no)
    if theirs in {None, message.return_number}:
        return Done(VendorReference(str(told.id))) if theirs else Absent()
    return Refused("acknowledged_elsewhere", f"Another system has already given this return the number {theirs}.")
