"""Plan effects, and let a person try again; in the caller's transaction."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from hub.kit import clock, queue
from hub.kit.ids import new_id
from hub.operations import queries
from hub.operations.messages import PHASE_OF, Plan
from hub.sdk.messages import Effect, Phase
from hub.work.service import settle_matter

JOB = "run_operation"


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """An operation that is due again."""

    id: UUID
    return_id: UUID
    effect: Effect


def ring(phase: Phase, operation_id: UUID, connection_id: UUID, due: datetime) -> None:
    """Ring for an operation once the caller's transaction is durable."""
    ids = (str(operation_id), str(connection_id))
    queue.ring_after_commit(phase, JOB, ids, flow=ids[1], token=token(operation_id, due))


def token(operation_id: UUID, due: datetime) -> str:
    """Name one due time of an operation, so that ringing for it twice puts it in the queue once."""
    return f"{operation_id}:{due.timestamp():.6f}"


async def plan(wanted: Plan) -> bool:
    """Write an effect down before it happens; planning a key again changes nothing. Returns whether it is new."""
    now = clock.now()
    operation_id = await queries.add(wanted, new_id(), now)
    if operation_id is not None:
        ring(PHASE_OF[wanted.effect], operation_id, wanted.connection_id, now)
    return operation_id is not None


async def withdraw(account_id: UUID, key: str, why: str) -> bool:
    """Take an effect back before anybody has begun it; false if it is too late. Planning it again brings it back."""
    return await queries.withdraw(account_id, key, why)


async def plan_again(wanted: Plan, *, actor: str) -> None:
    """Plan an effect, or let the one of this key that was refused try again with this request, looked up before."""
    if await plan(wanted):
        return
    operation_id = await queries.id_of(wanted.account_id, wanted.key)
    if operation_id is not None and await replay(wanted.account_id, operation_id, actor=actor):
        await restate(wanted.account_id, operation_id, wanted.request)


async def restate(account_id: UUID, operation_id: UUID, request: Any) -> None:
    """Put another request in place of the one that an operation was replayed with, in the same transaction."""
    await queries.restate(account_id, operation_id, request)


async def abandon(account_id: UUID, key: str, *, actor: str) -> bool:
    """Let an effect that gave up never be tried again; false if it has not given up."""
    operation_id = await queries.abandon(account_id, key)
    if operation_id is not None:
        await _settle_matters(account_id, operation_id, actor, "withdrawn")
    return operation_id is not None


async def again(account_id: UUID, key: str, *, actor: str) -> UUID | None:
    """Have an effect looked up that ended, and repeated only if there is no trace of it.

    Returns its operation, or nothing while that is alive or if there is none.
    """
    now = clock.now()
    row = await queries.again(account_id, key, now)
    if row is None:
        return None
    operation_id: UUID = row["id"]
    await _settle_matters(account_id, operation_id, actor, "looked up again")
    ring(Phase(row["phase"]), operation_id, row["connection_id"], now)
    return operation_id


async def replay(account_id: UUID, operation_id: UUID, *, actor: str) -> Replayed | None:
    """Make a dead or refused operation due again; nothing if there is none such."""
    now = clock.now()
    row = await queries.replay(account_id, operation_id, now)
    if row is None:
        return None
    await _settle_matters(account_id, operation_id, actor, "replayed")
    ring(Phase(row["phase"]), row["id"], row["connection_id"], now)
    return Replayed(id=row["id"], return_id=row["return_id"], effect=Effect(row["effect"]))


async def _settle_matters(account_id: UUID, operation_id: UUID, actor: str, resolution: str) -> None:
    for kind in ("refused", "dead"):
        await settle_matter(account_id, f"{kind}:{operation_id}", by=actor, resolution=resolution)
