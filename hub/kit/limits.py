"""How many calls may be under way per connection, so that a slow vendor does not take every slot."""

from collections import OrderedDict
from collections.abc import Hashable

Ticket = tuple[str, ...]


class Bulkhead:
    """Counts calls in flight per connection and remembers who was turned away.

    It lives in one process; across processes the limit is this number times the workers.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._inside: dict[Hashable, int] = {}
        # In the order of arrival, and each ticket once: what waits is rung for again and again.
        self._waiting: dict[Hashable, OrderedDict[Ticket, None]] = {}

    def enter(self, door: Hashable, ticket: Ticket) -> bool:
        """Take a place, or leave the ticket and be told no; a ticket that waits there already waits once."""
        inside = self._inside.get(door, 0)
        if inside >= self._most:
            self._waiting.setdefault(door, OrderedDict()).setdefault(ticket)
            return False
        self._inside[door] = inside + 1
        return True

    def leave(self, door: Hashable) -> Ticket | None:
        """Give the place back and return the ticket of whoever waited longest, if any."""
        left = self._inside[door] - 1
        if left:
            self._inside[door] = left
        else:
            del self._inside[door]
        waiting = self._waiting.get(door)
        if not waiting:
            return None
        ticket, _ = waiting.popitem(last=False)
        if not waiting:
            del self._waiting[door]
        return ticket
