"""All SQL of this room; what writes runs in the platform's scope and names its endpoint."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from hub.kit import db
from hub.kit.errors import NotFound
from hub.webhooks.engine import Health, Next
from hub.webhooks.messages import (
    Claimed,
    DeliveryAttempt,
    DeliveryState,
    DeliveryView,
    EndpointState,
    EndpointView,
    NewEndpoint,
)

VIEW = """id, account_id, partner_id, url, description, events, state, why, old_until, failing_since, created_at"""
# What the feed has before a moment; an endpoint that begins now begins behind everything that can be read of it.
START = """select tx, id from outbox where tx < pg_snapshot_xmin(pg_current_snapshot())
    and ($1::timestamptz is null or at < $1) order by tx desc, id desc limit 1"""


async def add(new: NewEndpoint, endpoint_id: UUID, sealed: bytes, now: datetime, actor: str) -> EndpointView:
    """Store an endpoint that is told what happens from now on, or from the moment it names."""
    row = await db.fetch_one(
        f"""with start as ({START})
        insert into webhook_endpoints (id, account_id, partner_id, url, description, events, state, sealed, tx, last,
            created_at, created_by)
        values ($2, $3, $4, $5, $6, $7, 'active', $8, coalesce((select tx from start), '0'),
            coalesce((select id from start), '00000000-0000-0000-0000-000000000000'), $9, $10) returning {VIEW}""",
        new.since, endpoint_id, new.account_id, new.partner_id, new.url, new.description, list(new.events), sealed,
        now, actor,
    )  # fmt: skip
    return _endpoint(row)


def _endpoint(row: db.Row | None) -> EndpointView:
    if row is None:
        raise NotFound("webhook_not_found", "There is no such webhook endpoint.")
    return msgspec.convert(dict(row), EndpointView)


async def endpoint(endpoint_id: UUID) -> EndpointView:
    """Return an endpoint in scope; raises `NotFound`."""
    return _endpoint(await db.fetch_one(f"select {VIEW} from webhook_endpoints where id = $1", endpoint_id))


async def endpoints(account_id: UUID | None, after: UUID | None, limit: int) -> list[EndpointView]:
    """List endpoints in scope, oldest first."""
    rows = await db.fetch(
        f"""select {VIEW} from webhook_endpoints where ($1::uuid is null or account_id = $1)
        and ($2::uuid is null or id > $2) order by id limit $3""",
        account_id, after, limit,
    )  # fmt: skip
    return [_endpoint(row) for row in rows]


async def change(endpoint_id: UUID, view: EndpointView) -> None:
    """Store how an endpoint is to be from now on; one that works again begins with a clean record."""
    await db.execute(
        """update webhook_endpoints set url = $2, description = $3, events = $4, why = $6,
            failing_since = case when state = $5 then failing_since end,
            failed_at = case when state = $5 then failed_at end,
            notices = case when state = $5 then notices else 0 end, state = $5
        where id = $1""",
        endpoint_id, view.url, view.description, list(view.events), view.state, view.why,
    )  # fmt: skip


async def rotate(endpoint_id: UUID, sealed: bytes, old_until: datetime) -> EndpointView:
    """Put another secret in place; the one before signs as well until its time is over."""
    row = await db.fetch_one(
        f"""update webhook_endpoints set old_sealed = sealed, old_until = $3, sealed = $2 where id = $1
        returning {VIEW}""",
        endpoint_id, sealed, old_until,
    )  # fmt: skip
    return _endpoint(row)


async def remove(endpoint_id: UUID) -> None:
    """Remove an endpoint with all that it was told."""
    await db.execute("delete from webhook_endpoints where id = $1", endpoint_id)


# spreading ----------------------------------------------------------------------------------------------


class Reader(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint for which the feed is read, locked, with the place it was read to."""

    id: UUID
    account_id: UUID | None
    partner_id: UUID | None
    events: tuple[str, ...]
    tx: int
    last: UUID


