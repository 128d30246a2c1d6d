"""What differs between a return here and the same return at the channel, why, and what repairs it: pure.

What is merely on its way is no difference: an operation or a message that is alive, or a change of the last minutes on
either side.
"""

from collections.abc import Sequence
from datetime import datetime

from hub.kit.numbers import normalise
from hub.reconciliation.messages import Found, Kind, Known, Manner, Pair, Repair, Verdict
from hub.reconciliation.quantities import accepted_there, decided_differs, declared_differs
from hub.returns.case import Ending, Settling, Sync
from hub.returns.messages import StoredReturn
from hub.sdk.messages import ChannelReturn
from hub.sdk.messages import Kind as Born

WAITS, SAME, CLOSER = Verdict(waits=True), Verdict(), Verdict(closer=True)


def match(theirs: ChannelReturn, held: Sequence[Known], *, waiting: bool = False, covered: bool = True) -> Pair:
    """Find what the hub knows of a return of the channel's; its own id comes before any number."""
    ours = next((each for each in held if each.stored.external_id == theirs.external_id), None)
    numbered = None
    if theirs.merchant_return_number:
        numbered = next((each for each in held if each.stored.number == theirs.merchant_return_number), None)
    if ours is None and numbered is not None and _may_be(numbered.stored, theirs):
        ours = numbered
    own = ours.stored.id if ours else None
    twin = next((each.stored for each in held if each.stored.id != own and _looks_like(each.stored, theirs)), None)
    return Pair(ours=ours, theirs=theirs, numbered=numbered, twin=twin, waiting=waiting, covered=covered)


def _may_be(ours: StoredReturn, theirs: ChannelReturn) -> bool:
    return ours.kind is Born.MERCHANT and theirs.created_by is Born.MERCHANT and ours.external_id is None


def _looks_like(ours: StoredReturn, theirs: ChannelReturn) -> bool:
    """Say whether two returns of the channel's are one: the same number, order and products."""
    same = theirs.channel_return_number is not None and (
        (ours.channel_return_number, ours.order_number) == (theirs.channel_return_number, theirs.order_number)
    )
    return same and ours.ending is Ending.OPEN and declared_differs(ours, theirs) is None


def compare(pair: Pair, manner: Manner, now: datetime) -> Verdict:
    """Say what differs; both sides are the same return, as far as either has it."""
    if pair.theirs is not None and _is_young(_moment(pair.theirs), manner, now):
        return WAITS
    if pair.ours is None:
        return SAME if pair.theirs is None else _unknown_here(pair, pair.theirs, manner)
    if pair.ours.on_its_way or _is_young(pair.ours.stored.updated_at, manner, now):
        return WAITS
    if pair.ours.stored.informational is not None:
        return _found(*_only_shown(pair.ours.stored, pair.theirs))
    if pair.theirs is None:
        return _found(*_absent(pair.ours.stored))
    return _both(pair, pair.ours, pair.theirs, manner)


def _moment(theirs: ChannelReturn) -> datetime:
    return max(theirs.created_at, theirs.updated_at or theirs.created_at)


def _is_young(moment: datetime, manner: Manner, now: datetime) -> bool:
    return manner.young is not None and moment > now - manner.young


def _found(*found: Found) -> Verdict:
    return Verdict(found=found)


def _only_shown(ours: StoredReturn, theirs: ChannelReturn | None) -> tuple[Found, ...]:
    if theirs is None or ours.channel_status is None or ours.channel_status == theirs.raw_status:
        return ()
    cause = f"{ours.number} is only shown here, as {ours.channel_status}, and is {theirs.raw_status} at the channel."
    return (_of(ours, Kind.STATUS, "shown", cause, Repair.FOLLOW),)


# not here -----------------------------------------------------------------------------------------------


def _unknown_here(pair: Pair, theirs: ChannelReturn, manner: Manner) -> Verdict:
    if pair.waiting:
        return WAITS
    if theirs.canceled or not pair.covered or not any(line.quantity for line in theirs.lines):
        # Nothing comes back and nobody is paid; or it is none of what the hub was set up for.
        return SAME
    if theirs.created_by is Born.MERCHANT:
        return _found(_declared_elsewhere(pair, theirs))
    if pair.twin is not None:
        return _found(_twice(theirs, pair.twin, theirs.external_id))
    before = not theirs.open and theirs.created_at < manner.since
    return SAME if before else _found(_not_imported(pair, theirs))


def _not_imported(pair: Pair, theirs: ChannelReturn) -> Found:
    key, repair = f"missing:here:{theirs.external_id}", Repair.IMPORT
    state = "is open" if theirs.open else "was decided there"
    cause = f"The channel has return {_name(theirs)}, which {state} and is not in the hub."
    if pair.numbered is not None:
        number, repair = theirs.merchant_return_number, Repair.ASK
        cause = (
            f"The channel has return {_name(theirs)}, which is not in the hub and carries {number} of another return."
        )
    return Found(key=key, kind=Kind.MISSING, cause=cause, repair=repair)


