"""Follow what happened to a known return at the channel, in the caller's transaction.

The channel's snapshot holds, and the hub's own deeds are not undone by it: while a settlement is on its way nothing
moves, and after it a person is asked.
"""

from collections.abc import Mapping
from uuid import UUID

import msgspec

from hub.initiation import changes, counting, linking
from hub.initiation.changes import Comparison
from hub.initiation.messages import Imported, Link, Looked
from hub.kit import clock
from hub.kit.ids import new_id
from hub.returns import queries as stored_returns
from hub.returns import service as returns
from hub.returns import states
from hub.returns.case import Ending, Event, Informational, Line, Settling, Step
from hub.returns.channel import queries as channel_queries
from hub.returns.channel import service as channel
from hub.returns.channel.messages import Redeclared, Shown
from hub.returns.messages import StoredReturn
from hub.sdk.messages import ChannelReturn, Kind
from hub.work.messages import Matter, Owner
from hub.work.service import raise_matter, renew_matter

CHANNEL = "channel"
CHANGED = "return.changed_by_channel"
ENDED_BY_MONEY = frozenset({Settling.SETTLED, Settling.ELSEWHERE})


async def follow(
    known: StoredReturn, seen: ChannelReturn, links: Mapping[int, Link], looked: Looked | None
) -> Imported:
    """Take over what the channel shows of a known return, or ask a person where the hub must not decide."""
    compared = _compare(known, seen, links, looked)
    if compared.changes and looked is None and linking.needs_order(seen, links):
        return Imported("order_needed")
    linked = await _follow_numbers(known, seen)
    if linked:
        known = await returns.load(known.account_id, known.id)
    changed = await _follow_status(known, seen, compared)
    open_at = clock.now() if seen.open and not seen.canceled else None
    await channel_queries.show(known, Shown(status=seen.raw_status, open_at=open_at))
    return Imported("changed" if linked or changed else "unchanged", known)


def _compare(known: StoredReturn, seen: ChannelReturn, links: Mapping[int, Link], looked: Looked | None) -> Comparison:
    """Compare lines where they matter: of an open channel return that is received here and not over."""
    if known.kind is not Kind.CHANNEL or seen.canceled or not seen.open or known.case.over:
        return Comparison(declared=(), changes=(), whole=False)
    return changes.compare(known.lines, linking.read(seen, links, looked))


async def _follow_numbers(known: StoredReturn, seen: ChannelReturn) -> bool:
    order = seen.order_number if known.order_number is None else None
    channel_order = seen.channel_order_number if known.channel_order_number is None else None
    if known.kind is not Kind.CHANNEL or (order is None and channel_order is None):
        return False
    full = await channel.link(known, order, channel_order)
    if full:
        again = await returns.load(known.account_id, known.id)
        await _hold(again, (), "more was returned than shipped")
        await counting.ask_about_excess(again, frozenset(full))
    return True


async def _hold(known: StoredReturn, told: tuple[Event, ...], why: str) -> None:
    """Store events, and have a person settle the return if nobody settles it yet."""
    step = Step(known.case, told)
    if known.settlement is Settling.NONE and not known.case.over:
        step = returns.then(step, states.hold(known.case, why))
    await returns.apply(known, step, actor=CHANNEL)


async def _follow_status(known: StoredReturn, seen: ChannelReturn, compared: Comparison) -> bool:
    moved = known.channel_status != seen.raw_status
    if known.informational is not None:
        return moved and await _follow_informational(known, seen)
    if seen.canceled:
        return await _follow_cancellation(known, moved=moved)
    if not seen.open:
        step = states.settled_elsewhere(known.case)
        await returns.apply(known, step, actor=CHANNEL)
        return bool(step.events)
    if known.kind is Kind.CHANNEL and known.case.over:
        return moved and known.channel_status is not None and await _follow_reopening(known)
    return bool(compared.changes) and await _follow_lines(known, compared)


async def _follow_informational(known: StoredReturn, seen: ChannelReturn) -> bool:
    event = Event("return.moved_at_channel", {"channel_status": seen.raw_status})
    await returns.apply(known, Step(known.case, (event,)), actor=CHANNEL)
    if seen.canceled:
        await returns.release_missing(known, known.case)
    if seen.open and not seen.canceled and known.informational is Informational.BEFORE_THE_HUB:
        await _ask_about_reopening(known)
    return True


