"""The verbs of this room."""

from uuid import UUID

from hub.audit.service import record
from hub.kit import clock, db
from hub.receipt.grading import engine, queries
from hub.receipt.grading.messages import GradingSet, GradingSetView


async def of_account(account_id: UUID) -> GradingSetView:
    """Return the set that holds for an account, in the caller's transaction."""
    return (await of_accounts([account_id]))[0]


async def of_accounts(account_ids: list[UUID]) -> list[GradingSetView]:
    """Return the set that holds for each of these accounts, in the caller's transaction."""
    published = await queries.now(account_ids)
    return [published.get(each) or _default(each) for each in account_ids]


def _default(account_id: UUID) -> GradingSetView:
    return GradingSetView(account_id=account_id, version=0, published_at=None, set=engine.DEFAULT)


async def publish(account_id: UUID, fresh: GradingSet, *, actor: str) -> GradingSetView:
    """Publish an account's questions; what was graded before keeps its version."""

    async def work() -> GradingSetView:
        before = await of_account(account_id)
        await queries.publish(account_id, fresh, actor, clock.now())
        await record(
            actor=actor, action="grading.published", subject=str(account_id), account_id=account_id,
            before=before.set if before.version else None, after=fresh,
        )  # fmt: skip
        return await of_account(account_id)

    return await db.attempt(db.PLATFORM, work)
