"""Store what the state machine decided, with the timeline entry and the outgoing message, in one transaction."""

from datetime import datetime
from uuid import UUID

import msgspec

from hub.deadlines import service as deadlines
from hub.deadlines.messages import Moments, Watched
from hub.kit import clock
from hub.kit.errors import Conflict, NotFound
from hub.kit.ids import new_id
from hub.kit.numbers import new_return_number
from hub.kit.telemetry import TRANSITIONS
from hub.returns import queries, states
from hub.returns.case import Case, Event, Illegal, Line, Settling, Step, Sync
from hub.returns.messages import Birth, ReturnView, StoredLine, StoredReturn
from hub.returns.states import DISPLAY
from hub.sdk.messages import Kind
from hub.sdk.profiles import Profile
from hub.work.service import settle_matters_of


async def bear(
    birth: Birth, *, actor: str, settlement: Settling = Settling.NONE, profile: Profile | None = None
) -> StoredReturn:
    """Bring a return into the world, in the caller's transaction.

    `profile` is its marketplace's, where this transaction has read that already.
    """
    line_ids = [new_id() for _ in birth.lines]
    lines = tuple(
        Line(id=each, sku=line.sku, declared=line.quantity) for each, line in zip(line_ids, birth.lines, strict=True)
    )
    case = states.born(birth.kind, lines, birth.informational)
    if settlement is Settling.HELD:
        case = states.hold(case, "more was returned than shipped").case
    return_id, number, now = new_id(), new_return_number(), clock.now()
    event = Event(
        "return.initiated", {"order_number": birth.order_number, "units": sum(line.declared for line in lines)}
    )
    await queries.bear(return_id, number, birth, case, line_ids, actor, event, now)
    TRANSITIONS.labels(event.name).inc()
    stored = _newborn(return_id, number, birth, case, line_ids, now)
    has_deadlines = await deadlines.begin(_watched(stored, case, None), profile)
    return msgspec.structs.replace(stored, has_deadlines=has_deadlines)


def _newborn(
    return_id: UUID, number: str, birth: Birth, case: Case, line_ids: list[UUID], now: datetime
) -> StoredReturn:
    lines = tuple(
        StoredLine(
            id=each, sku=line.sku, name=line.name, order_line=line.order_line, declared=line.quantity,
            received=0, accepted=0, rejected=0, settled=0,
        )
        for each, line in zip(line_ids, birth.lines, strict=True)
    )  # fmt: skip
    return StoredReturn(
        account_id=birth.account_id, id=return_id, number=number, kind=birth.kind, channel_id=birth.channel_id,
        connection_id=birth.connection_id, policy_version_id=birth.policy_version_id, warehouse_id=birth.warehouse_id,
        external_id=birth.external_id, channel_return_number=birth.channel_return_number,
        order_number=birth.order_number, channel_order_number=birth.channel_order_number,
        marketplace=birth.marketplace, reason=birth.reason, comment=birth.comment, status=states.status(case),
        ending=case.ending, sync=case.sync, settlement=case.settlement, finalised_at=None, version=1, created_at=now,
        updated_at=now, lines=lines, informational=birth.informational, started_at=birth.started_at,
        channel_status=birth.channel_status,
    )  # fmt: skip


async def load(account_id: UUID, return_id: UUID) -> StoredReturn:
    """Return a return to change in this transaction; raises `NotFound`."""
    found = await queries.load(account_id, return_id)
    if found is None:
        raise NotFound("return_not_found", "There is no such return.")
    return found


async def apply(
    before: StoredReturn,
    step: Step,
    *,
    actor: str,
    external_id: str | None = None,
    profile: Profile | None = None,
) -> None:
    """Store a step of a return that this transaction loaded; a step without events changes nothing.

    `profile` is its marketplace's, where this transaction has read that already.
    """
    if not step.events:
        return
    now = clock.now()
    await queries.change(before, step.case, step.events, external_id or before.external_id, actor, now)
    await note(before, step, actor=actor, now=now, profile=profile)


async def note(
    before: StoredReturn, step: Step, *, actor: str, now: datetime | None = None, profile: Profile | None = None
) -> None:
    """Close what needs nobody any more after a step that was stored, move deadlines, and count its events.

    `now` is when it was stored, which matters for a step in which something arrived.
    """
    if before.settlement in WAITING and (step.case.over or step.case.settlement not in WAITING):
        await settle_matters_of(before.account_id, before.id, STANDING_FOR, by=actor, resolution="it waits no longer")
    if _moved(before.case, step.case):
        watched = _watched(before, step.case, before.arrived_at or now)
        await deadlines.follow(watched, profile, has_some=before.has_deadlines)
    for event in step.events:
        TRANSITIONS.labels(event.name).inc()


# A settlement that waits for a person, and the kinds of work items that stand for it until it does so no more.
WAITING = frozenset({Settling.HELD, Settling.REFUSED})
STANDING_FOR = (
    "settlement_held", "more_returned_than_shipped", "changed_by_channel", "vanished_at_channel", "settle_refused",
    "settlement_refused_late",
)  # fmt: skip


async def follow_deadlines(stored: StoredReturn) -> None:
    """Bring a return's deadlines up to date with what it is now."""
    await deadlines.follow(_watched(stored, stored.case, stored.arrived_at))


def _moved(before: Case, after: Case) -> bool:
    """Whether deadlines may be others than before."""
    return (before.arrived, before.finalised, before.over) != (after.arrived, after.finalised, after.over)


def _watched(stored: StoredReturn, case: Case, arrived_at: datetime | None) -> Watched:
    taken = case.settlement is Settling.REFUSED and case.sync is Sync.CONFLICT
    moments = Moments(
        kind=stored.kind,
        started_at=stored.started_at or stored.created_at,
        born_at=stored.created_at,
        arrived_at=arrived_at if case.arrived else None,
        refused_at=stored.refused_at if taken else None,
        finalised=case.finalised,
        over=case.over,
    )
    return Watched(
        account_id=stored.account_id, return_id=stored.id, connection_id=stored.connection_id,
        marketplace=stored.marketplace, policy_version_id=stored.policy_version_id, moments=moments,
    )  # fmt: skip


async def release_missing(before: StoredReturn, case: Case) -> None:
    """Let what never arrived come back another time: it counts as returned no longer."""
    missing = {line.id: line.missing for line in case.lines if line.missing}
    if missing:
        await queries.release(before, missing)


async def release_canceled(before: StoredReturn) -> None:
    """Let what a canceled return was about come back in another one: nobody pays for it here, arrived or not.

    Where a settlement was refused, what stands at the channel may have been paid all the same: what arrived stays
    counted, unless the channel itself called the return off before it took anything.
    """
    created = before.kind is Kind.MERCHANT and before.settlement is Settling.REFUSED
    if created or states.taken(before.case):
        await release_missing(before, before.case)
    else:
        await queries.release(before, {line.id: line.declared for line in before.lines})


def then(step: Step, more: Step) -> Step:
    """Join two steps into one; the second was taken from the case that the first left."""
    return Step(more.case, step.events + more.events)


def refuse(illegal: Illegal) -> Conflict:
    """Return what a caller hears of a command that may not happen."""
    return Conflict(illegal.code, illegal.message)


def view(stored: StoredReturn) -> ReturnView:
    """Return a return as the API shows it."""
    return ReturnView(
        display=DISPLAY[stored.status],
        **{name: getattr(stored, name) for name in ReturnView.__struct_fields__ if name != "display"},
    )
