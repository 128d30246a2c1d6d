"""The permission matrix as a page."""

from typing import cast

from litestar import Controller, get
from litestar.response import Template

from hub.api.guards import may
from hub.web.visitors import Stranger, Visit, signed_in, to_sign_in
from tenants.messages import Party, Principal, Role
from tenants.permissions import allowed, matrix


class Permissions(Controller):
    """What each role may do."""

    include_in_schema = False
    guards = (signed_in, may("matrix.read"))
    exception_handlers = {Stranger: to_sign_in}  # noqa: RUF012 - Litestar reads the class's attribute

    @get("/permissions", sync_to_thread=False)
    def read(self, request: Visit) -> Template:
        """Show every action with the roles that may do it."""
        visitor = cast("Principal", request.user)
        context = {"matrix": matrix(), "parties": parties(), "role": visitor.role, "mine": allowed(visitor)}
        return Template("permissions.html", context=context)


def parties() -> dict[Party, list[Role]]:
    """Return the roles of each party, in the order of the matrix."""
    return {party: [role for role in matrix().roles if role.party is party] for party in Party}
