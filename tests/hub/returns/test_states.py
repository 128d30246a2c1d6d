"""The table of commands and stages, and the promises that hold for single commands; see test_states_walk for walks."""

import random
from collections import Counter
from collections.abc import Callable
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.returns import states
from hub.returns.case import (
    FINISHED,
    Arrival,
    Case,
    Ending,
    Illegal,
    Line,
    Placed,
    Settling,
    Status,
    Step,
    Sync,
    Verdict,
)
from hub.returns.states import DISPLAY
from hub.sdk.messages import Kind

SHOE, SHIRT = UUID(int=1), UUID(int=2)


def fresh(kind: Kind = Kind.CHANNEL) -> Case:
    return states.born(kind, (Line(id=SHOE, sku="SHOE", declared=2), Line(id=SHIRT, sku="SHIRT", declared=1)))


def received(case: Case) -> Case:
    return states.receive(case, states.place(case, (Arrival("SHOE", 2),))).case


def verdicts(accepted: int = 1) -> tuple[Verdict, ...]:
    return (Verdict(SHOE, accepted, 2 - accepted), Verdict(SHIRT, 0, 0))


def stages(kind: Kind) -> dict[str, Case]:
    """One return at every place of its road."""
    new = fresh(kind)
    arrived = received(new)
    finalised = states.finalise(arrived).case
    decided = states.decide(finalised, verdicts()).case
    sending = states.settle(decided).case
    return {
        "new": new,
        "arrived": arrived,
        "finalised": finalised,
        "decided": decided,
        "held": states.hold(decided, "a person settles").case,
        "sending": sending,
        "refused": states.refuse(sending, "invalid", "no").case,
        "settled": states.confirm(sending).case,
        "elsewhere": states.refuse(sending, "settled_elsewhere", "paid").case,
        "canceled": states.cancel(new, Ending.CANCELED).case,
        "lost": states.refuse(sending, "canceled_by_channel", "gone").case,
    }


Command = Callable[[Case], Step]

COMMANDS: dict[str, Command] = {
    "acknowledge": states.acknowledge,
    "receive": lambda case: states.receive(case, states.place(case, (Arrival("SHOE", 1),))),
    "finalise": states.finalise,
    "decide": lambda case: states.decide(case, verdicts(2)),
    "hold": lambda case: states.hold(case, "why"),
    "settle": states.settle,
    "confirm": states.confirm,
    "refuse": lambda case: states.refuse(case, "invalid", "no"),
    "cancel": lambda case: states.cancel(case, Ending.CANCELED),
    "elsewhere": states.settled_elsewhere,
}

# What each command answers at each stage: the name of its event, the code of its refusal, or "-" for nothing.
STAGES = [
    "new",
    "arrived",
    "finalised",
    "decided",
    "held",
    "sending",
    "refused",
    "settled",
    "elsewhere",
    "canceled",
    "lost",
]
GOT, LATE, OVER = "return.received", "return.received_late", "return_is_over"
HELD, HELD_NOT = "settlement.held", "cannot_hold"
SENT, SENT_NOT, BUSY = "settlement.sent", "not_to_be_settled", "already_sending"
FOUND, OFF, IDLE = "settlement.found_elsewhere", "return.canceled", "not_sending"
TOLD, JUDGED, JUDGED_NOT = "return.acknowledged", "return.decided", "not_to_be_decided"
AGAIN = "already_finalised"
TABLE = {
    "acknowledge": [TOLD] * 7 + ["-", "-", TOLD, TOLD],
    "receive": [GOT, GOT, LATE, LATE, GOT] + [LATE] * 6,
    "finalise": ["nothing_received", "return.finalised", AGAIN, AGAIN, AGAIN, AGAIN, AGAIN, OVER, OVER, OVER, OVER],
    "decide": [JUDGED_NOT, JUDGED_NOT, JUDGED, JUDGED, JUDGED, BUSY, JUDGED] + [JUDGED_NOT] * 4,
    "hold": [HELD] * 5 + [HELD_NOT, HELD] + [HELD_NOT] * 4,
    "settle": [SENT_NOT, SENT_NOT, SENT, SENT, SENT, BUSY, SENT] + [SENT_NOT] * 4,
    "confirm": [IDLE] * 5 + ["return.settled"] + [IDLE] * 5,
    "refuse": [IDLE] * 5 + ["settlement.refused"] + [IDLE] * 5,
    "cancel": [OFF] * 5 + [BUSY, OFF] + [OVER] * 4,
    "elsewhere": [FOUND] * 5 + ["-", FOUND] + ["-"] * 4,
}


def answer(command: Command, case: Case) -> str:
    try:
        step = command(case)
    except Illegal as illegal:
        return illegal.code
    if not step.events:
        assert step.case == case
    return ",".join(event.name for event in step.events) or "-"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_answers_at_every_stage_as_the_table_says(name: str) -> None:
    cases = stages(Kind.CHANNEL)
    assert dict(zip(STAGES, TABLE[name], strict=True)) == {
        stage: answer(COMMANDS[name], case) for stage, case in cases.items()
    }


