"""The verbs of who belongs to whom; each is one transaction."""

from datetime import timedelta
from uuid import UUID

import msgspec

from hub.audit.service import record
from hub.kit import clock, crypto, db
from hub.kit.errors import Conflict, Forbidden, Invalid, NotFound
from hub.kit.ids import new_id
from hub.kit.refusals import taken
from tenants.messages import Party, Principal, Role
from tenants.people import engine, queries
from tenants.people.errors import FieldWrong
from tenants.people.links.engine import digest_of, gone
from tenants.people.messages import (
    Invitation,
    Invited,
    Language,
    Letter,
    Member,
    Membership,
    NewInvitation,
    Overview,
    Owner,
    PartyView,
    Post,
    Profile,
    Reach,
    User,
)
from tenants.people.sessions import queries as sessions

INVITATION_LASTS = timedelta(days=7)
MOST_SHOWN = 500


# users --------------------------------------------------------------------------------------------------


async def add_user(email: str, profile: Profile) -> User:
    """Store a user in the caller's platform transaction; raises `Conflict` if the address is somebody's."""
    engine.check_time_zone(profile.time_zone)
    user = User(
        id=new_id(), email=engine.normalise_email(email), name=profile.name, locale=profile.locale,
        time_zone=profile.time_zone, verified_at=None, created_at=clock.now(),
    )  # fmt: skip
    with taken("users_email_key", "user_exists", "There is a user with this address already."):
        await queries.add_user(user)
    return user


async def change_profile(user_id: UUID, profile: Profile) -> User:
    """Store what people say about themselves."""
    engine.check_time_zone(profile.time_zone)
    async with db.transaction(db.PLATFORM):
        await queries.change_profile(user_id, profile.name, profile.locale, profile.time_zone)
        return await _user(user_id)


async def _user(user_id: UUID) -> User:
    found = await queries.user(user_id)
    if found is None:
        raise NotFound("user_not_found", "There is no such user.")
    return found


# invitations --------------------------------------------------------------------------------------------


async def invite(new: NewInvitation, post: Post, *, by: Principal) -> Invited:
    """Invite somebody by mail; where no mail is set up, the answer holds the link to pass on."""
    owner = Owner(account_id=new.account_id, partner_id=new.partner_id, warehouse_id=new.warehouse_id)
    if not engine.grants_fit(new.role, _party(owner)):
        raise FieldWrong("role", "role_owner", "This role does not fit whom it is for; take one of the roles listed.")
    try:
        email = engine.normalise_email(new.email)
    except Invalid as wrong:
        raise FieldWrong("email", wrong.code, wrong.message) from wrong
    token, now = crypto.new_key("invitation"), clock.now()
    link = f"{post.address}/invitations/{token.plain.reveal()}"
    async with db.transaction(db.PLATFORM):
        at = await _require_steward(by, owner)
        invitation = Invitation(
            id=new_id(), email=email, role=new.role, account_id=owner.account_id, partner_id=owner.partner_id,
            warehouse_id=owner.warehouse_id, at=at, mailed=post.send is not None, invited_by=by.name, created_at=now,
            expires_at=now + INVITATION_LASTS,
        )  # fmt: skip
        await queries.add_invitation(invitation, token.digest)
        after = {"role": new.role, **plain(owner)}
        await record(
            actor=by.actor,
            action="member.invited",
            subject=str(invitation.id),
            account_id=owner.account_id,
            after=after,
        )
        if post.send is not None:
            await post.send(_invitation_letter(invitation, new.locale, link))
    return Invited(id=invitation.id, link=None if post.send else link, expires_at=invitation.expires_at)


def _invitation_letter(invitation: Invitation, locale: Language, link: str) -> Letter:
    facts = {
        "inviter": invitation.invited_by, "at": invitation.at or "", "role": invitation.role.value, "link": link,
        "days": str(INVITATION_LASTS.days),
    }  # fmt: skip
    return Letter(to=invitation.email, template="invitation", locale=locale, facts=facts)


