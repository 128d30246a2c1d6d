"""When to try again, as pure functions of what happened; the times are seconds."""

import random

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0

# The first try and ten more in about 69 hours; then the operation is dead and a person looks.
RETRY = (2.0, 10.0, MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 6 * HOUR, 12 * HOUR, DAY, DAY)

# The first look is early because finding the effect is safe at any time; not finding it is only believed
# after QUIET, when a request that was under way must have ended one way or the other.
# A look-up that fails says nothing of the money, so there are many of them before a person is asked.
LOOKUP = (2.0, MINUTE, 5 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 6 * HOUR, 12 * HOUR, DAY, DAY, DAY, DAY)
QUIET = MINUTE

# A vendor that asks for less would be asked without a pause, one that asks for more is wrong rather than busy.
SHORTEST_WISH, LONGEST_WISH = 1.0, DAY

JITTER = 0.2

_DICE = random.Random()  # noqa: S311 - it spreads load and keeps no secret


def retry_after(attempt: int, *, dice: random.Random | None = None) -> float | None:
    """Return the pause before the try that follows `attempt` (from 1), or nothing when the tries are used up.

    What was looked up before it was ever tried, as a replay is, waits as after its first try.
    """
    if attempt > len(RETRY):
        return None
    return _jittered(RETRY[max(attempt, 1) - 1], dice)


def lookup_after(lookups: int) -> float | None:
    """Return the pause before the look-up that follows `lookups` earlier ones, or nothing when a person must look."""
    return LOOKUP[lookups] if lookups < len(LOOKUP) else None


def wished(seconds: float) -> float:
    """Return the pause that a vendor asks for, between a second and a day whatever it says."""
    return min(max(SHORTEST_WISH, seconds), LONGEST_WISH)


def _jittered(seconds: float, dice: random.Random | None) -> float:
    spread = (dice or _DICE).uniform(1 - JITTER, 1 + JITTER)
    return seconds * spread
