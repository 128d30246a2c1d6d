"""The road of a return on one page: what follows what, for each kind.

    channel return    import ──► acknowledge ──► receive … finalise ──► decide ──► settle (one update)
    merchant return   create ────────────────► receive … finalise ──► decide ──► settle (one create)

Where a partner's own system receives, it is told of the return at its birth (announce), and of what changes before
the goods are there (amend, withdraw).

A verb of a room changes the return and stores the facts; this page adds what must happen next, in the same
transaction, as operations. Outcomes come back here and move the return on.
"""

from uuid import UUID

from hub.deadlines import service as deadlines
from hub.deadlines.messages import Due
from hub.initiation import service as initiation
from hub.initiation.messages import Imported, Looked, NewReturn
from hub.kit import db
from hub.operations import service as operations
from hub.operations.messages import Ended, Plan, State
from hub.receipt import engine as receipt_engine
from hub.receipt import queries as receipts
from hub.receipt import service as receipt
from hub.returns import receiving, states
from hub.returns import service as returns
from hub.returns.case import Ending, Illegal, Informational, Settling, Step
from hub.returns.messages import StoredReturn
from hub.sdk.messages import Acknowledgement, ChannelReturn, Effect, Kind, Order, Refusal
from hub.sdk.receiving import ReceiptRequest, ReceiptResult
from hub.settlement import refusals
from hub.settlement import service as settlement
from hub.wms import announcing
from hub.wms import booking as wms_booking
from hub.wms.messages import Delivery
from tenants.profiles import Standing

CHANNEL = "channel"
REGISTERED = frozenset({None, Informational.MARKETPLACE_REFUNDS})


async def import_channel_return(
    account_id: UUID, connection_id: UUID, seen: ChannelReturn, looked: Looked | None = None
) -> Imported:
    """Initiate, channel return: what is born is acknowledged with our number, also where the marketplace pays itself.

    What its own warehouse takes back, and what was over before, is nobody's to register.
    """
    imported = await initiation.import_channel_return(account_id, connection_id, seen, looked)
    stored = imported.stored
    if imported.outcome == "born" and stored is not None and stored.informational in REGISTERED:
        await _acknowledge(stored)
    if imported.outcome in {"born", "changed"} and stored is not None:
        await announcing.follow(stored, changed=imported.outcome == "changed")
    return imported


async def acknowledge_again(stored: StoredReturn, *, actor: str) -> None:
    """Have the acknowledgement looked up, and told again where the channel has none; in the caller's transaction."""
    if await operations.again(stored.account_id, _key(Effect.ACKNOWLEDGE, stored), actor=actor) is None:
        await _acknowledge(stored)


async def settle_again(stored: StoredReturn, *, actor: str) -> bool:
    """Have a settlement looked up, and told again under today's profile only where the channel has no trace of it.

    In the caller's transaction. False if it is on its way already, or there is none. Raises `Conflict` if the channel
    cannot be told.
    """
    operation_id = await operations.again(stored.account_id, _key(Effect.SETTLE, stored), actor=actor)
    if operation_id is None:
        return False
    standing = await settlement.standing_of(stored)
    settlement.require_tellable(stored, stored.case, standing)
    if stored.settlement is Settling.SETTLED:
        await returns.apply(stored, states.settle_again(stored.case), actor=actor)
    elif stored.settlement is Settling.REFUSED:
        await returns.apply(stored, states.settle(stored.case), actor=actor)
    await operations.restate(stored.account_id, operation_id, settlement.message(stored, stored.case, standing))
    return True


async def withdraw_settlement(stored: StoredReturn, *, actor: str) -> bool:
    """Let a settlement that the hub gave up sending never be sent again; false unless it gave up."""
    if stored.settlement is not Settling.SENDING:
        return False
    return await operations.abandon(stored.account_id, _key(Effect.SETTLE, stored), actor=actor)


async def record_created_elsewhere(account_id: UUID, connection_id: UUID, seen: ChannelReturn) -> Imported:
    """Take up what another system declared to the channel: it is only shown, and what came back of it counts."""
    return await initiation.record_created_elsewhere(account_id, connection_id, seen)


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
        stored = await initiation.create_merchant_return(account_id, new, order, key=key, actor=actor)
        await announcing.follow(stored)
        return stored

    return await db.attempt(db.account(account_id), work)


async def receive(found: StoredReturn, request: ReceiptRequest, operator: str) -> ReceiptResult:
    """Receive: book what arrived, or what is known better by now; what is finalised is decided and settled."""

    async def work() -> ReceiptResult:
        try:
            return await _receive(found, request, operator)
        except Illegal as illegal:
            raise returns.refuse(illegal) from illegal

    return await db.attempt(db.account(found.account_id), work)


