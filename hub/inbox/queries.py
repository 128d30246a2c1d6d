"""All SQL of this room."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from hub.inbox.messages import Claim, InboxView, Incoming, LinkedView, Marketplace, Sibling, Waiting
from hub.kit import db
from hub.kit.ids import new_id
from hub.sdk.messages import ReturnKey

# A time that far ahead was set by a clock that has been put back since; nothing waits that long.
DUE = "(polls.next_at <= {now} or polls.next_at > {now} + interval '8 days')"
FREE = """(polls.lease_until is null or polls.lease_until <= {now} or polls.lease_until > {now} + interval '1 hour')
    and connections.state = 'active' and coalesce(greatest(connections.limited_until,
        (connections.limited -> 'calls' ->> 'poll')::timestamptz), '-infinity') <= {now}"""


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


CLAIM = f"""
update polls set lease_until = $2, next_at = $2, polled_at = $3 from connections
where polls.connection_id = $1 and connections.id = polls.connection_id
    and {DUE.format(now="$3")} and {FREE.format(now="$3")}
returning polls.account_id, polls.connection_id, connector, settings, sealed, connections.limited, cursor,
    failures, polls.lease_until, walked_at, refusals_cursor, refusals_at, subscribed_at, knocked_at, repaired_lately
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
        where {DUE.format(now="$1")} and {FREE.format(now="$1")} order by next_at limit $2""",
        now, limit,
    )  # fmt: skip
    return [(row["connection_id"], row["next_at"]) for row in rows]


# Elements come back as they were before, too: what was stored once and differs from what came after is news again.
STORE = """
insert into inbox (account_id, id, connection_id, kind, key, subject, body, state, why, received_at, backfill_id)
select $1, item.id, $2, item.kind, item.key, item.subject, item.body::jsonb, item.state, item.why, $3, $4
from unnest($5::uuid[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[])
    as item(id, kind, key, subject, body, state, why)
on conflict (account_id, connection_id, key) do update
    set id = excluded.id, state = excluded.state, why = excluded.why, received_at = excluded.received_at,
        return_id = null, handled_at = null
    where inbox.kind = 'return' and inbox.received_at < excluded.received_at and exists (select from inbox later
        where later.account_id = inbox.account_id and later.connection_id = inbox.connection_id
            and later.subject = inbox.subject and later.received_at > inbox.received_at)
"""


async def store(
    account_id: UUID,
    connection_id: UUID,
    items: Sequence[Incoming],
    asked_at: datetime,
    backfill_id: UUID | None = None,
) -> None:
    """Store elements that were asked for at a moment; what was stored last with the same content is left alone."""
    await db.execute(
        STORE, account_id, connection_id, asked_at, backfill_id, [new_id() for _ in items],
        [item.kind for item in items], [item.key for item in items], [item.subject for item in items],
        [item.body for item in items], ["quarantined" if item.why else "received" for item in items],
        [item.why for item in items],
    )  # fmt: skip


async def advance(claim: Claim, cursor: str, walked_at: datetime | None, lease_until: datetime) -> bool:
    """Store how far a poll came; false if the right to poll was lost."""
    row = await db.fetch_one(
        """update polls set cursor = $3, walked_at = coalesce($5, walked_at), lease_until = $4,
            next_at = case when next_at < $2 then next_at else $4 end
        where connection_id = $1 and lease_until = $2 returning connection_id""",
        claim.connection_id, claim.lease_until, cursor, lease_until, walked_at,
    )  # fmt: skip
    return row is not None


async def renew(claim: Claim, lease_until: datetime) -> bool:
    """Keep the right to poll for longer; false if it was lost."""
    row = await db.fetch_one(
        """update polls set lease_until = $3, next_at = case when next_at < $2 then next_at else $3 end
        where connection_id = $1 and lease_until = $2 returning connection_id""",
        claim.connection_id, claim.lease_until, lease_until,
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


async def waiting(account_id: UUID, connection_id: UUID, after: UUID | None, limit: int) -> list[Waiting]:
    """List stored messages that nobody handled, oldest first."""
    rows = await db.fetch(
        """select id, kind, subject, body, received_at, backfill_id, handled_at is not null as again from inbox
        where account_id = $1 and connection_id = $2 and state = 'received' and ($3::uuid is null or id > $3)
        order by id limit $4""",
        account_id, connection_id, after, limit,
    )  # fmt: skip
    return [msgspec.convert(dict(row), Waiting) for row in rows]


async def siblings(account_id: UUID, connection_id: UUID, each: Waiting) -> list[Sibling]:
    """List other messages about the same return, the latest first."""
    rows = await db.fetch(
        """select id, state, received_at, body ->> 'updated_at' as updated_at from inbox
        where account_id = $1 and connection_id = $2 and subject = $3 and kind = $4 and id <> $5
        order by received_at desc limit 20""",
        account_id, connection_id, each.subject, each.kind, each.id,
    )  # fmt: skip
    return [msgspec.convert(dict(row), Sibling) for row in rows]


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


async def refresh(account_id: UUID, message_id: UUID, body: str) -> None:
    """Let a message that waited say what the channel says by now."""
    await db.execute(
        "update inbox set body = $3 where account_id = $1 and id = $2 and state = 'received'",
        account_id, message_id, body,
    )  # fmt: skip


async def supersede(account_id: UUID, message_ids: Sequence[UUID], why: str) -> None:
    """Let go of messages that waited: a later one told what there is to tell."""
    await db.execute(
        """update inbox set state = 'handled', why = $3
        where account_id = $1 and id = any($2) and state in ('parked', 'quarantined')""",
        account_id, list(message_ids), why,
    )  # fmt: skip


# What the channel has since shown in another way is told by that later message alone.
UNPARK = """
update inbox set why = null, state = case when exists (select from inbox later
        where later.account_id = inbox.account_id and later.connection_id = inbox.connection_id
            and later.subject = inbox.subject and later.id > inbox.id and later.body <> 'null')
    then 'handled' else 'received' end
where account_id = $1 and connection_id = $2 and (state = 'parked' or state = 'quarantined' and body <> 'null'
    or state = 'handled' and return_id is null and why = $3)
returning id, subject
"""


async def unpark(account_id: UUID, connection_id: UUID, uncovered: str) -> list[tuple[UUID, str]]:
    """Let what was parked, failed, or was `uncovered` by a channel be tried again; returns messages and subjects."""
    rows = await db.fetch(UNPARK, account_id, connection_id, uncovered)
    return [(row["id"], row["subject"]) for row in rows]


async def retry_parked(account_id: UUID, connection_id: UUID, *, day_ago: datetime, now: datetime, limit: int) -> None:
    """Let what has been parked, or failed, for a day be tried again; it counts as such anew if that fails."""
    await db.execute(
        """update inbox set state = 'received' where account_id = $1 and id in (select id from inbox
            where account_id = $1 and connection_id = $2
                and (state = 'parked' or state = 'quarantined' and body <> 'null')
                and (handled_at < $3 or handled_at > $4) order by id limit $5)""",
        account_id, connection_id, day_ago, now, limit,
    )  # fmt: skip


async def parked(account_id: UUID | None, message_id: UUID) -> tuple[UUID, UUID, str] | None:
    """Return account, connection and body of a parked message in scope."""
    row = await db.fetch_one(
        """select account_id, connection_id, body from inbox
        where id = $1 and ($2::uuid is null or account_id = $2) and state = 'parked' and kind = 'return'""",
        message_id, account_id,
    )  # fmt: skip
    return (row["account_id"], row["connection_id"], row["body"]) if row else None


async def take_up(account_id: UUID, message_id: UUID) -> Waiting | None:
    """Take one parked message up again; nothing if somebody else did."""
    row = await db.fetch_one(
        """update inbox set state = 'received' where account_id = $1 and id = $2 and state = 'parked'
        returning id, kind, subject, body, received_at, backfill_id, true as again""",
        account_id, message_id,
    )  # fmt: skip
    return msgspec.convert(dict(row), Waiting) if row else None


async def outcome(account_id: UUID, message_id: UUID) -> LinkedView | None:
    """Return what became of a message."""
    row = await db.fetch_one(
        """select inbox.state, inbox.why, inbox.return_id, returns.number as return_number from inbox
        left join returns on returns.account_id = inbox.account_id and returns.id = inbox.return_id
        where inbox.account_id = $1 and inbox.id = $2""",
        account_id, message_id,
    )  # fmt: skip
    return msgspec.convert(dict(row), LinkedView) if row else None


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


REPAIRED = """
update polls set repaired = repaired + 1, repaired_lately = case when lately then repaired_lately + 1 else 1 end,
    repaired_at = case when lately then repaired_at else $2::timestamptz end
from (select coalesce(repaired_at between $2::timestamptz - interval '1 hour' and $2, false) as lately
    from polls where connection_id = $1) as hour
where connection_id = $1 returning repaired_lately
"""


async def count_repaired(connection_id: UUID, now: datetime) -> int:
    """Count a change that no knock announced; returns how many there were within the hour."""
    row = await db.fetch_one(REPAIRED, connection_id, now)
    return int(row["repaired_lately"]) if row else 0


async def forget_repaired(connection_id: UUID) -> None:
    """Begin to count anew: knocks work again."""
    await db.execute("update polls set repaired_lately = 0 where connection_id = $1", connection_id)


async def count_born(account_id: UUID, backfill_id: UUID) -> None:
    """Count a return that was born of what a back-fill read."""
    await db.execute("update backfills set born = born + 1 where account_id = $1 and id = $2", account_id, backfill_id)


async def marketplaces(account_id: UUID, connection_id: UUID) -> list[Marketplace]:
    """List the marketplaces behind a connection that channels cover."""
    rows = await db.fetch(
        "select reference, family, profile from channel_marketplaces where account_id = $1 and connection_id = $2",
        account_id, connection_id,
    )  # fmt: skip
    return [msgspec.convert({**dict(row), "profile": msgspec.json.decode(row["profile"])}, Marketplace) for row in rows]


# The channel's own number of a return is not unique among its marketplaces, so it is given only where the channel does
# not know ours.
WATCHED = """
select number as return_number, external_id, order_number, channel_order_number,
    case when not exists (select from operations where operations.account_id = $1
            and operations.key = 'acknowledge:' || number and operations.state = 'done')
        then channel_return_number end as channel_return_number
from returns
join unnest($3::text[], $4::timestamptz[]) as late(marketplace, since) on late.marketplace = returns.marketplace
where account_id = $1 and connection_id = $2 and (settled_at >= late.since
        and (settlement = 'settled' or settlement = 'refused' and sync = 'conflict')
    or settlement = 'sending' and exists (select from operations where operations.account_id = $1
        and operations.key = 'settle:' || number and (doubtful_since is not null or operations.state = 'dead')))
order by settled_at desc nulls first limit $5
"""


async def watched(
    account_id: UUID, connection_id: UUID, since: dict[str, datetime], limit: int
) -> tuple[ReturnKey, ...]:
    """List returns that were settled since a moment of their marketplace, the latest first.

    One that was refused afterwards may be refused again, for the channel tries again by itself. One of which nobody
    knows yet whether the channel took it may be refused as well.
    """
    rows = await db.fetch(WATCHED, account_id, connection_id, list(since), list(since.values()), limit)
    return tuple(msgspec.convert(dict(row), ReturnKey) for row in rows)


async def advance_refusals(claim: Claim, cursor: str | None, next_at: datetime | None) -> None:
    """Store how far refusals were read, and when to ask again; a knock that came since the claim has them asked now."""
    await db.execute(
        """update polls set refusals_cursor = $2,
            refusals_at = case when refusals_at is distinct from $4 then refusals_at else $3 end
        where connection_id = $1 and lease_until = $5""",
        claim.connection_id, cursor, next_at, claim.refusals_at, claim.lease_until,
    )  # fmt: skip
