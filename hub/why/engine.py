"""Explain a return from the facts: a pure function with an answer for every state."""

from datetime import datetime

import msgspec

from hub.deadlines.engine import QUIET, retries_until
from hub.deadlines.messages import Due
from hub.deadlines.service import moment
from hub.operations.messages import State
from hub.returns import states
from hub.returns.case import Ending, Informational, Settling
from hub.sdk.messages import Kind
from hub.settlement import engine as settlement
from hub.settlement.service import ways
from hub.why.messages import Actor, Effort, Explanation, Facts, RuledDeadline
from tenants.messages import ReceivingOption

API = "/api/v1"


def explain(facts: Facts) -> Explanation:  # noqa: PLR0911 - a table of one rule per line
    """Return why a return stands where it stands, and who acts next."""
    case = facts.held.case
    if case.over:
        return _over(facts)
    if case.settlement is Settling.SENDING:
        return _sending(facts)
    if states.taken(case):
        return _refused_late(facts)
    if case.settlement is Settling.REFUSED:
        return _refused(facts)
    if not case.finalised:
        return _awaited(facts)
    if case.settlement is Settling.HELD:
        return _held(facts)
    return _by(Actor.HUB, "receiving is finalised, and the decision is being made", _finalised(facts))


def explain_to_partner(facts: Facts) -> Explanation:
    """Return the same for whoever runs a warehouse: the money behind it is its account's business."""
    case, told = facts.held.case, explain(facts)
    if case.over or not case.finalised:
        return told
    sentence = "Receiving is finalised; what follows is not the warehouse's to do."
    return Explanation(sentence=sentence, actor=told.actor, since=_finalised(facts))


def ruled(facts: Facts) -> tuple[RuledDeadline, ...]:
    """Return the deadlines of a return, each with the rule that makes it."""
    return tuple(
        RuledDeadline(**msgspec.structs.asdict(each), rule=_rule(facts, each.kind)) for each in facts.deadlines
    )


def _rule(facts: Facts, kind: Due) -> str:
    profile, rules = facts.standing.profile, facts.rules
    match kind:
        case Due.CANCEL:
            return f"profile: auto_cancel_days {profile.auto_cancel_days}"
        case Due.DECIDE:
            return f"profile: decision_days {profile.decision_days}"
        case Due.ARRIVE:
            return f"policy: arrive_within_days {rules.arrive_within_days}, when_overdue {rules.when_overdue}"
        case Due.FINALISE:
            return f"policy: finalise_after_days {rules.finalise_after_days}"
        case Due.CONFIRM:
            return f"profile: retry_days {profile.retry_days}, and no new refusal for {QUIET.days} days"


def _by(actor: Actor, sentence: str, since: datetime, action: str | None = None) -> Explanation:
    return Explanation(sentence=f"{sentence[0].upper()}{sentence[1:]}.", actor=actor, since=since, action=action)


def _finalised(facts: Facts) -> datetime:
    return facts.held.finalised_at or facts.held.updated_at


# over ---------------------------------------------------------------------------------------------------

ONLY_SHOWN = {
    Informational.MARKETPLACE_FULFILLED: "the marketplace sent the goods and takes them back",
    Informational.MARKETPLACE_REFUNDS: "the marketplace refunds it by itself",
    Informational.BEFORE_THE_HUB: "it was over when the hub first saw it",
    Informational.CREATED_ELSEWHERE: "another system declared it to the channel",
}
ENDED = {
    Ending.CANCELED: "it was canceled here",
    Ending.CHANNEL_CANCELED: "the marketplace canceled it",
    Ending.EXPIRED: "its goods never arrived in the time that the policy gives",
}
FINISHED = {
    Settling.SETTLED: "the channel has the decision, and the marketplace pays the customer",
    Settling.NOTHING: "nothing of it was accepted, so there is nothing to pay",
    Settling.ELSEWHERE: "it was decided past the hub, which sends no second decision",
}


def _over(facts: Facts) -> Explanation:
    held = facts.held
    if held.informational is not None:
        sentence = f"it is only shown, because {ONLY_SHOWN[held.informational]}"
    else:
        sentence = ENDED.get(held.ending) or FINISHED[held.settlement]
    since = held.settled_at or held.updated_at
    return Explanation(sentence=f"{sentence[0].upper()}{sentence[1:]}.", actor=None, since=since)


# the money ----------------------------------------------------------------------------------------------


def _sending(facts: Facts) -> Explanation:
    effort, reach = facts.effort, facts.reach
    if effort is None:
        return _by(Actor.HUB, "the settlement is about to be sent", _finalised(facts))
    if effort.state is State.DEAD:
        sentence = f"the hub gave up sending the settlement ({effort.why}), and support looks what happened to it"
        return _by(
            Actor.SUPPORT, sentence, effort.finished_at or effort.created_at, f"{API}/operations/{effort.id}/replay"
        )
    if reach.paused_why is not None:
        sentence = f"the connection to the channel is paused until it is repaired: {reach.paused_why.rstrip('.')}"
        return _by(Actor.ACCOUNT, sentence, reach.paused_at or effort.created_at, f"{API}/connections/{reach.id}")
    return _under_way(facts, effort)


