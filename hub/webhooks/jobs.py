"""The work: read the feed for each endpoint, and send what is due, fairly over endpoints and in order for each return.

Nothing is lost where a worker dies: the place in the feed moves in the transaction that stores what is to be told, and
a claim whose lease ran out is taken by the next one. A delivery that was under way is then sent once more, by its id.
"""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from hub.kit import clock, db, queue
from hub.kit.crypto import CannotOpen, Keyring, Secret
from hub.kit.egress import Egress, EgressError, Exchange
from hub.kit.ids import new_id
from hub.kit.telemetry import WEBHOOK_ATTEMPTS, log
from hub.webhooks import engine, queries
from hub.webhooks.messages import Claimed, DeliveryAttempt, DeliveryState
from hub.webhooks.service import sealed_at
from hub.work.messages import Matter, Owner
from hub.work.service import raise_matter, settle_matter

QUEUE = "webhooks"
JOB = "deliver"
CALL_SECONDS = 15.0
# Longer than a call may take, and shorter than a receiver should wait for what a dead worker held.
LEASE = timedelta(seconds=45)
# Of one endpoint at a time; an endpoint that fails has one, so that it holds up nobody.
MOST_AT_ONCE = 4
ENDPOINTS, EVENTS, BATCH = 100, 200, 200
KEPT = timedelta(days=30)
PRUNED = 1_000

_log = log("webhooks")


async def spread() -> int:
    """Read on in the feed for every endpoint that is behind; returns how many deliveries were stored."""
    async with db.transaction(db.PLATFORM):
        behind = await queries.behind(ENDPOINTS)
    return sum([await _spread_to(each) for each in behind])


async def _spread_to(endpoint_id: UUID) -> int:
    async with db.transaction(db.PLATFORM):
        reader = await queries.hold_reader(endpoint_id)
        found = await queries.feed(reader, EVENTS) if reader else []
        if reader is None or not found:
            return 0
        new = [_new(each) for each in found if each.concerns and engine.wants(reader.events, each.type)]
        await queries.deliver(reader, new, clock.now())
        await queries.advance(reader, found[-1])
    return len(new)


def _new(told: queries.Told) -> queries.New:
    about = {"account_id": told.account_id, "return_id": told.return_id}
    body = engine.payload(told.type, told.at, {**about, **msgspec.json.decode(told.body)})
    return queries.New(id=told.id, flow=told.return_id or told.id, type=told.type, body=body, at=told.at)


async def sweep() -> int:
    """Ring for deliveries that are due, fairly over endpoints; returns how many rings were made."""
    await spread()
    return await _ring(None)


async def _ring(endpoint_id: UUID | None) -> int:
    async with db.transaction(db.PLATFORM):
        found = await queries.due(clock.now(), MOST_AT_ONCE, BATCH, endpoint_id)
    for each in found:
        ids = (str(each.endpoint_id), str(each.id))
        token = f"{ids[0]}:{ids[1]}:{each.since.timestamp():.6f}"
        await queue.ring(QUEUE, JOB, ids, flow=ids[0], token=token)
    return len(found)


async def prune() -> int:
    """Forget what ended thirty days ago, some at a time; returns how much."""
    async with db.transaction(db.PLATFORM):
        return await queries.prune(clock.now() - KEPT, PRUNED)


class Deliverer:
    """Sends deliveries; any number of them may run."""

    def __init__(self, egress: Egress, keyring: Keyring) -> None:
        self._egress = egress
        self._keyring = keyring

    async def deliver(self, endpoint_id: str, delivery_id: str) -> None:
        """Send one delivery if it may go now, store what came of it, and ring for what may go next."""
        now = clock.now()
        async with db.transaction(db.PLATFORM):
            claimed = await queries.claim(UUID(endpoint_id), UUID(delivery_id), now + LEASE, now, most=MOST_AT_ONCE)
        if claimed is None:
            return
        answer, exchange = await self._send(claimed, now)
        await _store(claimed, answer, exchange, now)
        await _ring(claimed.endpoint_id)

    async def _send(self, claimed: Claimed, now: datetime) -> tuple[engine.Answer, Exchange | None]:
        kept: list[Exchange] = []
        try:
            keys = self._keys(claimed, now)
            headers = engine.signed(str(claimed.id), claimed.body, now, keys)
            async with self._egress.client(claimed.url, secrets=[key.reveal() for key in keys]) as client:
                told = await client.request(
                    "POST", claimed.url, headers=headers, content=claimed.body.encode(), deadline=CALL_SECONDS,
                    on_exchange=kept.append,
                )  # fmt: skip
        except (EgressError, CannotOpen, ValueError) as fault:
            return engine.Answer(error=str(fault)), kept[0] if kept else None
        return engine.Answer(status=told.status_code, retry_after=told.headers.get("retry-after")), kept[0]

    def _keys(self, claimed: Claimed, now: datetime) -> list[Secret]:
        old = claimed.old_sealed if claimed.old_until is not None and claimed.old_until > now else None
        at = sealed_at(claimed.endpoint_id)
        return [Secret(self._keyring.open(each, at).decode()) for each in (claimed.sealed, old) if each is not None]


