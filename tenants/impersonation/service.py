"""The verbs of impersonation. A session keeps an impersonation's id and asks `principal_of` at every request."""

from datetime import timedelta
from uuid import UUID

from hub.audit.service import record
from hub.kit import clock, db
from hub.kit.errors import Invalid, NotFound
from hub.kit.ids import new_id
from tenants import permissions, tables
from tenants import queries as tenants
from tenants.impersonation import queries
from tenants.impersonation.messages import ImpersonationView, NewImpersonation
from tenants.messages import Principal, Role

LASTS = timedelta(minutes=30)
BEGIN = "impersonations.begin"


async def begin(new: NewImpersonation, supporter: Principal) -> ImpersonationView:
    """Let a supporter look with a party's eyes from now on; it ends by itself after half an hour."""
    if (new.account_id is None) == (new.partner_id is None):
        raise Invalid(
            "impersonation_party", "You look with the eyes of one account or one partner: give one of the two ids."
        )
    now = clock.now()
    row = tables.Impersonation(
        id=new_id(), support_id=supporter.id, support_name=supporter.actor, account_id=new.account_id,
        partner_id=new.partner_id, reason=new.reason, began_at=now, ends_at=now + LASTS,
    )  # fmt: skip
    async with db.transaction(db.PLATFORM):
        party = await _party_name(new)
        await queries.add(row)
        await record(
            actor=supporter.actor, action="impersonation.began", subject=party, account_id=new.account_id, after=new
        )
        return await _under_way(row.id, supporter)


async def _party_name(new: NewImpersonation) -> str:
    if new.account_id is not None:
        return (await tenants.account(new.account_id)).name
    assert new.partner_id is not None  # noqa: S101 - one of the two, as was checked
    return (await tenants.partner(new.partner_id)).name


async def _under_way(impersonation_id: UUID, supporter: Principal) -> ImpersonationView:
    found = await queries.under_way(impersonation_id, supporter.id, clock.now())
    if found is None:
        raise NotFound("impersonation_not_found", "No such impersonation of yours is under way.")
    return found


async def end(impersonation_id: UUID, supporter: Principal) -> None:
    """Let a supporter stop before the time; raises `NotFound` if it is somebody else's or over already."""
    # Whoever only looks may always stop looking.
    with db.only_reading(reading=False):
        async with db.transaction(db.PLATFORM):
            found = await _under_way(impersonation_id, supporter)
            await queries.end(found.id, clock.now())
            await record(
                actor=supporter.actor,
                action="impersonation.ended",
                subject=found.party_name,
                account_id=found.account_id,
            )


async def principal_of(impersonation_id: UUID, supporter: Principal) -> Principal | None:
    """Return the principal that a supporter looks as; None once it is over, or if they lost the right to it.

    It sees what the party's admin sees, and every change is refused to it.
    """
    if permissions.refusal(supporter, BEGIN) is not None:
        return None
    async with db.transaction(db.PLATFORM):
        found = await queries.under_way(impersonation_id, supporter.id, clock.now())
    return None if found is None else seen_by(found, supporter)


def seen_by(found: ImpersonationView, supporter: Principal) -> Principal:
    """Return a party's admin as a supporter looks through its eyes."""
    return Principal(
        kind=supporter.kind,
        id=supporter.id,
        name=found.party_name,
        role=Role.ACCOUNT_ADMIN if found.account_id is not None else Role.PARTNER_ADMIN,
        account_id=found.account_id,
        partner_id=found.partner_id,
        read_only=True,
        impersonator=supporter.actor,
    )
