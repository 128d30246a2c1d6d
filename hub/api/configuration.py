"""An account's whole configuration as one file."""

from typing import Annotated
from uuid import UUID

from litestar import Controller, get, put
from litestar.params import FromPath, JSONBody, QueryParameter

from hub.api.access import Calling, Who, within
from hub.api.guards import may
from hub.deadlines import service as deadlines
from tenants.configuration import service
from tenants.configuration.messages import Configuration, Imported

DryRun = Annotated[bool, QueryParameter(description="say what would change, and change nothing")]


class AccountConfiguration(Controller):
    """Everything that is set up for one account."""

    path = "/accounts/{account_id:uuid}/configuration"
    tags = ("Set-up",)

    @get(guards=[may("configurations.read")])
    async def read(self, account_id: FromPath[UUID], principal: Who) -> Configuration:
        """Tell everything that is set up for an account as one file, without a secret."""
        return await service.export(within(principal, account_id))

    @put(guards=[may("configurations.import")])
    async def put_in_force(
        self,
        account_id: FromPath[UUID],
        data: JSONBody[Configuration],
        principal: Who,
        vendors: Calling,
        dry_run: DryRun = False,  # noqa: FBT002 - a parameter of the address
    ) -> Imported:
        """Change what differs from a file; what the file does not name stays as it is."""
        account = within(principal, account_id)
        imported = await service.put_in_force(account, data, vendors, actor=principal.actor, dry_run=dry_run)
        if not dry_run:
            for connection_id, reference in await service.changed_marketplaces(account, imported):
                await deadlines.recompute(account, connection_id, reference)
        return imported


CONTROLLERS = (AccountConfiguration,)
