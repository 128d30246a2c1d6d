"""The verbs of policies' versions: draft, validate, publish, restore; a version that was published never changes."""

from uuid import UUID

import msgspec

from hub.audit.service import record
from hub.kit import clock, db
from hub.kit.errors import Conflict, Invalid, NotFound
from hub.kit.ids import new_id
from tenants.policies import queries
from tenants.policies.checks import Problem, problems
from tenants.policies.engine import decide
from tenants.policies.facts import Decision
from tenants.policies.messages import Case, DraftView, Explained, NewDraft, Policy, VersionShown, VersionState
from tenants.policies.rules import Rules
from tenants.policies.words import Audience, explain


async def draft_of(held: Policy) -> DraftView:
    """Return a policy's draft with what keeps it from being published; raises `NotFound`."""
    async with db.transaction(db.PLATFORM):
        return await _view(held, await _require_draft(held))


async def _require_draft(held: Policy) -> queries.Draft:
    found = await queries.draft(held.account_id, held.id)
    if found is None:
        raise NotFound("draft_not_found", "This policy has no draft; begin one.")
    return found


async def _view(held: Policy, draft: queries.Draft) -> DraftView:
    found = problems(held.kind, draft.rules, await queries.known(held.account_id, held.channel_id))
    fit = draft.validated == draft.revision and not found
    shown = msgspec.structs.asdict(draft)
    del shown["validated"]
    return DraftView(**shown, state=VersionState.VALIDATED if fit else VersionState.DRAFT, problems=found)


async def save_draft(held: Policy, new: NewDraft, *, actor: str) -> DraftView:
    """Begin a draft, or store its next revision; raises `Conflict` if somebody else changed it in between."""
    now = clock.now()
    async with db.transaction(db.PLATFORM):
        if new.revision is None:
            saved = await queries.begin_draft(held, new.rules, new.note, actor, now)
        else:
            saved = await queries.change_draft(held, new.revision, new.rules, new.note, actor, now)
        if saved is None:
            raise await _changed(held)
        return await _view(held, saved)


async def _changed(held: Policy) -> Conflict | NotFound:
    found = await queries.draft(held.account_id, held.id)
    if found is None:
        return NotFound("draft_not_found", "This policy has no draft any more; begin one.")
    message = f"{found.changed_by} changed this draft meanwhile; it is at revision {found.revision}. Read it again."
    return Conflict("draft_changed", message, revision=found.revision, changed_by=found.changed_by)


async def validate(held: Policy, revision: int) -> DraftView:
    """Note that a draft is fit to be published; raises `Invalid` with every problem if it is not."""
    async with db.transaction(db.PLATFORM):
        if not await queries.mark_validated(held.account_id, held.id, revision):
            raise await _changed(held)
        view = await _view(held, await _require_draft(held))
        refuse(view.problems)
        return view


def refuse(found: tuple[Problem, ...]) -> None:
    """Raise `Invalid` with every problem of a policy, if there is one."""
    if found:
        count = "One thing keeps" if len(found) == 1 else f"{len(found)} things keep"
        message = f"{count} this policy from being published; the first is {found[0].field}: {found[0].message}"
        raise Invalid("policy_invalid", message, problems=msgspec.to_builtins(found))


async def discard(held: Policy, revision: int) -> None:
    """Remove a draft; raises `Conflict` if somebody else changed it in between."""
    async with db.transaction(db.PLATFORM):
        if not await queries.drop_draft(held.account_id, held.id, revision):
            raise await _changed(held)


async def publish_draft(held: Policy, revision: int, *, actor: str) -> VersionShown:
    """Put a draft in force; returns born before keep their version.

    Raises `Conflict` if the draft or the policy moved on since it was looked at, `Invalid` if it is not fit.
    """
    async with db.transaction(db.PLATFORM):
        locked = await queries.lock(held.account_id, held.id)
        draft = await _require_draft(locked)
        if draft.revision != revision:
            raise await _changed(locked)
        if draft.base != locked.version:
            message = f"Version {locked.version} was published since this draft was begun from version {draft.base}."
            raise Conflict("policy_moved_on", f"{message} Begin anew from it.", version=locked.version)
        await queries.drop_draft(held.account_id, held.id, revision)
        return await _publish(locked, draft.rules, draft.note, actor=actor)


async def restore(held: Policy, number: int, note: str | None, *, actor: str) -> VersionShown:
    """Put the rules of an earlier version in force again, as a new version."""
    async with db.transaction(db.PLATFORM):
        locked = await queries.lock(held.account_id, held.id)
        earlier = await queries.version(locked, number)
        if number == locked.version:
            raise Conflict("version_in_force", f"Version {number} is in force; there is nothing to roll back.")
        return await _publish(locked, earlier.rules, note, actor=actor, restores=number)


async def publish_rules(held: Policy, rules: Rules, *, actor: str) -> VersionShown:
    """Put rules in force at once, in the caller's transaction of the platform; a draft stays and has to begin anew."""
    return await _publish(await queries.lock(held.account_id, held.id), rules, None, actor=actor)


async def _publish(
    held: Policy, rules: Rules, note: str | None, *, actor: str, restores: int | None = None
) -> VersionShown:
    refuse(problems(held.kind, rules, await queries.known(held.account_id, held.channel_id)))
    before = await queries.version(held, held.version)
    await queries.publish(held, new_id(), rules, clock.now(), by=actor, note=note, restores=restores)
    await record(
        actor=actor, action="policy.published", subject=str(held.id), account_id=held.account_id,
        before=before.rules, after=rules,
    )  # fmt: skip
    now = await queries.policy(held.id)
    return await queries.version(now, now.version)


async def try_case(held: Policy, case: Case) -> Explained:
    """Say what a policy would decide on a case, changing nothing; raises `NotFound` without a draft to try."""
    async with db.transaction(db.account(held.account_id)):
        if case.draft:
            rules, version = (await _require_draft(held)).rules, held.version + 1
        else:
            rules, version = (await queries.version(held, held.version)).rules, held.version
    return explained(decide(rules, version, case.facts, case.at or clock.now()))


def explained(decision: Decision) -> Explained:
    """Return a decision with its reasons in the words of everybody."""
    told = {audience.value: explain(decision, audience) for audience in Audience}
    return Explained(decision=decision, **told)


async def find(policy_id: UUID, scope: db.Scope) -> Policy:
    """Return one policy in a scope; raises `NotFound`."""
    async with db.transaction(scope):
        return await queries.policy(policy_id)
