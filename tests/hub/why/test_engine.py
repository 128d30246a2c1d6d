"""Every state has an answer, and no answer contradicts the state: held against the state machine itself."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.deadlines.messages import DeadlineView, Due
from hub.operations.messages import State
from hub.returns import states
from hub.returns.case import (
    Arrival,
    Case,
    Ending,
    Illegal,
    Informational,
    Line,
    Settling,
    Status,
    Step,
    Verdict,
)
from hub.returns.messages import StoredLine, StoredReturn
from hub.sdk.messages import Kind, Reason
from hub.sdk.profiles import ChannelReturns, FullRejection, MerchantReturns, Partial, Profile
from hub.settlement import engine as settlement
from hub.why.engine import explain
from hub.why.messages import Actor, Effort, Explanation, Facts, Item, Place, Reach
from tenants.messages import ReceivingOption, Route, Rules, SettleBy, WhenShort
from tenants.profiles import Standing

NOW = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)
WAREHOUSE, OPERATION, CONNECTION = UUID(int=7), UUID(int=8), UUID(int=9)
SHOE = UUID(int=1)
NUMBER = "R1"

Command = Callable[[Case], Step]


def judged(share: int) -> Command:
    def command(case: Case) -> Step:
        verdicts = []
        for line in case.lines:
            most = min(line.received, line.declared)
            accepted = most * share // 2
            verdicts.append(Verdict(line.id, accepted, most - accepted))
        return states.decide(case, tuple(verdicts))

    return command


def arrive(sku: str) -> Command:
    return lambda case: states.receive(case, states.place(case, (Arrival(sku, 1),)))


COMMANDS: dict[str, Command] = {
    "acknowledge": states.acknowledge,
    "receive": arrive("SHOE"),
    "receive something else": arrive("HAT"),
    "finalise": states.finalise,
    "give up": states.give_up,
    "reject": judged(0),
    "accept in part": judged(1),
    "accept": judged(2),
    "hold": lambda case: states.hold(case, "why"),
    "settle": states.settle,
    "confirm": states.confirm,
    "refuse": lambda case: states.refuse(case, "invalid", "no"),
    "refuse for good": lambda case: states.refuse(case, "settled_elsewhere", "no"),
    "refuse as canceled": lambda case: states.refuse(case, "canceled_by_channel", "no"),
    "refuse late": lambda case: states.refuse_late(case, "no balance"),
    "pay after all": lambda case: states.paid_after_all(case, "topped up"),
    "cancel": lambda case: states.cancel(case, Ending.CANCELED),
    "cancel there": lambda case: states.cancel(case, Ending.CHANNEL_CANCELED),
    "expire": lambda case: states.cancel(case, Ending.EXPIRED),
    "settle elsewhere": states.settled_elsewhere,
}
MOST_RECEIVED = 3


def born(kind: Kind = Kind.CHANNEL, informational: Informational | None = None) -> Case:
    return states.born(kind, (Line(id=SHOE, sku="SHOE", declared=2),), informational)


def walked(*names: str, kind: Kind = Kind.CHANNEL) -> Case:
    case = born(kind)
    for name in names:
        case = COMMANDS[name](case).case
    return case


def reachable() -> list[Case]:
    """Walk the state machine to its end: every case that any commands in any order lead to."""
    found = dict.fromkeys(born(kind, why) for kind in Kind for why in (None, *Informational))
    waiting = list(found)
    while waiting:
        case = waiting.pop()
        for command in COMMANDS.values():
            after = _after(command, case)
            if after is not None and after not in found and after.lines[0].received <= MOST_RECEIVED:
                found[after] = None
                waiting.append(after)
    return list(found)


def _after(command: Command, case: Case) -> Case | None:
    try:
        return command(case).case
    except Illegal:
        return None


EVERY_CASE = reachable()


def test_the_walk_reaches_every_status_and_every_settlement() -> None:
    reached: set[object] = {axis for case in EVERY_CASE for axis in (states.status(case), case.settlement, case.ending)}
    assert reached >= {*Status, *Settling, *Ending}
    assert any(states.taken(case) for case in EVERY_CASE)
    assert len(EVERY_CASE) > 500


def stored(case: Case, **more: Any) -> StoredReturn:
    lines = tuple(
        StoredLine(
            id=line.id, sku=line.sku, name=None, order_line=None, declared=line.declared, received=line.received,
            accepted=line.accepted, rejected=line.rejected, settled=line.settled,
        )
        for line in case.lines
    )  # fmt: skip
    fields: dict[str, Any] = {
        "account_id": UUID(int=3), "id": UUID(int=4), "number": NUMBER, "kind": case.kind, "channel_id": UUID(int=5),
        "connection_id": CONNECTION, "policy_version_id": UUID(int=6), "warehouse_id": WAREHOUSE, "external_id": "71",
        "channel_return_number": None, "order_number": "SO-1", "channel_order_number": None, "marketplace": "11",
        "reason": Reason.OTHER, "comment": None, "status": states.status(case), "ending": case.ending,
        "sync": case.sync, "settlement": case.settlement, "finalised_at": NOW - 2 * DAY if case.finalised else None,
        "version": 1, "created_at": NOW - 9 * DAY, "updated_at": NOW - DAY, "lines": lines,
        "informational": case.informational, "arrived_at": NOW - 3 * DAY if case.arrived else None,
        "settled_at": NOW - DAY if case.settlement is Settling.SETTLED or states.taken(case) else None,
        "refused_at": NOW - DAY / 2 if states.taken(case) else None,
    }  # fmt: skip
    return StoredReturn(**{**fields, **more})


def effort(state: State, **more: Any) -> Effort:
    fields: dict[str, Any] = {
        "id": OPERATION, "state": state, "attempt": 1, "next_at": NOW + DAY, "why": "no answer in 20 seconds.",
        "created_at": NOW - 2 * DAY, "finished_at": NOW - DAY, "last_at": NOW - DAY, "last_outcome": "Retry",
    }  # fmt: skip
    return Effort(**{**fields, **more})


ROUTE = (Route(warehouse_id=WAREHOUSE),)
PLACE = Place(id=WAREHOUSE, name="Return hub Rotterdam", receiving_option=ReceivingOption.RETURN_HUB)
KNOWN = Standing(profile=Profile(), known=True, name="Bazaar")


def facts(case: Case, **more: Any) -> Facts:
    held = more.pop("held", stored(case))
    fields: dict[str, Any] = {
        "now": NOW, "held": held, "place": PLACE, "reach": Reach(id=CONNECTION), "standing": KNOWN,
        "rules": Rules(receiving=ROUTE),
    }  # fmt: skip
    return Facts(**{**fields, **more})


profiles = st.builds(
    Profile,
    channel_returns=st.sampled_from(ChannelReturns),
    merchant_returns=st.sampled_from(MerchantReturns),
    partial=st.sampled_from(Partial),
    full_rejection=st.sampled_from(FullRejection),
    rejection_reason_required=st.booleans(),
    retry_days=st.sampled_from([0, 1, 5]),
)
moments = st.none() | st.sampled_from([NOW - DAY, NOW + DAY])
deadlines = st.lists(
    st.builds(
        lambda kind, at: DeadlineView(
            kind=kind, at=at, warn_at=at, warned_at=None, passed_at=at if at <= NOW else None
        ),
        st.sampled_from(Due),
        st.sampled_from([NOW - DAY, NOW + DAY]),
    ),
    max_size=3,
)
whatever = {
    "effort": st.none() | st.builds(effort, st.sampled_from(State), attempt=st.integers(0, 2), next_at=moments),
    "reach": st.builds(Reach, id=st.just(CONNECTION), paused_why=st.sampled_from([None, None, "No access."]),
        limited_until=moments),
    "items": st.lists(
        st.builds(
            Item,
            kind=st.sampled_from(["settlement_held", "more_returned_than_shipped", "late_receipt"]),
            opened_at=st.just(NOW - DAY),
        ),
        max_size=2,
    ).map(tuple),
    "deadlines": deadlines.map(tuple),
    "standing": st.builds(Standing, profile=profiles, known=st.booleans(), name=st.just("Bazaar")),
    "rules": st.builds(
        Rules, receiving=st.just(ROUTE), settle_by=st.sampled_from(SettleBy), when_short=st.sampled_from(WhenShort)
    ),
    "place": st.builds(
        Place, id=st.just(WAREHOUSE), name=st.just("Hall 3"), receiving_option=st.sampled_from(ReceivingOption)
    ),
}  # fmt: skip


@given(st.fixed_dictionaries(whatever))
def test_there_is_an_answer_for_every_state_whatever_else_is_true(known: dict[str, Any]) -> None:
    for case in EVERY_CASE:
        told = explain(facts(case, **known))
        assert told.sentence[0].isupper()
        assert told.sentence.endswith(".")
        assert ".." not in told.sentence
        assert "None" not in told.sentence
        assert told.since <= NOW
        assert (told.actor is None) == case.over
        assert told.action is None or not case.over


def _legal(command: Command, case: Case) -> bool:
    try:
        return bool(command(case).events)
    except Illegal:
        return False


CALLS: dict[str, Command] = {
    "settle": states.settle,
    "decision": judged(1),
    "settled-elsewhere": states.settled_elsewhere,
    "paid": lambda case: states.paid_after_all(case, "why"),
    "cancel": lambda case: states.cancel(case, Ending.CANCELED),
}
ON_THE_WAY = [State.READY, State.CLAIMED, State.PENDING, State.UNKNOWN, State.DEAD]


@given(st.fixed_dictionaries(whatever), st.sampled_from(ON_THE_WAY))
def test_no_answer_contradicts_the_state(known: dict[str, Any], state: State) -> None:
    for case in EVERY_CASE:
        _does_not_contradict(case, known, state)


def _does_not_contradict(case: Case, known: dict[str, Any], state: State) -> None:
    # The operation is where the state machine of the return says that it is.
    effort_state = {Settling.SENDING: state, Settling.REFUSED: State.DONE if states.taken(case) else State.REFUSED}
    expected = effort_state.get(case.settlement)
    seen = facts(case, **{**known, "effort": effort(expected) if expected else None})
    told = explain(seen)
    if told.actor is Actor.CUSTOMER:
        assert not case.arrived
        assert not case.finalised
    if told.actor is Actor.HUB:
        assert case.settlement is Settling.SENDING or (case.settlement is Settling.NONE and case.finalised)
    if told.actor is Actor.CHANNEL:
        assert states.taken(case) or state is State.PENDING
    if case.settlement is Settling.SENDING and told.actor is Actor.ACCOUNT:
        assert seen.reach.paused_why is not None
    _holds(case, seen, told)


def _holds(case: Case, seen: Facts, told: Explanation) -> None:
    """What is to be done can be done."""
    action = told.action or ""
    *_, verb = action.split("/")
    if action.startswith(f"/api/v1/returns/{NUMBER}/"):
        assert _legal(CALLS[verb], case), told
        stop = settlement.barred(case.kind, seen.standing, case.lines)
        assert verb != "settle" or (case.settlement is Settling.HELD and stop is None)
        assert verb != "cancel" or case.kind is Kind.MERCHANT
    elif verb == "replay":
        assert seen.effort is not None
        assert seen.effort.state in {State.DEAD, State.REFUSED}
        assert _legal(states.settle, case) or case.settlement is Settling.SENDING
    elif verb == "receipts":
        assert case.arrived
        assert not case.finalised
        assert _legal(states.finalise, case)
    elif action:
        assert action == f"/api/v1/connections/{CONNECTION}"
        assert seen.reach.paused_why is not None


SENT = ("receive", "finalise", "accept", "settle")
FINALISED = walked("receive", "finalise")
SENDING = walked(*SENT)
TAKEN = walked(*SENT, "confirm", "refuse late")
HELD = walked("receive", "finalise", "accept", "hold")
REFUSED = walked(*SENT, "refuse")
ARRIVED = walked("receive")
PAUSED = Reach(id=CONNECTION, paused_why="The key was revoked.", paused_at=NOW - DAY)
PASSED = DeadlineView(kind=Due.CONFIRM, at=NOW, warn_at=NOW, warned_at=None, passed_at=NOW)
OVERDUE = DeadlineView(kind=Due.ARRIVE, at=NOW - DAY, warn_at=NOW - DAY, warned_at=None, passed_at=NOW - DAY)
TRIES = Standing(profile=Profile(retry_days=5), known=True, name="Bazaar")
REPLAY = f"/api/v1/operations/{OPERATION}/replay"
REPAIR = f"/api/v1/connections/{CONNECTION}"
RETURNS = f"/api/v1/returns/{NUMBER}"


@pytest.mark.parametrize(
    ("case", "known", "actor", "words", "action"),
    [
        (born(), {}, "customer", "not arrived at Return hub Rotterdam yet", None),
        (born(Kind.MERCHANT), {"deadlines": (OVERDUE,)}, "account", "cancel it", f"{RETURNS}/cancel"),
        (
            born(), {"deadlines": (OVERDUE,)}, "account", "were due by 2026-11-30 09:00 UTC",
            f"{RETURNS}/settled-elsewhere",
        ),
        (walked("hold"), {}, "customer", "not arrived", None),
        (
            ARRIVED, {}, "support", "has not said that nothing more will come",
            f"/api/v1/warehouses/{WAREHOUSE}/receipts",
        ),
        (SENDING, {"effort": effort(State.READY, attempt=0)}, "hub", "on its way to the channel", None),
        (SENDING, {"effort": effort(State.READY)}, "hub", "could not take the settlement", None),
        (SENDING, {"effort": effort(State.UNKNOWN)}, "hub", "Nobody knows yet whether the channel took", None),
        (SENDING, {"effort": effort(State.PENDING)}, "channel", "decides later", None),
        (SENDING, {"effort": effort(State.READY), "reach": PAUSED}, "account", "The key was revoked", REPAIR),
        (SENDING, {"effort": effort(State.DEAD), "reach": PAUSED}, "support", "gave up", REPLAY),
        (
            SENDING, {"effort": effort(State.READY), "reach": Reach(id=CONNECTION, limited_until=NOW + DAY)}, "hub",
            "asked to wait until 2026-12-02 09:00 UTC", None,
        ),
        (HELD, {}, "account", "let it go", f"{RETURNS}/settle"),
        (REFUSED, {"effort": effort(State.REFUSED)}, "account", "refused the settlement", REPLAY),
        (TAKEN, {}, "account", "have it paid there and say so", f"{RETURNS}/paid"),
        (TAKEN, {"standing": TRIES}, "channel", "tries again by itself until 2026-12-05 09:00 UTC", None),
        (TAKEN, {"standing": TRIES, "deadlines": (PASSED,)}, "account", "confirm that it was paid", f"{RETURNS}/paid"),
        (FINALISED, {}, "hub", "decision is being made", None),
    ],
)  # fmt: skip
def test_the_answer_names_who_acts_and_how(
    case: Case, known: dict[str, Any], actor: str, words: str, action: str | None
) -> None:
    told = explain(facts(case, **known))
    assert told.actor == actor
    assert words.lower() in told.sentence.lower()
    assert told.action == action


@pytest.mark.parametrize(
    ("option", "actor"),
    [
        (ReceivingOption.RETURN_HUB, Actor.SUPPORT),
        (ReceivingOption.MERCHANT_WAREHOUSE, Actor.ACCOUNT),
        (ReceivingOption.PARTNER_APP, Actor.PARTNER),
        (ReceivingOption.PARTNER_WMS, Actor.PARTNER),
    ],
)
def test_whoever_runs_the_warehouse_says_that_nothing_more_will_come(option: ReceivingOption, actor: Actor) -> None:
    place = msgspec.structs.replace(PLACE, receiving_option=option)
    assert explain(facts(ARRIVED, place=place)).actor is actor


def test_the_next_deadline_is_named_while_goods_are_awaited() -> None:
    cancel = DeadlineView(kind=Due.CANCEL, at=NOW + DAY, warn_at=NOW, warned_at=None, passed_at=None)
    told = explain(facts(born(), deadlines=(OVERDUE, cancel)))
    assert told.actor is Actor.ACCOUNT
    told = explain(facts(born(), deadlines=(cancel,)))
    assert told.sentence.endswith("; the marketplace cancels it at 2026-12-02 09:00 UTC.")