@pytest.mark.parametrize(
    ("stage", "channel", "merchant"),
    [
        ("new", Status.EXPECTED, Status.APPROVED),
        ("arrived", Status.PARTIALLY_RECEIVED, Status.PARTIALLY_RECEIVED),
        ("finalised", Status.RECEIVED, Status.RECEIVED),
        ("decided", Status.RECEIVED, Status.RECEIVED),
        ("held", Status.PROCESSED, Status.PROCESSED),
        ("sending", Status.PROCESSED, Status.PROCESSED),
        ("refused", Status.PROCESSED, Status.PROCESSED),
        ("settled", Status.COMPLETED, Status.COMPLETED),
        ("elsewhere", Status.COMPLETED, Status.COMPLETED),
        ("canceled", Status.CANCELED, Status.CANCELED),
        ("lost", Status.CHANNEL_CANCELED, Status.CHANNEL_CANCELED),
    ],
)
def test_the_status_rolls_the_axes_up(stage: str, channel: Status, merchant: Status) -> None:
    assert states.status(stages(Kind.CHANNEL)[stage]) is channel
    assert states.status(stages(Kind.MERCHANT)[stage]) is merchant


@given(st.builds(Case, kind=st.sampled_from(Kind), lines=st.just(fresh().lines), sync=st.sampled_from(Sync),
                 ending=st.sampled_from(Ending), settlement=st.sampled_from(Settling), finalised=st.booleans(),
                 arrived=st.booleans()))  # fmt: skip
def test_every_combination_of_axes_has_a_status_that_people_can_read(case: Case) -> None:
    assert DISPLAY[states.status(case)]
    assert set(DISPLAY) == set(Status)
    if case.ending is Ending.OPEN:
        assert (states.status(case) is Status.COMPLETED) == (case.settlement in FINISHED)
    else:
        assert states.status(case).value == case.ending.value


def test_a_channel_return_is_born_linked_and_a_merchant_return_unknown_to_the_channel() -> None:
    assert fresh(Kind.CHANNEL).sync is Sync.LINKED
    assert fresh(Kind.MERCHANT).sync is Sync.NOT_REQUIRED


@pytest.mark.parametrize("declared", [(), (0,), (1, -1), (1, 0)])
def test_a_return_of_nothing_is_not_born(declared: tuple[int, ...]) -> None:
    lines = tuple(Line(id=UUID(int=place), sku="SHOE", declared=units) for place, units in enumerate(declared))
    with pytest.raises(Illegal, match="at least one line"):
        states.born(Kind.MERCHANT, lines)


def test_a_merchant_return_is_never_acknowledged_and_a_second_acknowledgement_changes_nothing() -> None:
    once = states.acknowledge(fresh()).case
    assert once.sync is Sync.ACKNOWLEDGED
    assert states.acknowledge(once) == Step(once, ())
    merchant = fresh(Kind.MERCHANT)
    assert states.acknowledge(merchant) == Step(merchant, ())


def test_a_late_receipt_does_not_reopen_a_settled_return() -> None:
    settled = stages(Kind.CHANNEL)["settled"]
    step = states.receive(settled, states.place(settled, (Arrival("SHIRT", 1), Arrival("HAT", 1))))
    assert step.case == settled
    assert step.events[0].detail["items"] == [
        {"sku": "SHIRT", "quantity": 1, "deviation": None},
        {"sku": "HAT", "quantity": 1, "deviation": "unexpected"},
    ]


def test_goods_that_fit_no_line_still_count_as_an_arrival() -> None:
    new = fresh()
    step = states.receive(new, states.place(new, (Arrival("HAT", 1),)))
    assert step.case.arrived
    assert step.case.lines == new.lines
    assert states.finalise(step.case).events[0].detail == {"missing": {"SHOE": 2, "SHIRT": 1}}


def test_finalising_a_full_return_misses_nothing() -> None:
    case = states.receive(fresh(), states.place(fresh(), (Arrival("SHOE", 2), Arrival("SHIRT", 1)))).case
    assert states.finalise(case).events[0].detail == {}


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ((Verdict(SHOE, 1, 1),), "lines_differ"),
        ((*verdicts(), Verdict(uuid4(), 0, 0)), "lines_differ"),
        ((*verdicts(), Verdict(SHOE, 1, 1)), "lines_differ"),
        ((Verdict(SHOE, -1, 0), Verdict(SHIRT, 0, 0)), "negative_quantity"),
        ((Verdict(SHOE, 0, -1), Verdict(SHIRT, 0, 0)), "negative_quantity"),
        ((Verdict(SHOE, 2, 1), Verdict(SHIRT, 0, 0)), "more_than_received"),
        ((Verdict(SHOE, 2, 0), Verdict(SHIRT, 1, 0)), "more_than_received"),
    ],
)
def test_a_decision_covers_every_line_once_and_only_what_arrived(wrong: tuple[Verdict, ...], code: str) -> None:
    with pytest.raises(Illegal) as caught:
        states.decide(stages(Kind.CHANNEL)["finalised"], wrong)
    assert caught.value.code == code