def _under_way(facts: Facts, effort: Effort) -> Explanation:
    since, next_at = effort.last_at or effort.created_at, effort.next_at
    if effort.state is State.PENDING:
        return _by(
            Actor.CHANNEL, f"the channel has the settlement and decides later{_then('it is asked', next_at)}", since
        )
    if effort.state is State.UNKNOWN:
        sentence = f"nobody knows yet whether the channel took the settlement{_then('the hub looks', next_at)}"
        return _by(Actor.HUB, sentence, since)
    if facts.reach.limited_until is not None and facts.reach.limited_until > facts.now:
        sentence = f"the channel asked to wait until {moment(facts.reach.limited_until)}, and the hub goes on then"
        return _by(Actor.HUB, sentence, since)
    if effort.state is State.READY and effort.attempt:
        sentence = f"the channel could not take the settlement ({effort.why}){_then('the hub tries', next_at)}"
        return _by(Actor.HUB, sentence, since)
    return _by(Actor.HUB, "the settlement is on its way to the channel", effort.created_at)


def _then(what: str, at: datetime | None) -> str:
    return f"; {what} again at {moment(at)}" if at is not None else ""


def _refused(facts: Facts) -> Explanation:
    held, effort = facts.held, facts.effort
    said = f": {effort.why.rstrip('.')}" if effort is not None and effort.why else ""
    since = effort.finished_at if effort is not None and effort.finished_at else held.updated_at
    stop = settlement.barred(held.kind, facts.standing, held.case.lines)
    if stop is not None:
        sentence = f"the channel refused the settlement{said}; {stop.sentence}"
        return _by(Actor.ACCOUNT, sentence, since, ways(held, stop)[0])
    sentence = f"the channel refused the settlement{said}; repair the cause and replay it, or decide otherwise"
    action = f"{API}/operations/{effort.id}/replay" if effort is not None else _call(facts, "decision")
    return _by(Actor.ACCOUNT, sentence, since, action)


def _refused_late(facts: Facts) -> Explanation:
    held, name = facts.held, facts.standing.name
    since, paid = held.refused_at or held.updated_at, _call(facts, "paid")
    if any(each.kind is Due.CONFIRM and each.passed_at is not None for each in facts.deadlines):
        sentence = (
            f"{name} refused the refund afterwards and has not done so again for two days; confirm that it was paid"
        )
        return _by(Actor.ACCOUNT, sentence, since, paid)
    until = retries_until(facts.standing.profile, held.settled_at, facts.now)
    if until is not None:
        sentence = f"{name} refused the refund afterwards, and the channel tries again by itself until {moment(until)}"
        return _by(Actor.CHANNEL, sentence, since)
    sentence = f"{name} refused the refund after the channel had taken it; have it paid there and say so"
    return _by(Actor.ACCOUNT, sentence, since, paid)


# What a return may have been held for before its goods came, by the work item that says so.
BEFORE = {
    "more_returned_than_shipped": "more came back than was shipped",
    "changed_by_channel": "the channel changed what it declared",
    "vanished_at_channel": "the channel does not know it any more",
}


def _held(facts: Facts) -> Explanation:
    held = facts.held
    hold = settlement.hold(held.kind, facts.standing, facts.rules, held.case.lines)
    before = [BEFORE[item.kind] for item in facts.items if item.kind in BEFORE]
    if hold is None or (before and settlement.Way.SETTLE in hold.ways):
        # What arrived was looked at when it was decided; the work item remembers.
        told = [item.why for item in facts.items if item.kind == "settlement_held" and item.why]
        hold = settlement.Hold((before or told or ["nothing but a person holds it now"])[0], settlement.AT_WILL)
    asked = [item.opened_at for item in facts.items if item.kind == "settlement_held"]
    since = min(asked, default=_finalised(facts))
    return _by(Actor.ACCOUNT, f"it waits for a person: {hold.sentence}", since, ways(held, hold)[0])


def _call(facts: Facts, verb: str) -> str:
    return f"{API}/returns/{facts.held.number}/{verb}"


# the goods ----------------------------------------------------------------------------------------------

RUN_BY = {
    ReceivingOption.RETURN_HUB: Actor.SUPPORT,
    ReceivingOption.MERCHANT_WAREHOUSE: Actor.ACCOUNT,
    ReceivingOption.PARTNER_APP: Actor.PARTNER,
    ReceivingOption.PARTNER_WMS: Actor.PARTNER,
}


def _awaited(facts: Facts) -> Explanation:
    held = facts.held
    if held.case.arrived:
        return _in_the_warehouse(facts)
    overdue = [each for each in facts.deadlines if each.kind is Due.ARRIVE and each.passed_at is not None]
    if overdue:
        merchant = held.kind is Kind.MERCHANT
        end = "cancel it" if merchant else "decide it at the marketplace and say so"
        sentence = f"its goods were due by {moment(overdue[0].at)} and have not come; go on waiting, or {end}"
        return _by(Actor.ACCOUNT, sentence, overdue[0].at, _call(facts, "cancel" if merchant else "settled-elsewhere"))
    sentence = f"its goods have not arrived at {facts.place.name} yet{_until(facts)}"
    return _by(Actor.CUSTOMER, sentence, held.started_at or held.created_at)


def _in_the_warehouse(facts: Facts) -> Explanation:
    option, name = facts.place.receiving_option, facts.place.name
    sentence = f"goods have arrived at {name}, which has not said that nothing more will come{_until(facts)}"
    action = f"{API}/warehouses/{facts.place.id}/receipts"
    return _by(RUN_BY[option], sentence, facts.held.arrived_at or facts.held.updated_at, action)


AHEAD = {
    Due.CANCEL: "the marketplace cancels it at {}",
    Due.DECIDE: "the marketplace wants a decision by {}",
    Due.ARRIVE: "the policy waits until {}",
    Due.FINALISE: "it is finalised by itself at {}",
}


def _until(facts: Facts) -> str:
    """Say which deadline is next."""
    ahead = [each for each in facts.deadlines if each.passed_at is None and each.kind in AHEAD]
    return f"; {AHEAD[ahead[0].kind].format(moment(ahead[0].at))}" if ahead else ""
