"""All SQL of this room; each query runs in the caller's scoped transaction."""

from datetime import datetime
from uuid import UUID

import msgspec

from hub.kit import db
from hub.kit.errors import NotFound
from tenants import queries as tenants
from tenants.policies.checks import Known
from tenants.policies.messages import Policy, VersionShown, VersionState, VersionView
from tenants.policies.rules import Rules

POLICY = """
select policies.account_id, policies.id, policies.channel_id, policies.kind, (
    select max(number) from policy_versions versions
    where versions.account_id = policies.account_id and versions.policy_id = policies.id) as version
from policies where policies.id = $1
"""


async def policy(policy_id: UUID) -> Policy:
    """Return one policy in scope; raises `NotFound`."""
    row = await db.fetch_one(POLICY, policy_id)
    if row is None:
        raise NotFound("policy_not_found", "There is no such policy.")
    return msgspec.convert(dict(row), Policy)


async def lock(account_id: UUID, policy_id: UUID) -> Policy:
    """Return one policy with its version in force, which nobody else changes until the transaction ends."""
    await db.execute("select from policies where account_id = $1 and id = $2 for update", account_id, policy_id)
    return await policy(policy_id)


async def known(account_id: UUID, channel_id: UUID) -> Known:
    """Return what a channel's policies may name; needs the platform's scope, for an account sees not every hub yet."""
    warehouses = await db.fetch("select id from warehouses where account_id is null or account_id = $1", account_id)
    marketplaces = await db.fetch(
        "select reference from channel_marketplaces where account_id = $1 and channel_id = $2", account_id, channel_id
    )
    return Known(
        warehouses=frozenset(row["id"] for row in warehouses),
        marketplaces=frozenset(row["reference"] for row in marketplaces),
    )


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A draft as it is stored."""

    policy_id: UUID
    revision: int
    base: int
    rules: Rules
    note: str | None
    validated: int | None
    changed_by: str
    changed_at: datetime


DRAFT = ", ".join(Draft.__struct_fields__)


async def draft(account_id: UUID, policy_id: UUID) -> Draft | None:
    """Return a policy's draft, if there is one."""
    row = await db.fetch_one(
        f"select {DRAFT} from policy_drafts where account_id = $1 and policy_id = $2", account_id, policy_id
    )
    return _draft(row) if row else None


def _draft(row: db.Row) -> Draft:
    return msgspec.convert({**dict(row), "rules": msgspec.json.decode(row["rules"])}, Draft)


async def begin_draft(held: Policy, rules: Rules, note: str | None, by: str, now: datetime) -> Draft | None:
    """Store a first draft; nothing if there is one already."""
    row = await db.fetch_one(
        f"""insert into policy_drafts (account_id, policy_id, revision, base, rules, note, changed_by, changed_at)
        values ($1, $2, 1, $3, $4, $5, $6, $7) on conflict do nothing returning {DRAFT}""",
        held.account_id, held.id, held.version, db.to_json(rules), note, by, now,
    )  # fmt: skip
    return _draft(row) if row else None


async def change_draft(
    held: Policy, revision: int, rules: Rules, note: str | None, by: str, now: datetime
) -> Draft | None:
    """Store a draft's next revision; nothing if it is at another one by now."""
    row = await db.fetch_one(
        f"""update policy_drafts set revision = revision + 1, rules = $4, note = $5, validated = null,
            changed_by = $6, changed_at = $7
        where account_id = $1 and policy_id = $2 and revision = $3 returning {DRAFT}""",
        held.account_id, held.id, revision, db.to_json(rules), note, by, now,
    )  # fmt: skip
    return _draft(row) if row else None


async def mark_validated(account_id: UUID, policy_id: UUID, revision: int) -> bool:
    """Note that a revision is fit to be published; false if the draft is at another one by now."""
    row = await db.fetch_one(
        """update policy_drafts set validated = revision
        where account_id = $1 and policy_id = $2 and revision = $3 returning revision""",
        account_id, policy_id, revision,
    )  # fmt: skip
    return row is not None


async def drop_draft(account_id: UUID, policy_id: UUID, revision: int) -> bool:
    """Remove a draft; false if it is at another revision by now."""
    row = await db.fetch_one(
        """delete from policy_drafts where account_id = $1 and policy_id = $2 and revision = $3 returning revision""",
        account_id, policy_id, revision,
    )  # fmt: skip
    return row is not None


async def publish(
    held: Policy, version_id: UUID, rules: Rules, now: datetime, *, by: str, note: str | None = None,
    restores: int | None = None,
) -> None:  # fmt: skip
    """Store a policy's next version, and let its warehouses receive for the account."""
    await db.execute(
        """insert into policy_versions (account_id, id, policy_id, number, rules, published_at, published_by, note,
            restores)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)""",
        held.account_id, version_id, held.id, held.version + 1, db.to_json(rules), now, by, note, restores,
    )  # fmt: skip
    await tenants.assign(held.account_id, {route.warehouse_id for route in rules.receiving})


VERSION = ", ".join(field for field in VersionView.__struct_fields__ if field != "state")


async def versions(held: Policy, limit: int) -> list[VersionView]:
    """List a policy's versions, the latest first."""
    rows = await db.fetch(
        f"""select {VERSION} from policy_versions where account_id = $1 and policy_id = $2
        order by number desc limit $3""",
        held.account_id, held.id, limit,
    )  # fmt: skip
    return [msgspec.convert({**dict(row), "state": _state(held, row["number"])}, VersionView) for row in rows]


async def version(held: Policy, number: int) -> VersionShown:
    """Return one version of a policy; raises `NotFound`."""
    row = await db.fetch_one(
        f"select {VERSION}, rules from policy_versions where account_id = $1 and policy_id = $2 and number = $3",
        held.account_id, held.id, number,
    )  # fmt: skip
    if row is None:
        raise NotFound("version_not_found", "This policy has no such version.")
    read = {"rules": msgspec.json.decode(row["rules"]), "state": _state(held, number)}
    return msgspec.convert({**dict(row), **read}, VersionShown)


def _state(held: Policy, number: int) -> VersionState:
    return VersionState.PUBLISHED if number == held.version else VersionState.SUPERSEDED