def _declared_elsewhere(pair: Pair, theirs: ChannelReturn) -> Found:
    name, number = theirs.external_id, theirs.merchant_return_number
    if pair.numbered is not None:
        first = pair.numbered.stored.external_id
        cause = f"The channel has our return {number} twice, as {first} and as {name}; it may have been paid twice."
        return Found(key=f"extra:twice:{name}", kind=Kind.EXTRA, cause=cause, repair=Repair.ASK, money=True)
    cause = f"Another system declared return {number or name} at the channel."
    if number and normalise(number) is not None:
        cause = f"Return {number} at the channel has a number of ours, which this hub never gave to any return."
    return Found(key=f"extra:elsewhere:{name}", kind=Kind.EXTRA, cause=cause, repair=Repair.RECORD)


def _twice(theirs: ChannelReturn, twin: StoredReturn, name: object) -> Found:
    cause = (
        f"The channel has its return {theirs.channel_return_number} twice, as {twin.external_id} ({twin.number} here) "
        f"and as {theirs.external_id}: the same goods would be paid twice."
    )
    return Found(key=f"extra:twin:{name}", kind=Kind.EXTRA, cause=cause, repair=Repair.ASK)


# not there ----------------------------------------------------------------------------------------------


def _absent(ours: StoredReturn) -> tuple[Found, ...]:
    decided = ours.settlement in {Settling.SETTLED, Settling.SENDING}
    if ours.kind is Born.MERCHANT:
        return (_lost(ours, "has no such return"),) if decided else ()
    if decided:
        cause = f"{ours.number} was decided here, and the channel does not know return {ours.external_id} any more."
        return (_of(ours, Kind.MISSING, "gone", cause, Repair.ASK, money=True),)
    if ours.case.over:
        return ()
    cause = f"{ours.number} is open here, and the channel does not know return {ours.external_id} any more."
    return (_of(ours, Kind.MISSING, "gone", cause, Repair.FOLLOW),)


def _lost(ours: StoredReturn, there: str) -> Found:
    """Name a decision of ours that the channel does not have."""
    if ours.settlement is Settling.SENDING:
        cause = f"{ours.number} was decided here, telling the channel gave up, and the channel {there}."
    else:
        when = f" on {ours.settled_at:%Y-%m-%d}" if ours.settled_at else ""
        cause = f"{ours.number} was settled here{when}, and the channel {there}."
    return _of(ours, Kind.MISSING, "there", cause, Repair.SETTLE)


def _of(ours: StoredReturn, kind: Kind, what: str, cause: str, repair: Repair, *, money: bool = False) -> Found:
    return Found(key=f"{kind}:{what}:{ours.id}", kind=kind, cause=cause, repair=repair, money=money)


# on both sides ------------------------------------------------------------------------------------------


def _both(pair: Pair, known: Known, theirs: ChannelReturn, manner: Manner) -> Verdict:
    if theirs.canceled:
        verdict = _found(*_canceled_there(known.stored))
    elif theirs.open:
        verdict = _found(*_open_there(known, theirs, manner))
    else:
        verdict = _decided_there(known.stored, theirs)
    if pair.twin is None or theirs.canceled or not _is_later(known.stored, pair.twin):
        return verdict
    twice = _twice(theirs, pair.twin, known.stored.id)
    return Verdict(found=(*verdict.found, twice), closer=verdict.closer)


def _is_later(ours: StoredReturn, twin: StoredReturn) -> bool:
    # Of the two the one that was born later is the one too many.
    return ours.id > twin.id


def _canceled_there(ours: StoredReturn) -> tuple[Found, ...]:
    if ours.settlement is Settling.SETTLED:
        cause = f"{ours.number} was settled here, and the channel shows it as canceled."
        return (_of(ours, Kind.STATUS, "canceled", cause, Repair.ASK, money=True),)
    if ours.settlement is Settling.SENDING:
        cause = f"{ours.number} was decided here, telling the channel gave up, and the channel canceled it."
        return (_of(ours, Kind.STATUS, "canceled", cause, Repair.SETTLE),)
    if ours.case.over or ours.kind is Born.MERCHANT or _is_taken(ours):
        return ()
    cause = f"{ours.number} is open here, and the channel canceled it."
    return (_of(ours, Kind.STATUS, "canceled", cause, Repair.FOLLOW),)


def _is_taken(ours: StoredReturn) -> bool:
    """Say whether the channel took our decision and the marketplace refused it afterwards: a person has it."""
    return ours.settlement is Settling.REFUSED and ours.sync is Sync.CONFLICT


