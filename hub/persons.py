"""What a person decides about one return, each verb in one transaction with its entry in the audit log.

Of two people who decide at once one is first; the other is told who.
"""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from hub import process
from hub.audit.service import record
from hub.deadlines.service import moment
from hub.kit import clock, db
from hub.kit.errors import Conflict, NotFound
from hub.operations import service as operations
from hub.operations.messages import State
from hub.returns import queries as stored
from hub.returns import service as returns
from hub.returns import states
from hub.returns.case import Ending, Illegal, Settling, Step
from hub.returns.messages import StoredReturn
from hub.sdk.messages import Effect, Kind
from hub.settlement import service as settlement
from hub.settlement.messages import Decision
from hub.wms import announcing
from hub.work import queries as work
from hub.work.messages import WorkItemView
from tenants import profiles

# The work item of a settlement that the hub gave up sending.
GAVE_UP = "settle_dead"
ENDS_A_WAIT = (
    "settlement.sent", "settlement.nothing_to_pay", "settlement.found_elsewhere", "return.settled", "return.canceled",
    "return.canceled_by_channel", "return.expired",
)  # fmt: skip


async def settle(account_id: UUID, return_id: UUID, *, actor: str) -> StoredReturn:
    """Let a held settlement go as the policy decided it; for an unknown marketplace this confirms how it is told."""

    async def act(held: StoredReturn) -> None:
        if held.settlement is not Settling.HELD:
            message, facts = await _first(held, "This return's settlement is not held.")
            raise Conflict("not_held", message, **facts)
        await _send(held, states.settle(held.case), actor=actor)

    return await _by_person(account_id, return_id, "return.let_go", act, actor=actor)


async def decide(account_id: UUID, return_id: UUID, decision: Decision, *, actor: str) -> StoredReturn:
    """Decide in place of the policy on a settlement that is held or was refused, and send it."""

    async def act(held: StoredReturn) -> None:
        if held.settlement not in returns.WAITING:
            message, facts = await _first(held, "This return's settlement waits for nobody.")
            raise Conflict("not_held", message, **facts)
        decided = settlement.person_decides(held, decision)
        step = returns.then(decided, states.settle(decided.case))
        await _send(held, step, actor=actor, why=decision.why)

    return await _by_person(account_id, return_id, "return.decided", act, actor=actor, why=decision.why)


async def _send(held: StoredReturn, step: Step, *, actor: str, why: str | None = None) -> None:
    before = await settlement.standing_of(held)
    standing, sends = settlement.confirmed(before), step.case.settlement is Settling.SENDING
    if sends:
        settlement.require_tellable(held, step.case, standing)
    if why is None:
        await settlement.let_go(held, standing, actor=actor)
    else:
        await settlement.store_decision(held, step.case, standing, why, actor=actor)
    await returns.apply(held, step, actor=actor, profile=standing.profile)
    await process.send_if_due(held, step, standing, actor=actor)
    if sends and not before.known:
        await profiles.confirm(held.account_id, held.connection_id, held.marketplace, actor=actor)


async def settled_elsewhere(account_id: UUID, return_id: UUID, why: str, *, actor: str) -> StoredReturn:
    """End a return that was decided past the hub, at the marketplace or with the customer; nobody is called.

    While our own decision is on its way only if the hub gave up sending it, which it then never does again.
    """

    async def act(held: StoredReturn) -> None:
        gave_up = await process.withdraw_settlement(held, actor=actor)
        step = states.settled_elsewhere(held.case, why, gave_up=gave_up)
        if not step.events:
            raise await _too_late(held)
        await returns.apply(held, step, actor=actor)

    return await _by_person(account_id, return_id, "return.settled_elsewhere", act, actor=actor, why=why)


async def _too_late(held: StoredReturn) -> Conflict:
    if states.taken(held.case) and held.ending is Ending.OPEN:
        message = "The channel took this decision, and the marketplace refused it; say that it was paid once it was."
        return Conflict("taken_by_channel", message)
    if held.settlement is Settling.SENDING:
        message, facts = await _first(held, "The settlement is on its way to the channel; wait for its outcome.")
        return Conflict("already_sending", message, **facts)
    message, facts = await _first(held, "This return is over.")
    return Conflict("return_is_over", message, **facts)


async def paid(account_id: UUID, return_id: UUID, why: str, *, actor: str) -> StoredReturn:
    """Say that a settlement which the marketplace refused afterwards was paid after all; nobody is called."""

    async def act(held: StoredReturn) -> None:
        try:
            step = states.paid_after_all(held.case, why)
        except Illegal as illegal:
            message, facts = await _first(held, illegal.message)
            raise Conflict("not_refused_late", message, **facts) from illegal
        await returns.apply(held, step, actor=actor)

    return await _by_person(account_id, return_id, "return.paid", act, actor=actor, why=why)


