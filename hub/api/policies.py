"""Return policies: versions, the draft beside them, what a policy would decide, and what a draft would change."""

from typing import Annotated
from uuid import UUID

from litestar import Controller, delete, get, post, put
from litestar.params import FromPath, JSONBody, QueryParameter

from hub.api.access import Who, scope_of
from hub.api.guards import may
from hub.api.pages import DEFAULT, Cursor, Limit, Page, after, page
from hub.kit import db
from hub.simulations import queries as simulation_queries
from hub.simulations import service as simulations
from hub.simulations.messages import ChangeView, NewSimulation, SimulationView
from tenants import queries as tenants
from tenants.messages import PolicyView, Principal
from tenants.policies import queries, service
from tenants.policies.messages import (
    Case,
    DraftView,
    Explained,
    NewDraft,
    Policy,
    Restore,
    Seen,
    VersionShown,
    VersionView,
)

# More versions than this nobody reads; the older ones are there by their number.
MOST_VERSIONS = 200
Revision = Annotated[int, QueryParameter(ge=1, description="the revision that you looked at")]


class Policies(Controller):
    """Return policies and their versions."""

    path = "/policies/{policy_id:uuid}"
    tags = ("Policies",)

    @get(guards=[may("policies.read")])
    async def read(self, policy_id: FromPath[UUID], principal: Who) -> PolicyView:
        """Show a policy as it is in force."""
        held = await find(policy_id, principal)
        async with db.transaction(scope_of(principal)):
            return await tenants.policy(held.account_id, policy_id)

    @get("/versions", guards=[may("policies.read")])
    async def versions(self, policy_id: FromPath[UUID], principal: Who) -> list[VersionView]:
        """List a policy's versions, the latest first."""
        held = await find(policy_id, principal)
        async with db.transaction(scope_of(principal)):
            return await queries.versions(held, MOST_VERSIONS)

    @get("/versions/{version:int}", guards=[may("policies.read")])
    async def one_version(self, policy_id: FromPath[UUID], version: FromPath[int], principal: Who) -> VersionShown:
        """Show what one version says."""
        held = await find(policy_id, principal)
        async with db.transaction(scope_of(principal)):
            return await queries.version(held, version)

    @post("/versions/{version:int}/restore", guards=[may("policies.publish")])
    async def restore(
        self, policy_id: FromPath[UUID], version: FromPath[int], data: JSONBody[Restore], principal: Who
    ) -> VersionShown:
        """Put an earlier version in force again, as a new one."""
        held = await find(policy_id, principal)
        return await service.restore(held, version, data.note, actor=principal.actor)

    @get("/draft", guards=[may("policies.read")])
    async def draft(self, policy_id: FromPath[UUID], principal: Who) -> DraftView:
        """Show the draft, with everything that keeps it from being published."""
        return await service.draft_of(await find(policy_id, principal))

    @put("/draft", guards=[may("policies.draft")])
    async def save(self, policy_id: FromPath[UUID], data: JSONBody[NewDraft], principal: Who) -> DraftView:
        """Begin a draft, or store its next revision; whoever changed an older one is told so."""
        return await service.save_draft(await find(policy_id, principal), data, actor=principal.actor)

    @delete("/draft", guards=[may("policies.draft")])
    async def discard(self, policy_id: FromPath[UUID], revision: Revision, principal: Who) -> None:
        """Remove the draft."""
        await service.discard(await find(policy_id, principal), revision)

    @post("/draft/validate", status_code=200, guards=[may("policies.draft")])
    async def validate(self, policy_id: FromPath[UUID], data: JSONBody[Seen], principal: Who) -> DraftView:
        """Have the draft found fit to be published, or hear by each field why it is not."""
        return await service.validate(await find(policy_id, principal), data.revision)

    @post("/draft/publish", guards=[may("policies.publish")])
    async def publish(self, policy_id: FromPath[UUID], data: JSONBody[Seen], principal: Who) -> VersionShown:
        """Put the draft in force; returns born before keep their version."""
        return await service.publish_draft(await find(policy_id, principal), data.revision, actor=principal.actor)

    @post("/decisions", status_code=200, guards=[may("policies.try")])
    async def decide(self, policy_id: FromPath[UUID], data: JSONBody[Case], principal: Who) -> Explained:
        """Say what the policy, or its draft, would decide on a case; nothing is stored."""
        return await service.try_case(await find(policy_id, principal), data)


class Simulating(Controller):
    """What drafts of a policy would have changed."""

    path = "/policies/{policy_id:uuid}/simulations"
    tags = ("Policies",)

    @post(status_code=202, guards=[may("policies.simulate")])
    async def start(self, policy_id: FromPath[UUID], data: JSONBody[NewSimulation], principal: Who) -> SimulationView:
        """Run the draft against the returns of the last days; one simulation of a policy runs at a time."""
        return await simulations.start(await find(policy_id, principal), data, actor=principal.actor)

    @get(guards=[may("policies.read")])
    async def index(self, policy_id: FromPath[UUID], principal: Who) -> list[SimulationView]:
        """List a policy's simulations, the latest first, with how far they are."""
        held = await find(policy_id, principal)
        async with db.transaction(scope_of(principal)):
            return await simulation_queries.of_policy(held)


class Simulations(Controller):
    """What one draft would have changed."""

    path = "/simulations/{simulation_id:uuid}"
    tags = ("Policies",)

    @get(guards=[may("policies.read")])
    async def read(self, simulation_id: FromPath[UUID], principal: Who) -> SimulationView:
        """Show how far a simulation is, and its figures so far."""
        async with db.transaction(scope_of(principal)):
            return await simulation_queries.simulation(simulation_id)

    @get("/changes", guards=[may("policies.read")])
    async def changes(
        self, simulation_id: FromPath[UUID], principal: Who, cursor: Cursor = None, limit: Limit = DEFAULT
    ) -> Page[ChangeView]:
        """List the returns that would have gone another way, oldest first, each before and after."""
        async with db.transaction(scope_of(principal)):
            await simulation_queries.simulation(simulation_id)
            found = await simulation_queries.changes(simulation_id, after(cursor), limit)
        return page(found, limit, lambda each: each.return_id)


async def find(policy_id: UUID, principal: Principal) -> Policy:
    """Return a policy that a principal may see; raises `NotFound`."""
    return await service.find(policy_id, scope_of(principal))


CONTROLLERS = (Policies, Simulating, Simulations)
