"""What may happen to a return, as pure functions on orthogonal axes.

A command takes the case as it is and returns the case as it becomes, with the events that tell of it; it raises
`Illegal` if it may not happen. The status that people see is derived from the axes and never set by itself.
"""

from typing import Any
from uuid import UUID

import msgspec

from hub.returns.case import (
    FINISHED,
    Arrival,
    Case,
    Ending,
    Event,
    Illegal,
    Informational,
    Line,
    Placed,
    Settling,
    Status,
    Step,
    Sync,
    Verdict,
)
from hub.sdk.messages import Kind


def born(kind: Kind, lines: tuple[Line, ...], informational: Informational | None = None) -> Case:
    """Return a case at its birth: a channel return is linked, a merchant return unknown to the channel."""
    if not lines or any(line.declared < 1 for line in lines):
        raise Illegal("nothing_to_return", "A return has at least one line, each with a quantity of at least 1.")
    sync = Sync.LINKED if kind is Kind.CHANNEL and informational is None else Sync.NOT_REQUIRED
    return Case(kind=kind, lines=lines, sync=sync, informational=informational)


def status(case: Case) -> Status:  # noqa: PLR0911 - a table of one rule per line
    """Roll the axes up into one word."""
    if case.informational is not None:
        return Status.INFORMATIONAL
    if case.ending is Ending.EXPIRED:
        return Status.EXPIRED
    if case.ending is Ending.CANCELED:
        return Status.CANCELED
    if case.ending is Ending.CHANNEL_CANCELED:
        return Status.CHANNEL_CANCELED
    if case.settlement in FINISHED:
        return Status.COMPLETED
    if case.finalised and case.settlement in {Settling.SENDING, Settling.HELD, Settling.REFUSED}:
        return Status.PROCESSED
    if case.finalised:
        return Status.RECEIVED
    if case.arrived:
        return Status.PARTIALLY_RECEIVED
    return Status.EXPECTED if case.kind is Kind.CHANNEL else Status.APPROVED


DISPLAY = {
    Status.EXPECTED: "Processing/Requested",
    Status.APPROVED: "Logistics/Approved",
    Status.PARTIALLY_RECEIVED: "Processing/Received",
    Status.RECEIVED: "Processing/Received",
    Status.PROCESSED: "Settlement/Requested",
    Status.COMPLETED: "Completed",
    Status.CANCELED: "Canceled",
    Status.CHANNEL_CANCELED: "Canceled",
    Status.EXPIRED: "Canceled",
    Status.INFORMATIONAL: "Informational",
}


def acknowledge(case: Case) -> Step:
    """The channel knows our return number; where it knew before, or need not know, nothing changes."""
    if case.sync is not Sync.LINKED:
        return Step(case, ())
    return Step(msgspec.structs.replace(case, sync=Sync.ACKNOWLEDGED), (Event("return.acknowledged"),))


def place(case: Case, arrivals: tuple[Arrival, ...]) -> tuple[Placed, ...]:
    """Put each arrival on the lines of its product, first line first; a surplus stays on the last one.

    A product that no line has is unexpected and goes on no line.
    """
    open_now = {line.id: line.missing for line in case.lines}
    placed: list[Placed] = []
    for arrival in arrivals:
        placed.extend(_place_one(case, arrival, open_now))
    return tuple(placed)


def _place_one(case: Case, arrival: Arrival, open_now: dict[UUID, int]) -> list[Placed]:
    lines = [line for line in case.lines if line.sku == arrival.sku and arrival.line in {None, line.id}]
    if not lines:
        return [Placed(arrival.sku, arrival.quantity, None, "unexpected")]
    placed, left = [], arrival.quantity
    for line in lines:
        taken = min(left, open_now[line.id])
        if taken:
            placed.append(Placed(arrival.sku, taken, line.id, None))
            open_now[line.id] -= taken
            left -= taken
    if left:
        placed.append(Placed(arrival.sku, left, lines[-1].id, "over"))
    return placed


