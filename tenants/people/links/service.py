"""The verbs of links, and of who comes in by one."""

from datetime import timedelta
from uuid import UUID

from hub.audit.service import record
from hub.kit import clock, crypto, db
from hub.kit.errors import NotFound
from hub.kit.ids import new_id
from tenants.messages import Role
from tenants.people import engine
from tenants.people import queries as people
from tenants.people import service as members
from tenants.people.factors import queries as factors
from tenants.people.links import queries
from tenants.people.messages import Letter, Owner, Post, Profile, Purpose
from tenants.people.sessions import queries as sessions

SIGN_IN_LASTS = timedelta(hours=24)
PASSWORD_LASTS = timedelta(hours=1)


async def make_support_admin(email: str, profile: Profile, *, address: str, actor: str) -> str:
    """Make a support admin, or find who already has this address, and return a link that signs in once."""
    return await let_in(email, profile, Role.SUPPORT_ADMIN, Owner(), address=address, actor=actor)


async def let_in(email: str, profile: Profile, role: Role, owner: Owner, *, address: str, actor: str) -> str:
    """Make a member without an invitation, or find who already has this address, and return a link for them."""
    normal, now = engine.normalise_email(email), clock.now()
    async with db.transaction(db.PLATFORM):
        user = await people.user_by_email(normal) or await members.add_user(normal, profile)
        added = await people.add_membership(new_id(), user.id, role, owner, now)
        if added or await people.give_role(user.id, role, owner):
            after = {"role": role, **members.plain(owner)}
            await record(
                actor=actor, action="member.added", subject=str(user.id), account_id=owner.account_id, after=after
            )
        return await _new_link(user.id, Purpose.SIGN_IN, address, mailed=False)


async def sign_in_link(email: str, *, address: str, forget: bool = False, actor: str) -> str:
    """Return a link that signs a user in once, if asked so after forgetting all their factors; raises `NotFound`."""
    async with db.transaction(db.PLATFORM):
        user = await people.user_by_email(engine.normalise_email(email))
        if user is None:
            raise NotFound("user_not_found", "There is no user with this address.")
        if forget:
            await factors.drop_all(user.id)
            await sessions.end_of_user(user.id, clock.now())
        await record(actor=actor, action="sign_in_link.made", subject=str(user.id), after={"factors_forgotten": forget})
        return await _new_link(user.id, Purpose.SIGN_IN, address, mailed=False)


async def _new_link(user_id: UUID, purpose: Purpose, address: str, *, mailed: bool) -> str:
    token, now = crypto.new_key("link"), clock.now()
    lasts = SIGN_IN_LASTS if purpose is Purpose.SIGN_IN else PASSWORD_LASTS
    await queries.add_link(token.digest, user_id, purpose, now, now + lasts, mailed=mailed)
    path = "links" if purpose is Purpose.SIGN_IN else "new-password"
    return f"{address}/{path}/{token.plain.reveal()}"


async def forgot_password(email: str, post: Post) -> None:
    """Mail a link for a new password, if somebody has this address and mail is set up; says nothing either way."""
    async with db.transaction(db.PLATFORM):
        user = await people.user_by_email(engine.normalise_email(email))
        if user is None or post.send is None:
            return
        await queries.drop_links(user.id, Purpose.PASSWORD, clock.now())
        link = await _new_link(user.id, Purpose.PASSWORD, post.address, mailed=True)
        facts = {"name": user.name, "link": link, "minutes": str(int(PASSWORD_LASTS.total_seconds() // 60))}
        await post.send(Letter(to=user.email, template="new_password", locale=user.locale, facts=facts))
