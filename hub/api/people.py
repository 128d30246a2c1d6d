"""People: who belongs to whom, who is invited, and where they are signed in."""

from uuid import UUID

from litestar import Controller, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from hub.api.access import Who
from hub.api.guards import may
from hub.api.pages import DEFAULT, Cursor, Limit, Page, after, page
from hub.runtime import Runtime
from tenants.people import service
from tenants.people.messages import Invitation, Invited, Member, NewInvitation, NewRole
from tenants.people.sessions import service as sessions
from tenants.people.sessions.messages import SessionView


class Members(Controller):
    """Users as members of a party."""

    path = "/members"
    tags = ("People",)

    @get(guards=[may("people.read")])
    async def index(self, principal: Who, cursor: Cursor = None, limit: Limit = DEFAULT) -> Page[Member]:
        """List the people you may see, in the order they became members."""
        found = await service.members(principal, after(cursor), limit)
        return page(found, limit, lambda each: each.membership_id)

    @patch("/{membership_id:uuid}", guards=[may("people.change")])
    async def change(self, membership_id: FromPath[UUID], data: JSONBody[NewRole], principal: Who) -> Member:
        """Give a member another role; whoever acts under the old one signs in again."""
        return await service.change_role(membership_id, data.role, by=principal)

    @delete("/{membership_id:uuid}", guards=[may("people.remove")])
    async def remove(self, membership_id: FromPath[UUID], principal: Who) -> None:
        """Take a membership away, at once."""
        await service.remove(membership_id, by=principal)

    @get("/{membership_id:uuid}/sessions", guards=[may("sessions.read")])
    async def sessions(self, membership_id: FromPath[UUID], principal: Who) -> list[SessionView]:
        """List where a member is signed in, the last used first."""
        found = await service.visible_member(membership_id, by=principal)
        return await sessions.of_user(found.user_id)

    @delete("/{membership_id:uuid}/sessions", guards=[may("sessions.end")])
    async def end_sessions(self, membership_id: FromPath[UUID], principal: Who) -> None:
        """Sign a member out everywhere."""
        found = await service.visible_member(membership_id, by=principal)
        await sessions.end_all(found.user_id)


class Sessions(Controller):
    """Where people are signed in."""

    path = "/sessions"
    tags = ("People",)

    @delete("/{session_id:uuid}", guards=[may("sessions.end")])
    async def end(self, session_id: FromPath[UUID]) -> None:
        """End one session; its next request finds nobody."""
        await sessions.end_any(session_id)


class Invitations(Controller):
    """Who is invited."""

    path = "/invitations"
    tags = ("People",)

    @post(guards=[may("people.invite")])
    async def create(self, data: JSONBody[NewInvitation], principal: Who, runtime: NamedDependency[Runtime]) -> Invited:
        """Invite somebody by mail; where no mail is set up, the answer holds the link to pass on."""
        return await service.invite(data, runtime.post, by=principal)

    @get(guards=[may("people.read")])
    async def index(self, principal: Who) -> list[Invitation]:
        """List the invitations you may see that wait for an answer, newest first."""
        return await service.invitations(principal)

    @delete("/{invitation_id:uuid}", guards=[may("people.invite")])
    async def withdraw(self, invitation_id: FromPath[UUID], principal: Who) -> None:
        """Take an invitation back; its link stands for nothing any more."""
        await service.withdraw(invitation_id, by=principal)


CONTROLLERS = (Members, Sessions, Invitations)
