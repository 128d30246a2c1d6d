"""All SQL of this room."""

from datetime import datetime
from uuid import UUID

import msgspec

from hub.inbox.messages import Claim, InboxView, Waiting
from hub.kit import db
from hub.kit.ids import new_id


async def ensure_poll(account_id: UUID, connection_id: UUID, now: datetime) -> None:
    """Let a connection be polled from now on; safe to repeat."""
    await db.execute(
        "insert into polls (account_id, connection_id, next_at) values ($1, $2, $3) on conflict do nothing",
        account_id, connection_id, now,
    )  # fmt: skip


async def hasten(connection_id: UUID, now: datetime) -> bool:
    """Make a connection's next poll due now; false if it is not polled at all."""
    row = await db.fetch_one(
        "update polls set next_at = least(next_at, $2) where connection_id = $1 returning connection_id",
        connection_id,
        now,
    )
    return row is not None


# Until when a poll waits because the vendor asked for it.
LIMITED_UNTIL = "greatest(connections.limited_until, (connections.limited -> 'calls' ->> 'poll')::timestamptz)"
MAY_POLL = f"connections.state = 'active' and coalesce({LIMITED_UNTIL}, '-infinity')"

CLAIM = f"""
update polls set lease_until = $2, next_at = $2 from connections
where polls.connection_id = $1 and connections.id = polls.connection_id and polls.next_at <= $3
    and coalesce(polls.lease_until, '-infinity') <= $3 and {MAY_POLL} <= $3
returning polls.account_id, polls.connection_id, connector, settings, sealed, connections.limited, cursor, failures,
    polls.lease_until
"""


async def claim(connection_id: UUID, lease_until: datetime, now: datetime) -> Claim | None:
    """Take the right to poll a connection that is due; nothing if another worker has it."""
    row = await db.fetch_one(CLAIM, connection_id, lease_until, now)
    if row is None:
        return None
    settings, limited = msgspec.json.decode(row["settings"]), msgspec.json.decode(row["limited"])
    return msgspec.convert({**dict(row), "settings": settings, "limited": limited}, Claim)


async def due(now: datetime, limit: int) -> list[tuple[UUID, datetime]]:
    """List connections whose poll is due, with since when."""
    rows = await db.fetch(
        f"""select connection_id, next_at from polls join connections on connections.id = polls.connection_id
        where next_at <= $1 and coalesce(lease_until, '-infinity') <= $1 and {MAY_POLL} <= $1
        order by next_at limit $2""",
        now, limit,
    )  # fmt: skip
    return [(row["connection_id"], row["next_at"]) for row in rows]


STORE = """
insert into inbox (account_id, id, connection_id, key, subject, body, state, why, received_at)
select $1, item.id, $2, item.key, item.subject, item.body::jsonb, item.state, item.why, $3
from unnest($4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[])
    as item(id, key, subject, body, state, why)
on conflict (account_id, connection_id, key) do nothing
"""


class Incoming(msgspec.Struct, frozen=True, kw_only=True):
    """One element to store; `why` is set for one that could not be read."""

    key: str
    subject: str
    body: str
    why: str | None = None


async def store(claim: Claim, items: list[Incoming], now: datetime) -> None:
    """Store a page's elements; what was stored before with the same content is left alone."""
    await db.execute(
        STORE, claim.account_id, claim.connection_id, now, [new_id() for _ in items], [item.key for item in items],
        [item.subject for item in items], [item.body for item in items],
        ["quarantined" if item.why else "received" for item in items], [item.why for item in items],
    )  # fmt: skip


async def advance(claim: Claim, cursor: str, lease_until: datetime) -> bool:
    """Store how far a poll came; false if the right to poll was lost."""
    row = await db.fetch_one(
        """update polls set cursor = $3, lease_until = $4, next_at = case when next_at < $2 then next_at else $4 end
        where connection_id = $1 and lease_until = $2 returning connection_id""",
        claim.connection_id, claim.lease_until, cursor, lease_until,
    )  # fmt: skip
    return row is not None


async def release(claim: Claim, *, next_at: datetime, failures: int, ok_at: datetime | None) -> None:
    """Give the right to poll back, if it is still held; a hint that came since the claim keeps its earlier time."""
    await db.execute(
        """update polls set lease_until = null, next_at = case when next_at < $2 then next_at else $3 end,
            failures = $4, last_ok_at = coalesce($5, last_ok_at)
        where connection_id = $1 and lease_until = $2""",
        claim.connection_id, claim.lease_until, next_at, failures, ok_at,
    )  # fmt: skip


async def waiting(account_id: UUID, connection_id: UUID, limit: int) -> list[Waiting]:
    """List stored messages that nobody handled, oldest first."""
    rows = await db.fetch(
        """select id, body from inbox where account_id = $1 and connection_id = $2 and state = 'received'
        order by id limit $3""",
        account_id, connection_id, limit,
    )  # fmt: skip
    return [Waiting(id=row["id"], body=row["body"]) for row in rows]


async def mark(
    account_id: UUID, message_id: UUID, state: str, why: str | None, return_id: UUID | None, now: datetime
) -> bool:
    """Note what became of a message; false if somebody else handled it first."""
    row = await db.fetch_one(
        """update inbox set state = $3, why = $4, return_id = $5, handled_at = $6
        where account_id = $1 and id = $2 and state = 'received' returning id""",
        account_id, message_id, state, why, return_id, now,
    )  # fmt: skip
    return row is not None


# What the channel has since shown in another way is told by that later message alone.
UNPARK = """
update inbox set why = null, state = case when exists (select from inbox later
        where later.account_id = inbox.account_id and later.connection_id = inbox.connection_id
            and later.subject = inbox.subject and later.id > inbox.id and later.body <> 'null')
    then 'handled' else 'received' end
where account_id = $1 and connection_id = $2 and (state = 'parked' or state = 'quarantined' and body <> 'null')
returning id, subject
"""


async def unpark(account_id: UUID, connection_id: UUID) -> list[tuple[UUID, str]]:
    """Let what was parked, or failed on, be tried again; returns the messages with their subjects."""
    rows = await db.fetch(UNPARK, account_id, connection_id)
    return [(row["id"], row["subject"]) for row in rows]


async def unhandled(account_id: UUID | None, after: UUID | None, limit: int) -> list[InboxView]:
    """List messages that were parked or could not be read."""
    rows = await db.fetch(
        """select id, account_id, connection_id, subject, state, why, received_at from inbox
        where state in ('parked', 'quarantined') and ($1::uuid is null or account_id = $1)
        and ($2::uuid is null or id > $2) order by id limit $3""",
        account_id, after, limit,
    )  # fmt: skip
    return [msgspec.convert(dict(row), InboxView) for row in rows]


async def count_waiting() -> int:
    """Count the messages that nobody handled yet."""
    row = await db.fetch_one("select count(*) as held from inbox where state = 'received'")
    return int(row["held"]) if row else 0
