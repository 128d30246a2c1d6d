"""Signing in: by password and second factor, passkey, company provider, PIN or API key; and signing out."""

from typing import Any

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import Redirect, Template

from hub.api.guards import anyone
from hub.kit.errors import HubError, Invalid, NotFound
from hub.runtime import Runtime
from hub.web import cookies
from hub.web.people import forms
from hub.web.visitors import HELD_KEY, HOME, Stranger, Visit, after, enter, own_path, person_in, to_sign_in
from tenants.people.devices import service as devices
from tenants.people.devices.messages import Device
from tenants.people.entry import service as entry
from tenants.people.entry.messages import Arrival
from tenants.people.own import service as own
from tenants.people.passkeys import service as passkeys
from tenants.people.providers import service as providers
from tenants.people.providers.service import Ways
from tenants.people.sessions import service as sessions

Runs = NamedDependency[Runtime]


def ways(runtime: Runtime) -> Ways:
    """Return what signing in at a provider needs around it."""
    return Ways(egress=runtime.egress, keyring=runtime.keyring, address=runtime.settings.address)


async def come_in(request: Visit, arrival: Arrival, wanted: str) -> Redirect:
    """Let somebody in and send them to the next step of signing in, or to the page they wanted."""
    found = await sessions.find(arrival.session.reveal(), request.cookies.get(cookies.DEVICE))
    return forms.arrive(request, arrival, after(found, own_path(wanted)))


class SignIn(Controller):
    """Pages for who is not in yet."""

    include_in_schema = False
    guards = (anyone,)

    @get("/sign-in", sync_to_thread=False)
    def ask(self, next: FromQuery[str] = HOME) -> Template:  # noqa: A002 - the name is part of the address
        """Ask for e-mail address and password."""
        return forms.show("sign_in", next=own_path(next), email="")

    @post("/sign-in")
    async def by_password(self, request: Visit) -> Response[Any]:
        """Come in by password; the answer to everything that is wrong is the same."""
        form = await forms.typed(request)
        wanted, email = own_path(form.get("next", "")), form.get("email", "")
        try:
            arrival = await entry.by_password(email, form.get("password", ""), forms.door(request))
        except HubError as fault:
            return forms.show("sign_in", fault, field="password", next=wanted, email=email)
        return await come_in(request, arrival, wanted)

    @get("/sign-in/key", sync_to_thread=False)
    def ask_for_key(self, next: FromQuery[str] = HOME) -> Template:  # noqa: A002 - as above
        """Ask for an API key, as warehouse terminals have."""
        return _key(own_path(next))

    @post("/sign-in/key")
    async def by_key(self, request: Visit) -> Response[Any]:
        """Open a session and go on; every key that does not work gets the same answer."""
        form = await forms.typed(request)
        wanted = own_path(form.get("next", ""))
        prefix = await enter(form.get("key", "").strip())
        if prefix is None:
            return _key(wanted, refused=True)
        request.set_session({HELD_KEY: prefix})
        held = [cookies.gone(cookies.SESSION)] if cookies.SESSION in request.cookies else None
        return Redirect(wanted, status_code=303, cookies=held)

    @post("/sign-out")
    async def sign_out(self, request: Visit) -> Redirect:
        """Close the session, on the server too."""
        if request.auth is not None:
            await sessions.end(request.auth.id)
        request.clear_session()
        return Redirect(HOME, status_code=303, cookies=[cookies.gone(cookies.SESSION), cookies.gone(cookies.FORM)])

    # passkeys -------------------------------------------------------------------------------------------

    @get("/sign-in/passkey")
    async def ask_for_passkey(self, runtime: Runs, next: FromQuery[str] = HOME) -> Template:  # noqa: A002 - as above
        """Ask the browser for a passkey."""
        return await _passkey(runtime, own_path(next))

    @post("/sign-in/passkey")
    async def by_passkey(self, request: Visit, runtime: Runs) -> Response[Any]:
        """Come in by passkey."""
        form = await forms.typed(request)
        wanted = own_path(form.get("next", ""))
        try:
            arrival = await entry.by_passkey(
                form.get("token", ""), form.get("answer", ""), forms.door(request), runtime.keyring,
                address=runtime.settings.address,
            )  # fmt: skip
        except HubError as fault:
            return await _passkey(runtime, wanted, fault)
        return await come_in(request, arrival, wanted)

    # providers ------------------------------------------------------------------------------------------

    @post("/sign-in/provider")
    async def to_provider(self, request: Visit, runtime: Runs) -> Response[Any]:
        """Send somebody on to the provider of their company."""
        form = await forms.typed(request)
        wanted, email = own_path(form.get("next", "")), form.get("email", "")
        try:
            went = await providers.go(email, wanted, ways(runtime))
            if went is None:
                message = "No company sign-in is set up for this domain. Type your password instead."
                raise Invalid("provider_unknown", message)
        except HubError as fault:
            return forms.show("sign_in", fault, field="email", next=wanted, email=email)
        # A page with a link, not a redirect: our forms lead nowhere but here.
        page = forms.show("to_provider", address=went.address, name=went.name)
        page.set_cookie(cookies.cookie(cookies.PROVIDER, went.cookie.reveal()))
        return page

    @get("/sign-in/provider/return")
    async def from_provider(self, request: Visit, runtime: Runs) -> Response[Any]:
        """Let in whom a provider proves."""
        query = {name: text for name, text in request.query_params.items() if isinstance(text, str)}
        held = request.cookies.get(cookies.PROVIDER)
        try:
            opening = await entry.by_provider(query, held, forms.door(request), ways(runtime))
        except HubError as fault:
            return forms.show("sign_in", fault, field="email", next=HOME, email="")
        answer = await come_in(request, opening.arrival, opening.next)
        answer.set_cookie(cookies.gone(cookies.PROVIDER))
        return answer

    # operators ------------------------------------------------------------------------------------------

    @get("/pin")
    async def ask_for_pin(self, request: Visit, next: FromQuery[str] = HOME) -> Template:  # noqa: A002 - as above
        """Ask an operator for name and PIN, at a device of their warehouse."""
        return _pin(await _device(request), own_path(next))

    @post("/pin")
    async def by_pin(self, request: Visit, runtime: Runs) -> Response[Any]:
        """Come in as an operator."""
        device = await _device(request)
        form = await forms.typed(request)
        wanted, chosen = own_path(form.get("next", "")), form.get("operator", "")
        try:
            operator_id = forms.identifier(chosen, NotFound("operator_not_found", "Choose your name."))
            arrival = await entry.by_pin(device, operator_id, form.get("pin", ""), forms.door(request), runtime.keyring)
        except NotFound as fault:
            return _pin(device, wanted, fault, field="operator")
        except HubError as fault:
            return _pin(device, wanted, fault, chosen=chosen)
        return await come_in(request, arrival, wanted)


