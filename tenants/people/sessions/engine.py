"""How long sessions live and what they open, as pure functions."""

from datetime import timedelta

from tenants.messages import Party, Principal, PrincipalKind, Role
from tenants.people.messages import Membership
from tenants.people.sessions.messages import Method, Operator, Person, Session, Stage, Through

# A pause at lunch ends nothing, a day does; what was typed into a form outlives both.
IDLE = timedelta(hours=2)
LONGEST = timedelta(hours=12)
# The last look is written once a minute, so a session may end this much early and never late.
TOUCH_EVERY = timedelta(minutes=1)


def stage(session: Session) -> Stage:
    """Return how far signing in has come; only an open session acts."""
    if session.person is None:
        return Stage.OPEN
    if session.second_at is None and session.method is not Method.PROVIDER:
        if session.person.has_totp or session.person.has_passkey:
            return Stage.SECOND_FACTOR
        if any(each.role.party is Party.PLATFORM for each in session.choices):
            return Stage.ENROL
    return Stage.OPEN if session.membership is not None else Stage.CHOOSE


def opens(membership: Membership, through: Through | None) -> bool:
    """Say whether a session that began at this provider, or at none, may act as a membership.

    A provider is its owner's own server, so it opens the owner's memberships and no others; what a provider made
    opens through it alone.
    """
    if through is None:
        return membership.provider_id is None
    same = (membership.account_id, membership.partner_id) == (through.account_id, through.partner_id)
    return same and membership.provider_id in {None, through.id}


def choose(choices: tuple[Membership, ...]) -> Membership | None:
    """Return the membership to begin with, if there is no doubt: the only one."""
    return choices[0] if len(choices) == 1 else None


def principal(session: Session) -> Principal | None:
    """Return who acts in an open session."""
    if session.operator is not None:
        return _operator(session.operator)
    if session.person is None or session.membership is None or stage(session) is not Stage.OPEN:
        return None
    return _person(session.person, session.membership)


def _person(person: Person, membership: Membership) -> Principal:
    return Principal(
        kind=PrincipalKind.USER, id=person.id, name=person.name, role=membership.role,
        account_id=membership.account_id, partner_id=membership.partner_id, warehouse_id=membership.warehouse_id,
    )  # fmt: skip


def _operator(operator: Operator) -> Principal:
    return Principal(
        kind=PrincipalKind.DEVICE, id=operator.device_id, name=operator.name, role=Role.WAREHOUSE_OPERATOR,
        warehouse_id=operator.warehouse_id,
    )  # fmt: skip
