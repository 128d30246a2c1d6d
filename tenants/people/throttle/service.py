"""The verbs of throttling.

A try is counted before it is looked at, so that many at once are no more than many after each other; a right one is
taken back.
"""

from collections.abc import Iterable
from math import ceil

from hub.kit import clock, db
from tenants.people.errors import Throttled
from tenants.people.throttle import engine, queries
from tenants.people.throttle.engine import Lane


async def claim(*lanes: Lane) -> None:
    """Count a try in every lane; raises `Throttled`, and counts nothing, if one of them has to wait."""
    now = clock.now()
    async with db.transaction(db.PLATFORM):
        # In one order for all, so that two who share lanes never wait for each other.
        for lane in sorted(lanes, key=lambda each: each.key):
            held = await queries.hold(lane.key, now)
            if held.wait_until > now:
                seconds = ceil((held.wait_until - now).total_seconds())
                raise Throttled(
                    "too_many_tries", f"Too many tries. Wait {spoken(seconds)} and try again.", wait=seconds
                )
            failures = engine.counted(held.failures, held.last_at, now) + 1
            await queries.write(lane.key, queries.Count(failures, now, now + engine.wait(failures, lane.limit)))


def spoken(seconds: int) -> str:
    """Return a wait as people say it."""
    if seconds < 90:  # noqa: PLR2004 - longer ones are read in minutes
        return "a second" if seconds == 1 else f"{seconds} seconds"
    return f"{ceil(seconds / 60)} minutes"


async def forgive(own: Iterable[Lane], shared: Iterable[Lane] = ()) -> None:
    """After a right try: forget the wrong ones of `own` lanes, and take this one back from `shared` ones.

    A guesser who signs in as himself now and then would otherwise wipe out what his address is slowed for.
    """
    now = clock.now()
    async with db.transaction(db.PLATFORM):
        kept = {lane.key for lane in shared}
        for key in sorted({lane.key for lane in own} | kept):
            await (queries.take_back(key, now) if key in kept else queries.forget(key))
