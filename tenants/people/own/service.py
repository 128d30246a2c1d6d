"""The verbs of one's own sign-in; each takes the session it is said in."""

from uuid import UUID

from hub.audit.service import record
from hub.kit import clock, db
from hub.kit.crypto import Keyring, Secret
from hub.kit.errors import Forbidden, NotFound
from tenants.people import queries
from tenants.people import service as people
from tenants.people.entry.messages import Arrival, Completed
from tenants.people.errors import FieldWrong
from tenants.people.factors import engine as factors_engine
from tenants.people.factors import queries as factors_queries
from tenants.people.factors import service as factors
from tenants.people.factors.messages import TotpSetUp
from tenants.people.messages import Letter, Post
from tenants.people.passkeys import service as passkeys
from tenants.people.passkeys.messages import PasskeyView, Question
from tenants.people.sessions import engine as sessions_engine
from tenants.people.sessions import queries as sessions_queries
from tenants.people.sessions import service as sessions
from tenants.people.sessions.messages import Person, Session, Stage
from tenants.people.throttle import engine as limits
from tenants.people.throttle import service as throttle
from tenants.people.throttle.engine import Lane


def person_of(session: Session | None) -> Person:
    """Return the person of a session that a provider does not answer for; raises `Forbidden`."""
    if session is None or session.person is None or session.through is not None:
        raise Forbidden("signed_in_elsewhere", "How you sign in is not kept here, so it cannot be changed here either.")
    return session.person


async def settled(session: Session | None) -> Person:
    """Return the person of a session whose second factor was shown or is not wanted; raises `Forbidden`."""
    person = person_of(session)
    if session is None or sessions_engine.stage(session) is Stage.SECOND_FACTOR:
        raise Forbidden("second_factor_needed", "Show your second factor first.")
    return person


# second factor ------------------------------------------------------------------------------------------


async def show_second_factor(session: Session, code: str, keyring: Keyring, known: str | None) -> Arrival:
    """Show a code of the app or a recovery code; the session goes on under a new token, in a known browser."""
    person = person_of(session)
    browser = await factors.is_known(known, person.email)
    lane = Lane("factor", f"{person.id}/{browser.hex() if browser else ''}", limits.PERSON)
    await throttle.claim(lane)
    if not (
        await factors.take_totp(person.id, code, keyring) if person.has_totp else False
    ) and not await factors.take_recovery_code(person.id, code):
        message = "This code is not right, too old, or was used before. Take the one that your app shows now."
        raise FieldWrong("code", "code_refused", message)
    await throttle.forgive([lane])
    return await _proven(session, person, remember=browser is None)


async def _proven(session: Session, person: Person, *, remember: bool) -> Arrival:
    known = Secret(await factors.know_browser(person.id)) if remember else None
    async with db.transaction(db.PLATFORM):
        await sessions_queries.show_second(session.id, clock.now())
        return Arrival(session=Secret(await sessions.rotate(session.id)), known=known)


async def begin_totp(session: Session | None, keyring: Keyring) -> TotpSetUp:
    """Return the secret to take over into an authenticator app."""
    person = await settled(session)
    return await factors.begin_totp(person.id, person.email, keyring)


async def complete_totp(session: Session, code: str, keyring: Keyring) -> Completed:
    """Prove that the app has the secret; recovery codes are made, and the other sessions end."""
    person = await settled(session)
    lane = Lane("factor", f"{person.id}/", limits.PERSON)
    await throttle.claim(lane)
    if person.has_totp or not await factors.take_totp(person.id, code, keyring):
        raise FieldWrong("code", "code_refused", "This is not the code that the app shows now. Is its clock right?")
    await throttle.forgive([lane])
    codes = await factors.new_recovery_codes(person.id)
    await sessions.end_all(person.id, keep=session.id)
    await _note(person, "totp.set_up")
    arrival = await _proven(session, person, remember=True)
    return Completed(arrival=arrival, codes=tuple(Secret(code) for code in codes))


async def remove_totp(session: Session | None, password: str) -> None:
    """Forget the authenticator app and the recovery codes."""
    person = await settled(session)
    await require_password(person, password)
    await factors.drop_totp(person.id)
    await _note(person, "totp.removed")