async def behind(limit: int) -> list[UUID]:
    """List active endpoints of which the feed holds more than was read for them, those farthest behind first."""
    rows = await db.fetch(
        """select id from webhook_endpoints told where state = 'active' and exists (
            select from outbox where (told.account_id is null or account_id = told.account_id)
            and (outbox.tx, outbox.id) > (told.tx, told.last)
            and outbox.tx < pg_snapshot_xmin(pg_current_snapshot()))
        order by tx, last limit $1""",
        limit,
    )  # fmt: skip
    return [row["id"] for row in rows]


async def hold_reader(endpoint_id: UUID) -> Reader | None:
    """Lock an active endpoint for reading the feed on its behalf; nothing if another worker has it."""
    row = await db.fetch_one(
        """select id, account_id, partner_id, events, tx::text::bigint as tx, last from webhook_endpoints
        where id = $1 and state = 'active' for update skip locked""",
        endpoint_id,
    )  # fmt: skip
    return msgspec.convert(dict(row), Reader) if row else None


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """An event of the feed, and whether it concerns the endpoint's owner."""

    id: UUID
    tx: int
    account_id: UUID
    return_id: UUID | None
    type: str
    body: str
    at: datetime
    concerns: bool


async def feed(reader: Reader, limit: int) -> list[Told]:
    """Read on in the feed; a partner is concerned by the returns that its warehouses are to receive."""
    rows = await db.fetch(
        """select id, tx::text::bigint as tx, account_id, return_id, type, body, at,
            ($1::uuid is not null or exists (select from returns routed join warehouses place
                on place.id = routed.warehouse_id where routed.account_id = outbox.account_id
                and routed.id = outbox.return_id and place.partner_id = $2)) as concerns
        from outbox where ($1::uuid is null or account_id = $1) and (tx, id) > ($3::text::xid8, $4)
        and tx < pg_snapshot_xmin(pg_current_snapshot()) order by tx, id limit $5""",
        reader.account_id, reader.partner_id, str(reader.tx), reader.last, limit,
    )  # fmt: skip
    return [msgspec.convert(dict(row), Told) for row in rows]


async def advance(reader: Reader, last: Told) -> None:
    """Note how far the feed was read for an endpoint."""
    await db.execute(
        "update webhook_endpoints set tx = $2::text::xid8, last = $3 where id = $1", reader.id, str(last.tx), last.id
    )


class New(msgspec.Struct, frozen=True, kw_only=True):
    """Something to tell an endpoint."""

    id: UUID
    flow: UUID
    type: str
    body: str
    at: datetime


async def deliver(owner: Reader | EndpointView, new: Sequence[New], now: datetime) -> None:
    """Store what an endpoint is to be told, in this order; what it was told before it is not told again."""
    await db.execute(
        """insert into webhook_deliveries (endpoint_id, id, account_id, partner_id, flow, type, body, state, next_at,
            event_at, created_at)
        select $1, told.id, $2, $3, told.flow, told.type, told.body, 'waiting', $4, told.at, $4
        from unnest($5::uuid[], $6::uuid[], $7::text[], $8::text[], $9::timestamptz[])
            with ordinality as told (id, flow, type, body, at, turn) order by told.turn
        on conflict do nothing""",
        owner.id, owner.account_id, owner.partner_id, now, [each.id for each in new], [each.flow for each in new],
        [each.type for each in new], [each.body for each in new], [each.at for each in new],
    )  # fmt: skip


# delivering ---------------------------------------------------------------------------------------------

