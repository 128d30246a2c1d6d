"""The permission matrix as a page."""

from litestar import Controller, get
from litestar.response import Template

from hub.api.guards import may
from hub.web.visitors import Stranger, Visit, signed_in, to_sign_in
from tenants.messages import Party, Role
from tenants.permissions import matrix


class Permissions(Controller):
    """What each role may do."""

    include_in_schema = False
    guards = (signed_in, may("matrix.read"))
    exception_handlers = {Stranger: to_sign_in}  # noqa: RUF012 - Litestar reads the class's attribute

    @get("/permissions", sync_to_thread=False)
    def read(self, request: Visit) -> Template:
        """Show every action with the roles that may do it."""
        mine = request.user.role if request.user else None
        return Template("permissions.html", context={"matrix": matrix(), "parties": parties(), "mine": mine})


def parties() -> dict[Party, list[Role]]:
    """Return the roles of each party, in the order of the matrix."""
    return {party: [role for role in matrix().roles if role.party is party] for party in Party}