async def _receive(
    found: StoredReturn, request: ReceiptRequest, operator: str, doubts: tuple[str, ...] = ()
) -> ReceiptResult:
    booking = await receipt.book(found.account_id, found.id, request, operator=operator)
    step = booking.step
    if step.events and step.case.finalised and not booking.late:
        step = await decide(booking.held, step, actor=operator, doubts=doubts)
    else:
        await returns.apply(booking.held, step, actor=operator)
    return ReceiptResult(
        return_number=found.number,
        status=states.DISPLAY[states.status(step.case)],
        repeated=booking.repeated,
        deviations=booking.told.deviations,
        found=booking.told.found,
        receipt_id=booking.receipt_id,
        version=receiving.version(step.case),
        late=booking.late,
        todo=booking.told.todo,
        say=booking.told.say,
    )


async def receive_from_wms(held: StoredReturn, delivery: Delivery) -> None:
    """Receive: book what a partner's own system tells, in the caller's transaction.

    What it takes back, or sees in another state than before, a person looks at before money moves; what is settled
    stands, and nothing is ever claimed back by itself.
    """
    for request in wms_booking.requests(held, delivery):
        await _receive(held, request, delivery.operator, delivery.doubts)


async def reopen(found: StoredReturn, why: str, operator: str) -> None:
    """Let more come after receiving was finalised, as long as nobody has begun to tell the channel."""

    async def work() -> None:
        held = await returns.load(found.account_id, found.id)
        try:
            step = Step(held.case, ())
            if held.settlement is Settling.SENDING and await operations.withdraw(
                held.account_id, _key(Effect.SETTLE, held), "receiving was reopened"
            ):
                step = receiving.take_off(held.case)
            step = returns.then(step, receiving.reopen(step.case, why))
        except Illegal as illegal:
            raise returns.refuse(illegal) from illegal
        await returns.apply(held, step, actor=operator)
        # The policy's own time to finalise may be over; whoever reopened says when it is enough.
        await deadlines.forgo(held.account_id, held.id, Due.FINALISE)

    await db.attempt(db.account(found.account_id), work)


async def decide(held: StoredReturn, step: Step, *, actor: str, doubts: tuple[str, ...] = ()) -> Step:
    """Decide: what the step finalised is settled or held by the policy, in the caller's transaction.

    With doubts about what arrived, it is held.
    """
    parts = receipt_engine.parts(await receipts.items(held.account_id, held.id))
    decided, standing = await settlement.decide(held, step, parts, doubts)
    await returns.apply(held, decided, actor=actor, profile=standing.profile)
    await send_if_due(held, decided, standing, actor=actor)
    return decided


async def send_if_due(held: StoredReturn, step: Step, standing: Standing, *, actor: str) -> None:
    """Do what follows from a step that was stored: only the one who stored it comes this far."""
    if step.case.settlement is Settling.SENDING:
        message = settlement.message(held, step.case, standing)
        await operations.plan_again(_plan(held, Effect.SETTLE, message), actor=actor)
    if step.case.settlement is Settling.NOTHING:
        await returns.release_missing(held, step.case)


async def take_refusal(account_id: UUID, connection_id: UUID, refusal: Refusal) -> Imported:
    """Follow a marketplace that refused what the channel had taken; safe to repeat, and never a second money call."""
    held, fresh = await refusals.take(account_id, connection_id, refusal)
    return Imported("changed" if fresh else "unchanged", held, None if held else "the hub has no such return")


async def conclude(ended: Ended) -> None:
    """An operation ended: move its return on, in the transaction that stores the outcome."""
    if ended.effect is Effect.ACKNOWLEDGE and ended.state is State.DONE:
        held = await returns.load(ended.account_id, ended.return_id)
        await returns.apply(held, states.acknowledge(held.case), actor=CHANNEL)
    if ended.effect in {Effect.ANNOUNCE, Effect.AMEND} and ended.state is State.DONE:
        # What changed while it was on its way is told now.
        await announcing.follow(await returns.load(ended.account_id, ended.return_id))
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
            await returns.release_canceled(held)
        return
    step = states.confirm(held.case)
    reference = ended.result.reference if ended.result and held.kind is Kind.MERCHANT else None
    await returns.apply(held, step, actor=CHANNEL, external_id=reference)
    await returns.release_missing(held, step.case)
    if held.refused_at is not None:
        # The marketplace was faster with its refusal than the channel with its answer to us.
        await refusals.reopen(await returns.load(held.account_id, held.id))


def _plan(stored: StoredReturn, effect: Effect, message: object) -> Plan:
    return Plan(
        account_id=stored.account_id,
        return_id=stored.id,
        kind=stored.kind,
        connection_id=stored.connection_id,
        effect=effect,
        key=_key(effect, stored),
        request=message,
    )


def _key(effect: Effect, stored: StoredReturn) -> str:
    return f"{effect}:{stored.number}"