async def new_recovery_codes(session: Session | None, password: str) -> tuple[Secret, ...]:
    """Make new recovery codes; the old ones stand for nothing any more."""
    person = await settled(session)
    await require_password(person, password)
    codes = await factors.new_recovery_codes(person.id)
    await _note(person, "recovery_codes.made")
    return tuple(Secret(code) for code in codes)


# password -----------------------------------------------------------------------------------------------


async def require_password(person: Person, password: str, field: str = "current_password") -> None:
    """Raise `FieldWrong` unless this is the person's password; who has none is asked for none."""
    if not person.has_password:
        return
    lane = Lane("own password", str(person.id), limits.PERSON)
    await throttle.claim(lane)
    async with db.transaction(db.PLATFORM):
        held = await factors_queries.credentials(person.id)
    if not await factors.is_right(held.password if held else None, password):
        raise FieldWrong(field, "password_refused", "This is not your password.")
    await throttle.forgive([lane])


async def change_password(session: Session | None, current: str, new: str, post: Post) -> Arrival:
    """Set another password; the other sessions end and this one goes on under a new token."""
    person = await settled(session)
    assert session is not None  # noqa: S101 - `settled` refused that
    factors_engine.check_password("password", new, about=(person.email, person.name))
    await require_password(person, current)
    digest = await factors.hashed(new)
    async with db.transaction(db.PLATFORM):
        await factors_queries.set_password(person.id, digest)
        await factors_queries.drop_known_browsers(person.id)
        await sessions_queries.end_of_user(person.id, clock.now(), session.id)
        if post.send is not None:
            facts = {"name": person.name, "address": post.address}
            await post.send(Letter(to=person.email, template="password_changed", locale=person.locale, facts=facts))
        await record(actor=person.name, action="password.changed", subject=str(person.id))
        return Arrival(session=Secret(await sessions.rotate(session.id)))


# passkeys -----------------------------------------------------------------------------------------------


async def ask_for_passkey(session: Session | None, password: str, keyring: Keyring, *, address: str) -> Question:
    """Ask the browser to make a passkey, after the password."""
    person = await settled(session)
    await require_password(person, password)
    return await passkeys.ask_for_new(person, keyring, address=address)


async def add_passkey(
    session: Session, name: str, token: str, answer: str, keyring: Keyring, *, address: str
) -> tuple[PasskeyView, Arrival]:
    """Keep the passkey that the browser made; who just made one has shown a second factor."""
    person = await settled(session)
    made = await passkeys.add(person, name, token, answer, keyring, address=address)
    await _note(person, "passkey.added")
    return made, await _proven(session, person, remember=True)


async def remove_passkey(session: Session | None, passkey_id: UUID, password: str) -> None:
    """Forget a passkey; raises `NotFound` if it is not one's own."""
    person = await settled(session)
    await require_password(person, password)
    await passkeys.remove(passkey_id, person.id)
    await _note(person, "passkey.removed")


# invitations --------------------------------------------------------------------------------------------


async def accept(session: Session | None, token: str) -> Arrival:
    """Accept an invitation as who one is signed in; raises `Forbidden` if it is for another address."""
    person = await settled(session)
    assert session is not None  # noqa: S101 - `settled` refused that
    async with db.transaction(db.PLATFORM):
        invitation = await people.hold_invitation(token)
        if invitation.email != person.email:
            message = "This invitation is for another address. Sign out, and in with that one."
            raise Forbidden("invitation_not_yours", message)
        user = await queries.user(person.id)
        if user is None:
            raise NotFound("user_not_found", "There is no such user.")
        await people.join(invitation, user)
        held = [each for each in await queries.memberships(person.id) if people.at_same(each, invitation)]
        if held:
            await sessions_queries.choose(session.id, held[0].id)
        return Arrival(session=Secret(await sessions.rotate(session.id)))


async def _note(person: Person, action: str) -> None:
    async with db.transaction(db.PLATFORM):
        await record(actor=person.name, action=action, subject=str(person.id))
