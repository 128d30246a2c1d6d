"""The road of a return on one page: what follows what, for each kind.

    channel return    import ──► acknowledge ──► receive … finalise ──► decide ──► settle (one update)
    merchant return   create ────────────────► receive … finalise ──► decide ──► settle (one create)

A verb of a room changes the return and stores the facts; this page adds what must happen next, in the same
transaction, as operations. Outcomes come back here and move the return on.
"""

from uuid import UUID

from hub.initiation import service as initiation
from hub.initiation.messages import Imported, NewReturn
from hub.kit import db
from hub.kit.errors import Conflict, NotFound
from hub.operations import service as operations
from hub.operations.messages import Ended, Plan, State
from hub.receipt import queries as receipts
from hub.receipt import service as receipt
from hub.returns import service as returns
from hub.returns import states
from hub.returns.case import Ending, Illegal, Settling, Step
from hub.returns.messages import StoredReturn
from hub.sdk.messages import Acknowledgement, ChannelReturn, Effect, Kind, Order
from hub.sdk.receiving import ReceiptRequest, ReceiptResult
from hub.settlement import service as settlement

CHANNEL = "channel"


async def import_channel_return(account_id: UUID, connection_id: UUID, seen: ChannelReturn) -> Imported:
    """Initiate, channel return: what is born is acknowledged with our number."""
    imported = await initiation.import_channel_return(account_id, connection_id, seen)
    if imported.outcome == "born" and imported.stored is not None:
        await _acknowledge(imported.stored)
    return imported


async def _acknowledge(stored: StoredReturn) -> None:
    message = Acknowledgement(
        external_id=stored.external_id or "",
        return_number=stored.number,
        order_number=stored.order_number,
        channel_order_number=stored.channel_order_number,
    )
    await operations.plan(_plan(stored, Effect.ACKNOWLEDGE, message))


async def create_merchant_return(
    account_id: UUID, new: NewReturn, order: Order, *, key: str, actor: str
) -> StoredReturn:
    """Initiate, merchant return: the channel hears of it only when it is settled."""

    async def work() -> StoredReturn:
        return await initiation.create_merchant_return(account_id, new, order, key=key, actor=actor)

    return await db.attempt(db.account(account_id), work)


async def receive(found: StoredReturn, request: ReceiptRequest, operator: str) -> ReceiptResult:
    """Receive: book what arrived; what is finalised is decided and settled."""

    async def work() -> ReceiptResult:
        try:
            booking = await receipt.book(found.account_id, found.id, request, operator=operator)
            step = await _after_receiving(booking)
        except Illegal as illegal:
            raise returns.refuse(illegal) from illegal
        await returns.apply(booking.held, step, actor=operator)
        if step is not booking.step:
            await _send_if_due(booking.held, step)
        return ReceiptResult(
            return_number=found.number,
            status=states.DISPLAY[states.status(step.case)],
            repeated=booking.repeated,
            deviations=booking.deviations,
        )

    return await db.attempt(db.account(found.account_id), work)


async def _after_receiving(booking: receipt.Booking) -> Step:
    if not booking.step.events or not booking.step.case.finalised or _is_late(booking.step):
        return booking.step
    held = booking.held
    parts = [item for item in await receipts.items(held.account_id, held.id) if not item.late]
    return await settlement.decide(held, booking.step, parts)


def _is_late(step: Step) -> bool:
    return any(event.name == "return.received_late" for event in step.events)


async def _send_if_due(held: StoredReturn, step: Step) -> None:
    """Do what follows from a step that was stored: only the one who stored it comes this far."""
    if step.case.settlement is Settling.SENDING:
        await operations.plan(_plan(held, Effect.SETTLE, settlement.message(held, step.case)))
    if step.case.settlement is Settling.NOTHING:
        await returns.release_missing(held, step.case)


async def settle_by_person(account_id: UUID, return_id: UUID, *, actor: str) -> StoredReturn:
    """Settle: a person lets a held settlement go."""

    async def work() -> StoredReturn:
        held = await returns.load(account_id, return_id)
        if held.settlement is not Settling.HELD:
            raise Conflict("not_held", "This return's settlement is not held.")
        try:
            step = states.settle(held.case)
        except Illegal as illegal:
            raise returns.refuse(illegal) from illegal
        await returns.apply(held, step, actor=actor)
        await _send_if_due(held, step)
        return await returns.load(account_id, return_id)

    return await db.attempt(db.account(account_id), work)


async def cancel(account_id: UUID, return_id: UUID, *, actor: str) -> StoredReturn:
    """Call a merchant return off; a channel return is canceled at its marketplace."""

    async def work() -> StoredReturn:
        held = await returns.load(account_id, return_id)
        if held.kind is Kind.CHANNEL:
            raise Conflict("canceled_at_channel", "A channel return is canceled at its marketplace, not here.")
        try:
            step = states.cancel(held.case, Ending.CANCELED)
        except Illegal as illegal:
            raise returns.refuse(illegal) from illegal
        await returns.apply(held, step, actor=actor)
        await returns.release_missing(held, held.case)
        return await returns.load(account_id, return_id)

    return await db.attempt(db.account(account_id), work)


async def replay(account_id: UUID, operation_id: UUID, *, actor: str) -> None:
    """Let a dead or refused operation try again; it looks up what happened before it repeats anything."""

    async def work() -> None:
        replayed = await operations.replay(account_id, operation_id, actor=actor)
        if replayed is None:
            raise NotFound("operation_not_found", "There is no such operation that ended without success.")
        if replayed.effect is not Effect.SETTLE:
            return
        held = await returns.load(account_id, replayed.return_id)
        if held.settlement is Settling.REFUSED and held.ending is Ending.OPEN:
            await returns.apply(held, states.settle(held.case), actor=actor)
        elif held.settlement is not Settling.SENDING:
            # Nobody waits for this refund any more; sending it would pay for a return that is over.
            raise Conflict("return_is_over", "This return ended in another way; its settlement is not sent again.")

    await db.attempt(db.account(account_id), work)


async def conclude(ended: Ended) -> None:
    """An operation ended: move its return on, in the transaction that stores the outcome."""
    if ended.effect is Effect.ACKNOWLEDGE and ended.state is State.DONE:
        held = await returns.load(ended.account_id, ended.return_id)
        await returns.apply(held, states.acknowledge(held.case), actor=CHANNEL)
    if ended.effect is Effect.SETTLE and ended.state in {State.DONE, State.REFUSED}:
        await _conclude_settlement(ended)


async def _conclude_settlement(ended: Ended) -> None:
    held = await returns.load(ended.account_id, ended.return_id)
    if held.settlement is not Settling.SENDING:
        return
    if ended.state is State.REFUSED:
        step = states.refuse(held.case, ended.code or "refused", ended.why or "")
        await returns.apply(held, step, actor=CHANNEL)
        if step.case.ending is not Ending.OPEN:
            await returns.release_missing(held, step.case)
        return
    step = states.confirm(held.case)
    reference = ended.result.reference if ended.result and held.kind is Kind.MERCHANT else None
    await returns.apply(held, step, actor=CHANNEL, external_id=reference)
    await returns.release_missing(held, step.case)


def _plan(stored: StoredReturn, effect: Effect, message: object) -> Plan:
    return Plan(
        account_id=stored.account_id,
        return_id=stored.id,
        kind=stored.kind,
        connection_id=stored.connection_id,
        effect=effect,
        key=f"{effect}:{stored.number}",
        request=message,
    )