# Only the first of what waits of a flow may go: that is the order. A claim that ran out belongs to a worker that died.
HEAD = """(delivery.state = 'waiting' and delivery.next_at <= $1 or delivery.state = 'claimed'
        and delivery.lease_until < $1)
    and not exists (select from webhook_deliveries earlier where earlier.endpoint_id = delivery.endpoint_id
        and earlier.flow = delivery.flow and earlier.place < delivery.place
        and earlier.state in ('waiting', 'claimed'))"""


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery to ring for, and since when."""

    endpoint_id: UUID
    id: UUID
    since: datetime


async def due(now: datetime, each: int, limit: int, endpoint_id: UUID | None = None) -> list[Due]:
    """List deliveries that may go: the first of each endpoint, then the second of each, `each` of one at most."""
    rows = await db.fetch(
        f"""select told.endpoint_id, told.id, told.since from webhook_endpoints endpoint cross join lateral (
            select delivery.endpoint_id, delivery.id, coalesce(next_at, lease_until) as since,
                row_number() over (order by coalesce(next_at, lease_until), place) as turn
            from webhook_deliveries delivery where delivery.endpoint_id = endpoint.id and {HEAD}
            order by coalesce(next_at, lease_until), place limit $2
        ) told where endpoint.state = 'active' and ($4::uuid is null or endpoint.id = $4)
        order by told.turn, told.since limit $3""",
        now, each, limit, endpoint_id,
    )  # fmt: skip
    return [msgspec.convert(dict(row), Due) for row in rows]


async def claim(
    endpoint_id: UUID, delivery_id: UUID, lease_until: datetime, now: datetime, *, most: int
) -> Claimed | None:
    """Take a delivery that may go, while fewer than `most` of its endpoint are under way, one if it fails."""
    held = await db.fetch_one(
        "select failing_since from webhook_endpoints where id = $1 and state = 'active' for update", endpoint_id
    )
    if held is None:
        return None
    row = await db.fetch_one(
        f"""update webhook_deliveries delivery set state = 'claimed', next_at = null, lease_until = $4,
            attempt = attempt + 1
        from webhook_endpoints endpoint
        where delivery.endpoint_id = $2 and delivery.id = $3 and endpoint.id = $2 and {HEAD}
        and (select count(*) from webhook_deliveries busy where busy.endpoint_id = $2 and busy.state = 'claimed'
            and busy.lease_until >= $1) < $5
        returning delivery.endpoint_id, delivery.id, delivery.account_id, delivery.partner_id, type, body, attempt,
            lease_until, url, sealed, old_sealed, old_until""",
        now, endpoint_id, delivery_id, lease_until, most if held["failing_since"] is None else 1,
    )  # fmt: skip
    return msgspec.convert(dict(row), Claimed) if row else None


async def finish(claimed: Claimed, after: Next, now: datetime) -> bool:
    """Store what became of a delivery; false if the lease was lost in the meantime."""
    row = await db.fetch_one(
        """update webhook_deliveries set state = $4, next_at = $5, why = $6, lease_until = null, finished_at = $7
        where endpoint_id = $1 and id = $2 and state = 'claimed' and lease_until = $3 returning id""",
        claimed.endpoint_id, claimed.id, claimed.lease_until, after.state, after.next_at, after.why,
        now if after.state in {DeliveryState.DELIVERED, DeliveryState.FAILED} else None,
    )  # fmt: skip
    return row is not None


async def add_attempt(claimed: Claimed, attempt_id: UUID, attempt: DeliveryAttempt) -> None:
    """Store an attempt."""
    await db.execute(
        """insert into webhook_attempts (endpoint_id, delivery_id, id, account_id, partner_id, number, started_at,
            duration_ms, status, outcome, why, request, response)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)""",
        claimed.endpoint_id, claimed.id, attempt_id, claimed.account_id, claimed.partner_id, attempt.number,
        attempt.started_at, attempt.duration_ms, attempt.status, attempt.outcome, attempt.why, attempt.request,
        attempt.response,
    )  # fmt: skip


async def health(endpoint_id: UUID) -> Health | None:
    """Return how an active endpoint fares, held until the transaction ends."""
    row = await db.fetch_one(
        """select failing_since, failed_at, notices from webhook_endpoints where id = $1 and state = 'active'
        for update""",
        endpoint_id,
    )  # fmt: skip
    return msgspec.convert(dict(row), Health) if row else None


async def keep_health(endpoint_id: UUID, health: Health) -> None:
    """Store how an endpoint fares."""
    await db.execute(
        "update webhook_endpoints set failing_since = $2, failed_at = $3, notices = $4 where id = $1",
        endpoint_id, health.failing_since, health.failed_at, health.notices,
    )  # fmt: skip


async def disable(endpoint_id: UUID, why: str) -> None:
    """Tell an endpoint nothing more; what waits for it stays."""
    await db.execute(
        "update webhook_endpoints set state = $3, why = $2 where id = $1", endpoint_id, why, EndpointState.DISABLED
    )


# looking, and sending again -----------------------------------------------------------------------------


def _delivery(row: db.Row) -> DeliveryView:
    return msgspec.convert({**dict(row), "body": msgspec.json.decode(row["body"])}, DeliveryView)


async def deliveries(
    endpoint_id: UUID, state: DeliveryState | None, before: int | None, limit: int
) -> list[DeliveryView]:
    """List what an endpoint in scope was and is to be told, newest first."""
    rows = await db.fetch(
        """select id, place, type, state, attempt, next_at, why, event_at, created_at, finished_at, body
        from webhook_deliveries where endpoint_id = $1 and ($2::text is null or state = $2)
        and ($3::bigint is null or place < $3) order by place desc limit $4""",
        endpoint_id, state, before, limit,
    )  # fmt: skip
    return [_delivery(row) for row in rows]


async def attempts(endpoint_id: UUID, delivery_id: UUID) -> list[DeliveryAttempt]:
    """List a delivery's attempts in scope, oldest first."""
    rows = await db.fetch(
        """select number, started_at, duration_ms, status, outcome, why, request, response from webhook_attempts
        where endpoint_id = $1 and delivery_id = $2 order by id""",
        endpoint_id, delivery_id,
    )  # fmt: skip
    return [msgspec.convert(dict(row), DeliveryAttempt) for row in rows]


