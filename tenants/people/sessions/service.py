"""The verbs of sessions."""

from datetime import timedelta
from uuid import UUID

from hub.kit import clock, crypto, db
from hub.kit.crypto import Secret
from hub.kit.errors import NotFound
from hub.kit.ids import new_id
from tenants.people import queries as people
from tenants.people.messages import Membership
from tenants.people.sessions import engine, queries
from tenants.people.sessions.messages import Held, Method, Origin, Session, SessionView, Stage, Through

AGENT_LENGTH = 200


async def begin(
    origin: Origin,
    method: Method,
    *,
    user_id: UUID | None = None,
    through: Through | None = None,
    operator_id: UUID | None = None,
    device_id: UUID | None = None,
    strong: bool = False,
    lasts: timedelta = engine.LONGEST,
) -> str:
    """Begin a session in the caller's platform transaction and return the token for its cookie.

    `strong` says that a second factor was shown with the first.
    """
    token, now = crypto.new_key("session"), clock.now()
    choices = await _choices(user_id, through) if user_id else ()
    chosen = engine.choose(choices) or next((each for each in choices if each.used), None)
    await queries.add(
        queries.Fresh(
            id=new_id(), digest=token.digest, method=method, now=now, ends_at=now + lasts,
            origin=Origin(address=origin.address, agent=origin.agent[:AGENT_LENGTH]), user_id=user_id,
            membership_id=chosen.id if chosen else None, provider_id=through.id if through else None,
            operator_id=operator_id, device_id=device_id, second_at=now if strong else None,
        )
    )  # fmt: skip
    return token.plain.reveal()


async def _choices(user_id: UUID, through: Through | None) -> tuple[Membership, ...]:
    return tuple(each for each in await people.memberships(user_id) if engine.opens(each, through))


async def find(token: str, device_token: str | None) -> Session | None:
    """Return the session that a cookie stands for, and note its use once a minute."""
    parts = crypto.split(token)
    if parts is None:
        return None
    now = clock.now()
    async with db.transaction(db.PLATFORM):
        stored = await queries.live(crypto.digest(parts[1]), now, now - engine.IDLE, _digest(device_token))
        if stored is None:
            return None
        if stored.seen_at < now - engine.TOUCH_EVERY:
            await queries.touch(stored.id, now)
        choices = await _choices(stored.person.id, stored.through) if stored.person else ()
    membership = next((each for each in choices if each.id == stored.membership_id), None)
    return Session(
        id=stored.id, method=stored.method, person=stored.person, operator=stored.operator,
        through=stored.through, membership=membership, choices=choices, second_at=stored.second_at,
        impersonation_id=stored.impersonation_id,
    )  # fmt: skip


def _digest(token: str | None) -> bytes | None:
    parts = crypto.split(token) if token else None
    return crypto.digest(parts[1]) if parts else None


async def owner_of(token: str) -> Held | None:
    """Return whose session a token was, also after its end; None if it never was one."""
    digest = _digest(token)
    if digest is None:
        return None
    async with db.transaction(db.PLATFORM):
        return await queries.held_by(digest)


async def look(session: Session, impersonation_id: UUID | None) -> Secret:
    """Look with another party's eyes from now on, or with one's own again; returns the session's new token."""
    async with db.transaction(db.PLATFORM):
        await queries.look(session.id, impersonation_id)
        return Secret(await rotate(session.id))


async def rotate(session_id: UUID) -> str:
    """Give a session a new token, in the caller's platform transaction; the old one opens nothing any more."""
    token = crypto.new_key("session")
    await queries.rotate(session_id, token.digest)
    return token.plain.reveal()


async def choose(session: Session, membership_id: UUID) -> str:
    """Act as another of one's memberships from now on; returns the session's new token. Raises `NotFound`."""
    if membership_id not in {each.id for each in session.choices} or engine.stage(session) not in {
        Stage.OPEN,
        Stage.CHOOSE,
    }:
        raise NotFound("member_not_found", "You are no such member.")
    async with db.transaction(db.PLATFORM):
        await queries.choose(session.id, membership_id)
        await people.use_membership(membership_id, clock.now())
        return await rotate(session.id)


async def of_user(user_id: UUID) -> list[SessionView]:
    """List where a user is signed in."""
    now = clock.now()
    async with db.transaction(db.PLATFORM):
        return await queries.of_user(user_id, now, now - engine.IDLE)


async def end(session_id: UUID) -> None:
    """End a session; its next request finds nobody."""
    async with db.transaction(db.PLATFORM):
        await queries.end(session_id, clock.now())


async def end_any(session_id: UUID) -> None:
    """End anybody's session; raises `NotFound` if there is none that lives."""
    async with db.transaction(db.PLATFORM):
        if not await queries.end(session_id, clock.now()):
            raise NotFound("session_not_found", "There is no such session.")


async def end_own(session_id: UUID, user_id: UUID) -> None:
    """End one of a user's sessions; raises `NotFound` if it is not theirs."""
    async with db.transaction(db.PLATFORM):
        if await queries.owner(session_id) != user_id:
            raise NotFound("session_not_found", "There is no such session.")
        await queries.end(session_id, clock.now())


async def end_all(user_id: UUID, *, keep: UUID | None = None) -> None:
    """End a user's sessions, all but one if asked so."""
    async with db.transaction(db.PLATFORM):
        await queries.end_of_user(user_id, clock.now(), keep)
