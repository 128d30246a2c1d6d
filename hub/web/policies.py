"""A return policy as a page: what is in force, the draft with what keeps it from being so, and what it would change."""

from typing import Any, cast
from uuid import UUID

import msgspec
from litestar import Controller, get
from litestar.params import FromPath
from litestar.response import Template

from hub.api.access import scope_of
from hub.api.guards import may
from hub.kit import db
from hub.kit.errors import NotFound
from hub.sdk.messages import Kind
from hub.simulations import queries as simulations
from hub.simulations.messages import ChangeView, Outcome, SimulationView
from hub.web import formats
from hub.web.listing import Column
from hub.web.translations import gettext as _
from hub.web.visitors import Stranger, Visit, signed_in, to_sign_in
from tenants import queries as tenants
from tenants.messages import ChannelView, PolicyView, Principal
from tenants.policies import queries, service
from tenants.policies.messages import DraftView, Policy, VersionView

# So many versions and changed returns are shown; the API has all of them.
SHOWN = 20


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """All that the page shows of one policy."""

    channel: ChannelView
    policy: PolicyView
    versions: list[VersionView]
    draft: DraftView | None
    simulation: SimulationView | None
    changes: list[ChangeView]


class PolicyPages(Controller):
    """The pages of return policies."""

    include_in_schema = False
    guards = (signed_in, may("policies.read"))
    exception_handlers = {Stranger: to_sign_in}  # noqa: RUF012 - Litestar reads the class's attribute

    @get("/policies/{policy_id:uuid}")
    async def read(self, policy_id: FromPath[UUID], request: Visit) -> Template:
        """Show a policy with its versions, its draft and the last simulation."""
        scope = scope_of(cast("Principal", request.user))
        held = await service.find(policy_id, scope)
        shown = await _shown(held, scope)
        title = _("Channel returns") if held.kind is Kind.CHANNEL else _("Merchant returns")
        context = {
            "shown": shown, "title": title, "columns": _columns(), "states": _states(),
            "changed": _changed(shown.simulation), "changes": [_row(each) for each in shown.changes],
        }  # fmt: skip
        return Template("policy.html", context=context)


async def _shown(held: Policy, scope: db.Scope) -> Shown:
    try:
        draft = await service.draft_of(held)
    except NotFound:
        draft = None
    async with db.transaction(scope):
        last = next(iter(await simulations.of_policy(held)), None)
        return Shown(
            channel=await tenants.channel(held.channel_id),
            policy=await tenants.policy(held.account_id, held.id),
            versions=await queries.versions(held, SHOWN),
            draft=draft,
            simulation=last,
            changes=await simulations.changes(last.id, None, SHOWN) if last else [],
        )


def _changed(simulation: SimulationView | None) -> list[tuple[str, str]]:
    """Return how many returns change in which way, the most first."""
    counts = simulation.figures.kinds if simulation else {}
    ordered = sorted(counts.items(), key=lambda each: -each[1])
    return [(_kinds()[kind], formats.number(count)) for kind, count in ordered]


def _row(change: ChangeView) -> dict[str, str]:
    """Return a return that would have gone another way, in words."""
    return {
        "number": change.return_number,
        "kinds": ", ".join(_kinds()[kind] for kind in change.kinds),
        "before": _outcome(change.before),
        "after": _outcome(change.after),
    }


def _outcome(side: Outcome) -> str:
    told = [_states()[side.answer]]
    if side.until is not None:
        told.append(_("until %(day)s", day=formats.day(side.until)))
    if side.accepted is not None:
        told.append(_("%(count)s accepted", count=formats.number(sum(side.accepted))))
    return ", ".join(told)


def _columns() -> dict[str, Any]:
    def columns(**labels: str) -> tuple[Column, ...]:
        return tuple(Column(name=name, label=label) for name, label in labels.items())

    return {
        "versions": columns(number=_("Version"), state=_("State"), since=_("Since"), by=_("By"), note=_("Note")),
        "problems": columns(field=_("Field"), message=_("What to do")),
        "changes": columns(number=_("Return"), what=_("What changes"), before=_("Now"), after=_("With the draft")),
    }


def _states() -> dict[str, str]:
    return {
        "draft": _("Draft"),
        "validated": _("Validated"),
        "published": _("In force"),
        "superseded": _("Superseded"),
        "running": _("Running"),
        "done": _("Done"),
        "failed": _("Failed"),
        "approve": _("Approved"),
        "ask": _("A person decides"),
        "refuse": _("Refused"),
    }


def _kinds() -> dict[str, str]:
    return {
        "answer": _("Answer"),
        "window": _("Return window"),
        "cost": _("Cost"),
        "keep": _("Kept goods"),
        "route": _("Warehouse"),
        "reason": _("Reason"),
        "acceptance": _("Acceptance"),
        "hold": _("Person asked"),
    }
