"""My account: who I am, how I sign in, where I am signed in, and what I act as."""

from typing import Any
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect, Template

from hub.api.guards import anyone
from hub.kit import db
from hub.kit.crypto import Secret
from hub.kit.errors import HubError, NotFound
from hub.web.people import forms
from hub.web.people.sign_in import Runs, come_in
from hub.web.visitors import HOME, Stranger, Visit, own_path, settled_in, to_sign_in
from tenants.people import engine
from tenants.people import service as people
from tenants.people.entry.messages import Arrival
from tenants.people.factors import service as factors
from tenants.people.messages import Profile
from tenants.people.own import service as own
from tenants.people.passkeys import service as passkeys
from tenants.people.sessions import service as sessions
from tenants.people.sessions.messages import Person, Session
from tenants.permissions import allowed

ACCOUNT = "/account"
MEMBER_GONE = NotFound("member_not_found", "You are no such member.")
SESSION_GONE = NotFound("session_not_found", "There is no such session.")


def held(request: Visit) -> Session:
    """Return the session, which the guard of these pages asked for."""
    assert request.auth is not None  # noqa: S101 - the guard let no stranger through
    return request.auth


class Account(Controller):
    """One's own account; nobody needs a right for it, and who only reads elsewhere changes it too."""

    include_in_schema = False
    guards = (anyone, settled_in)
    exception_handlers = {Stranger: to_sign_in}  # noqa: RUF012 - Litestar reads the class's attribute

    @get(ACCOUNT)
    async def read(self, request: Visit) -> Template:
        """Show one's account."""
        return await _account(request)

    @post(ACCOUNT)
    async def change(self, request: Visit) -> Response[Any]:
        """Store name, language and time zone."""
        form = await forms.typed(request)
        person = await own.settled(held(request))
        try:
            profile = forms.read(Profile, {name: form.get(name, "") for name in ("name", "locale", "time_zone")})
            with db.only_reading(reading=False):
                await people.change_profile(person.id, profile)
        except HubError as fault:
            return await _account(request, fault, field="time_zone", form=form)
        return Redirect(ACCOUNT, status_code=303)

    @post("/account/password")
    async def change_password(self, request: Visit, runtime: Runs) -> Response[Any]:
        """Set another password; every other session ends."""
        form = await forms.typed(request)
        try:
            with db.only_reading(reading=False):
                arrival = await own.change_password(
                    request.auth, form.get("current_password", ""), form.get("password", ""), runtime.post
                )
        except HubError as fault:
            return await _account(request, fault, field="password")
        return forms.arrive(request, arrival, ACCOUNT)

    # sessions and memberships ---------------------------------------------------------------------------

    @post("/account/sessions/end")
    async def end_session(self, request: Visit) -> Redirect:
        """End one of one's sessions, or all but this one."""
        form = await forms.typed(request)
        person = await own.settled(held(request))
        with db.only_reading(reading=False):
            if form.get("session") == "others":
                await sessions.end_all(person.id, keep=held(request).id)
            else:
                await sessions.end_own(forms.identifier(form.get("session", ""), SESSION_GONE), person.id)
        return Redirect(ACCOUNT, status_code=303)

    @get("/memberships", sync_to_thread=False)
    def memberships(self, request: Visit, next: FromQuery[str] = HOME) -> Template:  # noqa: A002 - the name is part of the address
        """Show what one may act as."""
        return forms.show("memberships", session=held(request), next=own_path(next))

    @post("/memberships")
    async def choose(self, request: Visit) -> Redirect:
        """Act as another membership from now on."""
        form = await forms.typed(request)
        membership_id = forms.identifier(form.get("membership", ""), MEMBER_GONE)
        with db.only_reading(reading=False):
            token = await sessions.choose(held(request), membership_id)
        arrival = Arrival(session=Secret(token))
        return forms.arrive(request, arrival, own_path(form.get("next", "")))

    # authenticator app ----------------------------------------------------------------------------------

    @get("/account/authenticator")
    async def offer_app(self, request: Visit, runtime: Runs, next: FromQuery[str] = HOME) -> Response[Any]:  # noqa: A002 - as above
        """Show the secret to take over into an authenticator app."""
        if (await own.settled(request.auth)).has_totp:
            return Redirect(ACCOUNT, status_code=303)
        return await _authenticator(request, runtime, own_path(next))

    @post("/account/authenticator")
    async def set_app_up(self, request: Visit, runtime: Runs) -> Response[Any]:
        """Prove that the app has the secret, and show the recovery codes once."""
        form = await forms.typed(request)
        wanted = own_path(form.get("next", ""))
        try:
            with db.only_reading(reading=False):
                done = await own.complete_totp(held(request), form.get("code", ""), runtime.keyring)
        except HubError as fault:
            return await _authenticator(request, runtime, wanted, fault)
        return _codes(request, done.codes, wanted, done.arrival)

    @post("/account/authenticator/remove")
    async def remove_app(self, request: Visit) -> Response[Any]:
        """Forget the authenticator app."""
        form = await forms.typed(request)
        try:
            with db.only_reading(reading=False):
                await own.remove_totp(request.auth, form.get("current_password", ""))
        except HubError as fault:
            return await _account(request, fault, field="current_password", part="authenticator")
        return Redirect(ACCOUNT, status_code=303)

    @post("/account/recovery-codes")
    async def make_codes(self, request: Visit) -> Response[Any]:
        """Make new recovery codes and show them once."""
        form = await forms.typed(request)
        try:
            with db.only_reading(reading=False):
                codes = await own.new_recovery_codes(request.auth, form.get("current_password", ""))
        except HubError as fault:
            return await _account(request, fault, field="current_password", part="authenticator")
        return _codes(request, codes, ACCOUNT)

    # passkeys -------------------------------------------------------------------------------------------

    @post("/account/passkeys")
    async def ask_for_passkey(self, request: Visit, runtime: Runs) -> Response[Any]:
        """Ask the browser to make a passkey."""
        form = await forms.typed(request)
        try:
            with db.only_reading(reading=False):
                question = await own.ask_for_passkey(
                    request.auth, form.get("current_password", ""), runtime.keyring, address=runtime.settings.address
                )
        except HubError as fault:
            return await _account(request, fault, field="current_password", part="passkeys")
        return forms.show("passkey", question=question)

    @post("/account/passkeys/add")
    async def add_passkey(self, request: Visit, runtime: Runs) -> Response[Any]:
        """Keep the passkey that the browser made."""
        form = await forms.typed(request)
        name = "".join(each for each in form.get("name", "") if each.isprintable()).strip()[:100] or "Passkey"
        try:
            with db.only_reading(reading=False):
                _, arrival = await own.add_passkey(
                    held(request), name, form.get("token", ""), form.get("answer", ""), runtime.keyring,
                    address=runtime.settings.address,
                )  # fmt: skip
        except HubError as fault:
            return await _account(request, fault, field="passkey", part="passkeys")
        return await come_in(request, arrival, ACCOUNT)

    @post("/account/passkeys/{passkey_id:uuid}/remove")
    async def remove_passkey(self, request: Visit, passkey_id: FromPath[UUID]) -> Response[Any]:
        """Forget a passkey."""
        form = await forms.typed(request)
        try:
            with db.only_reading(reading=False):
                await own.remove_passkey(request.auth, passkey_id, form.get("current_password", ""))
        except NotFound:
            raise
        except HubError as fault:
            return await _account(request, fault, field="current_password", part="passkeys")
        return Redirect(ACCOUNT, status_code=303)