def receive(case: Case, placed: tuple[Placed, ...]) -> Step:
    """Goods arrived. What arrives after the end or after finalising is late: a fact, but no quantity moves.

    While a person has yet to settle, nothing was told to the channel, so that what arrives still counts.
    """
    detail = {"items": told(placed)}
    if not still_counts(case):
        return Step(case, (Event("return.received_late", detail),))
    lines = tuple(add(line, placed) for line in case.lines)
    after = msgspec.structs.replace(case, lines=lines, arrived=case.arrived or bool(placed))
    return Step(after, (Event("return.received", detail),))


def told(placed: tuple[Placed, ...]) -> list[dict[str, Any]]:
    """Return what an event tells of units that were placed."""
    return [{"sku": item.sku, "quantity": item.quantity, "deviation": item.deviation} for item in placed]


def still_counts(case: Case) -> bool:
    """Whether what is seen of the goods still changes what is decided: nothing of it was sent yet."""
    return not case.over and (not case.finalised or case.settlement is Settling.HELD)


def add(line: Line, placed: tuple[Placed, ...]) -> Line:
    """Count units that were placed on a line; taken back ones have a quantity below zero."""
    arrived = sum(item.quantity for item in placed if item.line == line.id)
    return msgspec.structs.replace(line, received=line.received + arrived) if arrived else line


def finalise(case: Case) -> Step:
    """Nothing more will come."""
    if case.over:
        raise Illegal("return_is_over", "This return is over; there is nothing left to finalise.")
    if case.finalised:
        raise Illegal("already_finalised", "Receiving was finalised before.")
    if not case.arrived:
        raise Illegal("nothing_received", "Nothing was received yet; book what arrived, or cancel the return.")
    missing = {line.sku: line.missing for line in case.lines if line.missing}
    event = Event("return.finalised", {"missing": missing} if missing else {})
    return Step(msgspec.structs.replace(case, finalised=True), (event,))


def give_up(case: Case) -> Step:
    """The time for goods to arrive is over: what came is all that came, even if nothing did."""
    if case.over:
        raise Illegal("return_is_over", "This return is over; nothing is awaited.")
    if case.finalised:
        raise Illegal("already_finalised", "Receiving was finalised before.")
    missing = {line.sku: line.missing for line in case.lines if line.missing}
    return Step(msgspec.structs.replace(case, finalised=True), (Event("return.overdue", {"missing": missing}),))


def decide(case: Case, verdicts: tuple[Verdict, ...]) -> Step:
    """The policy, or a person, said what is accepted and what is rejected of each line."""
    if not case.finalised or case.over:
        raise Illegal(
            "not_to_be_decided", "Only a return whose receiving is finalised, and that is not over, is decided."
        )
    if case.settlement is Settling.SENDING:
        raise Illegal("already_sending", "The settlement is on its way and cannot be changed.")
    _must_not_be_taken(case)
    by_line = {verdict.line: verdict for verdict in verdicts}
    if set(by_line) != {line.id for line in case.lines} or len(by_line) != len(verdicts):
        raise Illegal("lines_differ", "Every line needs exactly one decision.")
    lines = tuple(_judge(line, by_line[line.id]) for line in case.lines)
    totals = {"accepted": sum(line.accepted for line in lines), "rejected": sum(line.rejected for line in lines)}
    return Step(msgspec.structs.replace(case, lines=lines), (Event("return.decided", totals),))


def _must_not_be_taken(case: Case) -> None:
    if taken(case):
        raise Illegal("taken_by_channel", "The channel took this decision once and takes no second one.")


def taken(case: Case) -> bool:
    """Whether the channel took the decision, and the marketplace refused it afterwards."""
    return case.settlement is Settling.REFUSED and case.sync is Sync.CONFLICT