async def _store(claimed: Claimed, answer: engine.Answer, exchange: Exchange | None, started: datetime) -> None:
    now = clock.now()
    after = engine.decide(answer, claimed.attempt, now)
    outcome = "retried" if after.state is DeliveryState.WAITING else after.state.value
    attempt = DeliveryAttempt(
        number=claimed.attempt, started_at=started, duration_ms=exchange.duration_ms if exchange else 0,
        status=answer.status, outcome=outcome, why=after.why,
        request=_kept(exchange.request_excerpt if exchange else ""),
        response=_kept(exchange.response_excerpt if exchange else ""),
    )  # fmt: skip
    WEBHOOK_ATTEMPTS.labels(outcome).inc()
    async with db.transaction(db.PLATFORM):
        # First the endpoint, then its delivery, as a claim locks them.
        health = await queries.health(claimed.endpoint_id)
        if not await queries.finish(claimed, after, now):
            _log.warning("lease lost", delivery=str(claimed.id))
            return
        await queries.add_attempt(claimed, new_id(), attempt)
        if health is not None:
            await _follow(claimed, health, after, now)


def _kept(text: str) -> str:
    # PostgreSQL keeps every character but this one.
    return text.replace("\x00", "")


async def _follow(claimed: Claimed, health: engine.Health, after: engine.Next, now: datetime) -> None:
    fared = engine.fare(health, took=after.state is DeliveryState.DELIVERED, now=now)
    await queries.keep_health(claimed.endpoint_id, fared.health)
    if fared.disable or after.gone:
        why = "It answered that it is gone (410)." if after.gone else f"Nothing arrived for five days: {after.why}"
        await queries.disable(claimed.endpoint_id, why)
        await _tell(claimed, f"The webhook endpoint {claimed.url} was disabled. {why}", "webhook_disabled")
    elif fared.notice:
        days = (engine.DISABLE - (now - (fared.health.failing_since or now))).days
        told = f"Nothing arrives at the webhook endpoint {claimed.url}; in {days} days it is disabled. {after.why}"
        await _tell(claimed, told, "webhook_failing")
    elif health.notices and after.state is DeliveryState.DELIVERED and claimed.account_id is not None:
        key = f"webhook_failing:{claimed.endpoint_id}"
        await settle_matter(claimed.account_id, key, by="hub", resolution="it takes deliveries again")


async def _tell(claimed: Claimed, summary: str, kind: str) -> None:
    """Tell the account; a partner reads it at its endpoint."""
    if claimed.account_id is None:
        return
    detail = {"endpoint_id": str(claimed.endpoint_id)}
    if kind == "webhook_disabled":
        await settle_matter(
            claimed.account_id, f"webhook_failing:{claimed.endpoint_id}", by="hub", resolution="it was disabled"
        )
        matter = Matter(
            key=f"webhook_disabled:{claimed.endpoint_id}:{claimed.id}", kind="webhook_disabled", owner=Owner.ACCOUNT,
            summary=summary, detail=detail,
        )  # fmt: skip
    else:
        matter = Matter(
            key=f"webhook_failing:{claimed.endpoint_id}", kind="webhook_failing", owner=Owner.ACCOUNT,
            summary=summary, detail=detail,
        )  # fmt: skip
    await raise_matter(claimed.account_id, matter)
