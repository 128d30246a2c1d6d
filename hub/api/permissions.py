"""What the caller may do."""

import msgspec
from litestar import Controller, get

from hub.api.access import Who
from hub.api.guards import may
from tenants.messages import Party, Principal, Role
from tenants.permissions import allowed, matrix


class ActionView(msgspec.Struct, frozen=True):
    """An action, and what it does."""

    name: str
    does: str


class RightsView(msgspec.Struct, frozen=True, kw_only=True):
    """Who somebody is, and what they may do."""

    name: str
    role: Role
    party: Party
    read_only: bool
    impersonator: str | None
    actions: list[ActionView]


def rights(principal: Principal) -> RightsView:
    """Return what a principal may do, in the order of the matrix."""
    names = allowed(principal)
    return RightsView(
        name=principal.name,
        role=principal.role,
        party=principal.party,
        read_only=not principal.may_write,
        impersonator=principal.impersonator,
        actions=[ActionView(each.name, each.does) for each in matrix().actions.values() if each.name in names],
    )


class Permissions(Controller):
    """The caller's own rights."""

    path = "/permissions"
    tags = ("Rights",)

    @get(guards=[may("permissions.read")], sync_to_thread=False)
    def read(self, principal: Who) -> RightsView:
        """Say who you are to the hub and what you may do."""
        return rights(principal)


CONTROLLERS = (Permissions,)
