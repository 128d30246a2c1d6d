"""Say by which numbers a return comes back."""

from hub.audit.service import record
from hub.kit import clock, db
from hub.returns.messages import StoredReturn
from hub.returns.trackings import queries
from hub.returns.trackings.messages import Tracking, Trackings


async def replace(found: StoredReturn, wanted: Trackings, *, actor: str) -> list[Tracking]:
    """Store these numbers in place of those of before."""
    fresh = list({each.number: each for each in wanted.trackings}.values())
    # The audit log is the platform's, so its scope it is; every query names the account.
    async with db.transaction(db.PLATFORM):
        before = await queries.of(found.account_id, found.id)
        after = await queries.replace(found.account_id, found.id, fresh, actor, clock.now())
        await record(
            actor=actor, action="trackings.replaced", subject=found.number, account_id=found.account_id, before=before,
            after=after,
        )  # fmt: skip
    return after
