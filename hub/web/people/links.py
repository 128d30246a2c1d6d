"""Pages behind links: signing in once, a forgotten password, an invitation, the enrolment of a device.

Looking at such a page uses nothing up, for programs that read mail look at every link; its button does.
"""

from typing import Any

from litestar import Controller, Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template

from hub.api.guards import anyone
from hub.kit.errors import Conflict, Forbidden, HubError, NotFound
from hub.web import cookies
from hub.web.people import forms
from hub.web.people.sign_in import Runs, come_in
from hub.web.visitors import HOME, Visit
from tenants.people import engine
from tenants.people import service as people
from tenants.people.devices import service as devices
from tenants.people.entry import service as entry
from tenants.people.messages import Invitation, Profile, Purpose
from tenants.people.own import service as own

# Where most who are invited work; they choose another one there.
HOME_ZONE = Profile(name="x").time_zone


class Links(Controller):
    """Single-use links."""

    include_in_schema = False
    guards = (anyone,)

    @get("/links/{token:str}")
    async def offer(self, token: FromPath[str]) -> Template:
        """Offer to sign in by a link of the command line."""
        user = await entry.check_link(token, Purpose.SIGN_IN)
        return forms.show("link", token=token, name=user.name)

    @post("/links/{token:str}")
    async def use(self, token: FromPath[str], request: Visit) -> Redirect:
        """Sign in by a link, once."""
        return await come_in(request, await entry.by_link(token, forms.door(request)), HOME)

    # forgotten password ---------------------------------------------------------------------------------

    @get("/forgot-password", sync_to_thread=False)
    def forgot(self, runtime: Runs) -> Template:
        """Ask whose password is forgotten."""
        return forms.show("forgot_password", email="", done=False, mails=runtime.post.send is not None)

    @post("/forgot-password")
    async def send_link(self, request: Visit, runtime: Runs) -> Template:
        """Mail a link, and say the same whether anybody has this address."""
        email = (await forms.typed(request)).get("email", "")
        mails = runtime.post.send is not None
        try:
            await entry.forgot_password(email, forms.door(request), runtime.post)
        except HubError as fault:
            return forms.show("forgot_password", fault, field="email", email=email, done=False, mails=mails)
        return forms.show("forgot_password", email=email, done=True, mails=mails)

    @get("/new-password/{token:str}")
    async def ask_for_password(self, token: FromPath[str]) -> Template:
        """Ask for a new password."""
        user = await entry.check_link(token, Purpose.PASSWORD)
        return forms.show("new_password", token=token, email=user.email)

    @post("/new-password/{token:str}")
    async def set_password(self, token: FromPath[str], request: Visit) -> Response[Any]:
        """Set the new password and come in."""
        form = await forms.typed(request)
        try:
            arrival = await entry.by_new_password(token, form.get("password", ""), forms.door(request))
        except NotFound:
            raise
        except HubError as fault:
            user = await entry.check_link(token, Purpose.PASSWORD)
            return forms.show("new_password", fault, field="password", token=token, email=user.email)
        return await come_in(request, arrival, HOME)

    # invitations ----------------------------------------------------------------------------------------

    @get("/invitations/{token:str}")
    async def read_invitation(self, token: FromPath[str], request: Visit) -> Template:
        """Show who invites to what, and how to accept."""
        return _invitation(await people.invitation_of(token), token, request)

    @post("/invitations/{token:str}")
    async def accept_as_new(self, token: FromPath[str], request: Visit) -> Response[Any]:
        """Accept as somebody new, with a name and a password."""
        form = await forms.typed(request)
        invitation = await people.invitation_of(token)
        try:
            profile = forms.read(Profile, {name: form.get(name, "") for name in ("name", "locale", "time_zone")})
            arrival = await entry.by_invitation(token, profile, form.get("password", ""), forms.door(request))
        except Conflict:
            message = "There is a sign-in for this address already. Sign in below, and accept as who you are."
            return _invitation(invitation, token, request, Conflict("user_exists", message), form=form)
        except NotFound:
            raise
        except HubError as fault:
            return _invitation(invitation, token, request, fault, form=form)
        return await come_in(request, arrival, HOME)

    @post("/invitations/{token:str}/accept")
    async def accept_as_self(self, token: FromPath[str], request: Visit) -> Response[Any]:
        """Accept as who is signed in."""
        try:
            arrival = await own.accept(request.auth, token)
        except Forbidden as fault:
            return _invitation(await people.invitation_of(token), token, request, fault, field="accept")
        return await come_in(request, arrival, HOME)

    # devices --------------------------------------------------------------------------------------------

    @get("/enrol/{token:str}")
    async def offer_enrolment(self, token: FromPath[str]) -> Template:
        """Offer to make this browser a device of a warehouse."""
        return forms.show("enrol", token=token, device=await devices.waiting(token))

    @post("/enrol/{token:str}")
    async def enrol(self, token: FromPath[str]) -> Redirect:
        """Make this browser a device of a warehouse."""
        held = await devices.enrol(token)
        return Redirect("/pin", status_code=303, cookies=[cookies.cookie(cookies.DEVICE, held)])


def _invitation(
    invitation: Invitation,
    token: str,
    request: Visit,
    fault: HubError | None = None,
    *,
    field: str = "password",
    form: dict[str, str] | None = None,
) -> Template:
    person = request.auth.person if request.auth else None
    return forms.show(
        "invitation", fault, field=field, invitation=invitation, token=token, person=person,
        form=form or {"time_zone": HOME_ZONE}, zones=engine.time_zones(),
    )  # fmt: skip
