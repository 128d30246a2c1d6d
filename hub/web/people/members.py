"""People of an account, a partner or the platform: who they are, inviting, changing roles, removing."""

from typing import Any
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template

from hub.api.guards import may
from hub.kit.errors import Conflict, HubError
from hub.web.people import forms
from hub.web.people.sign_in import Runs
from hub.web.visitors import Stranger, Visit, signed_in, to_sign_in
from tenants.messages import Party, Principal, Role
from tenants.people import engine
from tenants.people import service as people
from tenants.people.messages import Invited, NewInvitation, NewRole, PartyView
from tenants.people.sessions import service as sessions
from tenants.permissions import allowed

PEOPLE = "/people"
FIELDS = ("email", "role", "locale", "account_id", "partner_id", "warehouse_id")


def who(request: Visit) -> Principal:
    """Return who acts, which the guards of these pages asked for."""
    assert request.user is not None  # noqa: S101 - the guard let no stranger through
    return request.user


class Members(Controller):
    """Who belongs here."""

    include_in_schema = False
    guards = (signed_in,)
    exception_handlers = {Stranger: to_sign_in}  # noqa: RUF012 - Litestar reads the class's attribute

    @get(PEOPLE, guards=[may("people.read")])
    async def read(self, request: Visit) -> Template:
        """List people and open invitations."""
        return await _people(request)

    @post(PEOPLE, guards=[may("people.invite")])
    async def invite(self, request: Visit, runtime: Runs) -> Template:
        """Invite somebody; where no mail is set up, the link is shown to pass on."""
        form, by = await forms.typed(request), who(request)
        given = {name: form.get(name, "") for name in FIELDS} | _own(by, form.get("role", ""))
        try:
            invited = await people.invite(forms.read(NewInvitation, given), runtime.post, by=by)
        except HubError as fault:
            return await _people(request, fault, field="email", form=form)
        return await _people(request, invited=invited, sent_to=form.get("email", ""))

    @post("/people/invitations/{invitation_id:uuid}/withdraw", guards=[may("people.invite")])
    async def withdraw(self, request: Visit, invitation_id: FromPath[UUID]) -> Redirect:
        """Take an invitation back."""
        await people.withdraw(invitation_id, by=who(request))
        return Redirect(PEOPLE, status_code=303)

    @get("/people/{membership_id:uuid}", guards=[may("people.read")])
    async def member(self, request: Visit, membership_id: FromPath[UUID]) -> Template:
        """Show one member."""
        return await _member(request, membership_id)

    @post("/people/{membership_id:uuid}/role", guards=[may("people.change")])
    async def change_role(self, request: Visit, membership_id: FromPath[UUID]) -> Response[Any]:
        """Give a member another role."""
        role = (await forms.typed(request)).get("role", "")
        try:
            given = forms.read(NewRole, {"role": role})
            await people.change_role(membership_id, given.role, by=who(request))
        except HubError as fault:
            return await _member(request, membership_id, fault)
        return Redirect(f"{PEOPLE}/{membership_id}", status_code=303)

    @post("/people/{membership_id:uuid}/remove", guards=[may("people.remove")])
    async def remove(self, request: Visit, membership_id: FromPath[UUID]) -> Response[Any]:
        """Take a membership away."""
        try:
            await people.remove(membership_id, by=who(request))
        except Conflict as fault:
            return await _member(request, membership_id, fault)
        return Redirect(PEOPLE, status_code=303)

    @post("/people/{membership_id:uuid}/sessions/end", guards=[may("sessions.end")])
    async def end_sessions(self, request: Visit, membership_id: FromPath[UUID]) -> Redirect:
        """End every session of a member, who has to sign in again."""
        member = await people.visible_member(membership_id, by=who(request))
        await sessions.end_all(member.user_id)
        return Redirect(f"{PEOPLE}/{membership_id}", status_code=303)


def _own(by: Principal, role: str) -> dict[str, str]:
    """Return the party that people of an account or a partner invite to: their own, unless it is a warehouse's role."""
    if people.own(by) is None or role == Role.WAREHOUSE_OPERATOR:
        return {}
    ids = {"account_id": by.account_id, "partner_id": by.partner_id}
    return {name: str(value) if value else "" for name, value in ids.items()}


def _places(by: Principal, parties: list[PartyView]) -> dict[str, dict[str, str]]:
    """Return the parties to choose from: an account or a partner invites to itself, or to a warehouse of its own."""
    chosen = [each for each in parties if people.own(by) is None or each.kind is Party.WAREHOUSE]
    return forms.places(chosen)


async def _people(
    request: Visit,
    fault: HubError | None = None,
    *,
    field: str = "",
    form: dict[str, str] | None = None,
    invited: Invited | None = None,
    sent_to: str = "",
) -> Template:
    by = who(request)
    found = await people.overview(by)
    return forms.show(
        "people", fault, field=field, form=form or {}, members=found.members, invitations=found.invitations,
        places=_places(by, found.parties), roles=engine.roles_to_give(by), invited=invited, sent_to=sent_to,
    )  # fmt: skip


async def _member(request: Visit, membership_id: UUID, fault: HubError | None = None) -> Template:
    by = who(request)
    member = await people.visible_member(membership_id, by=by)
    rights = allowed(by)
    return forms.show(
        "member", fault, field="role", member=member, roles=engine.roles_at(member.role.party), rights=rights,
        sessions=await sessions.of_user(member.user_id) if "sessions.read" in rights else [],
    )  # fmt: skip
