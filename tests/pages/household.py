"""A hub with people of every role, and with something to see on each of their pages."""

from typing import Any
from uuid import UUID

import msgspec

from hub.kit import clock, crypto, db
from hub.kit.ids import new_id
from tenants.impersonation import service as impersonation
from tenants.impersonation.messages import NewImpersonation
from tenants.messages import NewPartner, NewWarehouse, ReceivingOption, Role
from tenants.people import engine
from tenants.people import queries as people_queries
from tenants.people import service as people
from tenants.people.devices import service as devices
from tenants.people.devices.messages import NewDevice, NewOperator
from tenants.people.links import queries as links_queries
from tenants.people.links import service as links
from tenants.people.messages import Language, NewInvitation, Owner, Post, Profile, Purpose
from tenants.people.sessions import engine as engine_of_sessions
from tenants.people.sessions import service as sessions
from tenants.people.sessions.messages import Method, Origin
from tenants.service import create_partner, create_warehouse
from tests.pages.visiting import guest, path_of, user
from tests.support.people import somebody
from tests.support.staff import staff
from tests.support.world import Shop, World

LONG = "Gesellschaft für Rücksendungen & Söhne <b>mbH</b>"
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
BY = somebody(Role.SUPPORT_ADMIN)
APP = "/apps/warehouse_app"
# What somebody opens who is signed in, whatever their role.
OWN = ("/", "/account", "/preferences", "/memberships")
SEES_PEOPLE = {
    Role.SUPPORT_ADMIN, Role.SUPPORT_AGENT, Role.AUDITOR, Role.ACCOUNT_ADMIN, Role.ACCOUNT_VIEWER, Role.PARTNER_ADMIN,
}  # fmt: skip
LANGUAGES = {
    Role.SUPPORT_AGENT: Language.DUTCH, Role.ACCOUNT_ADMIN: Language.GERMAN, Role.PARTNER_ADMIN: Language.FRENCH,
}  # fmt: skip


class Visit(msgspec.Struct, kw_only=True):
    """Somebody with their cookies, and what they open besides what the navigation leads them to."""

    name: str
    cookies: dict[str, str] = {}
    addresses: list[str]


