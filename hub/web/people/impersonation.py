"""Support looks with a party's eyes: beginning and stopping, in the session of who looks."""

from typing import Any

from litestar import Controller, Response, get, post
from litestar.response import Redirect, Template

from hub.api.access import scope_of
from hub.api.guards import anyone, may
from hub.kit import db
from hub.kit.errors import HubError
from hub.web.people import forms
from hub.web.people.account import held
from hub.web.people.members import who
from hub.web.visitors import HOME, Stranger, Visit, person_in, signed_in, to_sign_in
from tenants.impersonation import queries
from tenants.impersonation import service as impersonation
from tenants.impersonation.messages import NewImpersonation
from tenants.people import service as people
from tenants.people.entry.messages import Arrival
from tenants.people.sessions import engine, service
from tenants.permissions import allowed

MOST_LISTED = 50
FIELDS = ("account_id", "partner_id", "reason")


class Looking(Controller):
    """Looking with another party's eyes, changing nothing."""

    path = "/impersonations"
    include_in_schema = False
    exception_handlers = {Stranger: to_sign_in}  # noqa: RUF012 - Litestar reads the class's attribute

    @get(guards=[signed_in, may("impersonations.read")])
    async def ask(self, request: Visit) -> Template:
        """Ask with whose eyes, and why."""
        return await _page(request)

    @post(guards=[signed_in, person_in, may("impersonations.begin")])
    async def begin(self, request: Visit) -> Response[Any]:
        """Look with a party's eyes from now on; it ends by itself after half an hour."""
        form, session = await forms.typed(request), held(request)
        try:
            new = forms.read(NewImpersonation, {name: form.get(name, "") for name in FIELDS})
            begun = await impersonation.begin(new, who(request))
        except HubError as fault:
            return await _page(request, fault, form=form)
        return forms.arrive(request, Arrival(session=await service.look(session, begun.id)), HOME)

    @post("/end", guards=[anyone, person_in])
    async def end(self, request: Visit) -> Redirect:
        """Look with one's own eyes again."""
        session = held(request)
        supporter = engine.principal(session)
        with db.only_reading(reading=False):
            if session.impersonation_id is not None and supporter is not None and request.user != supporter:
                await impersonation.end(session.impersonation_id, supporter)
            token = await service.look(session, None)
        return forms.arrive(request, Arrival(session=token), HOME)


async def _page(request: Visit, fault: HubError | None = None, *, form: dict[str, str] | None = None) -> Template:
    by = who(request)
    async with db.transaction(scope_of(by)):
        looked = await queries.impersonations(None, MOST_LISTED)
    return forms.show(
        "impersonations", fault, field="account_id", form=form or {}, rights=allowed(by), looked=looked,
        places=forms.places(await people.parties(by)),
    )  # fmt: skip
