"""The ways in, one verb each."""

import asyncio
from collections.abc import Mapping
from uuid import UUID

from hub.kit import clock, db
from hub.kit.crypto import Keyring, Secret
from hub.kit.errors import Invalid
from tenants.people import engine, queries
from tenants.people import service as people
from tenants.people.devices import service as devices
from tenants.people.devices.messages import Device
from tenants.people.entry.messages import Arrival, Door, Opening
from tenants.people.factors import engine as factors_engine
from tenants.people.factors import queries as factors_queries
from tenants.people.factors import service as factors
from tenants.people.links import queries as links_queries
from tenants.people.links import service as links
from tenants.people.links.engine import digest_of, gone
from tenants.people.messages import Post, Profile, Purpose, User
from tenants.people.passkeys import service as passkeys
from tenants.people.providers import service as providers
from tenants.people.providers.service import Ways
from tenants.people.sessions import queries as sessions_queries
from tenants.people.sessions import service as sessions
from tenants.people.sessions.engine import stage
from tenants.people.sessions.messages import Method, Origin, Stage
from tenants.people.throttle import engine as limits
from tenants.people.throttle import service as throttle
from tenants.people.throttle.engine import Lane

ANSWER_SECONDS = 0.15
REFUSED = "The e-mail address or the password is not right."


def origin(door: Door) -> Origin:
    """Return where a session begins."""
    return Origin(address=door.address, agent=door.agent)


async def by_password(email: str, password: str, door: Door) -> Arrival:
    """Come in by password; raises `Invalid` in one and the same way whatever was wrong, or `Throttled`."""
    own, shared = await _lanes(email, door)
    await throttle.claim(*own, *shared)
    held = await _credentials(email)
    if not await factors.is_right(held.password if held else None, password) or held is None:
        raise Invalid("sign_in_refused", REFUSED)
    await throttle.forgive(own, shared)
    await factors.freshen(held.user_id, held.password or "", password)
    async with db.transaction(db.PLATFORM):
        begun = await sessions.begin(origin(door), Method.PASSWORD, user_id=held.user_id)
    return await _remembered(begun, held.user_id) if shared else _arrived(begun)


async def _remembered(token: str, user_id: UUID) -> Arrival:
    """Let a browser be known from now on, unless a second factor is still to be shown in it."""
    found = await sessions.find(token, None)
    if found is None or stage(found) is Stage.SECOND_FACTOR:
        return _arrived(token)
    return Arrival(session=Secret(token), known=Secret(await factors.know_browser(user_id)))


def _normal(email: str) -> str | None:
    """Return an address as it is stored; None for what nobody can have, which is then looked at like any other."""
    try:
        return engine.normalise_email(email)
    except Invalid:
        return None


async def _lanes(email: str, door: Door) -> tuple[list[Lane], list[Lane]]:
    """Return what a try is counted for: a browser that is known counts for itself and is slowed by nobody else's."""
    normal = _normal(email)
    known = await factors.is_known(door.known.reveal(), normal) if door.known and normal else None
    if known is not None:
        return [Lane("browser", known.hex(), limits.PERSON)], []
    return [Lane("email", normal or email, limits.PERSON)], [Lane("address", door.address, limits.ADDRESS)]


async def _credentials(email: str) -> factors_queries.Credentials | None:
    normal = _normal(email)
    if normal is None:
        return None
    async with db.transaction(db.PLATFORM):
        return await factors_queries.credentials_by_email(normal)


def _arrived(token: str) -> Arrival:
    return Arrival(session=Secret(token))


# links --------------------------------------------------------------------------------------------------


async def check_link(token: str, purpose: Purpose) -> User:
    """Return whom a link is for, and use it up not yet; raises `NotFound`."""
    async with db.transaction(db.PLATFORM):
        user_id = await links_queries.link(digest_of(token), purpose, clock.now())
        user = await queries.user(user_id) if user_id else None
    if user is None:
        raise gone()
    return user


async def by_link(token: str, door: Door) -> Arrival:
    """Come in by a single-use link of the command line; raises `NotFound`."""
    async with db.transaction(db.PLATFORM):
        used = await links_queries.use_link(digest_of(token), Purpose.SIGN_IN, clock.now())
        if used is None:
            raise gone()
        return _arrived(await sessions.begin(origin(door), Method.LINK, user_id=used[0]))