class House:
    """Everybody of one merchant, one partner and the platform."""

    def __init__(self, world: World, shop: Shop, application: Any) -> None:
        self._world, self._shop, self._application = world, shop, application
        self._partner_id = shop.account

    async def furnish(self) -> None:
        """Put people, devices, a provider and a parcel there."""
        made = await create_partner(NewPartner(name=LONG), actor="test")
        places = [
            NewWarehouse(name="Kade 4, Antwerp", receiving_option=ReceivingOption.PARTNER_APP, partner_id=made.id),
            NewWarehouse(
                name="Own", receiving_option=ReceivingOption.MERCHANT_WAREHOUSE, account_id=self._shop.account
            ),
        ]
        theirs, own = [(await create_warehouse(each, actor="test")).id for each in places]
        await staff(theirs, field="partner_id", owner=made.id)
        await staff(own, field="account_id", owner=self._shop.account)
        self._partner_id = made.id

    async def strangers(self) -> list[Visit]:
        """Return who is not in yet, or half-way, with links of every kind."""
        invited = await people.invite(NewInvitation(email="x@y.example", role=Role.AUDITOR), Post(address=""), by=BY)
        profile = Profile(name=LONG)
        link = await links.let_in("half@people.example", profile, Role.AUDITOR, Owner(), address="", actor="test")
        async with db.transaction(db.PLATFORM):
            half = await people_queries.user_by_email("half@people.example")
            assert half is not None
            token = await sessions.begin(Origin(), Method.LINK, user_id=half.id)
        addresses = ["/", "/preferences", "/sign-in", "/sign-in/key", "/sign-in/passkey", "/forgot-password"]
        own = [link, await self._new_password(half.id), invited.link or "", await self._enrolment(), "/nowhere"]
        return [
            Visit(name="stranger", addresses=addresses + own),
            Visit(name="half-way", cookies={"hub_signed_in": token}, addresses=["/", "/account/authenticator"]),
        ]

    async def _new_password(self, user_id: UUID) -> str:
        token = crypto.new_key("link")
        now = clock.now()
        async with db.transaction(db.PLATFORM):
            await links_queries.add_link(
                token.digest, user_id, Purpose.PASSWORD, now, now + links.PASSWORD_LASTS, mailed=True
            )
        return f"/new-password/{token.plain.reveal()}"

    async def _enrolment(self) -> str:
        new = NewDevice(warehouse_id=self._shop.warehouse, name="Terminal 4")
        return path_of((await devices.add_device(new, address="http://hub", by=BY)).link)

    async def people(self) -> list[Visit]:
        """Return somebody of every role, some in other languages, and support that looks with the merchant's eyes."""
        account, partner = {"account_id": self._shop.account}, {"partner_id": self._partner_id}
        owners: dict[Role, dict[str, UUID]] = {
            Role.ACCOUNT_ADMIN: account,
            Role.ACCOUNT_VIEWER: account,
            Role.PARTNER_ADMIN: partner,
            Role.PARTNER_OPERATOR: partner,
            Role.WAREHOUSE_OPERATOR: {"warehouse_id": self._shop.warehouse},
        }
        found = [await self._person(role, **owners.get(role, {})) for role in engine.ROLES]
        return [*found, await self._looking()]

    async def _person(self, role: Role, **owner: UUID) -> Visit:
        made = await user(email_of(role), role, password=None, **owner)
        await people.change_profile(made.id, Profile(name=LONG, locale=LANGUAGES.get(role, Language.ENGLISH)))
        async with db.transaction(db.PLATFORM):
            (member,) = await people_queries.memberships(made.id)
            token = await sessions.begin(Origin(agent=AGENT), Method.PASSKEY, user_id=made.id, strong=True)
            if role is Role.ACCOUNT_VIEWER:
                # The header has something to choose from.
                another = Owner(partner_id=self._partner_id)
                await people_queries.add_membership(new_id(), made.id, Role.PARTNER_ADMIN, another, clock.now())
        addresses = [*OWN, f"/people/{member.id}"] if role in SEES_PEOPLE else [*OWN]
        if role is Role.WAREHOUSE_OPERATOR:
            goods = {"SHIRT": 2, "A-LONG-PRODUCT-NUMBER-WITHOUT-A-BREAK": 1}
            parcel = await self._world.channel_return(self._shop, "O-1", goods)
            addresses += [f"{APP}/returns/{parcel.number}", f"{APP}/scan?number=R0000000000"]
        return Visit(name=role, cookies={"hub_signed_in": token}, addresses=addresses)

    async def _looking(self) -> Visit:
        made = await user("looking@people.example", Role.SUPPORT_AGENT, password=None)
        async with db.transaction(db.PLATFORM):
            token = await sessions.begin(Origin(), Method.PASSKEY, user_id=made.id, strong=True)
        session = await sessions.find(token, None)
        by = engine_of_sessions.principal(session) if session else None
        assert session is not None
        assert by is not None
        new = NewImpersonation(account_id=self._shop.account, reason="They called us: a return of March is missing")
        begun = await impersonation.begin(new, by)
        looking = await sessions.look(session, begun.id)
        return Visit(name="impersonating", cookies={"hub_signed_in": looking.reveal()}, addresses=["/", "/account"])

    async def terminals(self) -> list[Visit]:
        """Return a shared terminal, before and after its operator signed in."""
        new = NewOperator(warehouse_id=self._shop.warehouse, name=LONG, pin="4821")
        operator = await devices.add_operator(new, self._world.hub.keyring, by=BY)
        held = await devices.enrol((await self._enrolment()).rpartition("/")[2])
        device = await devices.device_of(held)
        assert device is not None
        async with db.transaction(db.PLATFORM):
            token = await sessions.begin(Origin(), Method.PIN, operator_id=operator.id, device_id=device.id)
        waits, works = {"hub_device": held}, {"hub_device": held, "hub_signed_in": token}
        return [
            Visit(name="terminal", cookies=waits, addresses=["/pin"]),
            Visit(name="operator", cookies=works, addresses=["/", APP]),
        ]

    async def keys(self) -> list[Visit]:
        """Return browsers into which somebody pasted a key, one of each kind."""
        return [
            await self._key(Role.PLATFORM),
            await self._key(Role.ACCOUNT, account_id=self._shop.account),
            await self._key(Role.PARTNER, partner_id=self._partner_id),
            await self._key(Role.WAREHOUSE, warehouse_id=self._shop.warehouse),
        ]

    async def _key(self, role: Role, **owner: UUID) -> Visit:
        browser = guest(self._world.hub, self._application)
        await browser.go("/sign-in/key")
        await browser.send("/sign-in/key", key=await self._world.api_key(role, **owner))
        held = {str(cookie.name): str(cookie.value) for cookie in browser.client.cookies.jar}
        await browser.client.aclose()
        return Visit(name=f"key-of-{role}", cookies=held, addresses=["/"])


def email_of(role: Role) -> str:
    """Return the address of the one in this role."""
    return f"{role.replace('_', '-')}@people.example"