def test_a_surplus_is_never_accepted() -> None:
    new = fresh()
    over = states.finalise(states.receive(new, states.place(new, (Arrival("SHOE", 5),))).case).case
    assert over.lines[0].received == 5
    with pytest.raises(Illegal, match="exceed"):
        states.decide(over, (Verdict(SHOE, 3, 0), Verdict(SHIRT, 0, 0)))
    assert states.decide(over, (Verdict(SHOE, 2, 0), Verdict(SHIRT, 0, 0))).case.lines[0].accepted == 2


@pytest.mark.parametrize(("kind", "after"), [(Kind.MERCHANT, Settling.NOTHING), (Kind.CHANNEL, Settling.SENDING)])
def test_only_a_merchant_return_with_nothing_accepted_has_nobody_to_pay(kind: Kind, after: Settling) -> None:
    rejected = states.decide(stages(kind)["finalised"], verdicts(0)).case
    step = states.settle(rejected)
    assert step.case.settlement is after
    assert step.case.over == (after is Settling.NOTHING)
    assert [event.name for event in step.events] == [
        "settlement.nothing_to_pay" if after is Settling.NOTHING else "settlement.sent"
    ]


def test_what_was_accepted_and_only_that_is_settled() -> None:
    step = states.confirm(stages(Kind.CHANNEL)["sending"])
    assert [line.settled for line in step.case.lines] == [1, 0]
    assert (step.case.sync, step.events[0].detail) == (Sync.CONFIRMED, {"units": 1})


@pytest.mark.parametrize(
    ("code", "ending", "settlement", "sync"),
    [
        ("settled_elsewhere", Ending.OPEN, Settling.ELSEWHERE, Sync.CONFLICT),
        ("canceled_by_channel", Ending.CHANNEL_CANCELED, Settling.REFUSED, Sync.LINKED),
        ("anything", Ending.OPEN, Settling.REFUSED, Sync.LINKED),
    ],
)
def test_a_refusal_ends_waits_or_shows_a_conflict(code: str, ending: Ending, settlement: Settling, sync: Sync) -> None:
    step = states.refuse(stages(Kind.CHANNEL)["sending"], code, "the vendor's words")
    assert (step.case.ending, step.case.settlement, step.case.sync) == (ending, settlement, sync)
    assert step.events[0].detail == {"code": code, "message": "the vendor's words"}


def test_a_return_is_canceled_by_somebody() -> None:
    with pytest.raises(Illegal) as caught:
        states.cancel(fresh(), Ending.OPEN)
    assert caught.value.code == "no_ending"
    by_channel = states.cancel(fresh(), Ending.CHANNEL_CANCELED)
    assert by_channel.case.ending is Ending.CHANNEL_CANCELED
    assert by_channel.events[0].name == "return.canceled_by_channel"


LINES = st.lists(st.tuples(st.sampled_from("ABC"), st.integers(1, 4)), min_size=1, max_size=4)
ARRIVALS = st.lists(st.builds(Arrival, st.sampled_from("ABCX"), st.integers(1, 6)), max_size=8)


def case_of(lines: list[tuple[str, int]]) -> Case:
    return states.born(
        Kind.CHANNEL,
        tuple(Line(id=UUID(int=n), sku=sku, declared=declared) for n, (sku, declared) in enumerate(lines, 1)),
    )


@given(LINES, ARRIVALS)
def test_placing_keeps_every_unit_and_fills_lines_in_order(
    lines: list[tuple[str, int]], arrivals: list[Arrival]
) -> None:
    case = case_of(lines)
    placed = states.place(case, tuple(arrivals))
    assert _units(placed) == sum((Counter({each.sku: each.quantity}) for each in arrivals), Counter())
    skus = {line.id: line.sku for line in case.lines}
    last = {line.sku: line.id for line in case.lines}
    for each in placed:
        assert each.quantity > 0
        assert (each.line is None) == (each.deviation == "unexpected") == (each.sku not in last)
        assert each.line is None or skus[each.line] == each.sku
        assert each.deviation != "over" or each.line == last[each.sku]
    for line in case.lines:
        fitting = sum(each.quantity for each in placed if each.line == line.id and each.deviation is None)
        over = sum(each.quantity for each in placed if each.line == line.id and each.deviation == "over")
        assert fitting <= line.declared
        assert not over or fitting == line.declared


def _units(placed: tuple[Placed, ...]) -> Counter[str]:
    units: Counter[str] = Counter()
    for each in placed:
        units[each.sku] += each.quantity
    return units


@given(LINES, ARRIVALS, st.randoms())
def test_deliveries_in_any_order_and_any_parts_leave_the_same_quantities(
    lines: list[tuple[str, int]], arrivals: list[Arrival], dice: random.Random
) -> None:
    at_once = case_of(lines)
    one_by_one = at_once
    at_once = states.receive(at_once, states.place(at_once, tuple(arrivals))).case
    for each in dice.sample(arrivals, len(arrivals)):
        one_by_one = states.receive(one_by_one, states.place(one_by_one, (each,))).case
    assert msgspec.structs.replace(one_by_one, arrived=at_once.arrived) == at_once
