"""What owners do with their endpoints; each verb in one transaction with its entry in the audit log."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from hub.audit.service import record
from hub.kit import clock, db
from hub.kit.crypto import Keyring, place
from hub.kit.egress import Egress, EgressError
from hub.kit.errors import Conflict, Invalid, NotFound
from hub.kit.ids import new_id
from hub.kit.telemetry import WEBHOOKS
from hub.webhooks import engine, queries
from hub.webhooks.messages import (
    DeliveryView,
    EndpointChange,
    EndpointShown,
    EndpointState,
    EndpointView,
    NewEndpoint,
    Recovered,
    Recovery,
    Rotation,
)

PING = "hub.ping"
BY_OWNER = "Disabled by its owner."


async def create(new: NewEndpoint, egress: Egress, keyring: Keyring, *, actor: str) -> EndpointShown:
    """Set an endpoint up and show its secret, once. Raises `Invalid` for an address that the hub may not call."""
    if (new.account_id is None) == (new.partner_id is None):
        raise Invalid("owner_required", "Say whose endpoint this is: account_id or partner_id, one of both.")
    await _require_reachable(egress, new.url)
    endpoint_id, secret = new_id(), engine.new_secret()
    sealed = keyring.seal(secret.encode(), sealed_at(endpoint_id))
    async with db.transaction(db.PLATFORM):
        view = await queries.add(new, endpoint_id, sealed, clock.now(), actor)
        await _note(view, "webhook.created", after=_said(view), actor=actor)
    return EndpointShown(endpoint=view, secret=secret)


def sealed_at(endpoint_id: UUID) -> str:
    """Return the place that an endpoint's secrets are sealed for."""
    return place("webhook_endpoints", "sealed", endpoint_id)


async def _require_reachable(egress: Egress, url: str) -> None:
    try:
        async with egress.client(url) as client:
            await client.require_reachable(url)
    except EgressError as fault:
        raise Invalid("webhook_address_refused", f"The hub cannot send there: {fault}.") from fault


async def change(endpoint_id: UUID, wanted: EndpointChange, egress: Egress, *, actor: str) -> EndpointView:
    """Change what is named; an endpoint that is enabled again is told all that it missed, in order."""
    if wanted.url is not msgspec.UNSET:
        await _require_reachable(egress, wanted.url)
    async with db.transaction(db.PLATFORM):
        before = await queries.endpoint(endpoint_id)
        given = {name: value for name, value in msgspec.structs.asdict(wanted).items() if value is not msgspec.UNSET}
        after = msgspec.structs.replace(before, **given)
        if after.state is not before.state:
            why = BY_OWNER if after.state is EndpointState.DISABLED else None
            after = msgspec.structs.replace(after, why=why, failing_since=None)
        await queries.change(endpoint_id, after)
        await _note(before, "webhook.changed", before=_said(before), after=_said(after), actor=actor)
    return after


async def remove(endpoint_id: UUID, *, actor: str) -> None:
    """Remove an endpoint and its log; what waits for it is never sent."""
    async with db.transaction(db.PLATFORM):
        before = await queries.endpoint(endpoint_id)
        await queries.remove(endpoint_id)
        await _note(before, "webhook.removed", before=_said(before), actor=actor)


async def rotate(endpoint_id: UUID, wanted: Rotation, keyring: Keyring, *, actor: str) -> EndpointShown:
    """Give an endpoint another secret, shown once; for a while both sign."""
    secret = engine.new_secret()
    sealed = keyring.seal(secret.encode(), sealed_at(endpoint_id))
    until = clock.now() + timedelta(hours=wanted.overlap_hours)
    async with db.transaction(db.PLATFORM):
        view = await queries.rotate(endpoint_id, sealed, until)
        await _note(view, "webhook.rotated", after={"old_until": until}, actor=actor)
    return EndpointShown(endpoint=view, secret=secret)


async def ping(endpoint_id: UUID, *, actor: str) -> DeliveryView:
    """Have a message sent that says nothing, to try the endpoint; it stands in the log like any other."""
    now, own = clock.now(), new_id()
    async with db.transaction(db.PLATFORM):
        view = await queries.endpoint(endpoint_id)
        if view.state is EndpointState.DISABLED:
            raise Conflict("webhook_disabled", "This endpoint is disabled; enable it first.")
        body = engine.payload(PING, now, {"endpoint_id": endpoint_id})
        await queries.deliver(view, [queries.New(id=own, flow=own, type=PING, body=body, at=now)], now)
        await _note(view, "webhook.pinged", after={"delivery": own}, actor=actor)
        (found,) = await queries.deliveries(endpoint_id, None, None, 1)
    return found


async def replay(endpoint_id: UUID, delivery_id: UUID, *, actor: str) -> None:
    """Have one delivery sent again, also one that arrived; its id stays, by which the receiver knows it."""
    async with db.transaction(db.PLATFORM):
        view = await queries.endpoint(endpoint_id)
        if not await queries.replay(endpoint_id, delivery_id, clock.now()):
            raise NotFound("delivery_not_found", "There is no such delivery that is not under way.")
        await _note(view, "webhook.replayed", after={"delivery": delivery_id}, actor=actor)


async def recover(endpoint_id: UUID, wanted: Recovery, *, actor: str) -> Recovered:
    """Have everything sent again that failed since a moment; what arrived is not repeated."""
    async with db.transaction(db.PLATFORM):
        view = await queries.endpoint(endpoint_id)
        count = await queries.recover(endpoint_id, wanted.since, clock.now())
        await _note(view, "webhook.recovered", after={"since": wanted.since, "deliveries": count}, actor=actor)
    return Recovered(deliveries=count)


async def _note(view: EndpointView, action: str, *, actor: str, before: Any = None, after: Any = None) -> None:
    owner = {"partner_id": view.partner_id} if view.partner_id else {}
    said = None if after is None else {**after, **owner}
    await record(
        actor=actor, action=action, subject=str(view.id), account_id=view.account_id, before=before, after=said
    )


def _said(view: EndpointView) -> dict[str, Any]:
    return {"url": view.url, "description": view.description, "events": view.events, "state": view.state}


async def measure() -> None:
    """Set the gauges of this room."""
    async with db.transaction(db.PLATFORM):
        counts = await queries.counts()
    for state in ("waiting", "failing", "disabled"):
        WEBHOOKS.labels(state).set(counts.get(state, 0))
