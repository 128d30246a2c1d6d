"""OpenID providers of an account or a partner."""

from typing import Any
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template

from hub.api.guards import may
from hub.kit.errors import HubError
from hub.web.people import forms
from hub.web.people.members import who
from hub.web.people.sign_in import Runs, ways
from hub.web.visitors import Stranger, Visit, signed_in, to_sign_in
from tenants.people import engine
from tenants.people import service as people
from tenants.people.providers import service as providers
from tenants.people.providers.messages import NewProvider
from tenants.permissions import allowed

PROVIDERS = "/providers"
FIELDS = ("name", "issuer", "client_id", "client_secret", "role", "account_id", "partner_id")


class Providers(Controller):
    """How a company's people sign in at their own provider."""

    path = PROVIDERS
    include_in_schema = False
    guards = (signed_in,)
    exception_handlers = {Stranger: to_sign_in}  # noqa: RUF012 - Litestar reads the class's attribute

    @get(guards=[may("providers.read")])
    async def read(self, request: Visit, runtime: Runs) -> Template:
        """List providers."""
        return await _providers(request, runtime)

    @post(guards=[may("providers.change")])
    async def add(self, request: Visit, runtime: Runs) -> Response[Any]:
        """Set a provider up, after trying it."""
        form, by = await forms.typed(request), who(request)
        given: dict[str, Any] = {name: form.get(name, "") for name in FIELDS}
        if people.own(by) is not None:
            given |= {"account_id": str(by.account_id or ""), "partner_id": str(by.partner_id or "")}
        given["domains"] = form.get("domains", "").replace(",", " ").split() or ""
        try:
            await providers.add(forms.read(NewProvider, given), ways(runtime), by=by)
        except HubError as fault:
            return await _providers(request, runtime, fault, form=form)
        return Redirect(PROVIDERS, status_code=303)

    @post("/{provider_id:uuid}/remove", guards=[may("providers.change")])
    async def remove(self, request: Visit, provider_id: FromPath[UUID]) -> Redirect:
        """Forget a provider; whoever came in through it is out."""
        await providers.remove(provider_id, by=who(request))
        return Redirect(PROVIDERS, status_code=303)


async def _providers(
    request: Visit, runtime: Runs, fault: HubError | None = None, *, form: dict[str, str] | None = None
) -> Template:
    by = who(request)
    return forms.show(
        "providers", fault, field="domains", form=form or {}, providers=await providers.of(by),
        redirect=ways(runtime).redirect, roles=engine.roles_to_give(by), rights=allowed(by),
        places=forms.places(await people.parties(by)) if people.own(by) is None else {},
    )  # fmt: skip