async def _follow_cancellation(known: StoredReturn, *, moved: bool) -> bool:
    if known.settlement in ENDED_BY_MONEY:
        return moved and await _follow_late_cancellation(known)
    if known.case.over or known.settlement is Settling.SENDING:
        return False
    await returns.apply(known, states.cancel(known.case, Ending.CHANNEL_CANCELED), actor=CHANNEL)
    if known.case.arrived:
        matter = Matter(
            key=f"canceled_after_receipt:{known.id}",
            kind="canceled_after_receipt",
            owner=Owner.ACCOUNT,
            return_id=known.id,
            summary=f"{known.number}: the channel canceled it although goods have arrived; what is to be paid of them "
            "needs a merchant return.",
        )
        await raise_matter(known.account_id, matter)
    await returns.release_canceled(known)
    return True


async def _follow_late_cancellation(known: StoredReturn) -> bool:
    await returns.apply(known, Step(known.case, (Event("return.canceled_after_settlement"),)), actor=CHANNEL)
    matter = Matter(
        key=f"canceled_after_settlement:{known.id}",
        kind="canceled_after_settlement",
        owner=Owner.ACCOUNT,
        return_id=known.id,
        summary=f"{known.number}: the channel canceled it although it is settled; see there whether the refund stands.",
    )
    await raise_matter(known.account_id, matter)
    return True


async def _follow_reopening(known: StoredReturn) -> bool:
    await returns.apply(known, Step(known.case, (Event("return.reopened_by_channel"),)), actor=CHANNEL)
    await _ask_about_reopening(known)
    return True


async def _ask_about_reopening(known: StoredReturn) -> None:
    matter = Matter(
        key=f"reopened_by_channel:{known.id}",
        kind="reopened_by_channel",
        owner=Owner.ACCOUNT,
        return_id=known.id,
        summary=f"{known.number}: the channel shows it open again; the hub decides nothing more about it.",
    )
    await raise_matter(known.account_id, matter)


async def _follow_lines(known: StoredReturn, compared: Comparison) -> bool:
    if compared.whole and states.may_be_redeclared(known.case):
        return await _redeclare(known, compared)
    return await _note_changes(known, compared)


async def _redeclare(known: StoredReturn, compared: Comparison) -> bool:
    """Take the channel's lines over, with what they count on their order lines."""
    await stored_returns.release(known, {line.id: line.declared for line in known.lines})
    order = known.order_number or known.channel_order_number
    parts = [each.part for each in compared.declared]
    counted = await counting.count_parts(known.account_id, known.connection_id, order, parts)
    lines = [Redeclared(each.id or new_id(), line) for each, line in zip(compared.declared, counted.lines, strict=True)]
    cases = tuple(Line(id=each.id, sku=each.line.sku, declared=each.line.quantity) for each in lines)
    step = states.redeclare(known.case, cases, excess=bool(counted.excess))
    told = Event(step.events[0].name, {**step.events[0].detail, "lines": msgspec.to_builtins(compared.changes)})
    await channel.redeclare(known, Step(step.case, (told,)), lines)
    if counted.excess:
        await counting.ask_about_excess(known, counted.excess)
    return True


async def _note_changes(known: StoredReturn, compared: Comparison) -> bool:
    """Keep what the channel changed on the timeline, once, and ask a person; what was received decides meanwhile."""
    detail = {"lines": [msgspec.to_builtins(change) for change in compared.changes]}
    if await channel_queries.last_told(known.account_id, known.id, CHANGED) == detail:
        return False
    await _hold(known, (Event(CHANGED, detail),), "the channel changed what it declared")
    matter = Matter(
        key=f"changed:{known.id}",
        kind="changed_by_channel",
        owner=Owner.ACCOUNT,
        return_id=known.id,
        summary=f"{known.number}: the channel changed what it declared, too late to be taken over.",
        detail=detail,
    )
    await renew_matter(known.account_id, matter)
    return True


async def vanish(account_id: UUID, return_id: UUID) -> None:
    """The channel does not know an open return any more: it is asked for no longer, and a person looks."""
    known = await returns.load(account_id, return_id)
    await channel_queries.show(known, Shown(status=known.channel_status or "", open_at=None))
    if known.ending is not Ending.OPEN or known.settlement in ENDED_BY_MONEY:
        return
    await _hold(known, (Event("return.vanished_at_channel"),), "the channel does not know it any more")
    if known.informational is not None:
        return
    matter = Matter(
        key=f"vanished:{known.id}",
        kind="vanished_at_channel",
        owner=Owner.ACCOUNT,
        return_id=known.id,
        summary=f"{known.number}: the channel does not know this return any more.",
    )
    await raise_matter(known.account_id, matter)
