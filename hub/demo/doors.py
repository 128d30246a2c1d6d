"""The ways into the hub that the demonstration makes: a link for each role, which signs in once, and keys."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec
from rich.console import Console

from hub.demo.driver import Place
from hub.demo.plan import Merchant
from tenants.messages import Role
from tenants.people.links import service as links
from tenants.people.messages import Owner, Profile

ACTOR = "demo"


class Door(msgspec.Struct, frozen=True, kw_only=True):
    """A way into the hub for one role: where it leads, and what opens it.

    `sign_in` is a link that opens it once by itself; without one, the key is typed.
    """

    role: str
    name: str
    href: str
    key: str = ""
    sign_in: str = ""


def of_keys(hub: str, key: str, plan: Sequence[Merchant], places: Mapping[str, Place]) -> tuple[Door, ...]:
    """Return the doors that open with an API key."""
    doors = [Door(role=Role.PLATFORM, name="API reference", href=f"{hub}/reference", key=key)]
    for merchant in plan:
        place = places[merchant.tenant]
        app = f"{hub}/apps/warehouse_app/"
        doors.append(Door(role=Role.ACCOUNT, name=merchant.name, href=hub, key=place.account_key))
        doors.append(Door(role=Role.WAREHOUSE, name=merchant.warehouse, href=app, key=place.warehouse_key))
    return tuple(doors)


async def of_people(plan: Sequence[Merchant], places: Mapping[str, Place], *, address: str) -> tuple[Door, ...]:
    """Let in one person of every role, and return the doors with their links; needs a runtime around it."""
    first = places[plan[0].tenant]
    account = Owner(account_id=UUID(first.account_id))
    warehouse = Owner(warehouse_id=UUID(first.warehouse_id))
    logistics = next(merchant for merchant in plan if places[merchant.tenant].partner_id)
    partner = Owner(partner_id=UUID(places[logistics.tenant].partner_id))
    staff = (
        (Role.SUPPORT_ADMIN, Owner(), "The platform"),
        (Role.SUPPORT_AGENT, Owner(), "The platform"),
        (Role.AUDITOR, Owner(), "The platform"),
        (Role.ACCOUNT_ADMIN, account, plan[0].name),
        (Role.ACCOUNT_VIEWER, account, plan[0].name),
        (Role.PARTNER_ADMIN, partner, logistics.warehouse),
        (Role.PARTNER_OPERATOR, partner, logistics.warehouse),
        (Role.WAREHOUSE_OPERATOR, warehouse, plan[0].warehouse),
    )
    return tuple([await _door(role, owner, at, address) for role, owner, at in staff])


async def _door(role: Role, owner: Owner, at: str, address: str) -> Door:
    words = role.replace("_", " ")
    profile = Profile(name=words.capitalize(), time_zone="Europe/Amsterdam")
    email = f"{role.replace('_', '-')}@demo.example"
    link = await links.let_in(email, profile, role, owner, address=address, actor=ACTOR)
    return Door(role=role, name=at, href=address, sign_in=link)


def show(doors: Sequence[Door], console: Console, *, hub: str, vendor: str) -> None:
    """Print every way in."""
    console.print(f"\nThe hub stays up at {hub} until you press Ctrl-C; the sandbox is at {vendor}.", soft_wrap=True)
    console.print(
        "Each of these links signs somebody in once, within a day; people of the platform then set a second factor up:",
        soft_wrap=True,
    )
    for door in doors:
        if door.sign_in:
            _print(console, door, door.sign_in)
    console.print("Programs and terminals come in by key:")
    for door in doors:
        if door.key:
            _print(console, door, f"{door.href}   key   {door.key}")


def _print(console: Console, door: Door, opens: str) -> None:
    role = door.role.replace("_", " ")
    console.print(f"  {role:<19} {door.name:<21} {opens}", soft_wrap=True, highlight=False, markup=False)