def _judge(line: Line, verdict: Verdict) -> Line:
    if verdict.accepted < 0 or verdict.rejected < 0:
        raise Illegal("negative_quantity", f"{line.sku}: quantities are not negative.")
    if verdict.accepted + verdict.rejected > min(line.received, line.declared):
        raise Illegal("more_than_received", f"{line.sku}: accepted and rejected exceed what was received.")
    return msgspec.structs.replace(line, accepted=verdict.accepted, rejected=verdict.rejected)


def hold(case: Case, why: str) -> Step:
    """A person must look before the money moves."""
    if case.over or case.settlement is Settling.SENDING or taken(case):
        raise Illegal("cannot_hold", "The settlement is on its way or done.")
    return Step(msgspec.structs.replace(case, settlement=Settling.HELD), (Event("settlement.held", {"why": why}),))


def settle(case: Case) -> Step:
    """The decision goes to the channel; a merchant return with nothing accepted has nobody to pay and ends here."""
    if case.over or not case.finalised:
        raise Illegal("not_to_be_settled", "Only a finalised return that is not over is settled.")
    if case.settlement is Settling.SENDING:
        raise Illegal("already_sending", "The settlement is on its way.")
    _must_not_be_taken(case)
    if case.kind is Kind.MERCHANT and not any(line.accepted for line in case.lines):
        return Step(msgspec.structs.replace(case, settlement=Settling.NOTHING), (Event("settlement.nothing_to_pay"),))
    return Step(msgspec.structs.replace(case, settlement=Settling.SENDING), (Event("settlement.sent"),))


def confirm(case: Case) -> Step:
    """The channel has the decision: what was accepted is settled."""
    if case.settlement is not Settling.SENDING:
        raise Illegal("not_sending", "No settlement is on its way.")
    lines = tuple(msgspec.structs.replace(line, settled=line.accepted) for line in case.lines)
    after = msgspec.structs.replace(case, lines=lines, settlement=Settling.SETTLED, sync=Sync.CONFIRMED)
    return Step(after, (Event("return.settled", {"units": sum(line.settled for line in lines)}),))


def refuse(case: Case, code: str, message: str) -> Step:
    """The channel said no: settled elsewhere ends the return without a second refund, anything else waits."""
    if case.settlement is not Settling.SENDING:
        raise Illegal("not_sending", "No settlement is on its way.")
    detail = {"code": code, "message": message}
    if code == "settled_elsewhere":
        after = msgspec.structs.replace(case, settlement=Settling.ELSEWHERE, sync=Sync.CONFLICT)
        return Step(after, (Event("settlement.found_elsewhere", detail),))
    if code == "canceled_by_channel":
        after = msgspec.structs.replace(case, settlement=Settling.REFUSED, ending=Ending.CHANNEL_CANCELED)
        return Step(after, (Event("return.canceled_by_channel", detail),))
    return Step(msgspec.structs.replace(case, settlement=Settling.REFUSED), (Event("settlement.refused", detail),))


def refuse_late(case: Case, message: str) -> Step:
    """The marketplace refused what the channel had taken: nobody was paid, and the return waits for a person."""
    if case.settlement is not Settling.SETTLED:
        raise Illegal("not_settled", "Only a settled return can be refused afterwards.")
    lines = tuple(msgspec.structs.replace(line, settled=0) for line in case.lines)
    after = msgspec.structs.replace(case, lines=lines, settlement=Settling.REFUSED, sync=Sync.CONFLICT)
    return Step(after, (Event("settlement.refused_late", {"message": message}),))


def paid_after_all(case: Case, why: str) -> Step:
    """A person, or the channel, says that a settlement which was refused afterwards was paid."""
    if not taken(case) or case.ending is not Ending.OPEN:
        raise Illegal("not_refused_late", "This return does not wait for a payment that was refused afterwards.")
    lines = tuple(msgspec.structs.replace(line, settled=line.accepted) for line in case.lines)
    after = msgspec.structs.replace(case, lines=lines, settlement=Settling.SETTLED, sync=Sync.CONFIRMED)
    detail = {"units": sum(line.settled for line in lines), "why": why}
    return Step(after, (Event("return.settled", detail),))