AGAIN = """update webhook_deliveries set state = 'waiting', attempt = 0, next_at = $2, finished_at = null,
    lease_until = null, why = null where endpoint_id = $1"""


async def replay(endpoint_id: UUID, delivery_id: UUID, now: datetime) -> bool:
    """Have one delivery that ended, or that waits for its next attempt, sent now; false if there is none."""
    row = await db.fetch_one(f"{AGAIN} and id = $3 and state <> 'claimed' returning id", endpoint_id, now, delivery_id)
    return row is not None


async def recover(endpoint_id: UUID, since: datetime, now: datetime) -> int:
    """Have everything sent again that failed of what happened since a moment; returns how many."""
    rows = await db.fetch(f"{AGAIN} and state = 'failed' and event_at >= $3 returning id", endpoint_id, now, since)
    return len(rows)


async def prune(before: datetime, limit: int) -> int:
    """Forget some deliveries that ended before a moment; returns how many."""
    rows = await db.fetch(
        """delete from webhook_deliveries where ctid = any(array(
            select ctid from webhook_deliveries where finished_at < $1 limit $2)) returning id""",
        before, limit,
    )  # fmt: skip
    return len(rows)


async def counts() -> dict[str, Any]:
    """Count what waits and what failed of active endpoints, and the endpoints that are disabled."""
    row = await db.fetch_one(
        """select (select count(*) from webhook_deliveries delivery join webhook_endpoints told
                on told.id = delivery.endpoint_id and told.state = 'active'
                where delivery.state in ('waiting', 'claimed')) as waiting,
            (select count(*) from webhook_endpoints where failing_since is not null) as failing,
            (select count(*) from webhook_endpoints where state = 'disabled') as disabled"""
    )
    return dict(row) if row else {}
