"""All SQL of this room: the facts of many returns in one query."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from hub.deadlines.messages import DeadlineView
from hub.kit import db
from hub.operations.queries import LIMITED_UNTIL
from hub.returns.messages import StoredReturn
from hub.why.messages import Effort, Facts, Item, Place, Reach
from tenants import profiles
from tenants.marketplaces.queries import HeldMarketplace
from tenants.policies.rules import Rules

# The work items of a return, and the one that says since when its connection is paused.
FACTS = f"""
select returns.id, versions.rules, connections.id as connection_id, connections.connector,
    case when connections.state = 'paused' then connections.paused_why end as paused_why,
    coalesce((select {LIMITED_UNTIL} from operations where operations.account_id = returns.account_id
        and operations.return_id = returns.id and operations.effect = 'settle' and operations.state <> 'withdrawn'),
        connections.limited_until) as limited_until,
    warehouses.id as warehouse_id, warehouses.name as warehouse, warehouses.receiving_option,
    held.reference, held.name, held.family, held.profile, held.confirmed_by, held.confirmed_at,
    (select opened_at from work_items where work_items.account_id = returns.account_id and closed_at is null
        and key = 'paused:' || connections.id) as paused_at,
    (select coalesce(jsonb_agg(jsonb_build_object('kind', kind, 'opened_at', opened_at, 'why', detail ->> 'why')
            order by id), '[]')
        from work_items where work_items.account_id = returns.account_id and closed_at is null
        and work_items.return_id = returns.id) as items,
    (select coalesce(jsonb_agg(jsonb_build_object('kind', kind, 'at', at, 'warn_at', warn_at, 'warned_at', warned_at,
            'passed_at', passed_at) order by at, kind), '[]') from deadlines
        where deadlines.account_id = returns.account_id and deadlines.return_id = returns.id) as deadlines,
    (select jsonb_build_object('id', effort.id, 'state', effort.state, 'attempt', attempt, 'next_at', next_at,
            'why', effort.why, 'created_at', created_at, 'finished_at', finished_at, 'last_at', last.started_at,
            'last_outcome', last.outcome)
        from operations effort left join lateral (
            select started_at, outcome from attempts where attempts.account_id = effort.account_id
            and attempts.operation_id = effort.id order by id desc limit 1) last on true
        where effort.account_id = returns.account_id and effort.return_id = returns.id and effort.effect = 'settle'
        and effort.state <> 'withdrawn') as effort
from returns
join policy_versions versions
    on versions.account_id = returns.account_id and versions.id = returns.policy_version_id
join connections on connections.id = returns.connection_id
join warehouses on warehouses.id = returns.warehouse_id
left join channel_marketplaces held on held.account_id = returns.account_id
    and held.connection_id = returns.connection_id and held.reference = returns.marketplace
where returns.id = any($1)
"""


async def facts(found: Sequence[StoredReturn], now: datetime) -> dict[UUID, Facts]:
    """Return the facts of returns in scope, all in one query."""
    rows = await db.fetch(FACTS, [each.id for each in found])
    held = {each.id: each for each in found}
    return {row["id"]: _facts(held[row["id"]], row, now) for row in rows}


def _facts(held: StoredReturn, row: db.Row, now: datetime) -> Facts:
    return Facts(
        now=now,
        held=held,
        place=Place(id=row["warehouse_id"], name=row["warehouse"], receiving_option=row["receiving_option"]),
        reach=Reach(
            id=row["connection_id"],
            paused_why=row["paused_why"],
            paused_at=row["paused_at"],
            limited_until=row["limited_until"],
        ),
        standing=profiles.of_held(_marketplace(row)),
        rules=msgspec.json.decode(row["rules"], type=Rules),
        effort=_read(row["effort"], Effort | None),
        items=_read(row["items"], tuple[Item, ...]),
        deadlines=_read(row["deadlines"], tuple[DeadlineView, ...]),
    )


def _marketplace(row: db.Row) -> HeldMarketplace | None:
    if row["reference"] is None:
        return None
    shown = {name: row[name] for name in HeldMarketplace.__struct_fields__}
    return msgspec.convert({**shown, "profile": msgspec.json.decode(row["profile"])}, HeldMarketplace)


def _read(text: str | None, kind: Any) -> Any:
    return msgspec.json.decode(text or "null", type=kind)