def _key(wanted: str, *, refused: bool = False) -> Template:
    context = {"next": wanted, "refused": refused}
    return Template("people/sign_in_key.html", context=context, status_code=422 if refused else 200)


async def _passkey(runtime: Runtime, wanted: str, fault: HubError | None = None) -> Template:
    question = await passkeys.ask_for_any(runtime.keyring, address=runtime.settings.address)
    return forms.show("sign_in_passkey", fault, field="answer", next=wanted, question=question)


async def _device(request: Visit) -> Device:
    found = await devices.device_of(request.cookies.get(cookies.DEVICE))
    if found is None:
        message = "This browser is no device of a warehouse. An admin enrols it on the page Devices."
        raise NotFound("device_not_found", message)
    return found


def _pin(
    device: Device, wanted: str, fault: HubError | None = None, *, field: str = "pin", chosen: str = ""
) -> Template:
    return forms.show("pin", fault, field=field, device=device, next=wanted, chosen=chosen)


class SecondFactor(Controller):
    """The second step, for who came in by password or link."""

    path = "/sign-in/second-factor"
    include_in_schema = False
    guards = (anyone, person_in)
    exception_handlers = {Stranger: to_sign_in}  # noqa: RUF012 - Litestar reads the class's attribute

    @get(sync_to_thread=False)
    def ask(self, request: Visit, next: FromQuery[str] = HOME) -> Template:  # noqa: A002 - the name is part of the address
        """Ask for a code."""
        return forms.show("second_factor", next=own_path(next), person=own.person_of(request.auth))

    @post()
    async def show_factor(self, request: Visit, runtime: Runs) -> Response[Any]:
        """Take a code of the app, or a recovery code."""
        form = await forms.typed(request)
        wanted = own_path(form.get("next", ""))
        assert request.auth is not None  # noqa: S101 - the guard let no stranger through
        try:
            arrival = await own.show_second_factor(
                request.auth, form.get("code", ""), runtime.keyring, request.cookies.get(cookies.KNOWN)
            )
        except HubError as fault:
            return forms.show("second_factor", fault, field="code", next=wanted, person=own.person_of(request.auth))
        return await come_in(request, arrival, wanted)