def cancel(case: Case, by: Ending) -> Step:
    """The return is called off; once the settlement is on its way or done it cannot be.

    Nor can what the marketplace refused afterwards: it may be paid still, and only the channel can end that.
    """
    if by is Ending.OPEN:
        raise Illegal("no_ending", "A return is canceled by somebody.")
    if case.over:
        raise Illegal("return_is_over", "This return is over.")
    if case.settlement is Settling.SENDING:
        raise Illegal("already_sending", "The settlement is on its way; wait for its outcome.")
    if by is not Ending.CHANNEL_CANCELED and taken(case):
        raise Illegal("taken_by_channel", "The channel took this return's settlement and may pay it still.")
    return Step(msgspec.structs.replace(case, ending=by), (Event(ENDED[by]),))


ENDED = {
    Ending.CANCELED: "return.canceled",
    Ending.CHANNEL_CANCELED: "return.canceled_by_channel",
    Ending.EXPIRED: "return.expired",
}


def settled_elsewhere(case: Case, why: str = "", *, gave_up: bool = False) -> Step:
    """The channel shows, or a person says, a decision that the hub did not make: no second one is sent.

    Nothing changes once the return is over, or while our own settlement is on its way: its outcome tells, unless the
    hub `gave_up` sending it. A decision of ours that the marketplace refused afterwards shows just like this, and is
    none of somebody else's.
    """
    if case.over or (case.settlement is Settling.SENDING and not gave_up) or taken(case):
        return Step(case, ())
    after = msgspec.structs.replace(case, settlement=Settling.ELSEWHERE, sync=Sync.CONFLICT)
    return Step(after, (Event("settlement.found_elsewhere", {"why": why} if why else {}),))


def redeclare(case: Case, lines: tuple[Line, ...], *, excess: bool) -> Step:
    """The channel declares other lines before anything arrived: its word holds.

    `excess` says that more would come back than was shipped, so that a person settles it.
    """
    if not may_be_redeclared(case):
        raise Illegal("too_late_to_redeclare", "Goods have arrived or the return is over; its lines stay as they are.")
    if not lines or any(line.declared < 1 for line in lines):
        raise Illegal("nothing_to_return", "A return has at least one line, each with a quantity of at least 1.")
    settlement = Settling.HELD if excess else Settling.NONE
    event = Event("return.redeclared", {"units": sum(line.declared for line in lines)})
    return Step(msgspec.structs.replace(case, lines=lines, settlement=settlement), (event,))


def may_be_redeclared(case: Case) -> bool:
    """Whether nothing hangs on the lines yet."""
    waits = case.settlement in {Settling.NONE, Settling.HELD}
    return not (case.over or case.arrived or case.finalised) and waits


def settle_again(case: Case) -> Step:
    """The channel shows no trace of what was settled: it is on its way once more, to be looked up before it is sent."""
    if case.settlement is not Settling.SETTLED or case.ending is not Ending.OPEN:
        raise Illegal("not_settled", "Only a settled return can be told to the channel once more.")
    lines = tuple(msgspec.structs.replace(line, settled=0) for line in case.lines)
    sync = Sync.ACKNOWLEDGED if case.kind is Kind.CHANNEL else Sync.NOT_REQUIRED
    after = msgspec.structs.replace(case, lines=lines, settlement=Settling.SENDING, sync=sync)
    return Step(after, (Event("settlement.sent_again"),))


def conflict(case: Case, why: str) -> Step:
    """The channel and the hub hold different ends of a return; a person compares, and no money is moved.

    A return that is not over keeps its sync: there its next step tells.
    """
    if not case.over or case.sync is Sync.CONFLICT or case.informational is not None:
        return Step(case, ())
    return Step(msgspec.structs.replace(case, sync=Sync.CONFLICT), (Event("return.differs", {"why": why}),))