def _open_there(known: Known, theirs: ChannelReturn, manner: Manner) -> tuple[Found, ...]:
    ours = known.stored
    if ours.kind is Born.MERCHANT:
        return _created_there(known, theirs)
    if ours.settlement in {Settling.SETTLED, Settling.SENDING}:
        return (_lost(ours, "still waits for a decision"),)
    if ours.case.over:
        cause = f"{ours.number} is {_words(ours)} here, and the channel still waits for a decision."
        return (_of(ours, Kind.STATUS, "open", cause, Repair.ASK),)
    if _is_taken(ours):
        return ()
    found = [_number_there(ours, theirs)] if manner.acknowledges else []
    found.append(_declared(ours, theirs))
    return tuple(each for each in found if each is not None)


def _created_there(known: Known, theirs: ChannelReturn) -> tuple[Found, ...]:
    ours = known.stored
    if ours.settlement is Settling.SETTLED:
        return (_lost(ours, "still waits for its receipt"),) if known.paid_on_receipt else ()
    if ours.settlement is Settling.SENDING:
        return (_lost(ours, "has not finished it"),)
    return _never_sent(ours, theirs)


def _never_sent(ours: StoredReturn, theirs: ChannelReturn) -> tuple[Found, ...]:
    """Name a merchant return that stands at the channel although the hub did not send it, or was refused."""
    if ours.settlement is Settling.ELSEWHERE or _is_taken(ours):
        return ()
    units = sum((accepted_there(ours, theirs) or {}).values())
    if ours.settlement is Settling.REFUSED:
        wanted = sum(line.accepted for line in ours.lines)
        cause = f"The channel refused {ours.number}, and has it all the same, with {units} units; {wanted} are ours."
        repair = Repair.SETTLE if units == wanted else Repair.ASK
        return (_of(ours, Kind.STATUS, "refused", cause, repair, money=repair is Repair.ASK),)
    repair = Repair.ASK if ours.case.over else Repair.FOLLOW
    cause = f"{ours.number} is {_words(ours)} here and was never sent, and the channel has it with {units} units."
    return (_of(ours, Kind.EXTRA, "never_sent", cause, repair, money=True),)


def _number_there(ours: StoredReturn, theirs: ChannelReturn) -> Found | None:
    number = theirs.merchant_return_number
    if number == ours.number and ours.sync is not Sync.LINKED:
        return None
    if number is None:
        cause = f"The channel does not have our number {ours.number} on its return {_name(theirs)}."
    elif number == ours.number:
        cause = f"The channel has our number {ours.number}, and here its acknowledgement gave up."
    else:
        cause = f"The channel has the number {number} on return {_name(theirs)}, which is {ours.number} here."
        return _of(ours, Kind.STATUS, "number", cause, Repair.ASK)
    return _of(ours, Kind.STATUS, "acknowledgement", cause, Repair.ACKNOWLEDGE)


def _declared(ours: StoredReturn, theirs: ChannelReturn) -> Found | None:
    told = declared_differs(ours, theirs)
    if told is None:
        return None
    return _of(ours, Kind.QUANTITY, "declared", f"{ours.number} was declared otherwise: {told}.", Repair.FOLLOW)


def _decided_there(ours: StoredReturn, theirs: ChannelReturn) -> Verdict:
    if ours.settlement is Settling.SETTLED:
        return _as_settled(ours, theirs)
    if ours.settlement is Settling.ELSEWHERE or _is_taken(ours):
        return SAME
    if ours.settlement is Settling.SENDING:
        cause = f"{ours.number} was decided here and telling the channel gave up; there it is decided."
        return _found(_of(ours, Kind.STATUS, "decided", cause, Repair.SETTLE))
    if ours.kind is Born.MERCHANT:
        return _found(*_never_sent(ours, theirs))
    if ours.case.over:
        cause = f"{ours.number} is {_words(ours)} here, and was decided at the channel."
        return _found(_of(ours, Kind.STATUS, "decided", cause, Repair.ASK, money=True))
    cause = f"{ours.number} is open here, and was decided at the channel by somebody else."
    return _found(_of(ours, Kind.STATUS, "decided", cause, Repair.FOLLOW, money=True))


def _as_settled(ours: StoredReturn, theirs: ChannelReturn) -> Verdict:
    told = decided_differs(ours, theirs)
    if told is None:
        return CLOSER
    if not told:
        return Verdict(verified=True)
    cause = f"{ours.number} was decided otherwise at the channel: {told}."
    return _found(_of(ours, Kind.QUANTITY, "decided", cause, Repair.ASK, money=True))


def _words(ours: StoredReturn) -> str:
    if ours.ending is not Ending.OPEN:
        return ours.ending.value.replace("_", " ")
    return "decided elsewhere" if ours.settlement is Settling.ELSEWHERE else ours.status.value.replace("_", " ")


def _name(theirs: ChannelReturn) -> str:
    return theirs.channel_return_number or theirs.external_id
