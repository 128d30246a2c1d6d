"""The deadlines of one return, as they are stored."""

from hub.deadlines.messages import DeadlineView, Due
from hub.returns.messages import StoredReturn
from tests.support.judge import rows


async def deadlines_of(stored: StoredReturn) -> dict[Due, DeadlineView]:
    """Return a return's deadlines by their kind."""
    found = await rows(
        "select kind, at, warn_at, warned_at, passed_at from deadlines where return_id = $1",
        stored.id,
    )
    made = [DeadlineView(**row | {"kind": Due(row["kind"])}) for row in found]
    return {each.kind: each for each in made}
