"""Compare what a channel shows with what the hub has, and store what differs; in the caller's transaction."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from hub.kit import clock
from hub.reconciliation import engine, queries, sides
from hub.reconciliation.messages import Found, Manner, Pair, Run, Verdict
from hub.reconciliation.queries import Subject
from hub.work.service import settle_matter

BY = "reconciliation"
NIGHTLY = "nightly"


def matter_key(key: str) -> str:
    """Return what names the work item of a difference."""
    return f"difference:{key}"


async def compare(run: Run, manner: Manner, pairs: Sequence[Pair], *, final: bool) -> None:
    """Compare and store; unless it is final, what needs a closer look is left for later.

    A decision that both sides were seen to agree on is not looked at again every night.
    """
    ids = [each.ours.stored.id for each in pairs if each.ours]
    verified = await queries.verified(run.account_id, ids) if run.started_by == NIGHTLY else set[UUID]()
    # A worker whose clock is behind must not make a find look older than its run.
    compared, now = [], max(clock.now(), run.started_at)
    subjects = [sides.subject(run.account_id, run.connection_id, each) for each in pairs]
    differing = await queries.differing(run.account_id, run.connection_id, subjects)
    for pair, subject in zip(pairs, subjects, strict=True):
        verdict = engine.compare(pair, manner, now)
        own = pair.ours.stored.id if pair.ours else None
        closer = verdict.closer and not final and own not in verified
        if own is not None:
            compared.append((own, closer, verdict.verified))
        if not verdict.waits and not closer and (verdict.found or differing & {subject.return_id, subject.external_id}):
            await _store(subject, verdict, now)
    await queries.compared(run.account_id, run.started_at, compared)


async def _store(subject: Subject, verdict: Verdict, now: datetime) -> None:
    if verdict.found:
        await queries.store(subject, verdict.found, now)
    await close_others(subject, verdict.found)


async def close_others(subject: Subject, found: Sequence[Found]) -> None:
    """Close whatever else differed of a return: it is gone."""
    for key in await queries.close_others(subject, found, clock.now()):
        await settle_matter(subject.account_id, matter_key(key), by=BY, resolution="it is gone")
