"""How long to wait after wrong tries, as pure functions."""

import hashlib
from datetime import datetime, timedelta

import msgspec


class Limit(msgspec.Struct, frozen=True):
    """So many wrong tries are free; then a second, doubled with each, up to the longest wait."""

    free: int
    longest: timedelta


class Lane(msgspec.Struct, frozen=True):
    """What wrong tries are counted for, and how they slow it."""

    kind: str
    value: str
    limit: Limit

    @property
    def key(self) -> bytes:
        """What it is stored under; the table names no address of anybody."""
        return hashlib.sha256(f"{self.kind}\0{self.value}".encode("utf-8", "surrogatepass")).digest()

    def __repr__(self) -> str:
        return f"Lane(kind={self.kind})"


# Below a hundred guesses a day at one person's password, and nobody waits longer than a quarter of an hour.
PERSON = Limit(free=4, longest=timedelta(minutes=15))
# Many people may share an address, so it is slowed later and less.
ADDRESS = Limit(free=30, longest=timedelta(minutes=1))
# A PIN has ten thousand values at least, and its guesser stands in the warehouse.
OPERATOR = Limit(free=3, longest=timedelta(hours=1))
DEVICE = Limit(free=15, longest=timedelta(minutes=5))

# After a day without a wrong try counting begins anew.
FORGOTTEN_AFTER = timedelta(hours=24)


def wait(failures: int, limit: Limit) -> timedelta:
    """Return how long the next try has to wait after so many wrong ones."""
    over = failures - limit.free
    if over < 0:
        return timedelta(0)
    return min(timedelta(seconds=2 ** min(over, 30)), limit.longest)


def counted(failures: int, last_at: datetime, now: datetime) -> int:
    """Return how many wrong tries still count."""
    return 0 if now - last_at >= FORGOTTEN_AFTER else failures
