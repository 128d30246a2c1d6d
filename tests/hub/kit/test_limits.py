from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from hub.kit.limits import Bulkhead, Ticket

DOORS = ("one", "two")


def test_a_door_takes_as_many_as_its_limit_and_doors_do_not_share() -> None:
    bulkhead = Bulkhead(2)
    assert [bulkhead.enter("one", (name,)) for name in "abc"] == [True, True, False]
    assert bulkhead.enter("two", ("d",))
    assert bulkhead.leave("two") is None
    assert bulkhead.leave("one") == ("c",)


def test_who_waited_longest_is_called_first() -> None:
    bulkhead = Bulkhead(1)
    for name in "abcd":
        bulkhead.enter("one", (name,))
    called = []
    for _ in range(3):
        ticket = bulkhead.leave("one")
        assert ticket is not None
        called.append(ticket)
        assert bulkhead.enter("one", ticket)
    assert called == [("b",), ("c",), ("d",)]
    assert bulkhead.leave("one") is None


def test_a_ticket_that_is_handed_in_again_while_it_waits_is_called_once() -> None:
    bulkhead = Bulkhead(1)
    bulkhead.enter("one", ("inside",))
    for _ in range(1000):
        assert not bulkhead.enter("one", ("impatient",))
        assert not bulkhead.enter("one", ("patient",))
    assert bulkhead.leave("one") == ("impatient",)
    bulkhead.enter("one", ("impatient",))
    assert bulkhead.leave("one") == ("patient",)
    bulkhead.enter("one", ("patient",))
    assert bulkhead.leave("one") is None


def test_nobody_leaves_who_is_not_inside() -> None:
    with pytest.raises(KeyError):
        Bulkhead(1).leave("one")


def test_an_empty_house_remembers_nothing() -> None:
    bulkhead = Bulkhead(1)
    for name in "abc":
        bulkhead.enter("one", (name,))
    while (ticket := bulkhead.leave("one")) is not None:
        bulkhead.enter("one", ticket)
    assert (bulkhead._inside, bulkhead._waiting) == ({}, {})


class House(RuleBasedStateMachine):
    """Two doors, and a book of who was promised what."""

    @initialize(most=st.integers(1, 3))
    def build(self, most: int) -> None:
        self.most = most
        self.bulkhead = Bulkhead(most)
        self.inside: Counter[str] = Counter()
        self.waiting: dict[str, list[tuple[str, ...]]] = {door: [] for door in DOORS}
        self.handed_out = 0

    @rule(door=st.sampled_from(DOORS))
    def enter(self, door: str) -> None:
        self.handed_out += 1
        ticket = (f"ticket {self.handed_out}",)
        taken = self.bulkhead.enter(door, ticket)
        assert taken == (self.inside[door] < self.most)
        self.inside[door] += taken
        if not taken:
            self.waiting[door].append(ticket)

    @precondition(lambda self: self._crowded())
    @rule(data=st.data())
    def ask_again(self, data: st.DataObject) -> None:
        door = data.draw(st.sampled_from(self._crowded()))
        assert not self.bulkhead.enter(door, data.draw(st.sampled_from(self.waiting[door])))

    def _crowded(self) -> list[str]:
        return [door for door in DOORS if self.waiting[door] and self.inside[door] == self.most]

    @precondition(lambda self: self.inside.total())
    @rule(data=st.data(), comes=st.booleans())
    def leave(self, data: st.DataObject, *, comes: bool) -> None:
        door = data.draw(st.sampled_from([door for door in DOORS if self.inside[door]]))
        ticket = self.bulkhead.leave(door)
        self.inside[door] -= 1
        assert ticket == (self.waiting[door].pop(0) if self.waiting[door] else None)
        if ticket is not None and comes:
            assert self.bulkhead.enter(door, ticket), "who is called finds a place"
            self.inside[door] += 1

    @invariant()
    def never_more_than_the_limit_are_inside(self) -> None:
        assert all(0 <= count <= self.most for count in self.inside.values())
        assert {door: count for door, count in self.inside.items() if count} == self.bulkhead._inside

    @invariant()
    def everyone_who_was_turned_away_and_not_called_waits_in_order(self) -> None:
        held = {door: list(tickets) for door, tickets in self.bulkhead._waiting.items()}
        assert held == {door: tickets for door, tickets in self.waiting.items() if tickets}


TestHouse = House.TestCase
TestHouse.settings = settings(max_examples=60, stateful_step_count=40)


@given(st.integers(1, 4), st.integers(1, 60))
def test_whoever_follows_the_calls_serves_every_ticket_exactly_once(most: int, tickets: int) -> None:
    bulkhead, served = Bulkhead(most), Counter[Ticket]()
    running: list[Ticket] = []
    for number in range(tickets):
        ticket = (str(number),)
        if bulkhead.enter("door", ticket):
            running.append(ticket)
    while running:
        served[running.pop(0)] += 1
        called = bulkhead.leave("door")
        if called is not None and bulkhead.enter("door", called):
            running.append(called)
    assert served == Counter({(str(number),): 1 for number in range(tickets)})
    assert list(served) == [(str(number),) for number in range(tickets)]