async def forgot_password(email: str, door: Door, post: Post) -> None:
    """Have a link for a new password mailed; says nothing of whether anybody has this address."""
    normal = engine.normalise_email(email)
    await throttle.claim(Lane("mail", normal, limits.PERSON), Lane("mail from", door.address, limits.ADDRESS))
    # Writing a letter takes longer than writing none, and the time of the answer would tell.
    await asyncio.gather(links.forgot_password(normal, post), asyncio.sleep(ANSWER_SECONDS))


async def by_new_password(token: str, password: str, door: Door) -> Arrival:
    """Set a new password by a mailed link and come in; every session before ends.

    Where the address was never proven before, whoever set up factors was perhaps not its owner: they are forgotten.
    """
    user = await check_link(token, Purpose.PASSWORD)
    factors_engine.check_password("password", password, about=(user.email, user.name))
    digest, now = await factors.hashed(password), clock.now()
    async with db.transaction(db.PLATFORM):
        used = await links_queries.use_link(digest_of(token), Purpose.PASSWORD, now)
        if used is None:
            raise gone()
        if used[1] and user.verified_at is None:
            await factors_queries.drop_all(user.id)
        if used[1]:
            await queries.verify(user.id, now)
        await factors_queries.set_password(user.id, digest)
        await factors_queries.drop_known_browsers(user.id)
        await sessions_queries.end_of_user(user.id, now)
        return _arrived(await sessions.begin(origin(door), Method.PASSWORD, user_id=user.id))


async def by_invitation(token: str, profile: Profile, password: str, door: Door) -> Arrival:
    """Accept an invitation as somebody new; raises `Conflict` if the address has a user, who signs in instead."""
    invitation = await people.invitation_of(token)
    factors_engine.check_password("password", password, about=(invitation.email, profile.name))
    digest = await factors.hashed(password)
    async with db.transaction(db.PLATFORM):
        invitation = await people.hold_invitation(token)
        user = await people.add_user(invitation.email, profile)
        await factors_queries.set_password(user.id, digest)
        await people.join(invitation, user)
        return _arrived(await sessions.begin(origin(door), Method.PASSWORD, user_id=user.id))


# without a password -------------------------------------------------------------------------------------


async def by_passkey(token: str, answer: str, door: Door, keyring: Keyring, *, address: str) -> Arrival:
    """Come in by a passkey, which is both factors at once; raises `Invalid`."""
    user_id = await passkeys.owner(token, answer, keyring, address=address)
    if user_id is None:
        raise Invalid("passkey_refused", "This passkey was not taken. Try it once more, or sign in with your password.")
    known = await factors.know_browser(user_id)
    async with db.transaction(db.PLATFORM):
        begun = await sessions.begin(origin(door), Method.PASSKEY, user_id=user_id, strong=True)
    return Arrival(session=Secret(begun), known=Secret(known))


async def by_provider(query: Mapping[str, str], cookie: str | None, door: Door, ways: Ways) -> Opening:
    """Come in by what an account's or partner's own provider says; raises `HubError`."""
    provider, user, wanted = await providers.back(query, cookie, ways)
    async with db.transaction(db.PLATFORM):
        begun = await sessions.begin(origin(door), Method.PROVIDER, user_id=user.id, through=provider.through)
    return Opening(arrival=_arrived(begun), next=wanted, user_id=user.id)


async def by_pin(device: Device, operator_id: UUID, pin: str, door: Door, keyring: Keyring) -> Arrival:
    """Come in as an operator of the device's warehouse; raises `Invalid` or `Throttled`."""
    own = [Lane("operator", f"{device.id}/{operator_id}", limits.OPERATOR)]
    shared = [Lane("device", str(device.id), limits.DEVICE)]
    await throttle.claim(*own, *shared)
    if not await devices.is_right_pin(operator_id, device.warehouse_id, pin, keyring):
        raise Invalid("pin_refused", "The name or the PIN is not right.")
    await throttle.forgive(own, shared)
    async with db.transaction(db.PLATFORM):
        begun = await sessions.begin(origin(door), Method.PIN, operator_id=operator_id, device_id=device.id)
    return _arrived(begun)