async def _account(
    request: Visit,
    fault: HubError | None = None,
    *,
    field: str = "",
    part: str = "",
    form: dict[str, str] | None = None,
) -> Template:
    session = held(request)
    person = session.person
    assert person is not None  # noqa: S101 - the guard let only people through
    if fault is None and session.through is None:
        await own.settled(session)
    return forms.show(
        "account", fault, field=field, part=part, session=session, person=person, form=form or _form(person),
        zones=engine.time_zones(), sessions=await sessions.of_user(person.id),
        rights=allowed(request.user) if request.user else frozenset(),
        passkeys=await passkeys.of_user(person.id), codes_left=await factors.recovery_codes_left(person.id),
    )  # fmt: skip


def _form(person: Person) -> dict[str, str]:
    return {"name": person.name, "locale": person.locale.value, "time_zone": person.time_zone}


async def _authenticator(request: Visit, runtime: Runs, wanted: str, fault: HubError | None = None) -> Template:
    with db.only_reading(reading=False):
        set_up = await own.begin_totp(request.auth, runtime.keyring)
    return forms.show("authenticator", fault, field="code", set_up=set_up, next=wanted)


def _codes(request: Visit, codes: tuple[Secret, ...], wanted: str, arrival: Arrival | None = None) -> Template:
    page = forms.show("recovery_codes", codes=[code.reveal() for code in codes], next=wanted)
    if arrival is not None:
        for each in forms.arrive(request, arrival, wanted).cookies:
            page.set_cookie(each)
    return page