async def invitation_of(token: str) -> Invitation:
    """Return the invitation that a link stands for; raises `NotFound`."""
    async with db.transaction(db.PLATFORM):
        return await hold_invitation(token)


async def hold_invitation(token: str) -> Invitation:
    """Return the invitation of a link and keep others from answering it until the transaction ends."""
    found = await queries.invitation_by_digest(digest_of(token), clock.now())
    if found is None:
        raise gone()
    return found


async def join(invitation: Invitation, user: User) -> None:
    """Let a user accept an invitation, in the caller's platform transaction; it is used up."""
    now = clock.now()
    owner = owner_of(invitation)
    if await queries.add_membership(new_id(), user.id, invitation.role, owner, now):
        after = {"role": invitation.role, **plain(owner)}
        await record(
            actor=user.name, action="member.joined", subject=str(user.id), account_id=owner.account_id, after=after
        )
    await queries.end_invitation(invitation.id, now, user.id)
    if invitation.mailed:
        await queries.verify(user.id, now)


async def withdraw(invitation_id: UUID, *, by: Principal) -> None:
    """Take an invitation back; raises `NotFound`."""
    async with db.transaction(db.PLATFORM):
        found = await queries.invitation(invitation_id)
        if found is None or not await _stewards(by, owner_of(found)):
            raise NotFound("invitation_not_found", "There is no such open invitation.")
        await queries.end_invitation(invitation_id, clock.now())
        await record(
            actor=by.actor, action="invitation.withdrawn", subject=str(invitation_id), account_id=found.account_id
        )


# members ------------------------------------------------------------------------------------------------


async def change_role(membership_id: UUID, role: Role, *, by: Principal) -> Member:
    """Give a member another role of the same party; their sessions under the old one end."""
    async with db.transaction(db.PLATFORM):
        held = await _stewarded(membership_id, by)
        if not engine.grants_fit(role, held.role.party):
            raise FieldWrong("role", "role_owner", "This role does not fit whom it is for; take one of those listed.")
        await _keep_an_admin(held, role)
        await queries.change_role(membership_id, role)
        await sessions.end_of_membership(membership_id, clock.now())
        await record(
            actor=by.actor, action="member.changed", subject=str(held.user_id), account_id=held.account_id,
            before={"role": held.role}, after={"role": role},
        )  # fmt: skip
        return msgspec.structs.replace(held, role=role)


async def remove(membership_id: UUID, *, by: Principal) -> None:
    """Take a membership away, at once: its sessions end with it. The user stays for other memberships."""
    async with db.transaction(db.PLATFORM):
        held = await _stewarded(membership_id, by)
        await _keep_an_admin(held, None)
        await sessions.end_of_membership(membership_id, clock.now())
        await queries.remove_membership(membership_id)
        await record(
            actor=by.actor, action="member.removed", subject=str(held.user_id), account_id=held.account_id,
            before={"role": held.role},
        )  # fmt: skip


async def _keep_an_admin(held: Member, role: Role | None) -> None:
    if held.role is Role.SUPPORT_ADMIN and role is not Role.SUPPORT_ADMIN and await queries.hold_support_admins() < 2:  # noqa: PLR2004 - this one and another
        raise Conflict("last_support_admin", "This is the last support admin; make another one first.")


async def visible_member(membership_id: UUID, *, by: Principal) -> Member:
    """Return one member that somebody sees; raises `NotFound`."""
    async with db.transaction(db.PLATFORM):
        held = await queries.member(membership_id)
        if held is None or not engine.is_within(await reach_of(by), owner_of(held)):
            raise NotFound("member_not_found", "There is no such member.")
        return held


async def overview(by: Principal) -> Overview:
    """Return the people that somebody sees, who is invited, and the parties to invite to."""
    async with db.transaction(db.PLATFORM):
        reach = await reach_of(by)
        return Overview(
            members=await queries.members(reach, None, MOST_SHOWN),
            invitations=await queries.invitations(reach, clock.now()),
            parties=await queries.parties(reach),
        )


