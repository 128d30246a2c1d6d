"""What a warehouse may do to a return besides receiving goods: more of the pure commands of `states`."""

import hashlib
from collections.abc import Iterable

import msgspec

from hub.returns.case import Case, Event, Illegal, Placed, Settling, Step
from hub.returns.states import add, still_counts, told


def version(case: Case) -> str:
    """Name what a warehouse relies on: it changes when something is received, redeclared, finalised or called off."""
    lines = [(str(line.id), line.declared, line.received) for line in case.lines]
    seen = msgspec.json.encode((lines, case.arrived, case.finalised, case.ending))
    return hashlib.blake2b(seen, digest_size=6).hexdigest()


def is_current(known: str, now: str, own: Iterable[tuple[str, str]]) -> bool:
    """Say whether only `own` receipts, as versions before and after each, lie between a version and the one of now."""
    for before, after in own:
        if before == known:
            known = after
    return known == now


def arrive_closed(case: Case) -> Step:
    """The parcel is here and stays closed: nothing is counted."""
    if not still_counts(case):
        return Step(case, (Event("return.received_late", {"items": []}),))
    return Step(msgspec.structs.replace(case, arrived=True), (Event("return.received_closed"),))


def correct(case: Case, placed: tuple[Placed, ...], why: str) -> Step:
    """Units were counted wrongly; what was sent already stands, and the correction is only a fact."""
    detail = {"items": told(placed), "why": why}
    if not still_counts(case):
        return Step(case, (Event("return.corrected_late", detail),))
    lines = tuple(add(line, placed) for line in case.lines)
    if any(line.received < 0 for line in lines):
        raise Illegal("more_than_booked", "More units are taken back than were booked.")
    # A person decides again on what is left; the verdicts of before may not fit it.
    fresh = tuple(msgspec.structs.replace(line, accepted=0, rejected=0) for line in lines)
    arrived = case.arrived or any(line.received for line in fresh)
    return Step(msgspec.structs.replace(case, lines=fresh, arrived=arrived), (Event("return.corrected", detail),))


def regrade(case: Case, placed: tuple[Placed, ...], why: str) -> Step:
    """Units are in another state than was booked; quantities stay."""
    detail = {"items": told(placed), "why": why}
    name = "return.regraded" if still_counts(case) else "return.corrected_late"
    return Step(case, (Event(name, detail),))


def reopen(case: Case, why: str) -> Step:
    """More is to come, and nothing was sent yet. A settlement that waits for a person goes on waiting."""
    if case.over or not case.finalised:
        raise Illegal("not_finalised", "Only a return whose receiving is finalised, and that is not over, is reopened.")
    if case.settlement not in {Settling.HELD, Settling.NONE}:
        raise Illegal("already_sending", "The settlement was sent; what comes now is booked as late.")
    lines = tuple(msgspec.structs.replace(line, accepted=0, rejected=0) for line in case.lines)
    after = msgspec.structs.replace(case, lines=lines, finalised=False)
    return Step(after, (Event("return.reopened", {"why": why}),))


def take_off(case: Case) -> Step:
    """The settlement that was on its way was stopped before anybody was called."""
    if case.settlement is not Settling.SENDING:
        raise Illegal("not_sending", "No settlement is on its way.")
    return Step(msgspec.structs.replace(case, settlement=Settling.NONE), ())
