"""Any sequence of commands on one return: the rules that never break, held after every single one."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from hub.returns import states
from hub.returns.case import (
    Arrival,
    Case,
    Ending,
    Event,
    Illegal,
    Informational,
    Line,
    Settling,
    Status,
    Step,
    Sync,
    Verdict,
)
from hub.sdk.messages import Kind

MONEY = {Settling.SENDING, Settling.SETTLED}
OVER = {Status.COMPLETED, Status.CANCELED, Status.CHANNEL_CANCELED, Status.EXPIRED, Status.INFORMATIONAL}
# Commands that say in their docstring that they may change nothing.
SILENT = {"acknowledge", "settled_elsewhere"}
CODES = {
    "return_is_over", "already_finalised", "nothing_received", "not_to_be_decided", "already_sending", "lines_differ",
    "negative_quantity", "more_than_received", "cannot_hold", "not_to_be_settled", "not_sending", "no_ending",
    "taken_by_channel", "not_settled", "not_refused_late",
}  # fmt: skip


def _answer(command: Callable[..., Step], *given: Any) -> Step | Illegal:
    try:
        return command(*given)
    except Illegal as illegal:
        return illegal


class Walk(RuleBasedStateMachine):
    """A return under arbitrary commands, beside a book of what really happened."""

    @initialize(
        kind=st.sampled_from(Kind),
        lines=st.lists(st.tuples(st.sampled_from("AB"), st.integers(1, 3)), min_size=1, max_size=3),
        way=st.integers(0, 6),
        informational=st.sampled_from([None] * 9 + [Informational.MARKETPLACE_REFUNDS]),
        data=st.data(),
    )
    def bear(
        self,
        kind: Kind,
        lines: list[tuple[str, int]],
        way: int,
        informational: Informational | None,
        data: st.DataObject,
    ) -> None:
        born = tuple(Line(id=UUID(int=n), sku=sku, declared=units) for n, (sku, units) in enumerate(lines, 1))
        self.kind, self.born = kind, born
        self.case = states.born(kind, born, informational)
        self.events: list[Event] = []
        self.arrivals = 0
        self.may_send = 1
        self.confirmed = self.withdrawn = 0
        self.gave_up = False
        # Walks begin all along the road, for few of those that begin at its start would see its end.
        if informational is None:
            self.go_on(data, way)

    def do(self, command: Callable[..., Step], *given: Any) -> Step | None:
        before = self.case
        step = _answer(command, before, *given)
        if isinstance(step, Illegal):
            assert step.code in CODES
            assert step.message
            return None
        assert before == self.case
        if not step.events:
            assert command.__name__ in SILENT
            assert step.case == before
        self._holds(before, step)
        self.case = step.case
        self.events += step.events
        return step

    def _holds(self, before: Case, step: Step) -> None:
        after = step.case
        if before.over and "settlement.refused_late" not in {event.name for event in step.events}:
            # Only an acknowledgement may still come in; it moves the sync axis and nothing else.
            assert msgspec.structs.replace(after, sync=before.sync) == before
        if before.finalised:
            assert after.finalised
        if before.finalised and before.settlement is not Settling.HELD:
            assert [line.received for line in after.lines] == [line.received for line in before.lines]
        if before.ending is not Ending.OPEN:
            assert after.settlement not in MONEY

    @rule()
    def acknowledge(self) -> None:
        was = self.case.sync
        step = self.do(states.acknowledge)
        assert step is not None
        assert bool(step.events) == (was is Sync.LINKED)

    @rule(arrivals=st.lists(st.builds(Arrival, st.sampled_from("ABX"), st.integers(1, 4)), min_size=1, max_size=3))
    def receive(self, arrivals: list[Arrival]) -> None:
        waits = self.case.settlement is Settling.HELD
        late = self.case.over or (self.case.finalised and not waits)
        before = self.case
        step = self.do(states.receive, states.place(self.case, tuple(arrivals)))
        assert step is not None, "goods that arrived were turned away"
        assert [event.name for event in step.events] == ["return.received_late" if late else "return.received"]
        told = sum(item["quantity"] for item in step.events[0].detail["items"])
        assert told == sum(each.quantity for each in arrivals)
        if late:
            assert self.case == before
        else:
            self.arrivals += 1

    @rule()
    def finalise(self) -> None:
        self.do(states.finalise)

    @precondition(lambda self: len(self.events) > 3)
    @rule()
    def give_up(self) -> None:
        was = self.case
        step = self.do(states.give_up)
        assert (step is None) == (was.over or was.finalised)
        self.gave_up = self.gave_up or step is not None

    @precondition(lambda self: self.case.informational is None)
    @rule(data=st.data(), steps=st.integers(1, 5))
    def go_on(self, data: st.DataObject, steps: int) -> None:
        """Take the next steps of the road, so that walks get far enough to break something."""
        for _ in range(steps):
            if not self.case.arrived:
                self.receive([Arrival(line.sku, line.declared) for line in self.case.lines])
            elif not self.case.finalised:
                self.finalise()
            elif not any(line.accepted or line.rejected for line in self.case.lines):
                self.decide_well(data)
            elif self.case.settlement is not Settling.SENDING:
                data.draw(st.sampled_from([self.settle, self.settle, self.hold]))()
            else:
                data.draw(st.sampled_from([self.confirm, lambda: self.refuse("invalid")]))()

    @rule(data=st.data())
    def decide(self, data: st.DataObject) -> None:
        verdicts = tuple(
            Verdict(line.id, data.draw(st.integers(-1, 4)), data.draw(st.integers(-1, 4))) for line in self.case.lines
        )
        self.do(states.decide, verdicts)

    @rule(data=st.data())
    def decide_well(self, data: st.DataObject) -> None:
        verdicts = []
        for line in self.case.lines:
            most = min(line.received, line.declared)
            accepted = data.draw(st.integers(0, most))
            verdicts.append(Verdict(line.id, accepted, data.draw(st.integers(0, most - accepted))))
        self.do(states.decide, tuple(verdicts))

    @rule()
    def hold(self) -> None:
        self.do(states.hold, "why")

    @rule()
    def settle(self) -> None:
        step = self.do(states.settle)
        if step is not None and step.case.settlement is Settling.SENDING:
            self.may_send -= 1

    @rule()
    def confirm(self) -> None:
        was = self.case
        step = self.do(states.confirm)
        assert (step is not None) == (was.settlement is Settling.SENDING)
        if step is not None:
            self.confirmed += 1

    @rule()
    def refuse_late(self) -> None:
        was = self.case
        step = self.do(states.refuse_late, "no balance")
        assert (step is not None) == (was.settlement is Settling.SETTLED)
        self.withdrawn += step is not None

    @rule()
    def paid_after_all(self) -> None:
        step = self.do(states.paid_after_all, "the balance was topped up")
        self.confirmed += step is not None

    @rule(code=st.sampled_from(["settled_elsewhere", "canceled_by_channel", "invalid"]))
    def refuse(self, code: str) -> None:
        if self.do(states.refuse, code, "message") is not None:
            self.may_send += 1

    @precondition(lambda self: len(self.events) > 3)
    @rule(by=st.sampled_from(Ending))
    def cancel(self, by: Ending) -> None:
        was = self.case
        step = self.do(states.cancel, by)
        assert step is None or (was.settlement not in MONEY and step.case.ending is by)

    @precondition(lambda self: len(self.events) > 3)
    @rule()
    def settled_elsewhere(self) -> None:
        self.do(states.settled_elsewhere)

    @invariant()
    def nothing_is_settled_before_a_finalised_receipt(self) -> None:
        if self.case.settlement in MONEY or any(line.settled for line in self.case.lines):
            assert self.case.finalised
            assert self.arrivals or (self.gave_up and not any(line.accepted for line in self.case.lines))

    @invariant()
    def the_kind_and_what_was_declared_never_change(self) -> None:
        assert self.case.kind is self.kind
        assert [(line.id, line.sku, line.declared) for line in self.case.lines] == [
            (line.id, line.sku, line.declared) for line in self.born
        ]

    @invariant()
    def quantities_close_on_every_line(self) -> None:
        for line in self.case.lines:
            assert 0 <= line.settled <= line.accepted
            assert 0 <= line.accepted + line.rejected <= min(line.received, line.declared)
            assert line.rejected >= 0
            assert line.missing == max(line.declared - line.received, 0)

    @invariant()
    def it_is_sent_once_unless_it_was_refused_in_between(self) -> None:
        assert self.may_send >= 0
        assert 0 <= self.confirmed - self.withdrawn <= 1
        assert sum(event.name == "return.settled" for event in self.events) == self.confirmed

    @invariant()
    def what_is_settled_is_what_was_confirmed(self) -> None:
        settled = [line.settled for line in self.case.lines]
        if self.confirmed > self.withdrawn:
            assert self.case.settlement is Settling.SETTLED
            assert settled == [line.accepted for line in self.case.lines]
        else:
            assert not any(settled)

    @invariant()
    def what_is_only_shown_is_neither_received_nor_settled(self) -> None:
        if self.case.informational is not None:
            assert self.case == states.born(self.kind, self.born, self.case.informational)

    @invariant()
    def the_status_is_total(self) -> None:
        status = states.status(self.case)
        assert states.DISPLAY[status]
        assert self.case.over == (status in OVER)


TestWalk = Walk.TestCase
TestWalk.settings = settings(max_examples=120, stateful_step_count=40)
