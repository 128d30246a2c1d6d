"""Decisions of this room as pure functions."""

import re
from functools import cache
from uuid import UUID
from zoneinfo import available_timezones

from email_validator import EmailNotValidError, validate_email

from hub.kit.errors import Invalid
from tenants.messages import Party, Principal, Role
from tenants.people.messages import Owner, Reach

# Roles of people; the others are those of API keys.
ROLES = (
    Role.SUPPORT_AGENT, Role.SUPPORT_ADMIN, Role.AUDITOR, Role.ACCOUNT_ADMIN, Role.ACCOUNT_VIEWER, Role.PARTNER_ADMIN,
    Role.PARTNER_OPERATOR, Role.WAREHOUSE_OPERATOR,
)  # fmt: skip
# Who may say who belongs to whom, and to which party: to any for the platform's, to their own for the others'. No key
# of an account or a partner may: it would make an admin, who may do more than it.
STEWARDS = {
    Role.SUPPORT_ADMIN: Party.PLATFORM,
    Role.PLATFORM: Party.PLATFORM,
    Role.ACCOUNT_ADMIN: Party.ACCOUNT,
    Role.PARTNER_ADMIN: Party.PARTNER,
}
_DOMAIN = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])")


def normalise_email(text: str) -> str:
    """Return an address in the one form it is stored in, all small letters; raises `Invalid` if it is none."""
    try:
        found = validate_email(text.strip(), check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError as fault:
        raise Invalid("email_invalid", "This is no e-mail address; it has to look like name@shop.example.") from fault
    return f"{found.local_part}@{found.ascii_domain or found.domain}".lower()


def domain_of(email: str) -> str:
    """Return the domain of a normalised address."""
    return email.rpartition("@")[2]


def normalise_domain(text: str) -> str:
    """Return a domain as addresses carry it; raises `Invalid` if it is none."""
    domain = text.strip().rstrip(".").lower()
    if not _DOMAIN.fullmatch(domain):
        raise Invalid("domain_invalid", f"{text.strip()[:60]!r} is no domain; it has to look like shop.example.")
    return domain


@cache
def time_zones() -> tuple[str, ...]:
    """Return the names of the time zones of the IANA, sorted."""
    return tuple(sorted(name for name in available_timezones() if "/" in name or name == "UTC"))


def check_time_zone(name: str) -> str:
    """Return the name if it is a time zone's; raises `Invalid`."""
    if name not in time_zones():
        raise Invalid("time_zone_unknown", "There is no such time zone; take one like Europe/Amsterdam.")
    return name


def is_steward(principal: Principal) -> bool:
    """Say whether somebody may invite and remove people at all."""
    return principal.role in STEWARDS and not principal.read_only


def may_steward(principal: Principal, owner: Owner, own_warehouses: frozenset[UUID] = frozenset()) -> bool:
    """Say whether somebody decides who belongs to a party; `own_warehouses` are ids of those the principal runs."""
    if not is_steward(principal):
        return False
    match STEWARDS[principal.role]:
        case Party.PLATFORM:
            return True
        case Party.ACCOUNT if owner.account_id is not None:
            return owner.account_id == principal.account_id
        case Party.PARTNER if owner.partner_id is not None:
            return owner.partner_id == principal.partner_id
        case _:
            return owner.warehouse_id is not None and owner.warehouse_id in own_warehouses


def grants_fit(role: Role, party: Party | None) -> bool:
    """Say whether a role is one that people can have at a party."""
    return role in ROLES and role.party is party


def roles_at(party: Party) -> tuple[Role, ...]:
    """Return the roles that people can have at a party."""
    return tuple(role for role in ROLES if role.party is party)


def roles_to_give(principal: Principal) -> tuple[Role, ...]:
    """Return the roles that somebody may invite people to: those of their own party and of its warehouses."""
    if not is_steward(principal):
        return ()
    if principal.party is Party.PLATFORM:
        return ROLES
    return roles_at(principal.party) + roles_at(Party.WAREHOUSE)


def is_within(reach: Reach, owner: Owner) -> bool:
    """Say whether a party is one of those that somebody sees."""
    return (
        reach.everything
        or (owner.account_id is not None and owner.account_id == reach.account_id)
        or (owner.partner_id is not None and owner.partner_id == reach.partner_id)
        or (owner.warehouse_id is not None and owner.warehouse_id in reach.warehouse_ids)
    )