async def members(by: Principal, after: UUID | None, limit: int) -> list[Member]:
    """List the people that somebody sees."""
    async with db.transaction(db.PLATFORM):
        return await queries.members(await reach_of(by), after, limit)


async def invitations(by: Principal) -> list[Invitation]:
    """List the invitations that somebody sees and that wait for an answer."""
    async with db.transaction(db.PLATFORM):
        return await queries.invitations(await reach_of(by), clock.now())


async def parties(by: Principal) -> list[PartyView]:
    """List the parties that somebody sees."""
    async with db.transaction(db.PLATFORM):
        return await queries.parties(await reach_of(by))


async def reach_of(by: Principal) -> Reach:
    """Return whose people somebody sees, in a platform transaction."""
    if by.party is Party.PLATFORM:
        return Reach(everything=True)
    own = await queries.warehouses_of(by.account_id, by.partner_id)
    return Reach(account_id=by.account_id, partner_id=by.partner_id, warehouse_ids=tuple(sorted(own)))


async def _stewarded(membership_id: UUID, by: Principal) -> Member:
    held = await queries.member(membership_id)
    if held is None or not await _stewards(by, owner_of(held)):
        raise NotFound("member_not_found", "There is no such member.")
    return held


# What ended is kept for a while: its owner may ask, and a form typed in an ended session is known by it.
KEPT_FOR = timedelta(days=30)


async def prune() -> None:
    """Forget ceremonies and counted tries that are over; links, invitations, sessions and mails a month later."""
    async with db.transaction(db.PLATFORM):
        now = clock.now()
        await queries.prune(now, now - KEPT_FOR)


# whose --------------------------------------------------------------------------------------------------


def owner_of(held: Invitation | Member) -> Owner:
    """Return the party that an invitation or a member is of."""
    return Owner(account_id=held.account_id, partner_id=held.partner_id, warehouse_id=held.warehouse_id)


def at_same(held: Membership, invitation: Invitation) -> bool:
    """Say whether a membership is of the party that an invitation is for."""
    return (held.account_id, held.partner_id, held.warehouse_id) == (
        invitation.account_id,
        invitation.partner_id,
        invitation.warehouse_id,
    )


def own(principal: Principal) -> Owner | None:
    """Return the party whose people somebody sees; None for the platform, which sees all."""
    if principal.party is Party.PLATFORM:
        return None
    return Owner(account_id=principal.account_id, partner_id=principal.partner_id, warehouse_id=principal.warehouse_id)


def _party(owner: Owner) -> Party | None:
    given = {Party.ACCOUNT: owner.account_id, Party.PARTNER: owner.partner_id, Party.WAREHOUSE: owner.warehouse_id}
    found = [party for party, id_ in given.items() if id_ is not None]
    if len(found) > 1:
        return None
    return found[0] if found else Party.PLATFORM


def plain(owner: Owner) -> dict[str, UUID]:
    """Return a party as the audit log keeps it."""
    return {name: value for name, value in msgspec.structs.asdict(owner).items() if value is not None}


async def stewards(by: Principal, owner: Owner) -> bool:
    """Say whether somebody decides who belongs to a party; in a platform transaction."""
    return await _stewards(by, owner)


async def _stewards(by: Principal, owner: Owner) -> bool:
    if owner.warehouse_id is None or by.party is Party.PLATFORM:
        return engine.may_steward(by, owner)
    return engine.may_steward(by, owner, await queries.warehouses_of(by.account_id, by.partner_id))


async def _require_steward(by: Principal, owner: Owner) -> str | None:
    """Return the party's name; another's is not there. Raises `Forbidden` for those who decide for nobody."""
    if not engine.is_steward(by):
        raise Forbidden("role_lacks_right", "Inviting and removing people is for admins.")
    party, name = _party(owner), await queries.name_of(owner)
    stands = await _stewards(by, owner)
    if party is Party.PLATFORM and not stands:
        raise Forbidden("role_lacks_right", "Only a support admin invites people to the platform.")
    if party is not Party.PLATFORM and (name is None or not stands):
        raise NotFound(f"{party}_not_found", f"There is no such {party}.")
    return name
