"""Keep the deadlines of returns, warn before they pass, and let them follow a changed profile."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from uuid import UUID

from hub.deadlines import engine, queries
from hub.deadlines.messages import Deadline, Due, Standing, Watched
from hub.kit import clock, db
from hub.kit.telemetry import DEADLINES, log
from hub.sdk.messages import Kind
from hub.sdk.profiles import Profile
from hub.work.messages import Matter, Owner
from hub.work.service import raise_matter, settle_matter
from tenants import profiles
from tenants import queries as tenants
from tenants.marketplaces import queries as marketplaces
from tenants.policies.rules import Rules, WhenOverdue

BATCH = 200
NO_PROFILE = Profile()

_log = log("deadlines")


async def begin(born: Watched, profile: Profile | None = None) -> bool:
    """Write the deadlines of a return that is born in this transaction; returns whether it has any.

    `profile` is its marketplace's, where this transaction has read that already.
    """
    found = await _of(born, profile)
    if found:
        await queries.store(born.account_id, {born.return_id: found})
    return bool(found)


async def follow(changed: Watched, profile: Profile | None = None, *, has_some: bool = True) -> None:
    """Let the deadlines of a return follow what this transaction made of it; what holds no more is closed.

    `has_some` says whether it had any when this transaction read it, so that those without cost nothing.
    """
    found = await _of(changed, profile)
    told: list[Due] = []
    if found:
        told = [kind for _, kind in await queries.store(changed.account_id, {changed.return_id: found})]
    elif has_some:
        told = await queries.drop(changed.account_id, changed.return_id)
    for kind in told:
        await _close(changed.account_id, changed.return_id, kind)


async def forgo(account_id: UUID, return_id: UUID, kind: Due) -> None:
    """Let a person's word go before a deadline whose moment is over already, in the caller's transaction."""
    await queries.forgo(account_id, return_id, kind, clock.now())


async def _of(watched: Watched, profile: Profile | None = None) -> tuple[Deadline, ...]:
    moments = watched.moments
    if moments.over:
        return ()
    rules = await tenants.rules_of(watched.account_id, watched.policy_version_id)
    # Before anything arrived, only the channel's own time-out depends on the marketplace.
    asks = moments.kind is Kind.CHANNEL or moments.arrived_at is not None
    if profile is None and asks:
        profile = await _profile(watched.account_id, watched.connection_id, watched.marketplace)
    return engine.deadlines(profile or NO_PROFILE, rules, moments)


async def _profile(account_id: UUID, connection_id: UUID, marketplace: str | None) -> Profile:
    return (await profiles.of_marketplace(account_id, connection_id, marketplace)).profile


def matter_key(return_id: UUID, kind: Due) -> str:
    """Return the name of the matter that a deadline is to people, before and after it passed."""
    return f"deadline:{kind}:{return_id}"


async def _close(account_id: UUID, return_id: UUID, kind: Due) -> None:
    await settle_matter(account_id, matter_key(return_id, kind), by="hub", resolution="the deadline holds no more")


async def recompute(account_id: UUID, connection_id: UUID, marketplace: str) -> int:
    """Let the deadlines of all open returns of a marketplace follow its profile; returns how many returns were seen.

    A policy needs no such thing: a return keeps the version it was born under.
    """
    seen, last = 0, UUID(int=0)
    while True:
        async with db.transaction(db.account(account_id)):
            profile = await _profile(account_id, connection_id, marketplace)
            batch = await queries.open_returns(account_id, connection_id, marketplace, last, BATCH)
            await _recompute(account_id, profile, batch)
        seen += len(batch)
        if len(batch) < BATCH:
            return seen
        last = batch[-1].return_id


async def _recompute(account_id: UUID, profile: Profile, batch: list[Watched]) -> None:
    found: dict[UUID, tuple[Deadline, ...]] = {}
    for each in batch:
        rules = await tenants.rules_of(account_id, each.policy_version_id)
        found[each.return_id] = engine.deadlines(profile, rules, each.moments)
    for return_id, kind in await queries.store(account_id, found):
        await _close(account_id, return_id, kind)


async def recompute_changed() -> None:
    """Follow the profiles that changed a while ago once more, for births that met the one before."""
    async with db.transaction(db.PLATFORM):
        found = await marketplaces.to_recompute(clock.now(), BATCH)
    for each in found:
        await recompute(each.account_id, each.connection_id, each.reference)
        async with db.transaction(db.account(each.account_id)):
            await marketplaces.recomputed(each)


async def warn() -> int:
    """Tell people of every deadline that is near, once; returns how many. Safe to run anywhere at any time."""
    told, now = 0, clock.now()
    async for each in _walk(lambda place: queries.to_warn(now, place, BATCH), lambda each: each.warn_at):
        try:
            told += await _warn(each, now)
        except db.Lost:
            raise
        except Exception:  # noqa: BLE001 - the beat's boundary: one deadline must not keep the others from being told
            _log.error("warning failed", return_id=str(each.return_id), kind=each.kind, exc_info=True)
    return told


async def _warn(each: Standing, now: datetime) -> bool:
    async with db.transaction(db.account(each.account_id)):
        if not await queries.warn(each, now):
            return False
        rules = await tenants.rules_of(each.account_id, each.policy_version_id)
        matter = Matter(
            key=matter_key(each.return_id, each.kind),
            kind="deadline_near",
            owner=Owner.ACCOUNT,
            return_id=each.return_id,
            summary=f"{each.return_number}: {_ahead(each, rules, moment(each.at))}.",
            detail={"deadline": each.kind, "at": each.at},
        )
        await raise_matter(each.account_id, matter)
    return True


def _ahead(each: Standing, rules: Rules, at: str) -> str:
    if each.kind is Due.CANCEL:
        return f"the marketplace cancels this return at {at}, unless it is settled before"
    if each.kind is Due.DECIDE:
        return f"the marketplace wants the decision by {at}"
    if each.kind is Due.FINALISE:
        return f"receiving is finalised by itself at {at}, with whatever came until then"
    if rules.when_overdue is WhenOverdue.ASK:
        return f"goods have not come yet, and the policy waits for them until {at}"
    return f"what has not come by {at} counts as never arrived, and the return goes on by itself"


def moment(at: datetime) -> str:
    """Return a moment as sentences have it."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


Batch = Callable[[queries.Place], Awaitable[list[Standing]]]


async def passed() -> AsyncIterator[Standing]:
    """Give every deadline that has passed and that nobody acted on, in the order in which they passed."""
    now = clock.now()
    async for each in _walk(lambda place: queries.to_pass(now, place, BATCH), lambda each: each.at):
        yield each


async def _walk(read: Batch, order: Callable[[Standing], datetime]) -> AsyncIterator[Standing]:
    """Read batch after batch, each in a transaction of its own; one that stays due is met once."""
    place = queries.START
    while True:
        async with db.transaction(db.PLATFORM):
            batch = await read(place)
        for each in batch:
            yield each
        if len(batch) < BATCH:
            return
        place = (order(batch[-1]), batch[-1].return_id, batch[-1].kind)


async def measure() -> None:
    """Set the gauges of this room."""
    async with db.transaction(db.PLATFORM):
        near, gone = await queries.counts()
    DEADLINES.labels("near").set(near)
    DEADLINES.labels("passed").set(gone)