async def cancel(account_id: UUID, return_id: UUID, *, actor: str) -> StoredReturn:
    """Call a merchant return off; a channel return is canceled at its marketplace."""

    async def act(held: StoredReturn) -> None:
        if held.kind is Kind.CHANNEL:
            raise Conflict("canceled_at_channel", "A channel return is canceled at its marketplace, not here.")
        await returns.apply(held, states.cancel(held.case, Ending.CANCELED), actor=actor)
        await returns.release_canceled(held)
        await announcing.follow(held, changed=True)

    return await _by_person(account_id, return_id, "return.canceled", act, actor=actor)


Act = Callable[[StoredReturn], Awaitable[None]]


async def _by_person(
    account_id: UUID, return_id: UUID, action: str, act: Act, *, actor: str, why: str | None = None
) -> StoredReturn:
    # The audit log is the platform's, so its scope it is; every query names the account.
    async def work() -> StoredReturn:
        held = await returns.load(account_id, return_id)
        try:
            await act(held)
        except Illegal as illegal:
            raise returns.refuse(illegal) from illegal
        after = await returns.load(account_id, return_id)
        said = {"why": why} if why else {}
        await record(
            actor=actor,
            action=action,
            subject=held.number,
            account_id=account_id,
            before=_seen(held),
            after=_seen(after) | said,
        )
        return after

    return await db.attempt(db.PLATFORM, work)


def _seen(held: StoredReturn) -> dict[str, Any]:
    lines = [{"sku": line.sku, "accepted": line.accepted, "rejected": line.rejected} for line in held.lines]
    return {"status": held.status, "settlement": held.settlement, "lines": lines}


async def _first(held: StoredReturn, message: str) -> tuple[str, dict[str, Any]]:
    """Add to a sentence who was first, if somebody was."""
    done = held.case.over or held.settlement is Settling.SENDING
    first = await stored.last_of(held.account_id, held.id, ENDS_A_WAIT) if done else None
    if first is None:
        return message, {}
    told = f"{message} {first.actor} was first: {first.event}, {moment(first.at)}."
    return told, {"first_by": first.actor, "first_event": first.event, "first_at": first.at}


async def replay(account_id: UUID, operation_id: UUID, *, actor: str) -> None:
    """Let a dead or refused operation try again; it looks up what happened before it repeats anything."""

    async def work() -> None:
        replayed = await operations.replay(account_id, operation_id, actor=actor)
        if replayed is None:
            raise NotFound("operation_not_found", "There is no such operation that ended without success.")
        if replayed.effect is Effect.SETTLE:
            await _settle_again(await returns.load(account_id, replayed.return_id), operation_id, actor=actor)
        await record(
            actor=actor,
            action="operation.replayed",
            subject=str(operation_id),
            account_id=account_id,
            after={"effect": replayed.effect, "state": State.UNKNOWN},
        )

    await db.attempt(db.PLATFORM, work)


async def _settle_again(held: StoredReturn, operation_id: UUID, *, actor: str) -> None:
    """Send a settlement once more, under the profile that holds now."""
    standing = await settlement.standing_of(held)
    if held.settlement is Settling.REFUSED and held.ending is Ending.OPEN:
        settlement.require_tellable(held, held.case, standing)
        await returns.apply(held, states.settle(held.case), actor=actor)
    elif held.settlement is not Settling.SENDING:
        # Nobody waits for this refund any more; sending it would pay for a return that is over.
        raise Conflict("return_is_over", "This return ended in another way; its settlement is not sent again.")
    await operations.restate(held.account_id, operation_id, settlement.message(held, held.case, standing))


async def close_item(account_id: UUID, item_id: UUID, resolution: str, *, actor: str) -> WorkItemView:
    """Close a work item with what was decided; one that stands for a settlement that waits closes with that alone."""

    async def work_() -> WorkItemView:
        await _require_closable(account_id, item_id)
        closed = await work.close_item(account_id, item_id, actor, resolution, clock.now())
        if closed is None:
            raise NotFound("work_item_not_found", "There is no such open work item.")
        await record(
            actor=actor,
            action="work_item.closed",
            subject=str(item_id),
            account_id=account_id,
            before={"kind": closed.kind, "summary": closed.summary},
            after={"resolution": resolution},
        )
        return closed

    return await db.attempt(db.PLATFORM, work_)


async def _require_closable(account_id: UUID, item_id: UUID) -> None:
    item = await work.open_now(account_id, item_id)
    if item is None or item.return_id is None or item.kind not in {*returns.STANDING_FOR, GAVE_UP}:
        return
    held = await returns.load(account_id, item.return_id)
    waiting = {Settling.SENDING} if item.kind == GAVE_UP else returns.WAITING
    if held.settlement in waiting and held.ending is Ending.OPEN:
        message = f"This item stands for the settlement of {held.number}, which waits: decide on that, and it closes."
        raise Conflict("work_item_stands", message, why=f"/api/v1/returns/{held.number}/why")
