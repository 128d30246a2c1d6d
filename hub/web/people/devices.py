"""Shared devices of warehouses, and the operators who sign in at them with a PIN."""

from typing import Any
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template

from hub.api.guards import may
from hub.kit.errors import HubError
from hub.web.people import forms
from hub.web.people.members import who
from hub.web.people.sign_in import Runs
from hub.web.translations import gettext as _
from hub.web.visitors import Stranger, Visit, signed_in, to_sign_in
from tenants.people.devices import service as devices
from tenants.people.devices.messages import DeviceShown, NewDevice, NewOperator
from tenants.people.errors import FieldWrong
from tenants.people.factors.engine import qr
from tenants.permissions import allowed

DEVICES = "/devices"


class Devices(Controller):
    """Devices and operators of one's own warehouses."""

    path = DEVICES
    include_in_schema = False
    guards = (signed_in,)
    exception_handlers = {Stranger: to_sign_in}  # noqa: RUF012 - Litestar reads the class's attribute

    @get(guards=[may("devices.read")])
    async def read(self, request: Visit) -> Template:
        """List devices and operators."""
        return await _devices(request)

    @post(guards=[may("devices.change")])
    async def add(self, request: Visit, runtime: Runs) -> Template:
        """Prepare a device, and show the link that enrols it."""
        form = await forms.typed(request)
        try:
            new = forms.read(NewDevice, {"warehouse_id": form.get("warehouse_id", ""), "name": form.get("name", "")})
            shown = await devices.add_device(new, address=runtime.settings.address, by=who(request))
        except HubError as fault:
            return await _devices(request, fault, field="warehouse_id", part="device", form=form)
        return await _devices(request, shown=shown)

    @post("/{device_id:uuid}/revoke", guards=[may("devices.change")])
    async def revoke(self, request: Visit, device_id: FromPath[UUID]) -> Redirect:
        """Let a device be one no more."""
        await devices.revoke(device_id, by=who(request))
        return Redirect(DEVICES, status_code=303)

    @post("/operators", guards=[may("operators.change")])
    async def add_operator(self, request: Visit, runtime: Runs) -> Response[Any]:
        """Add an operator with a PIN."""
        form = await forms.typed(request)
        given = {"warehouse_id": form.get("at", ""), "name": form.get("operator", ""), "pin": form.get("pin", "")}
        try:
            await devices.add_operator(forms.read(NewOperator, given), runtime.keyring, by=who(request))
        except HubError as fault:
            return await _devices(request, fault, field="operator", part="operator", form=form)
        return Redirect(DEVICES, status_code=303)

    @post("/operators/{operator_id:uuid}/pin", guards=[may("operators.change")])
    async def set_pin(self, request: Visit, runtime: Runs, operator_id: FromPath[UUID]) -> Response[Any]:
        """Give an operator another PIN."""
        form = await forms.typed(request)
        try:
            await devices.set_pin(operator_id, form.get("pin", ""), runtime.keyring, by=who(request))
        except FieldWrong as fault:
            return await _devices(request, fault, part=str(operator_id))
        return Redirect(DEVICES, status_code=303)

    @post("/operators/{operator_id:uuid}/remove", guards=[may("operators.change")])
    async def remove_operator(self, request: Visit, operator_id: FromPath[UUID]) -> Redirect:
        """Let an operator sign in no more."""
        await devices.remove_operator(operator_id, by=who(request))
        return Redirect(DEVICES, status_code=303)


async def _devices(
    request: Visit,
    fault: HubError | None = None,
    *,
    field: str = "pin",
    part: str = "",
    form: dict[str, str] | None = None,
    shown: DeviceShown | None = None,
) -> Template:
    found = await devices.overview(who(request))
    code = qr(shown.link, _("the link")) if shown else ""
    return forms.show(
        "devices",
        fault,
        field=field,
        part=part,
        form=form or {},
        found=found,
        shown=shown,
        code=code,
        rights=allowed(who(request)),
    )
